"""`python -m embedded_aws`: run an instance in the foreground."""

import argparse
import sys
from pathlib import Path

from embedded_aws.instance import DEFAULT_PORT
from embedded_aws.server import serve


def main() -> int:
    """Read the command line and serve; the exit status is not 0 when the instance could not be started."""
    parser = argparse.ArgumentParser(prog="python -m embedded_aws", description=sys.modules["embedded_aws"].__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one")
    parser.add_argument("--data", type=Path, required=True, help="directory for all that the instance keeps")
    parser.add_argument("--cloud-assembly", type=Path, default=Path("cdk.out"), help="what `cdk synth` wrote")
    options = parser.parse_args()
    return serve(options.port, options.data, options.cloud_assembly)


if __name__ == "__main__":
    sys.exit(main())
