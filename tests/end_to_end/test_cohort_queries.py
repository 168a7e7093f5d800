"""The notebook runs on the deployed lake; PyAthena, `genomics query` and DuckDB on the files answer alike."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import nbformat
import pyarrow as pa
import pyarrow.parquet as pq
import pysam
import pytest
import sqlglot
from click.testing import CliRunner
from nbclient import NotebookClient
from pyathena import connect

from genomics.contracts import object_keys
from genomics.contracts.annotation_tables import CLINVAR, current_view
from genomics.contracts.named_queries import QUERIES, Value
from genomics.contracts.tables import GENOTYPES, LOOKUPS, VARIANTS, Table
from genomics_cli import main
from tests.end_to_end.conftest import CommandLine

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks/cohort_queries.ipynb"
REGION: dict[str, Value] = {"chrom": "chrA", "start": 1, "end": 36_000}
TRIO: dict[str, Value] = {"study": "first", "child": "DEMO-1", "mother": "DEMO-2", "father": "DEMO-3"}
GENE: dict[str, Value] = {"assembly": "GRCh37", "gene": "DEMO"}
_CLINVAR_HEADER = """##fileformat=VCFv4.1
##reference=GRCh37
##INFO=<ID=CLNSIG,Number=.,Type=String,Description="">
##INFO=<ID=GENEINFO,Number=1,Type=String,Description="">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO
"""


def called(outcome: Any, sample: str) -> list[tuple[str, int, str, str]]:
    with pysam.VariantFile(outcome.sample(sample)["vcf"]) as file:
        return [(r.chrom, r.pos, str(r.ref), alt) for r in file for alt in r.alts or ()]


@pytest.fixture(scope="module")
def variant(analysed: Any) -> dict[str, Value]:
    """One that the lake has."""
    return dict(zip(("chrom", "pos", "ref", "alt"), called(analysed, "DEMO-1")[0], strict=True))


@pytest.fixture(scope="module")
def clinvar(genomics: CommandLine, analysed: Any, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    """A release that knows what one sample carries as variants of one gene: their places."""
    places = [place for place in called(analysed, "DEMO-1") if place[0] == "chrA"]
    path = tmp_path_factory.mktemp("clinvar") / "clinvar.vcf"
    path.write_text(
        _CLINVAR_HEADER
        + "".join(
            f"{chrom.removeprefix('chr')}\t{pos}\t{number}\t{ref}\t{alt}\t.\t.\t"
            f"CLNSIG={('Benign', 'Pathogenic')[number % 2]};GENEINFO=DEMO:7\n"
            for number, (chrom, pos, ref, alt) in enumerate(places)
        )
    )
    done = genomics("annotations", str(path), "--release", "2026-02-26", "--assembly", "GRCh37")
    assert done.status == 0, done.errors
    return places


@pytest.fixture
def shell(analyst: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """This process's environment is that of an analyst."""
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for name, value in analyst.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def files(genomics: CommandLine, clinvar: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """DuckDB over copies of the Parquet files that the catalog's partitions point at."""
    glue, s3, database = genomics.client("glue"), genomics.client("s3"), genomics.deployment.lake_database
    connection = duckdb.connect()

    def load(name: str, table: Table) -> None:
        root, keys = tmp_path_factory.mktemp(name), [column.name for column in table.partitions]
        pages = glue.get_paginator("get_partitions").paginate(DatabaseName=database, TableName=table.name)
        parts = []
        for partition in (partition for page in pages for partition in page["Partitions"]):
            bucket, prefix = object_keys.parse(partition["StorageDescriptor"]["Location"])
            for entry in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ()):
                content = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
                part = pq.read_table(io.BytesIO(content))
                for key, value in zip(keys, partition["Values"], strict=True):
                    part = part.append_column(key, pa.array([value] * part.num_rows))
                parts.append(part)
        if not parts:  # as of IDs, which called variants have none of
            return
        pq.write_table(pa.concat_tables(parts, promote_options="permissive"), root / "rows.parquet")
        connection.execute(f"create view {name} as select * from read_parquet('{root / 'rows.parquet'}')")

    for table in (VARIANTS, GENOTYPES, *LOOKUPS):
        load(table.name, table)
    load(current_view(CLINVAR.name), CLINVAR)
    yield connection
    connection.close()


def as_text(value: Any) -> str | None:
    """A value as Athena writes it."""
    match value:
        case None:
            return None
        case bool():
            return str(value).lower()
        case list():
            return "[" + ", ".join(str(as_text(each)) for each in value) + "]"
        case float():
            return repr(value)
        case _:
            return str(value)


@pytest.mark.parametrize(
    ("title", "values"),
    [
        ("Variants of a region", REGION),
        ("A variant", "variant"),
        ("Calls of a region", REGION),
        ("Carriers of a variant", "variant"),
        ("Variants that some samples carry", {"samples": ("DEMO-1", "DEMO-2")}),
        ("Allele frequencies by cohort", REGION),
        ("De novo candidates of a trio", TRIO),
        ("Calls of each sample", {}),
        ("Variants of a gene that ClinVar knows", GENE),
    ],
)
def test_pyathena_the_command_line_and_duckdb_answer_alike(
    title: str, values: Any, variant: dict[str, Value], files: Any, shell: None
) -> None:
    sql = QUERIES[title].text(**(variant if values == "variant" else values))
    with connect(work_group="genomics", schema_name="genomics", poll_interval=0.05) as connection:
        by_pyathena = connection.cursor().execute(sql).fetchall()
    answer = CliRunner().invoke(main.cli, ["query", sql, "--json"], standalone_mode=False)
    by_command = json.loads(answer.stdout)["rows"]
    by_duckdb = files.execute(sqlglot.transpile(sql, read="athena", write="duckdb")[0]).fetchall()
    assert len(by_duckdb) > 0
    shown = [[as_text(value) for value in row] for row in by_duckdb]
    assert [[as_text(value) for value in row] for row in by_pyathena] == shown
    assert [[as_text(value) for value in row] for row in by_command] == shown


def test_the_notebook_runs_on_the_lake(genomics: CommandLine, analysed: Any, clinvar: Any, shell: None) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    (at,) = (n for n, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", ()))
    notebook.cells.insert(
        at + 1, nbformat.v4.new_code_cell(f"REGION.update({REGION!r})\nGENE = {GENE!r}\n"
                                          f"QUESTIONS['De novo candidates of a trio'] = {TRIO!r}")
    )  # fmt: skip
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert [output for output in outputs if output.output_type in ("error", "stream")] == []
    pictures = [output for output in outputs if "image/png" in output.get("data", ())]
    assert len(pictures) == 5
    said = ["".join(output.get("data", {}).get("text/plain", "")) for output in outputs]
    (counted,) = (text for text in said if "bytes scanned" in text)
    rows = [int(line.split()[-2]) for line in counted.splitlines()[1:]]
    assert len(rows) == 6
    assert min(rows) > 0
    assert any(text.count("Pathogenic") > 3 for text in said)


def test_the_notebook_is_kept_without_outputs_and_defines_nothing() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)
            assert "def " not in cell.source
            assert "class " not in cell.source
