"""Training sets: which variants are in one, what their label is, and the document that says that it is complete."""

from collections.abc import Mapping
from dataclasses import dataclass

from genomics.contracts.runs import Artifact

# Criteria provided by several submitters: who agree, and who do not (until 2023 `interpretations`).
# https://www.ncbi.nlm.nih.gov/clinvar/docs/review_status/
_AGREEING = ("criteria_provided,_multiple_submitters,_no_conflicts", "criteria_provided,_multiple_submitters")
_CONFLICTING = ("criteria_provided,_conflicting_interpretations", "criteria_provided,_conflicting_classifications")


class TrainingSetError(ValueError):
    """A training set cannot be made: one line that says why, and what to do."""


def label_of(review_status: str | None, significances_in_conflict: Mapping[str, int] | None) -> bool | None:
    """Whether several submitters with criteria disagree (CLNREVSTAT, CLNSIGCONF); None where there are not several."""
    if review_status in _CONFLICTING:
        return True
    if review_status in _AGREEING:
        return bool(significances_in_conflict)
    return None


@dataclass(frozen=True)
class TrainingSetManifest:
    """The commit of a training set, written last: made of which release and consequences, and what it holds.

    `consequences` says where they are from: VEP, bcftools csq, or MC. `left_out` counts records by reason.
    """

    release: str
    assembly: str
    source: Artifact
    consequences: str
    table: Artifact
    published: Artifact
    conflicting: int
    agreeing: int
    left_out: Mapping[str, int]
