"""Many small files become few; what a query sees stays the same, at any time."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from genomics.contracts import object_keys
from genomics.contracts.codec import dumps
from genomics.contracts.loads import LoadRequest, LoadSource
from genomics.contracts.tables import LOOKUPS, TABLES
from glue_jobs.variants import compaction
from glue_jobs.variants.catalog import Catalog
from glue_jobs.variants.options import VariantsOptions
from glue_jobs.variants.tasks import Task, TaskResult
from glue_jobs.variants.transform import load, run_alone
from glue_jobs.vcf.reader import ranges

_ALL = [table.name for table in (*TABLES, *LOOKUPS)]
_HEADER = """##fileformat=VCFv4.2
##FORMAT=<ID=GT,Number=1,Type=String,Description="">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2
"""


def unneeded(tasks: Sequence[Task]) -> list[TaskResult]:
    raise AssertionError(f"{len(tasks)} tasks are too few for Spark")


@pytest.fixture
def source(lake: Any, monkeypatch: pytest.MonkeyPatch) -> LoadSource:
    """Loaded, in five ranges."""
    lines = [f"chr{1 + i // 60}\t{i + 1}\trs{i}\tA\tC\t.\t.\t.\tGT\t0/1\t./{i % 2}\n" for i in range(100)]
    lines[50] = lines[10] = "chr1\thalf a line\n"
    found: LoadSource = lake.put("study/S", (_HEADER + "".join(lines)).encode(), "calls.vcf")
    with monkeypatch.context() as patch:
        patch.setattr(
            "glue_jobs.variants.plans.ranges", lambda object_, file, _: ranges(object_, file, -(-object_.size // 5))
        )
        list(load(unneeded, lake.options(found)))
    return found


def ask(lake: Any, *datasets: str) -> VariantsOptions:
    """What the job is told to compact datasets."""
    key = object_keys.run_document("compaction", "load.json")
    lake.s3.put_object(Bucket=lake.bucket, Key=key, Body=dumps(LoadRequest("compaction", (), datasets)).encode())
    return VariantsOptions(f"s3://{lake.bucket}/{key}", lake.database, lake.bucket)


def seen(lake: Any) -> dict[str, list[str]]:
    """What a query sees of each table."""
    return {name: sorted(str(sorted(row.items())) for row in lake.rows(name)) for name in _ALL}


def test_each_partition_has_one_file_and_the_same_rows_in_their_order(lake: Any, source: LoadSource) -> None:
    before, manifest = seen(lake), lake.manifest("study/S")
    files = {name: len(keys) for name, keys in manifest.files.items()}
    assert files["variants"] == files["genotypes_by_location"] == 5
    many, few = files["variants"] * 2 + files["rejects"], 2 + 2 + 1
    asked: list[Task] = []

    def run_all(tasks: Sequence[Task]) -> list[TaskResult]:
        asked.extend(tasks)
        return run_alone(tasks)

    options = replace(ask(lake, "study/S"), alone_kib=0)
    assert list(load(run_all, options)) == [f"study/S: compacted {many} files to {few}"]
    assert len(asked) == few
    assert seen(lake) == before
    assert [row["pos"] for row in lake.rows("variants")] == [i + 1 for i in range(100) if i not in (10, 50)]
    after = lake.manifest("study/S")
    assert {name: len(keys) for name, keys in after.files.items() if keys} == {
        "variants": 2, "genotypes": 2, "rejects": 1, "genotypes_by_location": 2, "variant_ids": 1,
    }  # fmt: skip
    assert (after.rows, after.source) == (manifest.rows, source.vcf)
    assert sorted(key for keys in after.files.values() for key in keys) == lake.keys(object_keys.TABLES)


def test_what_is_compact_stays_as_it_is(lake: Any, source: LoadSource) -> None:
    list(load(unneeded, ask(lake, "study/S")))
    keys = lake.keys(object_keys.TABLES)
    assert list(load(unneeded, ask(lake, "study/S"))) == ["study/S: has no small files to compact"]
    assert list(load(unneeded, lake.options(source))) == [f"study/S: already loaded from {source.vcf.uri}"]
    assert lake.keys(object_keys.TABLES) == keys
    assert list(load(unneeded, ask(lake, "other"))) == ["other: is not loaded; load it, then compact it"]


def test_files_grow_to_a_limit(lake: Any, source: LoadSource, monkeypatch: pytest.MonkeyPatch) -> None:
    before = seen(lake)
    sizes = [lake.s3.head_object(Bucket=lake.bucket, Key=key)["ContentLength"] for key in lake.keys("tables/variants/")]
    monkeypatch.setattr(compaction, "_LARGE_BYTES", 2 * max(sizes))
    list(load(unneeded, ask(lake, "study/S")))
    assert len(lake.manifest("study/S").files["variants"]) == 3
    assert seen(lake) == before


@pytest.mark.parametrize(("commits", "is_asked_again"), [(1, False), (3, True)])
def test_one_that_is_interrupted_loses_nothing(
    lake: Any, source: LoadSource, monkeypatch: pytest.MonkeyPatch, commits: int, is_asked_again: bool
) -> None:
    before, point, done = seen(lake), Catalog.point, []

    def fail(*arguments: Any) -> None:
        if len(done) == commits:
            raise ConnectionError("the driver was lost")
        done.append(arguments)
        point(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Catalog, "point", fail)
        with pytest.raises(ConnectionError):
            list(load(unneeded, ask(lake, "study/S")))
    assert seen(lake) == before
    list(load(unneeded, ask(lake, "study/S") if is_asked_again else lake.options(source)))
    assert seen(lake) == before
    kept = sorted(key for keys in lake.manifest("study/S").files.values() for key in keys)
    assert kept == lake.keys(object_keys.TABLES)
