"""Annotate a sample's variants: what they do to genes, and what ClinVar knows of them."""

import tarfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from batch_tools.annotate import vep
from batch_tools.annotate.consequences import BESIDE_GENES, worst_of_csq, worst_of_snpeff, worst_of_vep
from batch_tools.tool_runtime.alleles import normalising
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.pipeline import capture, run_pipeline
from batch_tools.tool_runtime.reference import linked
from batch_tools.tool_runtime.snpeff import CONFIGURATION, GENOME, snpeff
from batch_tools.tool_runtime.tool import Outcome
from batch_tools.tool_runtime.versions import tool_versions
from genomics.contracts.steps import CLINVAR_FIELDS, CONSEQUENCE, Scalar

PROGRAMS = ("bcftools", "snpeff", vep.PROGRAM)
# The staged calls and database, that unpacked, what sorting spills, and the VCF.
SCRATCH_PER_INPUT_BYTE = 6

# Amino acids shown of a protein that a frameshift changes to its end.
_AMINO_ACIDS_SHOWN = 10
_ALLELES = "alleles.bcf"
_PLAIN = ("--no-version", "--output-type", "u")


@dataclass(frozen=True)
class Knowledge:
    """What prepare_annotation made, as far as there is any: genes and database for a predictor each, ClinVar's VCF.

    With the cache of VEP, which alone predicts then, there are no genes.
    """

    csq_genes: Path | None = None
    snpeff_database: Path | None = None
    clinvar: Path | None = None
    clinvar_index: Path | None = None
    vep_cache: vep.VepCache | None = None


def run(
    *,
    sample: str,
    vcf: Path,
    knowledge: Knowledge,
    reference: Path,
    memory_mib: int,
    directory: Path,
    processes: int = 1,
) -> Outcome:
    """Annotate `vcf` with `knowledge`, into `directory`.

    Outputs `vcf` (BGZF) and its `index` (TBI): every allele of the input as a record of its own, left-aligned on the
    prepared FASTA `reference`, with INFO BCSQ of bcftools csq, ANN of snpEff, CSQ of VEP (in so many `processes`), and
    CLINVAR_FIELDS where ClinVar has the very allele. Each allele is judged by itself, not with its neighbours on a
    haplotype. Metrics: records, how many have which worst consequence, on how many the predictors differ, how many
    ClinVar has. ToolError if there is nothing to annotate with.
    """
    if not (knowledge.csq_genes or knowledge.snpeff_database or knowledge.clinvar or knowledge.vep_cache):
        raise ToolError("there is nothing to annotate with")
    fasta = linked(reference, directory)
    (directory / "source.txt").write_text(_source(knowledge, directory))
    annotated = f"{sample}.vcf.gz"
    run_pipeline(
        *normalising(fasta, source=str(vcf.absolute()), output_type="b", output=_ALLELES),
        directory=directory,
    )
    run_pipeline(
        _with_clinvar(knowledge, directory),
        *_csq(knowledge, fasta),
        *_snpeff(knowledge, memory_mib, directory),
        *_vep(knowledge, fasta, processes),
        ["bcftools", "annotate", "--no-version", "--header-lines", "source.txt", "-Oz", "--output", annotated],
        directory=directory,
    )
    run_pipeline(["bcftools", "index", "--tbi", annotated], directory=directory)
    return Outcome(
        outputs={"vcf": directory / annotated, "index": directory / f"{annotated}.tbi"},
        metrics=_metrics(knowledge, annotated, directory),
    )


def _csq(knowledge: Knowledge, fasta: str) -> list[list[str]]:
    """Without phase, variants of one gene cannot be read together: each is judged alone, whatever its genotype."""
    if not knowledge.csq_genes:
        return []
    alone = ("--local-csq", "--samples", "-", "--trim-protein-seq", str(_AMINO_ACIDS_SHOWN))
    genes = ("--fasta-ref", fasta, "--gff-annot", str(knowledge.csq_genes.absolute()))
    return [["bcftools", "csq", *_PLAIN, "--force", *alone, *genes]]


def _with_clinvar(knowledge: Knowledge, directory: Path) -> list[str]:
    """The alleles, with what ClinVar says of them."""
    if not (knowledge.clinvar and knowledge.clinvar_index):
        return ["bcftools", "view", *_PLAIN, _ALLELES]
    run_pipeline(["bcftools", "index", "--csi", _ALLELES], directory=directory)
    link = directory / "clinvar.vcf.gz"
    link.symlink_to(knowledge.clinvar.absolute())
    link.with_name(f"{link.name}.tbi").symlink_to(knowledge.clinvar_index.absolute())
    columns = ",".join(f"INFO/{name}" for name in _clinvar_fields(link))
    join = ("--annotations", link.name, "--columns", columns, "--pair-logic", "exact")
    return ["bcftools", "annotate", *_PLAIN, *join, _ALLELES]


