"""What a load's files hold when they are read back: counted by hand on small VCFs."""

from collections.abc import Sequence
from typing import Any

import pytest

from genomics.contracts import object_keys
from genomics.contracts.codec import loads
from genomics.contracts.load_checks import LoadMeasures, SampleCalls
from glue_jobs.variants import measuring
from glue_jobs.variants.catalog import Catalog
from glue_jobs.variants.tasks import Task, TaskResult
from glue_jobs.variants.transform import load, run_alone

_HEADER = """##fileformat=VCFv4.2
##ALT=<ID=DEL,Description="">
##INFO=<ID=END,Number=1,Type=Integer,Description="">
##FORMAT=<ID=GT,Number=1,Type=String,Description="">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2
"""
# Two transitions (A>G, C>T) and two transversions (A>C, G>T), one of them in a record of two ALTs.
_RECORDS = [
    ("chr1", 10, "A", "G", ".", "0/1", "1/1"),
    ("chr1", 20, "C", "T,*", ".", "1|2", "0/0"),
    ("chr1", 30, "A", "C", ".", "./1", "1"),
    ("chr1", 40, "G", "T", ".", "0/0", "0/1"),
    ("chr1", 50, "AT", "A", ".", "1/1", "1/1"),
    ("chr2", 5, "A", "<DEL>", "END=900", "0/1", "0/0"),
    ("chr2", 6, "A", ".", ".", "0/0", "0/0"),
]


def vcf(records: Sequence[tuple[Any, ...]] = _RECORDS, bad: int = 1) -> bytes:
    lines = [f"{c}\t{p}\t.\t{r}\t{a}\t.\t.\t{i}\tGT\t{one}\t{two}\n" for c, p, r, a, i, one, two in records]
    return (_HEADER + "".join(lines) + "chr2\there\t.\tA\tC\t.\t.\t.\tGT\t0/1\t0/1\n" * bad).encode()


def no_spark(tasks: Sequence[Task]) -> list[TaskResult]:
    raise AssertionError(f"{len(tasks)} tasks are too few for Spark")


def measures(lake: Any, dataset: str = "d") -> LoadMeasures:
    key = object_keys.load_measures(dataset)
    return loads(LoadMeasures, lake.s3.get_object(Bucket=lake.bucket, Key=key)["Body"].read())


def test_a_load_is_counted_as_it_is_read_back(lake: Any) -> None:
    source = lake.put("d", vcf(), "calls.vcf")
    list(load(no_spark, lake.options(source)))
    found = measures(lake)
    assert found == LoadMeasures(
        dataset="d",
        source_sha256=source.vcf.sha256,
        run_id="run-1",
        rows={**lake.manifest("d").rows, "genotypes_by_location": 10, "variant_ids": 0},
        unregistered=(),
        records=7,
        rejected=1,
        transitions=2,
        transversions=2,
        duplicates=0,
        last_bases={"chr1": 51, "chr2": 900},
        # S1: 0/1, 1|2 twice, 0/1; 1/1. S2: 0/1; 1/1 twice. A haploid call and one without an allele are neither.
        samples={"S1": SampleCalls(4, 1), "S2": SampleCalls(1, 2)},
    )
    assert found.rows["genotypes"] == 10


@pytest.mark.parametrize("pieces", [1, 3])
def test_duplicates_are_found_in_files_of_one_partition_however_it_is_cut(
    lake: Any, monkeypatch: pytest.MonkeyPatch, pieces: int
) -> None:
    monkeypatch.setattr("glue_jobs.variants.parquet._FLUSH_BYTES", 1 << 30 if pieces == 1 else 1)
    places = [50, 10, 30, 10, 50, 20, 50]
    records = [("chr1", place, "A", "G", ".", "0/1", "0/0") for place in places]
    records.append(("chr1", 50, "A", "C", ".", "0/1", "0/0"))
    list(load(run_alone, lake.options(lake.put("d", vcf(records, bad=0), "calls.vcf"))))
    assert (measures(lake).rows["variants"], measures(lake).duplicates) == (8, 3)


def test_a_file_that_is_larger_than_its_end_is_read_in_parts(lake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    list(load(no_spark, lake.options(lake.put("d", vcf(), "calls.vcf"))))
    expected = measures(lake)
    monkeypatch.setattr(measuring, "_TAIL_BYTES", 100)
    monkeypatch.setattr(measuring, "_MOST_TASKS", 2)
    manifest, catalog = lake.manifest("d"), Catalog(lake.database)
    tasks = measuring.measure_tasks(lake.bucket, manifest)
    assert len(tasks) == 2
    found = [each for task in tasks for each in measuring.measure(task)]
    assert measuring.gathered(lake.bucket, manifest, found, catalog=catalog, run_id="run-1") == expected


def test_partitions_that_the_catalog_has_not_or_has_elsewhere_are_named(lake: Any) -> None:
    list(load(no_spark, lake.options(lake.put("d", vcf(), "calls.vcf"))))
    manifest, catalog = lake.manifest("d"), Catalog(lake.database)
    assert measuring.unregistered(lake.bucket, manifest, catalog) == ()
    lake.glue.delete_partition(DatabaseName=lake.database, TableName="variants", PartitionValues=["d", "chr2"])
    extra = {"Values": ["d", "S9"], "StorageDescriptor": {"Location": f"s3://{lake.bucket}/tables/elsewhere/"}}
    lake.glue.create_partition(DatabaseName=lake.database, TableName="genotypes", PartitionInput=extra)
    assert measuring.unregistered(lake.bucket, manifest, catalog) == ("variants chr2", "genotypes S9")


def test_a_load_from_before_there_were_checks_is_measured_when_it_is_asked_for_again(lake: Any) -> None:
    source = lake.put("d", vcf(), "calls.vcf")
    list(load(no_spark, lake.options(source)))
    expected = measures(lake)
    lake.s3.delete_object(Bucket=lake.bucket, Key=object_keys.load_measures("d"))
    (line,) = load(no_spark, lake.options(source))
    assert "already loaded" in line
    assert measures(lake) == expected
