"""What the context of other variants is made of: of each variant, a few columns, and no label."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from genomics.contracts.annotated_variants import AnnotatedVariant
from genomics.contracts.submission_features import UNNAMED, conditions, references
from genomics.contracts.variant_features import (
    RAREST,
    impact,
    is_at_splice_site,
    is_missense,
    is_synonymous,
    largest_frequency,
    log_frequency,
)

_NUMBERS_OF_CHROMOSOME = 10_000_000_000
_OTHER_CONTIGS = 99
# Between the conditions of a row; ClinVar writes it there too.
SEPARATOR = "|"


def context_rows(variants: Iterable[AnnotatedVariant]) -> pd.DataFrame:
    """One row per variant, in order. What is unknown is NaN, or None where it is text.

    `place` orders all positions of the genome. A frequency that is unknown counts as below all that are known.
    """
    frame = pd.DataFrame([_row(variant) for variant in variants], columns=_COLUMNS)
    for column in ("cadd", "residue", "severity", "impact"):
        frame[column] = frame[column].astype("float64")
    return frame


def _row(variant: AnnotatedVariant) -> tuple[object, ...]:
    number = variant.chromosome_number or _OTHER_CONTIGS
    names, referrers, term_rank = conditions(variant), references(variant), variant.severity
    transcript, level = variant.text("Feature"), impact(variant)
    return (
        ":".join(map(str, variant.key)),
        variant.gene,
        number * _NUMBERS_OF_CHROMOSOME + variant.pos,
        transcript,
        variant.first_number("Protein_position"),
        np.nan if term_rank is None else term_rank,
        np.nan if level is None else level,
        variant.number("CADD_PHRED"),
        log_frequency(largest_frequency(variant) or RAREST),
        not variant.known_frequencies,
        is_missense(variant),
        is_synonymous(variant),
        is_at_splice_site(variant),
        len(variant.ref) != len(variant.alt),
        variant.first_number("CDS_position") is not None,
        SEPARATOR.join(names),
        len(names),
        len(referrers),
        UNNAMED[0] in names,
        UNNAMED[1] in names,
        sum("Illumina" in referrer for referrer in referrers),
        SEPARATOR.join(sorted(set(referrers))),
    )


_COLUMNS = [
    "key",
    "gene",
    "place",
    "transcript",
    "residue",
    "severity",
    "impact",
    "cadd",
    "frequency",
    "is_unseen",
    "is_missense",
    "is_synonymous",
    "is_splice",
    "is_length_change",
    "is_coding",
    "conditions",
    "condition_count",
    "reference_count",
    "not_specified",
    "not_provided",
    "illumina",
    "referrers",
]
