"""`python -m embedded_aws`: run an instance in the foreground."""

import argparse
import socket
import sys
from pathlib import Path

from embedded_aws import quick_start
from embedded_aws.cloudformation.cloud_assembly import Assembly, DeploymentError
from embedded_aws.guard import ChangedSymbolError
from embedded_aws.instance import DEFAULT_PORT, InstanceError, find


def main() -> int:
    """Read the command line and serve. What went wrong is the last line printed, and the status is then 1."""
    parser = argparse.ArgumentParser(prog="python -m embedded_aws", description=sys.modules["embedded_aws"].__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one")
    parser.add_argument("--data", type=Path, required=True, help="directory for all that the instance keeps")
    parser.add_argument(
        "--cloud-assembly",
        type=Path,
        default=Path("cdk.out"),
        help="what `cdk synth` wrote; - reads where from standard input",
    )
    options = parser.parse_args()
    try:
        assembly = _told if str(options.cloud_assembly) == "-" else Assembly.read(options.cloud_assembly)
        _check(options.port, options.data)
        quick_start.prepare()
        # Takes a second to import, which nothing that stops above should have to wait for.
        from embedded_aws.server import serve  # noqa: PLC0415

        serve(options.port, options.data, assembly)
    except (DeploymentError, InstanceError, ChangedSymbolError) as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    except OSError as error:
        print(f"{options.data} cannot be used: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


def _told() -> Assembly:
    line = sys.stdin.readline().strip()
    if not line:
        raise InstanceError("whoever started the embedded AWS ended before saying what to deploy")
    return Assembly.read(Path(line))


def _check(port: int, data: Path) -> None:
    if running := find(data):
        raise InstanceError(f"an embedded AWS already runs on {running.data} (port {running.port})")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if port and probe.connect_ex(("127.0.0.1", port)) == 0:
            raise InstanceError(f"port {port} is taken; choose another with --port")


if __name__ == "__main__":
    sys.exit(main())
