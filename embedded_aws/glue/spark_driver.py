"""Becomes a Spark job's driver: starts the JVM, waits until it listens, and turns into the job's Python script.

Run as a script of its own, with the standard library alone: `spark_driver.py DIRECTORY SCRIPT [ARGUMENT]... -- JVM...`.
The script's output stays apart from the JVM's logging, and its end is the JVM's, which watches its standard input.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

_POLL_SECONDS = 0.01
JVM_PID = "jvm.pid"


def main(directory: Path, script: list[str], jvm: list[str]) -> None:
    """Start `jvm` and become `script`; ends as the JVM does if it fails to start."""
    connection = directory / "gateway"
    reading, writing = os.pipe()
    process = subprocess.Popen(
        jvm, stdin=reading, env={**os.environ, "_PYSPARK_DRIVER_CONN_INFO_PATH": str(connection)}
    )
    os.close(reading)
    (directory / JVM_PID).write_text(str(process.pid))
    while not connection.exists():
        if process.poll() is not None:
            sys.exit(process.returncode or 1)
        time.sleep(_POLL_SECONDS)
    # What PySpark's own launcher would have read: a port, and a secret after its length.
    content = connection.read_bytes()
    port, length = int.from_bytes(content[:4], "big"), int.from_bytes(content[4:8], "big")
    secret = content[8 : 8 + length].decode()
    # Inherited by the script, so that the JVM's input ends when the script does.
    os.set_inheritable(writing, True)
    environment = {**os.environ, "PYSPARK_GATEWAY_PORT": str(port), "PYSPARK_GATEWAY_SECRET": secret}
    os.execve(sys.executable, [sys.executable, *script], environment)  # noqa: S606  (no shell is the point)


if __name__ == "__main__":
    words = sys.argv[1:]
    cut = words.index("--")
    main(Path(words[0]), words[1:cut], words[cut + 1 :])
