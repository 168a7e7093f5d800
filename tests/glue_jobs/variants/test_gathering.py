"""Rows of many ranges end in one file of each sample and one of IDs, whatever order they came in."""

import itertools
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.lake import directory_store
from genomics.contracts.tables import GENOTYPES, VARIANT_IDS, VARIANTS
from glue_jobs.variants import gathering, parquet
from glue_jobs.variants.gathering import gather_tasks
from glue_jobs.variants.layouts import by_id
from glue_jobs.variants.parquet import Destination, PartitionWriter
from glue_jobs.variants.staging import stage, staged_runs
from glue_jobs.variants.tasks import run
from glue_jobs.vcf.reader import RangeReader, open_vcf
from glue_jobs.vcf.schemas import row_schema
from glue_jobs.vcf.text import ByteRange

_DESTINATION = Destination("lake", "study/cohort", "load", "s3://in/x.vcf.gz", "0" * 64, "run")
_SAMPLES = ("A", "B", "Ç/d")


@pytest.fixture
def store(tmp_path: Path) -> Any:
    """A bucket that is a directory."""
    with directory_store.used(tmp_path):
        yield tmp_path / "lake"


def site(position: int, *ids: str | None) -> dict[str, Any]:
    return {"chrom": "chr1", "pos": position, "ref": "A", "alt": "C", "ids": list(ids) or None}


@pytest.fixture
def load(store: Path, bytes_source: Any) -> Any:
    """Writes sites, in as many ranges; every sample has all of them. Returns the last range's writer."""

    def written(ranges: int, identifiers: list[str], *, is_only: bool = False) -> PartitionWriter:
        staged = []
        edges = [len(identifiers) * part // ranges for part in range(ranges + 1)]
        for start, end in itertools.pairwise(edges):
            writer = PartitionWriter(_DESTINATION, name=f"{start:015d}", is_only=is_only)
            for first in range(start, end, 10):
                source = bytes_source(vcf(first, identifiers[first : min(first + 10, end)]))
                for batch in RangeReader(source, open_vcf(source), ByteRange(0, source.size)):
                    writer.add(batch)
            writer.flush()
            staged += writer.staged
        for task in gather_tasks(_DESTINATION, staged):
            assert run(task) == run(task)
        return writer

    return written


def vcf(first: int, identifiers: list[str]) -> bytes:
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" + "\t".join(_SAMPLES)
    lines = [
        f"chr1\t{position}\t{name}\tA\tC\t.\t.\t.\tGT" + "\t0/1" * len(_SAMPLES)
        for position, name in enumerate(identifiers, first + 1)
    ]
    return "\n".join(["##fileformat=VCFv4.2", columns, *lines, ""]).encode()


def files(store: Path, table: str) -> dict[str, pa.Table]:
    """The rows of each file, by the path below the table's."""
    root = store / "tables" / table
    return {str(path.relative_to(root)): pq.ParquetFile(path).read() for path in sorted(root.rglob("*.parquet"))}


def test_each_sample_has_one_file_in_the_order_of_the_ranges(store: Path, load: Any) -> None:
    load(4, ["rs1"] * 40)
    found = files(store, GENOTYPES.name)
    directories = [f"dataset=study%2Fcohort/sample={name}/load" for name in ("A", "B", "%C3%87%2Fd")]
    assert list(found) == sorted(f"{directory}/gathered.parquet" for directory in directories)
    for rows in found.values():
        assert rows.column("pos").to_pylist() == list(range(1, 41))
        assert set(rows.column("run_id").to_pylist()) == {"run"}


def test_ids_are_sorted_over_all_ranges(store: Path, load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glue_jobs.variants.staging._IDS_PER_RUN", 3)
    monkeypatch.setattr(gathering, "_RUNS_TOGETHER", 4)
    numbers = [f"rs{number % 70}" for number in range(100)]
    random.Random(1).shuffle(numbers)  # noqa: S311
    load(5, numbers)
    (rows,) = files(store, VARIANT_IDS.name).values()
    assert rows.column("id").to_pylist() == sorted(numbers)
    assert {(r["id"], r["pos"]) for r in rows.to_pylist()} == {(name, at) for at, name in enumerate(numbers, 1)}


def test_a_load_of_one_range_that_fits_memory_leaves_nothing_to_gather(store: Path, load: Any) -> None:
    assert load(1, ["rs1"] * 10, is_only=True).staged == []
    assert len(files(store, GENOTYPES.name)) == len(_SAMPLES)
    assert len(files(store, VARIANT_IDS.name)) == 1


def test_one_that_does_not_fit_is_gathered(store: Path, load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_FLUSH_BYTES", 1)
    assert load(1, ["rs1"] * 100, is_only=True).staged
    assert [rows.num_rows for rows in files(store, GENOTYPES.name).values()] == [100] * len(_SAMPLES)
    assert len(files(store, VARIANTS.name)) > 1


def test_large_parts_of_few_samples_are_files_of_their_own(
    store: Path, load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 20)
    load(2, ["rs1"] * 40)
    assert [rows.num_rows for rows in files(store, GENOTYPES.name).values()] == [20] * 2 * len(_SAMPLES)


def test_row_groups_are_filled_from_several_ranges(store: Path, load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "ROWS_PER_GROUP", 25)
    load(4, ["rs1"] * 40)
    path = next((store / "tables/genotypes").rglob("*.parquet"))
    footer = pq.read_metadata(path)
    assert [footer.row_group(number).num_rows for number in range(footer.num_row_groups)] == [30, 10]


def test_each_id_of_a_variant_has_a_row_and_none_is_no_row() -> None:
    variants = pa.Table.from_pylist(
        [site(5, "rs9", "COSV1"), site(6), site(7, None), site(8, "rs10")], schema=row_schema(VARIANTS)
    )
    rows = by_id(variants).to_pylist()
    assert [(row["id"], row["pos"]) for row in rows] == [("COSV1", 5), ("rs10", 8), ("rs9", 5)]
    assert rows[0] == {"id": "COSV1", "chrom": "chr1", "pos": 5, "ref": "A", "alt": "C"}


def test_runs_may_have_dictionaries_of_their_own(store: Path) -> None:
    kind = pa.dictionary(pa.int32(), pa.string())
    for name in ("a", "b"):
        runs = [
            (sample, pa.table({"key": pa.chunked_array([[f"{name}{sample}"] * 3, ["x"]], kind)})) for sample in "AB"
        ]
        stage(runs, "lake", f"{name}.arrow")
    with staged_runs("lake", ["a.arrow", "b.arrow"]) as found:
        read = [(run.name, run.read().column("key").to_pylist()) for run in found]
    assert read == [(sample, [f"{name}{sample}"] * 3 + ["x"]) for sample in "AB" for name in "ab"]
