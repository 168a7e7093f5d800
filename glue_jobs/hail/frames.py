"""What Hail reads of a VCF as a frame of Spark's, a row for each record. Only this needs Hail, in the driver's process.

Columns: `contig`, `position`, `alleles` (REF first), `rsid`, `qual`, `filters`, `info` and `entries`: a structure of
FORMAT's fields for each sample, null where its call is homozygous reference; GT in it has `alleles` and `phased`. There
is no `info` and no `entries` where the header declares no field of the kind.
"""

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glue_jobs.vcf.errors import VcfError
from glue_jobs.vcf.text import Encoding

if TYPE_CHECKING:
    from pyspark import SparkContext

# What Hail takes a file for follows from its name.
FILE_NAMES = {Encoding.BGZF: "source.vcf.bgz", Encoding.GZIP: "source.vcf.gz", Encoding.PLAIN: "source.vcf"}
_REASON = re.compile(r"(?:HailException|FatalError|HailUserError|TribbleException\S*|Exception): ([^\n]+)")
_FIELD_REASON = re.compile(r"VCFParseError: ([^\n]+)")
_DIRECTORY = re.compile(r"\b(?:file|s3):\S*/")
_LONGEST = 300


def start_hail(context: "SparkContext | None", directory: Path, **settings: Any) -> None:
    """Have Hail work on a session that has its jar and serializer, or on one that it starts itself with `settings`.

    `directory` takes its log. VcfError where Hail is not installed, or the session lacks its jar.
    """
    try:
        import hail as hl  # noqa: PLC0415  (it takes seconds, and loads that do without need not have it)
    except ImportError as error:
        raise VcfError("engine=hail needs the Python package hail, of the extra `hail`; install it") from error
    if context is not None and not _has_jar(context):
        raise VcfError("engine=hail needs Hail's jar on Spark's class path; give the job --extra-jars")
    with warnings.catch_warnings():
        # Of the settings that a given session should have, which are looked at above, and of Java 17, which Glue has.
        warnings.simplefilter("ignore")
        hl.init(
            sc=context, quiet=True, log=str(directory / "hail.log"), tmp_dir=str(directory), idempotent=True, **settings
        )


def read_frame(uri: str, encoding: Encoding, *, block_mib: int | None = None) -> Any:
    """The file's frame, its partitions of at most `block_mib` MiB of the file; by default as Hadoop cuts it.

    `uri` is one of Hadoop's, and ends as FILE_NAMES says. VcfError where Hail does not read it.
    """
    import hail as hl  # noqa: PLC0415

    if encoding is Encoding.BCF:
        raise VcfError("Hail does not read BCF; make it VCF, or load it by engine=native")
    try:
        matrix = hl.import_vcf(
            uri,
            force=encoding is Encoding.GZIP,
            # References differ in their contigs' names; here each stands as the file has it.
            reference_genome=None,
            array_elements_required=False,
            call_fields=[],
            block_size=block_mib,
        )
        # Hail 0.2.139 has what it read before in place of a missing element of FORMAT's arrays of text: none of them.
        matrix = matrix.drop(*(name for name, kind in matrix.entry.dtype.items() if kind == hl.tarray(hl.tstr)))
        if "GT" in matrix.entry:
            matrix = matrix.filter_entries(hl.is_missing(matrix.GT) | matrix.GT.is_non_ref())
            matrix = matrix.annotate_entries(GT=_alleles(hl, matrix.GT))
        # Spark has no structures without fields, and Hail makes something else of them.
        structures = [*(["info"] if len(matrix.info) else []), *(["entries"] if len(matrix.entry) else [])]
        rows = matrix.localize_entries("entries", "columns").key_by()
        place = {"contig": rows.locus.contig, "position": rows.locus.position}
        return rows.select("alleles", "rsid", "qual", "filters", *structures, **place).to_spark(flatten=False)
    except Exception as error:
        raise hail_error(error) from error


def hail_error(error: Exception) -> VcfError:
    """What Hail, or Spark for it, says is wrong with a file, as one line."""
    text = str(error)
    *_, reason = [text.partition("\n")[0], *_REASON.findall(text)]
    # Before it stands which task failed.
    reason = _DIRECTORY.sub("", reason.rpartition("HailException: ")[2]).strip()
    said = [reason, *_FIELD_REASON.findall(text)[:1]]
    return VcfError(f"Hail does not read it: {': '.join(said)[:_LONGEST]}")


def _alleles(hl: Any, call: Any) -> Any:
    alleles = hl.range(call.ploidy).map(lambda index: call[index])
    return hl.or_missing(hl.is_defined(call), hl.struct(alleles=alleles, phased=call.phased))


def _has_jar(context: "SparkContext") -> bool:
    # What is no class is a package to Py4J.
    return type(getattr(context._jvm, "is").hail.backend.spark.SparkBackend).__name__ == "JavaClass"
