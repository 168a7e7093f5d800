"""Hail on this machine, and the cohort's calls in it."""

import os
import tempfile
import uuid
from pathlib import Path
from typing import Any


class CohortError(RuntimeError):
    """The cohort cannot be looked at; the message says why, in one line."""


def start(*, cores: int | None = None, memory_gib: int = 4) -> None:
    """Start Hail with so many cores, by default all, and so much memory for its JVM; once started, it stays."""
    import hail as hl  # noqa: PLC0415  (of the extra `hail`, which not everyone has)

    directory = Path(tempfile.mkdtemp(prefix="hail-"))
    settings = {
        "spark.driver.memory": f"{memory_gib}g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    master = f"local[{cores or os.cpu_count() or 1}]"
    hl.init(
        master=master,
        quiet=True,
        log=str(directory / "hail.log"),
        tmp_dir=str(directory),
        spark_conf=settings,
        idempotent=True,
    )


def open_cohort(path: Path) -> Any:
    """A matrix table of a VCF's calls (`.vcf`, `.vcf.gz`, `.vcf.bgz`), one ALT a row; CohortError if it has none.

    Of several ALTs each gets a row of its own, where calls of the others count as the reference (Hail's
    `split_multi_hts` wants fields that a VCF need not have). Contigs keep their names, whatever the reference.
    """
    import hail as hl  # noqa: PLC0415

    if not path.is_file():
        raise CohortError(f"{path}: there is no such file; write one with `genomics export`")
    matrix = hl.import_vcf(
        path.resolve().as_uri(),
        force_bgz=path.suffix == ".gz",
        reference_genome=None,
        array_elements_required=False,
        call_fields=[],
    )
    if "GT" not in matrix.entry:
        raise CohortError(f"{path}: declares no GT; take a VCF with calls")
    matrix = matrix.filter_rows(hl.len(matrix.alleles) > 1).select_entries("GT").select_rows()
    matrix = matrix.annotate_rows(alternate=hl.range(1, hl.len(matrix.alleles))).explode_rows("alternate")
    matrix = matrix.annotate_entries(GT=hl.downcode(matrix.GT, matrix.alternate))
    furthest = matrix.aggregate_rows(hl.agg.group_by(matrix.locus.contig, hl.agg.max(matrix.locus.position)))
    if not furthest:
        raise CohortError(f"{path}: has no variants")
    # Hail wants places on a reference it knows. Any will do that has the contigs.
    reference = hl.ReferenceGenome(f"cohort_{uuid.uuid4().hex}", list(furthest), dict(furthest))
    matrix = matrix.key_rows_by(
        locus=hl.locus(matrix.locus.contig, matrix.locus.position, reference_genome=reference),
        alleles=[matrix.alleles[0], matrix.alleles[matrix.alternate]],
    )
    return matrix.drop("alternate").persist()
