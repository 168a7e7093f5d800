"""Loading releases: what a query sees of them, before, during and after."""

import functools
import hashlib
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import sqlglot

from genomics.contracts import object_keys
from genomics.contracts.annotation_tables import (
    ANNOTATION_TABLES,
    CLINVAR,
    AnnotationSchema,
    DeclaredColumn,
    Location,
    chromosome,
)
from genomics.contracts.annotations import AnnotationError, AnnotationRequest
from genomics.contracts.codec import loads
from genomics.contracts.named_queries import QUERIES
from genomics.contracts.tables import TABLES
from glue_jobs.annotations import commit as commit_module
from glue_jobs.annotations.catalog import AnnotationCatalog
from glue_jobs.annotations.options import AnnotationsOptions, arguments, parse
from glue_jobs.annotations.plans import ReleasePlan, find_subject, make_plan
from glue_jobs.annotations.tasks import RangeTask, run_alone
from glue_jobs.annotations.transform import load
from glue_jobs.variants.catalog import CatalogError
from glue_jobs.variants.tasks import TaskResult
from glue_jobs.variants.transform import load as load_variants
from glue_jobs.variants.transform import run_alone as run_variants
from glue_jobs.vcf.schemas import file_schema
from tests.glue_jobs.annotations.conftest import NEWER, OLDER, Releases, clinvar

_ROOT = Path(__file__).parents[3]
_GENES = AnnotationSchema(
    name="genes",
    columns=(DeclaredColumn("symbol", "string"), DeclaredColumn("pli", "double", "pLI")),
)


def test_what_the_stack_writes_the_job_reads() -> None:
    options = AnnotationsOptions("s3://lake/r.json", "genomics", "lake", range_mib=8)
    assert parse([word for pair in arguments(options).items() for word in pair]) == options


def test_a_release_can_be_queried_through_the_catalog(releases: Releases) -> None:
    line = releases.load(clinvar(), assembly="GRCh38")
    source = f"s3://{releases.lake.bucket}/annotations/brought/{NEWER}/clinvar.vcf"
    assert line == f"clinvar {NEWER} GRCh38: loaded 5 rows, 1 rejects from {source}"
    rows = releases.lake.rows("clinvar")
    # Sorted by location
    assert [(row["chrom"], row["pos"], row["allele_id"]) for row in rows] == [
        ("17", 950, 5), ("17", 970, 3), ("17", 990, 1), ("MT", 980, 2), ("MT", 1000, 0),
    ]  # fmt: skip
    assert {(row["release"], row["assembly"], row["run_id"]) for row in rows} == {(NEWER, "GRCh38", f"run-{NEWER}")}
    digest = hashlib.sha256(clinvar()).hexdigest()
    kept = object_keys.annotation_file("clinvar", NEWER, digest, "clinvar.vcf")
    assert {(row["source_uri"], row["source_sha256"]) for row in rows} == {
        (f"s3://{releases.lake.bucket}/{kept}", digest)
    }
    assert releases.lake.keys(kept) == [kept]
    (reject,) = releases.lake.rows("rejects")
    assert (reject["dataset"], reject["line"]) == (f"annotations/clinvar/{NEWER}/GRCh38", 12)
    assert reject["reason"] == "POS 'here' is not a position"
    # Nothing staged is left
    assert [key for key in releases.kept() if key.startswith("loads/")] == [
        f"loads/annotations/clinvar/{NEWER}/GRCh38.json"
    ]


def test_the_same_release_twice_changes_nothing(releases: Releases) -> None:
    releases.load(clinvar())
    before = releases.lake.s3.list_objects_v2(Bucket=releases.lake.bucket, Prefix="tables/")["Contents"]
    assert releases.load(clinvar()).startswith(f"clinvar {NEWER} GRCh38: already loaded from s3://")
    assert releases.lake.s3.list_objects_v2(Bucket=releases.lake.bucket, Prefix="tables/")["Contents"] == before


def test_a_release_that_was_corrected_replaces_its_own_rows_only(releases: Releases) -> None:
    releases.load(clinvar(), release=OLDER)
    releases.load(clinvar())
    releases.load(clinvar(3, significance="Benign"))
    found = [(row["release"], row["clinical_significances"]) for row in releases.lake.rows("clinvar")]
    assert sorted(found) == [(OLDER, ["Pathogenic"])] * 5 + [(NEWER, ["Benign"])] * 3
    assert {row["dataset"] for row in releases.lake.rows("rejects")} == {f"annotations/clinvar/{OLDER}/GRCh38"}
    manifests = [key for key in releases.kept() if key.endswith(".json")]
    assert len([key for key in releases.kept() if key.startswith("tables/clinvar/")]) == len(manifests) == 2


