"""Ensembl's VEP, as it is run on a sample's alleles. Only the image annotate_vep has it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from batch_tools.tool_runtime.errors import ToolError
from genomics.contracts.parameters import AnnotateParameters

PROGRAM = "vep"
# What is told of each transcript, in this order; the second is what consequences are counted by.
FIELDS = (
    "Allele", "Consequence", "IMPACT", "SYMBOL", "Gene", "Feature_type", "Feature", "BIOTYPE", "EXON", "INTRON",
    "HGVSc", "HGVSp", "cDNA_position", "CDS_position", "Protein_position", "Amino_acids", "Codons", "STRAND",
    "CANONICAL", "MANE_SELECT", "ENSP",
)  # fmt: skip


@dataclass(frozen=True)
class VepCache:
    """Where Ensembl's cache is, and of what."""

    directory: Path
    species: str
    assembly: str


def find_cache(references: Path, parameters: AnnotateParameters) -> VepCache:
    """The cache that the parameters name, below the references mount; ToolError where it is not there."""
    cache = VepCache(references / parameters.vep_cache, parameters.vep_species, parameters.vep_assembly)
    # A cache holds a directory `<release>_<assembly>` for each species.
    if not list(cache.directory.glob(f"{cache.species}/*_{cache.assembly}")):
        raise ToolError(
            f"VEP's cache of {cache.species} {cache.assembly} is not in {cache.directory}; unpack it there, or name "
            "another directory below the references mount with annotate.vep_cache"
        )
    return cache


def vep(cache: VepCache, *, fasta: str, forks: int) -> Sequence[str]:
    """The command that reads a VCF and writes it with INFO CSQ, without the network.

    Options: ensembl.org/info/docs/tools/vep/script/vep_options.html. Records stay as many as they were: those without
    an alternate allele, and those on contigs that the cache has not, pass without a consequence.
    """
    source = ("--offline", "--cache", "--dir_cache", str(cache.directory))
    genome = ("--species", cache.species, "--assembly", cache.assembly, "--fasta", fasta)
    files = ("--format", "vcf", "--vcf", "--output_file", "STDOUT", "--no_stats")
    told = ("--symbol", "--biotype", "--numbers", "--canonical", "--mane", "--hgvs", "--protein")
    kept = ("--allow_non_variant", "--dont_skip")
    # One process is what it is without the option, which has to be more than one.
    processes = ("--fork", str(forks)) if forks > 1 else ()
    return [PROGRAM, *source, *genome, *files, *told, "--fields", ",".join(FIELDS), *kept, *processes]
