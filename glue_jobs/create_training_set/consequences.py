"""Which consequences a training set's variants have, and who says so: VEP, bcftools csq, or ClinVar itself."""

import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pysam
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
                annotated = _annotated(Path(directory), wanted, options.reference, options.gff)
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


def _annotated(directory: Path, wanted: Collection[Key], reference: str, gff: str) -> Path:
    """The variants with BCSQ, by the bcftools that pysam brings."""
    files = {}
    for name, uri in (("reference", reference), ("gff", gff)):
        bucket, key = object_keys.parse(uri)
        files[name] = directory / f"{name}-{key.rpartition('/')[2]}"
        s3_client().download_file(bucket, key, str(files[name]))
    sites, annotated = directory / "sites.vcf", directory / "annotated.vcf"
    try:
        pysam.faidx(str(files["reference"]))
        _write_sites(sites, wanted, Path(f"{files['reference']}.fai"))
        pysam.bcftools.csq(
            *("--fasta-ref", str(files["reference"]), "--gff-annot", str(files["gff"]), "--force"),
            *("--output", str(annotated), str(sites)),
            catch_stdout=False,
        )
    except SamtoolsError as error:
        # pysam spells what bcftools said as Python does.
        told = str(error).partition("stderr=")[2].replace("\\n", "\n").strip("'\n").splitlines()
        why = told[-1] if told else "it says nothing"
        raise TrainingSetError(f"{gff}, {reference}: bcftools csq stopped: {why}") from error
    return annotated


def _write_sites(path: Path, wanted: Collection[Key], index: Path) -> None:
    """A VCF of the variants on the reference's contigs, all of them declared.

    ClinVar's own file declares none, and bcftools csq, as pysam has it, ends its process at a contig that is not.
    """
    contigs = [line.split("\t")[0] for line in index.read_text().splitlines()]
    places = {chromosome(contig): place for place, contig in enumerate(contigs)}
    sites = sorted((places[chrom], pos, ref, alt) for chrom, pos, ref, alt in wanted if chrom in places)
    with path.open("w") as file:
        file.write("##fileformat=VCFv4.3\n")
        file.writelines(f"##contig=<ID={contig}>\n" for contig in contigs)
        file.write("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
        file.writelines(f"{contigs[place]}\t{pos}\t.\t{ref}\t{alt}\t.\t.\t.\n" for place, pos, ref, alt in sites)
