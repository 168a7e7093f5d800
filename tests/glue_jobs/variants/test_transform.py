"""Loading, alone and through Spark: what a query sees before, during and after."""

import gzip
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genomics.contracts import object_keys
from genomics.contracts.tables import GENOTYPES_BY_LOCATION, LOOKUPS, TABLES
from glue_jobs.variants import commit as commit_module
from glue_jobs.variants import transform
from glue_jobs.variants.job import run_with_spark
from glue_jobs.variants.options import arguments
from glue_jobs.variants.plans import SourcePlan
from glue_jobs.variants.tasks import Task, TaskResult
from glue_jobs.variants.transform import LoadError, load, run_alone
from glue_jobs.vcf.sources import S3Source

_ROOT = Path(__file__).parents[3]
_HEADER = """##fileformat=VCFv4.2
##INFO=<ID=DP,Number=1,Type=Integer,Description="">
##INFO=<ID=NOTE,Number=1,Type=String,Description="">
##FORMAT=<ID=GT,Number=1,Type=String,Description="">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2
"""


def vcf(records: int = 300, contigs: tuple[str, ...] = ("chr1", "HLA-A*01:01"), depth: int = 30) -> bytes:
    """Records of two samples, neither sorted; every 100th is rejected."""
    lines = []
    for i in range(records):
        position = "here" if i % 100 == 99 else str(1000 - i)
        note = "n" * (i * 37 % 400)
        chrom = contigs[i % len(contigs)]
        name = f"rs{i}" if i % 2 else "."
        lines.append(f"{chrom}\t{position}\t{name}\tAT\tA,GT\t.\tPASS\tDP={depth};NOTE={note}.\tGT\t0/{i % 3}\t./.\n")
    return (_HEADER + "".join(lines)).encode()


def comparable(rows: list[dict[str, Any]]) -> list[str]:
    """Rows as a set would hold them, without what names the load."""
    ours = {"run_id", "source_uri"}
    return sorted(str({name: value for name, value in row.items() if name not in ours}) for row in rows)


def unneeded(tasks: Sequence[Task]) -> list[TaskResult]:
    raise AssertionError(f"{len(tasks)} tasks are too few for Spark")


@pytest.mark.parametrize("has_spark", [False, True])
def test_a_load_can_be_queried_through_the_catalog(
    lake: Any, bgzf: Any, rows_of: Callable[..., Any], request: pytest.FixtureRequest, has_spark: bool
) -> None:
    content = vcf()
    source = lake.put("study/S1", bgzf(content))
    if has_spark:
        request.getfixturevalue("spark")
        (line,) = load(run_with_spark, lake.options(source, run_id="run-7", alone_kib=0))
    else:
        (line,) = load(unneeded, lake.options(source, run_id="run-7"))
    assert line == f"study/S1: loaded 594 variants, 792 genotypes, 0 consequences, 3 rejects from {source.vcf.uri}"
    expected = rows_of(content)
    of_load = {
        "dataset": "study/S1",
        "source_uri": source.vcf.uri,
        "source_sha256": source.vcf.sha256,
        "run_id": "run-7",
    }
    for table in TABLES:
        rows = lake.rows(table.name)
        assert comparable(rows) == comparable([{**row, **of_load} for row in _ordered(table, expected)])
    manifest = lake.manifest("study/S1")
    assert manifest.rows == {"variants": 594, "genotypes": 792, "consequences": 0, "rejects": 3}
    assert sorted(key for keys in manifest.files.values() for key in keys) == lake.keys(object_keys.TABLES)
    assert lake.keys(object_keys.LOADS) == [
        object_keys.load_measures("study/S1"),
        object_keys.load_manifest("study/S1"),
    ]


def _documents(dataset: str) -> list[str]:
    """What a load leaves below `loads/`: what was measured, and the manifest."""
    return [object_keys.load_measures(dataset), object_keys.load_manifest(dataset)]


def _ordered(table: Any, expected: Any) -> list[dict[str, Any]]:
    """Expected rows with their columns in the order in which the catalog has them."""
    names = [column.name for column in (*table.partitions, *table.columns)]
    place = {name: i for i, name in enumerate(names)}
    of_load = {"dataset": "", "source_uri": "", "source_sha256": "", "run_id": ""}
    return [
        dict(sorted({**of_load, **row}.items(), key=lambda item: place[item[0]]))
        for row in getattr(expected, table.name)
    ]


