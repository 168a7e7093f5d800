"""What a query of a release sees, whatever is loaded since."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from genomics.contracts import object_keys
from genomics.contracts.codec import dumps
from genomics.contracts.loads import LoadRequest
from genomics.contracts.tables import LOOKUPS, TABLES
from glue_jobs.variants.options import VariantsOptions
from glue_jobs.variants.tasks import Task, TaskResult
from glue_jobs.variants.transform import LoadError, load
from glue_jobs.vcf.reader import ranges

_ALL = [table.name for table in (*TABLES, *LOOKUPS)]
_HEADER = """##fileformat=VCFv4.2
##FORMAT=<ID=GT,Number=1,Type=String,Description="">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1
"""


def vcf(records: int) -> bytes:
    lines = [f"chr{1 + i % 2}\t{i + 1}\trs{i}\tA\tC\t.\t.\t.\tGT\t0/1\n" for i in range(records)]
    return (_HEADER + "".join(lines) + "chr1\there\t.\tA\tC\t.\t.\t.\tGT\t0/1\n").encode()


def no_spark(tasks: Sequence[Task]) -> list[TaskResult]:
    raise AssertionError(f"{len(tasks)} tasks are too few for Spark")


def put(lake: Any, records: int) -> None:
    """Load a version of study/S: so many records."""
    list(load(no_spark, lake.options(lake.put("study/S", vcf(records), f"{records}.vcf"))))


def ask(lake: Any, **what: Any) -> list[str]:
    """Have the job make, or change, a release."""
    key = object_keys.load_request("release")
    lake.s3.put_object(Bucket=lake.bucket, Key=key, Body=dumps(LoadRequest("release", (), **what)).encode())
    return list(load(no_spark, VariantsOptions(f"s3://{lake.bucket}/{key}", lake.database, lake.bucket)))


def seen(lake: Any, release: str = "") -> dict[str, list[str]]:
    """What a query sees of each table, or of each table's release."""
    found = {}
    for name in _ALL:
        rows = lake.rows(f"{name}_releases") if release else lake.rows(name)
        ours = [row for row in rows if row.pop("release", "") == release]
        found[name] = sorted(str(sorted(row.items())) for row in ours)
    return found


def test_a_release_is_seen_as_it_was_once_another_version_is_loaded(lake: Any) -> None:
    put(lake, 30)
    first = seen(lake)
    assert len(first["variants"]) == 30
    (line,) = ask(lake, release="freeze-1", pin=("study/S",))
    assert line.startswith("study/S: is part of freeze-1, as loaded from s3://")
    assert seen(lake, "freeze-1") == first
    put(lake, 50)
    assert len(seen(lake)["variants"]) == 50
    assert seen(lake, "freeze-1") == first
    ask(lake, release="freeze-2", pin=("study/S",))
    put(lake, 4)
    assert seen(lake, "freeze-1") == first
    assert len(seen(lake, "freeze-2")["variants"]) == 50


def test_making_a_release_copies_nothing_and_again_changes_nothing(lake: Any) -> None:
    put(lake, 30)
    files = lake.keys(object_keys.TABLES)
    for _ in range(2):
        ask(lake, release="freeze-1", pin=("study/S",))
        assert lake.keys(object_keys.TABLES) == files
        assert seen(lake, "freeze-1") == seen(lake)


def test_what_leaves_a_release_leaves_its_files_too(lake: Any) -> None:
    put(lake, 30)
    ask(lake, release="freeze-1", pin=("study/S",))
    put(lake, 50)
    assert ask(lake, release="freeze-1", unpin=("study/S",)) == ["study/S: is no longer part of freeze-1"]
    assert not any(seen(lake, "freeze-1").values())
    assert lake.keys(object_keys.TABLES) == sorted(k for keys in lake.manifest("study/S").files.values() for k in keys)
    assert lake.keys(f"{object_keys.LOADS}releases/") == []


def test_compaction_leaves_the_files_of_a_release(lake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("glue_jobs.variants.plans.ranges", lambda found, file, _: ranges(found, file, found.size // 4))
        put(lake, 40)
    before = seen(lake)
    ask(lake, release="freeze-1", pin=("study/S",))
    ask(lake, compact=("study/S",))
    assert len(lake.manifest("study/S").files["variants"]) == 2
    assert seen(lake) == seen(lake, "freeze-1") == before


def test_a_name_stays_with_the_load_that_it_was_given_to(lake: Any) -> None:
    put(lake, 30)
    ask(lake, release="freeze-1", pin=("study/S",))
    first = seen(lake, "freeze-1")
    put(lake, 50)
    with pytest.raises(
        LoadError, match="study/S: release freeze-1 has an earlier load of it; give the new one another"
    ):
        ask(lake, release="freeze-1", pin=("study/S",))
    assert seen(lake, "freeze-1") == first


def test_a_failed_reload_of_what_is_pinned_leaves_it(lake: Any) -> None:
    put(lake, 30)
    ask(lake, release="freeze-1", pin=("study/S",))
    first = seen(lake, "freeze-1")
    put(lake, 50)
    source = lake.put("study/S", vcf(30), "again.vcf")
    damaged = vcf(30).replace(b"rs1\t", b"rs9\t")
    lake.s3.put_object(Bucket=lake.bucket, Key=object_keys.parse(source.vcf.uri)[1], Body=damaged)
    with pytest.raises(LoadError, match="its SHA-256 is"):
        list(load(no_spark, lake.options(source)))
    assert {name: len(rows) for name, rows in seen(lake, "freeze-1").items()} == {n: len(r) for n, r in first.items()}


def test_what_is_not_loaded_is_named_and_the_rest_pinned(lake: Any) -> None:
    put(lake, 3)
    with pytest.raises(LoadError, match="study/X: is not loaded; load it, then make a release of it"):
        ask(lake, release="freeze-1", pin=("study/X", "study/S"))
    assert len(seen(lake, "freeze-1")["variants"]) == 3


@pytest.mark.parametrize("name", ["", "a/b", "-x", "x" * 65])
def test_a_release_needs_a_name_that_can_stand_in_a_key(name: str) -> None:
    with pytest.raises(ValueError, match="is not a name such as freeze-1"):
        replace(LoadRequest("r", ()), release=name, pin=("study/S",))
