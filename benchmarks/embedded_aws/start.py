"""How long an embedded AWS takes from nothing to every stack deployed, beside moto's own server, which deploys nothing.

`python -m benchmarks.embedded_aws.start [--repeat N] [--cloud-assembly cdk.out]`; synthesize first (`make synth`).
Printed are medians of wall seconds, and the instance's own account of its CPU seconds.
"""

import argparse
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from embedded_aws import instance


def start_instance(assembly: Path) -> tuple[float, dict[str, float]]:
    """Wall seconds until an instance on an empty directory is ready, and CPU seconds of its parts."""
    with tempfile.TemporaryDirectory() as data:
        started = time.perf_counter()
        running = instance.start(Path(data), 0, assembly)
        seconds = time.perf_counter() - started
        cpu = running.readiness()["cpu_seconds"]
        instance.stop(Path(data))
    return seconds, cpu


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
    """Measure both in turn and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--cloud-assembly", type=Path, default=Path("cdk.out"))
    options = parser.parse_args()
    ours, theirs = [], []
    cpu: dict[str, float] = {}
    for _ in range(options.repeat):
        seconds, cpu = start_instance(options.cloud_assembly)
        ours.append(seconds)
        theirs.append(start_moto())
    own, peer = statistics.median(ours), statistics.median(theirs)
    print(f"every stack deployed   {own:6.2f} s   (fastest {min(ours):.2f}; CPU of its parts: {cpu})")
    print(f"moto's server, empty   {peer:6.2f} s   ratio {own / peer:.2f}")


if __name__ == "__main__":
    main()