def test_the_view_shows_the_newest_release_of_each_assembly(releases: Releases) -> None:
    releases.load(clinvar(), release="2026-01-05")
    assert releases.current() == {("2026-01-05", "GRCh38")}
    releases.load(clinvar(), release=NEWER)
    assert releases.current() == {(NEWER, "GRCh38")}
    # An older one again, and a first one of another assembly
    releases.load(clinvar(), release=OLDER)
    releases.load(clinvar(assembly="GRCh37"), release=OLDER, assembly="GRCh37")
    assert releases.current() == {(NEWER, "GRCh38"), (OLDER, "GRCh37")}
    assert len(releases.lake.rows("clinvar")) == 20


@pytest.mark.parametrize(
    ("content", "more", "line"),
    [
        (b"not a vcf", {}, "clinvar.vcf: line 1: is not a VCF"),
        (clinvar(assembly="GRCh37"), {}, "clinvar.vcf: is of assembly GRCh37, not GRCh38; name that one"),
        (clinvar(0), {}, "clinvar.vcf: holds no row that can be loaded, 0 were rejected"),
        (
            b"x",
            {"name": "gnomad.tsv"},
            "gnomad.tsv: is neither ClinVar's VCF nor its variant_summary.txt; give",
        ),
        (
            b"symbol\n",
            {"name": "g.tsv", "schema": _GENES},
            "g.tsv: line 1: has no column 'pLI'; the schema genes",
        ),
    ],
)
def test_what_cannot_be_loaded_is_said_in_one_line(
    releases: Releases, content: bytes, more: dict[str, Any], line: str
) -> None:
    with pytest.raises(AnnotationError) as caught:
        releases.load(content, **more)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [key for key in releases.kept() if not key.startswith("tables/")] == []


def test_a_load_that_was_interrupted_shows_nothing_and_is_completed(
    releases: Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases.load(clinvar())
    before = releases.lake.rows("clinvar")

    def fail(*_: Any, **__: Any) -> None:
        raise ConnectionError("the driver was lost")

    corrected = clinvar(3)
    for place, name in ((AnnotationCatalog, "point"), (commit_module, "sweep")):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, fail)
            with pytest.raises(ConnectionError):
                releases.load(corrected)
        if name == "point":
            assert releases.lake.rows("clinvar") == before
    assert releases.load(corrected).startswith(f"clinvar {NEWER} GRCh38: already loaded")
    assert len(releases.lake.rows("clinvar")) == 3
    assert len([key for key in releases.kept() if key.startswith("tables/")]) == 1


