"""What a feature is: where it comes from, what it says, for whom it may be used, and how it could leak the label."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from genomics.contracts.annotated_variants import AnnotatedVariant


class Tier(StrEnum):
    """A can be known of a new variant; B also takes what laboratories wrote when they submitted it."""

    A = "A"
    B = "B"


class Leak(StrEnum):
    """How a feature could tell a model what it should not know."""

    NONE = "none"
    CONTEXT = "tells which other variants the table has"
    LABELS = "uses labels: fitted inside the fold"
    SUBMISSIONS = "grows with the number of submissions"


@dataclass(frozen=True)
class Feature:
    """A column that models see. `source` names the columns that it is made of."""

    name: str
    source: str
    meaning: str
    tier: Tier = Tier.A
    leak: Leak = Leak.NONE


@dataclass(frozen=True)
class RowFeature(Feature):
    """A feature that the variant's own row tells; `of` computes it, None where it is unknown."""

    of: Callable[[AnnotatedVariant], float | None] = lambda _: None


def values_of(variant: AnnotatedVariant, features: Iterable[RowFeature]) -> list[float]:
    """The features' values in their order; what is unknown is NaN. RowError where the row has no such value."""
    return [math.nan if (value := feature.of(variant)) is None else float(value) for feature in features]
