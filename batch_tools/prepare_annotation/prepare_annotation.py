"""Prepare what variants are annotated with, once for a reference: genes for both predictors, and ClinVar's alleles."""

import tarfile
from collections.abc import Iterable
from pathlib import Path

from batch_tools.prepare_annotation.clinvar import VCF, prepare_clinvar
from batch_tools.prepare_annotation.contig_names import MITOCHONDRIAL
from batch_tools.prepare_annotation.gene_models import GeneModels, GffError, Transcript, read_gene_models
from batch_tools.prepare_annotation.gff3 import csq_lines, snpeff_lines
from batch_tools.tool_runtime.pipeline import run_pipeline
from batch_tools.tool_runtime.reference import contig_lengths, linked
from batch_tools.tool_runtime.snpeff import CONFIGURATION, DATA, GENOME, SYSTEM_CONFIGURATION, snpeff
from batch_tools.tool_runtime.tool import Outcome
from genomics.contracts.parameters import AnnotateParameters
from genomics.contracts.steps import CSQ, SNPEFF, Scalar

PROGRAMS = ("bcftools", "snpeff")
# Gzipped text, unpacked and written again; snpEff keeps the sequence of the genes besides.
SCRATCH_PER_INPUT_BYTE = 40

_GENES = "genes.gff3"
# In snpEff's configuration.
_MITOCHONDRIAL_CODE = "Vertebrate_Mitochondrial"


def run(
    *,
    genes: Path | None,
    clinvar: Path | None,
    reference: Path,
    parameters: AnnotateParameters,
    memory_mib: int,
    directory: Path,
) -> Outcome:
    """Prepare `genes` (GFF3) and `clinvar` (VCF), each plain or gzipped, for the prepared FASTA `reference`.

    Outputs, as far as there is input: `csq_genes` (GFF3 as bcftools csq reads it, gzipped), `snpeff_database` (a tar of
    snpEff's configuration and database), both where `parameters` asks for that predictor; `clinvar` and
    `clinvar_index` (VCF, TBI). Metrics are counts of genes, transcripts and alleles, and of what is left out. ToolError
    names file and line of what cannot be used.
    """
    outputs: dict[str, Path] = {}
    metrics: dict[str, Scalar] = {}
    if genes:
        models = read_gene_models(genes, contig_lengths(reference))
        metrics |= models.counts
        if parameters.predictor in (CSQ, "both"):
            outputs["csq_genes"] = _csq_genes(genes, models, directory)
        if parameters.predictor in (SNPEFF, "both"):
            outputs["snpeff_database"] = _snpeff_database(models, reference, memory_mib, directory)
    if clinvar:
        fasta, contigs = linked(reference, directory), contig_lengths(reference)
        metrics |= prepare_clinvar(clinvar, reference=fasta, contigs=contigs, directory=directory)
        outputs |= {"clinvar": directory / VCF, "clinvar_index": directory / f"{VCF}.tbi"}
    return Outcome(outputs=outputs, metrics=metrics)


def _csq_genes(source: Path, models: GeneModels, directory: Path) -> Path:
    """Bcftools csq knows the standard genetic code only, so the mitochondrion's proteins are not for it."""
    known = [each for each in models.transcripts if not (each.cds and each.chrom in MITOCHONDRIAL)]
    if not known:
        raise GffError(source, "only the mitochondrion has genes: choose annotate.predictor=snpeff")
    written = _write(csq_lines(known), directory / _GENES)
    run_pipeline(["gzip", "--no-name", "--keep", written.name], directory=directory)
    return directory / f"{written.name}.gz"


def _snpeff_database(models: GeneModels, reference: Path, memory_mib: int, directory: Path) -> Path:
    genome = directory / DATA / GENOME
    genome.mkdir(parents=True)
    genes = _write(snpeff_lines(models.transcripts), genome / "genes.gff")
    fasta = genome / "sequences.fa"
    fasta.symlink_to(reference)
    (directory / CONFIGURATION).write_text(_configuration(models.transcripts))
    build = snpeff("build", memory_mib=memory_mib)
    run_pipeline([*build, "-gff3", "-noCheckCds", "-noCheckProtein", GENOME], directory=directory)
    genes.unlink()
    fasta.unlink()
    database = directory / "snpeff.tar"
    with tarfile.open(database, "w") as tar:
        for path in (directory / CONFIGURATION, *sorted(genome.iterdir())):
            tar.add(path, arcname=str(path.relative_to(directory)))
    return database


def _configuration(transcripts: Iterable[Transcript]) -> str:
    """The standard code is built in, with ATG as its only start, as csq has it; the mitochondrion has its own."""
    contigs = sorted({each.chrom for each in transcripts if each.chrom in MITOCHONDRIAL})
    named = f"codon.{_MITOCHONDRIAL_CODE}"
    tables = [line for line in SYSTEM_CONFIGURATION.read_text().splitlines() if line.startswith(named)]
    lines = [
        f"data.dir = ./{DATA}",
        f"{GENOME}.genome : {GENOME}",
        *(f"{GENOME}.{name}.codonTable : {_MITOCHONDRIAL_CODE}" for name in contigs),
        *(tables if contigs else []),
    ]
    return "".join(f"{line}\n" for line in lines)


def _write(lines: Iterable[str], path: Path) -> Path:
    with path.open("w") as stream:
        stream.writelines(lines)
    return path