def test_files_are_sorted_by_location_and_typed_as_the_catalog_says(lake: Any, bgzf: Any) -> None:
    list(load(unneeded, lake.options(lake.put("d", bgzf(vcf())))))
    orders = {"variants": ["pos"], "genotypes": ["chrom", "pos"], "genotypes_by_location": ["pos"]}
    for name, order in orders.items():
        keys = lake.manifest("d").files[name]
        assert len(keys) == 2
        for key in keys:
            file = pq.ParquetFile(pa.BufferReader(lake.s3.get_object(Bucket=lake.bucket, Key=key)["Body"].read()))
            rows = file.read().select(order).to_pylist()
            assert rows == sorted(rows, key=lambda row: [row[column] for column in order])
            assert file.metadata.row_group(0).column(0).compression == "ZSTD"
            columns = next(table.columns for table in (*TABLES, *LOOKUPS) if table.name == name)
            assert [_hive(field.type) for field in file.schema_arrow] == [column.type for column in columns]


def test_calls_by_location_say_what_the_calls_by_sample_say(lake: Any, bgzf: Any) -> None:
    list(load(unneeded, lake.options(lake.put("d", bgzf(vcf())))))
    shared = [c.name for c in (*GENOTYPES_BY_LOCATION.partitions, *GENOTYPES_BY_LOCATION.columns)]
    found, by_sample = lake.rows("genotypes_by_location"), lake.rows("genotypes")
    assert len(found) == 792
    assert comparable(found) == comparable([{name: row[name] for name in shared} for row in by_sample])


def test_variants_are_in_small_row_groups_that_do_not_overlap(lake: Any) -> None:
    lines = "".join(f"chr1\t{i}\t.\tA\tC\t.\t.\t.\tGT\t0/1\t0/0\n" for i in range(1, 10_001))
    list(load(unneeded, lake.options(lake.put("d", (_HEADER + lines).encode(), "calls.vcf"))))
    assert groups(lake, "variants", "pos") == [(1, 4096), (4097, 8192), (8193, 10_000)]
    assert groups(lake, "genotypes_by_location", "pos") == groups(lake, "variants", "pos")
    assert groups(lake, "genotypes", "pos") == [(1, 10_000)]


def groups(lake: Any, table: str, column: str) -> list[tuple[Any, Any]]:
    """The least and greatest value of each row group of a table's only file."""
    (key,) = lake.manifest("d").files[table]
    footer = pq.read_metadata(pa.BufferReader(lake.s3.get_object(Bucket=lake.bucket, Key=key)["Body"].read()))
    place = footer.schema.names.index(column)
    found = [footer.row_group(number).column(place).statistics for number in range(footer.num_row_groups)]
    return [(each.min, each.max) for each in found]


def _hive(kind: pa.DataType) -> str:
    if pa.types.is_map(kind):
        return f"map<{_hive(kind.key_type)},{_hive(kind.item_type)}>"
    if pa.types.is_list(kind):
        return f"array<{_hive(kind.value_type)}>"
    return {"int32": "int", "int64": "bigint", "bool": "boolean"}.get(str(kind), str(kind))


@pytest.mark.parametrize("pack", ["bgzf", "gzip", "plain"])
def test_the_number_of_ranges_changes_no_row(lake: Any, bgzf: Any, spark: Any, monkeypatch: Any, pack: str) -> None:
    content = vcf(400)
    packed = {"bgzf": bgzf(content, block=500), "gzip": gzip.compress(content), "plain": content}[pack]
    source = lake.put("d", packed)
    seen = []
    for pieces in (1, 7):
        monkeypatch.setattr("glue_jobs.variants.plans.ranges", _cut_into(pieces))
        lake.s3.delete_object(Bucket=lake.bucket, Key=object_keys.load_manifest("d"))
        list(load(run_with_spark, lake.options(source, alone_kib=0)))
        assert len(lake.manifest("d").files["genotypes"]) == 2
        assert lake.keys(object_keys.LOADS) == _documents("d")
        seen.append([comparable(lake.rows(table.name)) for table in (*TABLES, *LOOKUPS)])
    assert seen[0] == seen[1]
    assert [len(rows) for rows in seen[0]] == [792, 1056, 0, 4, 1056, 392]