def test_the_number_of_ranges_changes_no_row(
    releases: Releases, bgzf: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bgzf(clinvar(60), block=500)
    seen = []
    for pieces in (1, 3):
        sent: list[RangeTask] = []

        def spread(tasks: list[RangeTask], sent: list[RangeTask] = sent) -> list[TaskResult]:
            # As Spark does: each task travels.
            sent += [pickle.loads(pickle.dumps(task)) for task in tasks]  # noqa: S301 - what was just written
            return run_alone(sent)

        cut = functools.partial(_plan_in, pieces=pieces, size=len(content))
        monkeypatch.setattr("glue_jobs.annotations.transform.make_plan", cut)
        load(spread, replace(releases.options(content), alone_kib=0))
        assert len(sent) == pieces
        rejects = sorted(row["line"] for row in releases.lake.rows("rejects"))
        assert rejects == list(range(12, 68, 5))
        rows = releases.lake.rows("clinvar")
        seen.append(sorted((row["chrom"], row["pos"], row["allele_id"]) for row in rows))
        manifest = f"loads/annotations/clinvar/{NEWER}/GRCh38.json"
        releases.lake.s3.delete_object(Bucket=releases.lake.bucket, Key=manifest)
    assert seen[0] == seen[1]
    assert len(seen[0]) == 48


def _plan_in(*given: Any, pieces: int, size: int, **more: Any) -> ReleasePlan:
    return make_plan(*given, **{**more, "range_bytes": max(1, size // pieces)})


def test_a_declared_tsv_makes_a_table_that_can_get_more_columns(releases: Releases) -> None:
    content = b"symbol\tpLI\tnote\nBRCA1\t0.5\tx\nTP53\thigh\ty\n"
    line = releases.load(content, name="genes.tsv", schema=_GENES, release=OLDER)
    assert line.startswith(f"annotation_genes {OLDER}: loaded 2 rows, 1 rejects from s3://")
    wider = replace(_GENES, columns=(*_GENES.columns, DeclaredColumn("note", "string")))
    releases.load(content, name="genes.tsv", schema=wider)
    rows = {(row["release"], row["symbol"]): row for row in releases.lake.rows("annotation_genes")}
    assert rows[OLDER, "TP53"]["other_columns"] == {"pLI": "high", "note": "y"}
    assert rows[NEWER, "TP53"]["other_columns"] == {"pLI": "high"}
    assert rows[NEWER, "BRCA1"]["note"] == "x"
    (reject,) = (
        row for row in releases.lake.rows("rejects") if row["dataset"] == f"annotations/annotation_genes/{NEWER}"
    )
    assert (reject["line"], reject["field"], reject["text"]) == (3, "pLI", "high")
    table = releases.lake.glue.get_table(DatabaseName=releases.lake.database, Name="annotation_genes")["Table"]
    names = [column["Name"] for column in table["StorageDescriptor"]["Columns"]]
    assert names == ["symbol", "pli", "other_columns", "source_uri", "source_sha256", "run_id", "note"]
    assert releases.current("annotation_genes") == {(NEWER,)}
    other = replace(_GENES, columns=(_GENES.columns[0], DeclaredColumn("pli", "string", "pLI")))
    with pytest.raises(CatalogError, match=r"annotation_genes\.pli is double in the catalog, in the schema string"):
        releases.load(content, name="genes.tsv", schema=other)


def test_a_schema_that_cannot_be_is_named_by_its_field() -> None:
    for column, line in (
        ({"name": "Pli", "type": "double"}, "must be small letters"),
        ({"name": "run_id", "type": "string"}, "none of chromosome"),
        ({"name": "pli", "type": "float"}, "type is 'float'; expected one of string"),
        ({"name": "pli", "type": "array<int>"}, "an array, and nothing else, has a separator"),
    ):
        with pytest.raises(ValueError, match=line):
            loads(AnnotationSchema, json.dumps({"name": "genes", "columns": [column]}))
    with pytest.raises(ValueError, match="'pos' must be a declared column of type bigint"):
        replace(_GENES, location=Location("symbol", "pos"))


def test_variants_join_what_clinvar_says_whatever_chromosomes_are_called(lake: Any, releases: Releases) -> None:
    header = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    for dataset, names in (("a", ("chr17", "chrM")), ("b", ("17", "MT"))):
        # The second is the same deletion, written longer.
        lines = (f"{names[0]}\t990\t.\tAT\tA\t.\t.\t.\n", f"{names[1]}\t999\t.\tCATC\tCAC\t.\t.\t.\n")
        vcf = (header + "".join(lines) + f"{names[0]}\t991\t.\tAT\tA\t.\t.\t.\n").encode()
        list(load_variants(run_variants, lake.options(lake.put(dataset, vcf, "calls.vcf"))))
    releases.load(clinvar())
    releases.load(clinvar(significance="Benign"), release=OLDER)

    answer = duckdb.connect()
    newest = {(row["release"], row["assembly"]) for row in lake.rows("clinvar")} & releases.current()
    for name, table in [(table.name, table) for table in TABLES] + [("clinvar_current", CLINVAR)]:
        rows = lake.rows(table.name)
        if name == "clinvar_current":
            rows = [row for row in rows if (row["release"], row["assembly"]) in newest]
        schema = file_schema(table)
        for column in table.partitions:
            schema = schema.append(pa.field(column.name, pa.string()))
        answer.register(name, pa.Table.from_pylist(rows, schema=schema))
    sql = sqlglot.transpile(QUERIES["Variants of a gene that ClinVar knows"].text(), read="athena", write="duckdb")[0]
    found = answer.execute(sql).fetchall()
    assert [(row[0], row[1], row[2], row[5], row[8]) for row in found] == [
        ("a", "chr17", 990, ["Pathogenic"], 1),
        ("a", "chrM", 1000, ["Pathogenic"], 0),
        ("b", "17", 990, ["Pathogenic"], 1),
        ("b", "MT", 1000, ["Pathogenic"], 0),
    ]
    names = ("chr1", "1", "chrM", "M", "MT", "chrMT", "chrX", "NW_003315928.1", "HLA-A*01:01")
    expression = sql[sql.index("c.chromosome = ") :].partition(" = ")[2].partition(" AND ")[0]
    for name in names:
        normal = answer.execute(f"select {expression} from (select ? as chrom) v", [name]).fetchone()
        assert normal == (chromosome(name),)


def test_the_script_ends_with_a_line_and_no_traceback(releases: Releases, moto_endpoint: str) -> None:
    options = releases.options(b"not a vcf")
    done = subprocess.run(
        [sys.executable, str(_ROOT / "glue_jobs/annotations/job.py"), "--JOB_NAME", "a"]
        + [word for pair in arguments(options).items() for word in pair],
        env={**os.environ, "PYTHONPATH": str(_ROOT), "AWS_ENDPOINT_URL": moto_endpoint},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "clinvar.vcf: line 1: is not a VCF" in done.stderr


def test_the_stacks_tables_are_not_defined_by_the_job() -> None:
    request = AnnotationRequest("s3://b/variant_summary.txt.gz", NEWER, "r")
    assert find_subject(request).table in ANNOTATION_TABLES
    assert not find_subject(request).is_declared
    assert find_subject(replace(request, schema=_GENES)).is_declared
