"""Which consequences a training set's variants have, and who says so: VEP, bcftools csq, or ClinVar itself."""

import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pysam.bcftools
from pysam.utils import SamtoolsError

from genomics.contracts import object_keys
from genomics.contracts.annotation_tables import chromosome
from genomics.contracts.training_sets import TrainingSetError
from genomics.contracts.transcript_consequences import from_bcftools, from_clinvar, from_vep
from glue_jobs.create_training_set.layout import Key, LakeRow, key_of
from glue_jobs.create_training_set.options import NONE, CreateTrainingSetOptions
from glue_jobs.vcf.consequence_formats import ConsequenceFormat, Program
from glue_jobs.vcf.errors import VcfError
from glue_jobs.vcf.reader import RangeReader, open_vcf
from glue_jobs.vcf.sources import ByteSource, S3Source, s3_client
from glue_jobs.vcf.text import ByteRange

CLINVAR_ONLY = "MC"
_FROM = {Program.VEP: from_vep, Program.BCFTOOLS: from_bcftools}
# The lake's columns by the names of VEP and of bcftools.
_VEP_NAMES = {
    "allele": "Allele",
    "impact": "IMPACT",
    "gene_symbol": "SYMBOL",
    "feature_type": "Feature_type",
    "feature": "Feature",
    "biotype": "BIOTYPE",
    "exon": "EXON",
    "intron": "INTRON",
    "cdna_position": "cDNA_position",
    "cds_position": "CDS_position",
    "protein_position": "Protein_position",
}
_BCFTOOLS_NAMES = {"gene_symbol": "gene", "feature": "transcript", "biotype": "biotype"}
_NAMES = {Program.VEP: _VEP_NAMES, Program.BCFTOOLS: _BCFTOOLS_NAMES}

Entries = dict[Key, list[dict[str, str | None]]]


@dataclass(frozen=True)
class Consequences:
    """`program` wrote `entries`, each variant's in its order; without a program they are those of MC."""

    program: Program | None
    entries: Entries

    @property
    def name(self) -> str:
        """Who says so."""
        return self.program.value if self.program else CLINVAR_ONLY

    def columns(self, row: LakeRow) -> dict[str, str | None]:
        """CONSEQUENCE_COLUMNS of a variant; those of MC where the program says nothing of it."""
        entries = self.entries.get(key_of(row))
        if self.program is None or not entries:
            return from_clinvar(row["consequences"] or (), row["gene_symbols"] or ())
        return _FROM[self.program](entries)


@dataclass(frozen=True)
class _LocalSource:
    """A file of this machine."""

    path: Path

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def read(self, start: int, end: int) -> bytes:
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read(max(0, end - start))


def find_consequences(options: CreateTrainingSetOptions, release: str, wanted: Collection[Key]) -> Consequences:
    """Those of the annotated file that is given, else of the release's own file, else of bcftools csq, else of MC.

    `release` is the s3:// URI of its file. TrainingSetError where what is given cannot be used.
    """
    given = options.consequences != NONE
    uri = options.consequences if given else release
    try:
        found = _read(S3Source.head(uri), wanted)
        if found:
            return found
        if given:
            raise TrainingSetError(f"{uri}: its header describes neither CSQ nor BCSQ; annotate it with VEP or csq")
        if NONE not in (options.reference, options.gff):
            with tempfile.TemporaryDirectory() as directory:
                annotated = _annotated(Path(directory), release, options.reference, options.gff)
                return _read(_LocalSource(annotated), wanted) or Consequences(None, {})
    except VcfError as error:
        raise TrainingSetError(f"{uri}: {error}") from error
    return Consequences(None, {})


def _read(source: ByteSource, wanted: Collection[Key]) -> Consequences | None:
    file = open_vcf(source)
    form = next((f for f in file.header.consequences.values() if f.program in _FROM), None)
    if form is None:
        return None
    entries: Entries = {}
    for batch in RangeReader(source, file, ByteRange(0, source.size)):
        for row in batch.consequences.to_pylist(maps_as_pydicts="lossy"):
            key = (chromosome(row["chrom"]), row["pos"], row["ref"], row["alt"])
            if row["field"] == form.field and key in wanted:
                entries.setdefault(key, []).append(_named(row, form))
    return Consequences(form.program, entries)


def _named(row: Mapping[str, Any], form: ConsequenceFormat) -> dict[str, str | None]:
    named: dict[str, str | None] = {name: row[column] for column, name in _NAMES[form.program].items()}
    named["Consequence"] = "&".join(term for term in row["terms"] or () if term) or None
    return {**(row["other_subfields"] or {}), **named}


def _annotated(directory: Path, release: str, reference: str, gff: str) -> Path:
    """The release with BCSQ, by the bcftools that pysam brings."""
    files = {}
    for name, uri in (("release", release), ("reference", reference), ("gff", gff)):
        bucket, key = object_keys.parse(uri)
        files[name] = directory / key.rpartition("/")[2]
        s3_client().download_file(bucket, key, str(files[name]))
    annotated = directory / "annotated.vcf"
    try:
        pysam.bcftools.csq(
            *("--fasta-ref", str(files["reference"]), "--gff-annot", str(files["gff"]), "--phase", "a", "--force"),
            *("--output", str(annotated), str(files["release"])),
            catch_stdout=False,
        )
    except SamtoolsError as error:
        told = str(error).strip().splitlines()
        raise TrainingSetError(f"{gff}: bcftools csq stopped: {told[-1] if told else 'it says nothing'}") from error
    return annotated
