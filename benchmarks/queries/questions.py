"""The questions asked, and what may be read for each."""

# ruff: noqa: S608  (values of our own making)

from dataclasses import dataclass

from benchmarks.queries.tables import Sites

_REGION_BASES = 100_000
_SAMPLES = 5


@dataclass(frozen=True)
class Question:
    """`most` is the largest share of the needed columns' bytes, whole table, that may be read; None where any may."""

    name: str
    sql: str
    most: float | None


def questions(sites: Sites, samples: int) -> list[Question]:
    """About a site in the middle of chr20, the 100 kb around it, and five samples."""
    (on_chromosome,) = (sites.chrom == "chr20").nonzero()
    middle = on_chromosome[len(on_chromosome) // 2]
    position = int(sites.position[middle])
    start = position - _REGION_BASES // 2
    region = f"chrom = 'chr20' and pos between {start} and {start + _REGION_BASES - 1}"
    variant = f"chrom = 'chr20' and pos = {position} and ref = '{sites.reference[middle]}'"
    variant += f" and alt = '{sites.alternate[middle]}'"
    step = samples // _SAMPLES
    cohort = ", ".join(f"'S{number * step:05d}'" for number in range(_SAMPLES))
    return [
        Question(
            "cohort of 5 samples",
            f"select chrom, pos, ref, alt, count(*) carriers, sum(dosage) copies from genotypes "
            f"where sample in ({cohort}) and dosage > 0 group by all",
            0.015,
        ),
        Question(
            "100 kb: variants",
            f"select chrom, pos, ref, alt, qual, filters, allele_frequency from variants where {region}",
            0.01,
        ),
        Question(
            "100 kb: carriers",
            f"select sample, chrom, pos, ref, alt, dosage from genotypes_by_location where {region}",
            0.01,
        ),
        Question(
            "one variant",
            f"select chrom, pos, ref, alt, qual, filters, allele_frequency from variants where {variant}",
            0.001,
        ),
        Question(
            "carriers of one variant",
            f"select sample, genotype, dosage, depth, genotype_quality from genotypes_by_location where {variant}",
            0.001,
        ),
        Question(
            "rsid",
            f"select chrom, pos, ref, alt from variant_ids where id = '{sites.identifier[middle]}'",
            None,
        ),
        Question(
            "pathogenic in 5 samples",
            "select sample, gene, count(*) from genotypes join clinvar using (chrom, pos, ref, alt) "
            f"where sample in ({cohort}) and significance = 'Pathogenic' group by all",
            None,
        ),
    ]