def _clinvar_fields(vcf: Path) -> list[str]:
    """Those of CLINVAR_FIELDS that it has."""
    header = capture(["bcftools", "view", "--header-only", vcf.name], directory=vcf.parent)
    return [name for name in CLINVAR_FIELDS if f"##INFO=<ID={name}," in header]


def _snpeff(knowledge: Knowledge, memory_mib: int, directory: Path) -> list[list[str]]:
    if not knowledge.snpeff_database:
        return []
    _unpack(knowledge.snpeff_database, directory)
    if not (directory / CONFIGURATION).is_file():
        raise ToolError(f"{knowledge.snpeff_database.name} holds no {CONFIGURATION}")
    command = snpeff("ann", memory_mib=memory_mib)
    return [["bcftools", "view", "--no-version"], [*command, "-nodownload", "-noStats", GENOME, "-"]]


def _vep(knowledge: Knowledge, fasta: str, processes: int) -> list[list[str]]:
    """What VEP writes of itself into the header, with the time and places of this machine, is left out."""
    if not knowledge.vep_cache:
        return []
    command = vep.vep(knowledge.vep_cache, fasta=fasta, forks=processes)
    return [["bcftools", "view", "--no-version"], [*command], ["sed", "/^##VEP/d"]]


def _unpack(archive: Path, directory: Path) -> None:
    """Unpack plain files; Python 3.11.2, which the image has, knows no filters that would look at them."""
    with tarfile.open(archive) as tar:
        for member in tar:
            place = (directory / member.name).resolve()
            if not (member.isfile() or member.isdir()) or not place.is_relative_to(directory.resolve()):
                raise ToolError(f"{archive.name} holds {member.name}, which is no plain file of a database")
            tar.extract(member, directory)


def _source(knowledge: Knowledge, directory: Path) -> str:
    """A header line that says what annotated."""
    words = [
        *([f"bcftools {tool_versions(['bcftools'])['bcftools']} csq"] if knowledge.csq_genes else []),
        *([f"snpEff {tool_versions(['snpeff'])['snpeff']}"] if knowledge.snpeff_database else []),
        *([f"VEP {tool_versions([vep.PROGRAM])[vep.PROGRAM]}"] if knowledge.vep_cache else []),
        *(["ClinVar"] if knowledge.clinvar else []),
    ]
    return f"##annotated_with={', '.join(words)}\n"


def _metrics(knowledge: Knowledge, vcf: str, directory: Path) -> dict[str, Scalar]:
    fields = {
        "BCSQ": bool(knowledge.csq_genes),
        "ANN": bool(knowledge.snpeff_database),
        "CSQ": bool(knowledge.vep_cache),
        CLINVAR_FIELDS[0]: bool(knowledge.clinvar),
    }
    # `.` stands for a field that was not asked for, as for a missing value.
    columns = [f"%INFO/{name}" if has else "." for name, has in fields.items()]
    table = directory / "annotations.tsv"
    query = ["bcftools", "query", "--format", "\t".join(columns) + "\n", vcf]
    run_pipeline(query, directory=directory, output=table)
    worst, records, known, differing = Counter[str](), 0, 0, 0
    with table.open(encoding="utf-8") as lines:
        for line in lines:
            csq, snpeff_ann, vep_csq, significance = line.rstrip("\n").split("\t")
            by_csq, by_snpeff = worst_of_csq(csq), worst_of_snpeff(snpeff_ann)
            records += 1
            if knowledge.vep_cache:
                worst[worst_of_vep(vep_csq)] += 1
            else:
                worst[by_snpeff if knowledge.snpeff_database else by_csq] += 1
            differing += by_csq != by_snpeff and not {by_csq, by_snpeff} <= BESIDE_GENES
            known += significance != "."
    metrics: dict[str, Scalar] = {"records": records}
    if fields["BCSQ"] or fields["ANN"] or fields["CSQ"]:
        metrics |= {f"{CONSEQUENCE}{term}": count for term, count in worst.items()}
    if fields["BCSQ"] and fields["ANN"]:
        metrics["predictors_differ"] = differing
    if knowledge.clinvar:
        metrics["in_clinvar"] = known
    return metrics