def _cut_into(pieces: int) -> Callable[..., Any]:
    from glue_jobs.vcf.reader import ranges  # noqa: PLC0415 - the real one, whatever stands in its place

    return lambda source, file, range_bytes: ranges(source, file, max(1, source.size // pieces))


def test_what_one_engine_has_loaded_the_other_loads_again(
    lake: Any, bgzf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def by_hail(plan: SourcePlan, *, range_mib: int) -> list[TaskResult]:
        read.append(plan.source.dataset)
        return run_alone(list(plan.whole().range_tasks()))

    monkeypatch.setattr(transform, "load_by_hail", by_hail)
    source = lake.put("d", bgzf(vcf(20)))
    for engine, times in (("native", 0), ("hail", 1), ("hail", 1), ("native", 1)):
        list(load(unneeded, lake.options(source, engine=engine)))
        assert len(read) == times
        assert lake.manifest("d").engine == engine
        assert sorted(key for keys in lake.manifest("d").files.values() for key in keys) == lake.keys(
            object_keys.TABLES
        )


def test_an_unknown_engine_is_named(lake: Any) -> None:
    with pytest.raises(LoadError, match="--engine is 'fast'; expected one of native, hail"):
        list(load(unneeded, lake.options(engine="fast")))


def test_what_is_loaded_is_not_loaded_again(lake: Any, bgzf: Any) -> None:
    source = lake.put("d", bgzf(vcf(20)))
    list(load(unneeded, lake.options(source)))
    before = lake.s3.list_objects_v2(Bucket=lake.bucket, Prefix=object_keys.TABLES)["Contents"]
    assert list(load(unneeded, lake.options(source, run_id="run-2"))) == [f"d: already loaded from {source.vcf.uri}"]
    assert lake.s3.list_objects_v2(Bucket=lake.bucket, Prefix=object_keys.TABLES)["Contents"] == before


def test_a_newer_source_replaces_the_rows_of_its_dataset_only(lake: Any, bgzf: Any) -> None:
    first, other = lake.put("d", bgzf(vcf(40))), lake.put("e", bgzf(vcf(10, depth=5)))
    list(load(unneeded, lake.options(first, other)))
    newer = lake.put("d", bgzf(vcf(30, contigs=("chr1", "chr2"), depth=99)))
    list(load(unneeded, lake.options(newer, run_id="run-2")))
    rows = lake.rows("variants")
    assert {(r["dataset"], r["chrom"], r["depth"], r["run_id"]) for r in rows} == {
        ("d", "chr1", 99, "run-2"),
        ("d", "chr2", 99, "run-2"),
        ("e", "chr1", 5, "run-1"),
        ("e", "HLA-A*01:01", 5, "run-1"),
    }
    assert len(rows) == 60 + 20
    kept = [key for name in ("d", "e") for keys in lake.manifest(name).files.values() for key in keys]
    assert sorted(kept) == lake.keys(object_keys.TABLES)


def test_a_load_that_was_interrupted_shows_nothing_and_is_completed(lake: Any, bgzf: Any, monkeypatch: Any) -> None:
    first = lake.put("d", bgzf(vcf(40)))
    list(load(unneeded, lake.options(first)))
    before = comparable(lake.rows("variants"))
    newer = lake.put("d", bgzf(vcf(30)))

    def fail(*_: Any, **__: Any) -> None:
        raise ConnectionError("the driver was lost")

    with monkeypatch.context() as patch:
        patch.setattr(commit_module.Catalog, "point", fail)
        with pytest.raises(ConnectionError):
            list(load(unneeded, lake.options(newer)))
    assert comparable(lake.rows("variants")) == before
    with monkeypatch.context() as patch:
        patch.setattr(commit_module, "delete", fail)
        with pytest.raises(ConnectionError):
            list(load(unneeded, lake.options(newer)))
    assert len(lake.rows("variants")) == 60
    list(load(unneeded, lake.options(newer)))
    assert lake.manifest("d").source == newer.vcf
    assert sorted(k for keys in lake.manifest("d").files.values() for k in keys) == lake.keys(object_keys.TABLES)


def test_a_bad_source_is_named_in_one_line_and_the_others_are_loaded(lake: Any, bgzf: Any) -> None:
    good = lake.put("good", bgzf(vcf(20)))
    cut = lake.put("cut", bgzf(vcf(200), block=300)[:-28])
    text = lake.put("text", b"chr1\t1\n")
    wrong = lake.put("wrong", bgzf(vcf(30)))
    lake.s3.put_object(Bucket=lake.bucket, Key=object_keys.parse(wrong.vcf.uri)[1], Body=bgzf(vcf(30, depth=31)))
    with pytest.raises(LoadError) as caught:
        list(load(unneeded, lake.options(cut, text, wrong, good)))
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f"{text.vcf.uri}: line 1: is not a VCF: it begins with 'chr1")
    assert lines[1].startswith(f"{cut.vcf.uri}: truncated: BGZF's end-of-file block is missing")
    assert lines[2].startswith(f"{wrong.vcf.uri}: its SHA-256 is ")
    assert {row["dataset"] for row in lake.rows("variants")} == {"good"}
    assert sorted(k for keys in lake.manifest("good").files.values() for k in keys) == lake.keys(object_keys.TABLES)
    assert lake.keys(object_keys.LOADS) == _documents("good")


def test_a_source_that_is_absent_or_of_another_size_is_named(lake: Any) -> None:
    source = lake.put("d", vcf(5))
    key = object_keys.parse(source.vcf.uri)[1]
    lake.s3.put_object(Bucket=lake.bucket, Key=key, Body=b"##fileformat=VCFv4.2\n")
    with pytest.raises(LoadError, match=r"has 21 bytes, the request says [\d,]+; upload it again"):
        list(load(unneeded, lake.options(source)))
    lake.s3.delete_object(Bucket=lake.bucket, Key=key)
    with pytest.raises(LoadError, match=r"calls\.vcf\.gz: there is no such object; upload it first"):
        list(load(unneeded, lake.options(source)))


def test_a_source_that_is_replaced_while_it_is_read_is_an_error(lake: Any) -> None:
    source = lake.put("d", vcf(5))
    found = S3Source.head(source.vcf.uri)
    assert found.read(2, 12) == b"fileformat"
    lake.s3.put_object(Bucket=lake.bucket, Key=object_keys.parse(source.vcf.uri)[1], Body=vcf(6))
    with pytest.raises(ValueError, match="was replaced while it was being read"):
        found.read(2, 12)


def test_a_forged_block_does_not_mislead_the_load(lake: Any, bgzf: Any, monkeypatch: Any) -> None:
    forged = bgzf(b"chr9\t1\t.\tA\tC\t.\t.\t.\tGT\t0/1\t0/1\n" * 9, block=60)
    packed = bgzf(vcf(20) + b"chr9\t1\t.\tA\tC\t.\t.\tNOTE=" + forged + b"\tGT\t0/1\t0/1\n", level=0, block=60_000)
    at = packed.index(forged)
    source = lake.put("d", packed)
    real = _cut_into(1)
    monkeypatch.setattr(
        "glue_jobs.variants.plans.ranges",
        lambda found, file, size: _cut_at(at - 2, found.size) if size < found.size else real(found, file, size),
    )
    list(load(unneeded, lake.options(source, range_mib=0)))
    assert len(lake.rows("variants")) == 40
    assert {row["reason"] for row in lake.rows("rejects")} >= {"is not UTF-8 text"}
    assert lake.keys(object_keys.LOADS) == _documents("d")
    assert sorted(k for keys in lake.manifest("d").files.values() for k in keys) == lake.keys(object_keys.TABLES)


def _cut_at(offset: int, size: int) -> tuple[Any, ...]:
    from glue_jobs.vcf.text import ByteRange  # noqa: PLC0415

    return (ByteRange(0, offset), ByteRange(offset, size))


def test_the_script_ends_with_a_line_and_no_traceback(lake: Any, moto_endpoint: str) -> None:
    options = lake.options(lake.put("d", b"not a vcf"))
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "AWS_ENDPOINT_URL": moto_endpoint}
    words = [word for pair in arguments(options).items() for word in pair]
    done = subprocess.run(
        [sys.executable, str(_ROOT / "glue_jobs/variants/job.py"), "--JOB_NAME", "variants", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "calls.vcf.gz: line 1: is not a VCF: it begins with 'not a vcf'" in done.stderr
