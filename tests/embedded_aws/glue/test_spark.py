"""A script has a Spark as soon as it asks for one, and that soon."""

import os
import shlex
import shutil
import tempfile
from pathlib import Path

import pytest

from embedded_aws.glue import spark


@pytest.fixture(autouse=True)
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Python installation without an archive."""
    if not shutil.which("java"):
        pytest.skip("needs Java")
    monkeypatch.setattr(spark.sys, "prefix", str(tmp_path))
    return tmp_path


def archive_of(installation: Path) -> list[str]:
    home = Path(spark.prepare({}, Path(tempfile.mkdtemp(dir=installation)))["SPARK_HOME"])
    words = shlex.split((home / "bin/spark-submit").read_text())
    return [word for word in words if word.startswith("-XX:SharedArchiveFile=")]


def test_spark_runs_without_an_archive_until_one_was_made(installation: Path) -> None:
    assert archive_of(installation) == []
    spark._archive_path().write_bytes(b"made")
    assert archive_of(installation) == [f"-XX:SharedArchiveFile={spark._archive_path()}"]
    assert spark.make_archive().read_bytes() == b"made"


def test_a_jobs_jars_are_on_the_class_path_behind_sparks(installation: Path) -> None:
    directory = Path(tempfile.mkdtemp(dir=installation))
    home = Path(spark.prepare({}, directory, jars=[Path("/jars/one.jar"), Path("/jars/two.jar")])["SPARK_HOME"])
    words = shlex.split((home / "bin/spark-submit").read_text())
    first, *others = words[words.index("-cp") + 1].split(os.pathsep)
    assert first.endswith("/pyspark/jars/*")
    assert others == ["/jars/one.jar", "/jars/two.jar"]


def test_an_archive_of_other_jars_is_not_used(installation: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jars = installation / "pyspark" / "jars"
    jars.mkdir(parents=True)
    (jars / "one.jar").write_bytes(b"1")
    monkeypatch.setattr(spark, "_home", lambda: installation / "pyspark")
    spark._archive_path().write_bytes(b"made")
    os.utime(jars / "one.jar", ns=(0, 0))
    assert archive_of(installation) == []


def test_an_archive_that_cannot_be_made_is_told_in_one_line(
    installation: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(spark, "_java", lambda _: ["/bin/sh", "-c", "echo no memory >&2; exit 3"])
    assert spark._main() == 1
    assert capsys.readouterr().err == (
        "Spark will start more slowly: no archive of its classes could be made: "
        "a small job ended with exit code 1: no memory\n"
    )
