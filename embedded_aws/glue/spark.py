"""Local Spark as a Glue job meets it: what a script finds when it asks for a session, and what makes that fast.

`python -m embedded_aws.glue.spark` makes, once for an installation, an archive of the loaded classes of the JVM, with
which a session opens in a little more than half the time.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import psutil

_JVM_PID = "jvm.pid"
_LARGEST_HEAP_MIB = 4096
_ARCHIVE = "spark-classes-{}.jsa"
_ARCHIVE_SECONDS = 120
# What Spark's own launcher gives every JVM of version 17 (org.apache.spark.launcher.JavaModuleOptions).
_OPENED = (
    *("java.io", "java.lang", "java.lang.invoke", "java.lang.reflect", "java.net", "java.nio", "java.util"),
    *("java.util.concurrent", "java.util.concurrent.atomic", "sun.nio.ch", "sun.nio.cs", "sun.security.action"),
    "sun.util.calendar",
)
_LOGGING = """\
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yy/MM/dd HH:mm:ss} %p %c{1}: %m%n%ex
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
"""


class SparkUnavailableError(RuntimeError):
    """Spark cannot run on this machine; the message says what is missing."""


def prepare(
    settings: Mapping[str, str], directory: Path, *, jars: Sequence[Path] = (), flags: Sequence[str] = ()
) -> dict[str, str]:
    """The environment in which a script gets a Spark of its own on this machine's cores, once it asks for one.

    `settings` are Spark's, added to ours; `directory` is the run's own; `jars` are on the class path, behind Spark's;
    `flags` are for the JVM, by default those that make it start fast. SparkUnavailableError when there is no Java.
    """
    logging = directory / "log4j2.properties"
    logging.write_text(_LOGGING)
    local, home = directory / "spark", directory / "spark-home"
    local.mkdir(exist_ok=True)
    conf = {
        "spark.master": f"local[{os.cpu_count() or 1}]",
        "spark.ui.enabled": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": str(directory / "warehouse"),
        "spark.sql.shuffle.partitions": str(os.cpu_count() or 1),
        **settings,
    }
    java = [
        *_java(jars),
        *(flags or _archived()),
        f"-Dlog4j2.configurationFile={logging}",
        f"-Djava.io.tmpdir={local}",
        "org.apache.spark.deploy.SparkSubmit",
        *(word for name, value in conf.items() for word in ("--conf", f"{name}={value}")),
    ]
    # PySpark starts the JVM by this name, with what the script has set, and passes on its end through standard input.
    submit = home / "bin" / "spark-submit"
    submit.parent.mkdir(parents=True, exist_ok=True)
    for name in ("jars", "python"):
        (home / name).symlink_to(_home() / name)
    submit.write_text(f'#!/bin/sh\necho $$ >{shlex.quote(str(directory / _JVM_PID))}\nexec {shlex.join(java)} "$@"\n')
    submit.chmod(0o755)
    return {
        "SPARK_LOCAL_DIRS": str(local),
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONUNBUFFERED": "1",
    }


def make_archive() -> Path:
    """Run a small job and keep the classes that it loaded; returns the archive's place. About 15 seconds, once.

    SparkUnavailableError, OSError or subprocess.TimeoutExpired when it cannot be made; Spark runs without it too.
    """
    target = _archive_path()
    if target.exists():
        return target
    for outdated in target.parent.glob(_ARCHIVE.format("*")):
        outdated.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        directory = Path(name)
        script = directory / "job.py"
        script.write_text(
            "from pyspark.sql import SparkSession\n"
            "spark = SparkSession.builder.getOrCreate()\n"
            "print(spark.sparkContext.parallelize(range(4), 2).map(lambda x: (x, str(x))).collect())\n"
            "print(spark.createDataFrame([(1, 'a'), (2, 'b')], ['x', 'y']).groupBy('y').count().collect())\n"
        )
        made = directory / "classes.jsa"
        own = {
            **os.environ,
            **prepare({}, directory, flags=[f"-XX:ArchiveClassesAtExit={made}", "-Xlog:all=off"]),
        }
        ended = subprocess.run(
            [sys.executable, str(script)],
            check=False,
            cwd=directory,
            env=own,
            capture_output=True,
            text=True,
            timeout=_ARCHIVE_SECONDS,
        )
        if ended.returncode:
            # What the JVM said stands before what Python makes of its end.
            said = ended.stderr.partition("Traceback (most recent call last)")[0].strip() or ended.stderr.strip()
            *_, reason = ["", *said.splitlines()]
            raise SparkUnavailableError(f"a small job ended with exit code {ended.returncode}: {reason}")
        _wait_for_end(int((directory / _JVM_PID).read_text()))
        made.replace(target)
    return target


def _wait_for_end(pid: int) -> None:
    """The JVM outlives the script while it writes what it has loaded."""
    deadline = time.monotonic() + _ARCHIVE_SECONDS
    while time.monotonic() < deadline and psutil.pid_exists(pid):
        if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.1)


def _java(jars: Sequence[Path]) -> list[str]:
    heap = min(_LARGEST_HEAP_MIB, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // (4 << 20))
    return [
        _java_binary(),
        f"-Xmx{heap}m",
        # Short jobs: the first compiler alone and the simplest collector start soonest.
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "-XX:+IgnoreUnrecognizedVMOptions",
        "-Djdk.reflect.useDirectMethodHandle=false",
        *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED),
        "-cp",
        os.pathsep.join([f"{_home()}/jars/*", *map(str, jars)]),
    ]


@lru_cache
def _java_binary() -> str:
    candidates = [Path(os.environ["JAVA_HOME"], "bin", "java")] if "JAVA_HOME" in os.environ else []
    candidates += [Path(found)] if (found := shutil.which("java")) else []
    for candidate in candidates:
        if candidate.exists():
            return str(candidate.resolve())
    raise SparkUnavailableError("Spark needs a Java runtime: no java on PATH and no JAVA_HOME")


@lru_cache
def _home() -> Path:
    spec = find_spec("pyspark")
    if spec is None or not spec.origin:
        raise SparkUnavailableError("Spark needs the Python package pyspark (extra `lake`)")
    return Path(spec.origin).parent


def _archived() -> list[str]:
    path = _archive_path()
    return [f"-XX:SharedArchiveFile={path}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"] if path.exists() else []


def _archive_path() -> Path:
    """One archive for each Java and set of jars, in the Python installation; the JVM refuses one made for others."""
    java = Path(_java_binary())
    files = [java, *sorted((_home() / "jars").glob("*.jar"))]
    listing = "\n".join(f"{file} {(found := file.stat()).st_size} {found.st_mtime_ns}" for file in files)
    return Path(sys.prefix) / _ARCHIVE.format(hashlib.sha256(listing.encode()).hexdigest()[:16])


def _main() -> int:
    try:
        make_archive()
    except (SparkUnavailableError, OSError, subprocess.TimeoutExpired) as error:
        sys.stderr.write(f"Spark will start more slowly: no archive of its classes could be made: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())
