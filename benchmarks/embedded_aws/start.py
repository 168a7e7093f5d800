"""How long an embedded AWS takes to every stack deployed, beside moto's own server, which deploys nothing.

From nothing, and as the command line does it: while `cdk synth` runs, the process imports what it needs.

`python -m benchmarks.embedded_aws.start [--repeat N] [--cloud-assembly cdk.out]`; synthesize first (`make synth`).
Printed are medians of wall seconds, and the instance's own account of what the last start went into.
"""

import argparse
import contextlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from embedded_aws import instance

# What a start beside synthesis may take, in seconds.
MOST_SECONDS = 3.0
# No synthesis takes less.
_SYNTHESIS_SECONDS = 5.0


def start_instance(assembly: Path, *, beside_synthesis: bool) -> tuple[float, dict[str, float]]:
    """Wall seconds until an instance on an empty directory is ready, and what it says they went into."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        data, warm = Path(name), None
        if beside_synthesis:
            warm = stack.enter_context(instance.warming_up(data, 0))
            time.sleep(_SYNTHESIS_SECONDS)
        started = time.perf_counter()
        running = instance.start(data, 0, assembly, warm=warm)
        seconds = time.perf_counter() - started
        parts = running.readiness()["seconds"]
        instance.stop(data)
    return seconds, parts


def start_moto() -> float:
    """Wall seconds until moto's server answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/", timeout=5):
                    return time.perf_counter() - started
            except OSError:
                time.sleep(0.01)
    finally:
        server.kill()
        server.wait()


def main() -> None:
    """Measure both in turn and print the ratio; ends with a line where a start beside synthesis takes too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--cloud-assembly", type=Path, default=Path("cdk.out"))
    options = parser.parse_args()
    cold, beside, theirs = [], [], []
    parts: dict[str, float] = {}
    if not (options.cloud_assembly / "manifest.json").exists():
        sys.exit(f"{options.cloud_assembly} holds no cloud assembly; run `make synth` first")
    for _ in range(options.repeat):
        cold.append(start_instance(options.cloud_assembly, beside_synthesis=False)[0])
        seconds, parts = start_instance(options.cloud_assembly, beside_synthesis=True)
        beside.append(seconds)
        theirs.append(start_moto())
    peer = statistics.median(theirs)
    print(f"moto's server, empty              {peer:6.2f} s")
    for name, measured in (("from nothing", cold), ("beside synthesis", beside)):
        own = statistics.median(measured)
        print(f"every stack, {name:20} {own:6.2f} s   fastest {min(measured):.2f}   ratio {own / peer:.2f}")
    print(f"what the last start went into, in seconds: {parts}")
    if (own := statistics.median(beside)) > MOST_SECONDS:
        sys.exit(f"beside synthesis a start takes {own:.2f} s, more than {MOST_SECONDS}")


if __name__ == "__main__":
    main()
