"""Tables that are made up: genes of different propensity, and frequencies and consequences that say something."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from genomics.contracts.annotated_variants import PUBLISHED_COLUMNS
from genomics.ml.tables import TrainingTable, table_of

_CONSEQUENCES = (
    ("missense_variant", "MODERATE"),
    ("synonymous_variant", "LOW"),
    ("intron_variant", "MODIFIER"),
    ("stop_gained", "HIGH"),
)
_CONDITIONS = ("not_specified", "not_provided", "Long_QT_syndrome", "Breast_cancer", "Inborn_genetic_diseases")

Row = dict[str, str | None]


def made_up_rows(genes: int, variants_per_gene: int, *, seed: int = 0) -> Iterator[Row]:
    """Rows of the published layout whose label depends on gene, frequency and consequence, and on chance."""
    generator = np.random.default_rng(seed)
    empty: Row = dict.fromkeys(PUBLISHED_COLUMNS)
    for gene in range(genes):
        propensity = generator.normal(0, 0.8)
        for number in range(variants_per_gene):
            consequence, impact = _CONSEQUENCES[int(generator.integers(len(_CONSEQUENCES)))]
            frequency = 10 ** generator.uniform(-6, -1)
            residue = int(generator.integers(1, 500))
            odds = propensity - 1.6 + 1.2 * (consequence == "missense_variant") - 0.8 * abs(np.log10(frequency) + 4)
            names = generator.choice(_CONDITIONS, size=int(generator.integers(1, 4)), replace=False)
            ref, alt = generator.choice(list("ACGT"), size=2, replace=False)
            yield {
                **empty,
                "CHROM": str(gene % 22 + 1),
                "POS": str(1_000_000 * (gene // 22 + 1) + 37 * number + int(generator.integers(30))),
                "REF": str(ref),
                "ALT": str(alt),
                "AF_EXAC": None if generator.random() < 0.3 else f"{frequency:.6g}",
                "CLNDN": "|".join(names),
                "MC": f"SO:0000001|{consequence}",
                "CLASS": str(int(generator.random() < 1 / (1 + np.exp(-odds - 1)))),
                "Consequence": consequence,
                "IMPACT": impact,
                "SYMBOL": f"GENE{gene}",
                "Feature": f"NM_{gene:06d}.1",
                "Protein_position": str(residue),
                "STRAND": str(1 - 2 * (gene % 2)),
                "CADD_PHRED": f"{generator.normal(15, 6):.2f}",
            }


def made_up_table(genes: int, variants_per_gene: int, *, seed: int = 0) -> TrainingTable:
    rows = made_up_rows(genes, variants_per_gene, seed=seed)
    return table_of(enumerate(rows, 2), name="made-up.csv", sha256="0" * 64)


@pytest.fixture(scope="session")
def rows() -> Callable[..., Iterator[Row]]:
    return made_up_rows


@pytest.fixture(scope="session")
def many_variants() -> TrainingTable:
    return made_up_table(400, 8)


@pytest.fixture(scope="session")
def few_variants() -> TrainingTable:
    return made_up_table(40, 20)
