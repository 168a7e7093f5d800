"""Features of tier B that one row tells: conditions, databases and references that came with submissions to ClinVar."""

import re
from collections.abc import Callable

from genomics.contracts.annotated_variants import AnnotatedVariant
from genomics.contracts.features import Leak, RowFeature, Tier

# Conditions that name none.
UNNAMED = ("not_specified", "not_provided")

_DATABASES = ("MedGen", "OMIM", "Orphanet", "SNOMED", "MeSH", "Human_Phenotype", "MONDO", "Gene:")
_LABORATORY = re.compile(r"Lab|Diagn|Univ|Hosp|Clin|Gen")
_CANCER = re.compile(r"cancer|carcinoma|tumor|Lynch|polyposis")
_HEART = re.compile(r"ardiomyopathy|rrhythm|QT")
_SYMPTOMS = re.compile(r"Inborn|abnormality|delay|Seizures")


def conditions(variant: AnnotatedVariant) -> list[str]:
    """What it was submitted for, in ClinVar's order."""
    return [name for name in variant.parts("CLNDN") if name not in ("", ".")]


def named_conditions(variant: AnnotatedVariant) -> list[str]:
    """Those that are named."""
    return [name for name in conditions(variant) if name not in UNNAMED]


def references(variant: AnnotatedVariant) -> list[str]:
    """Who has an identifier of their own for it."""
    return [part.partition(":")[0] for part in variant.parts("CLNVI") if part]


def _feature(name: str, source: str, meaning: str, of: Callable[[AnnotatedVariant], float | None]) -> RowFeature:
    return RowFeature(name, source, meaning, Tier.B, Leak.SUBMISSIONS, of)


def _condition_features() -> list[RowFeature]:
    def place(index: int) -> Callable[[AnnotatedVariant], float | None]:
        def of(v: AnnotatedVariant) -> float | None:
            names = conditions(v)
            return UNNAMED.index(names[index]) if names and names[index] in UNNAMED else -1

        return of

    def matching(name: str, meaning: str, pattern: re.Pattern[str]) -> RowFeature:
        return _feature(name, "CLNDN", meaning, lambda v: bool(pattern.search(v.text("CLNDN") or "")))

    def counting(name: str, meaning: str, word: str) -> RowFeature:
        return _feature(name, "CLNDN", meaning, lambda v: (v.text("CLNDN") or "").count(word))

    return [
        _feature("conditions", "CLNDN", "conditions", lambda v: len(conditions(v))),
        _feature("conditions_named", "CLNDN", "conditions with a name", lambda v: len(named_conditions(v))),
        _feature("is_not_specified", "CLNDN", "`not_specified` is one", lambda v: UNNAMED[0] in conditions(v)),
        _feature("is_not_provided", "CLNDN", "`not_provided` is one", lambda v: UNNAMED[1] in conditions(v)),
        _feature("conditions_length", "CLNDN", "characters", lambda v: len(v.text("CLNDN") or "")),
        _feature("first_unnamed", "CLNDN", "first: 0 not_specified, 1 not_provided, -1 named", place(0)),
        _feature("last_unnamed", "CLNDN", "last, likewise", place(-1)),
        matching("is_cancer", "some condition is a cancer", _CANCER),
        matching("is_heart", "some condition is of the heart", _HEART),
        _feature("symptoms", "CLNDN", "terms of symptoms", lambda v: len(_SYMPTOMS.findall(v.text("CLNDN") or ""))),
        counting("recessive", "conditions that are recessive by name", "recessive"),
        counting("dominant", "conditions that are dominant by name", "dominant"),
    ]


def _identifier_features() -> list[RowFeature]:
    def counted(database: str) -> RowFeature:
        name = database.strip(":").lower()
        return _feature(
            f"{name}_identifiers", "CLNDISDB", f"of {database.strip(':')}",
            lambda v: (v.text("CLNDISDB") or "").count(database),
        )  # fmt: skip

    return [
        _feature("identifiers_length", "CLNDISDB", "characters", lambda v: len(v.text("CLNDISDB") or "")),
        _feature(
            "medgen_over_conditions", "CLNDISDB, CLNDN", "MedGen's identifiers beyond one for each condition",
            lambda v: (v.text("CLNDISDB") or "").count("MedGen") - len(conditions(v)),
        ),
        *map(counted, _DATABASES),
    ]  # fmt: skip


def _reference_features() -> list[RowFeature]:
    return [
        _feature("references", "CLNVI", "identifiers elsewhere", lambda v: len(references(v))),
        _feature("referrers", "CLNVI", "who has them", lambda v: len(set(references(v)))),
        _feature("illumina", "CLNVI", "Illumina's laboratory", lambda v: sum("Illumina" in x for x in references(v))),
        _feature(
            "laboratories", "CLNVI", "referrers that are laboratories",
            lambda v: len({x for x in references(v) if _LABORATORY.search(x)}),
        ),
        _feature(
            "is_included", "CLNSIGINCL", "part of a haplotype with a significance",
            lambda v: bool(v.text("CLNSIGINCL")),
        ),
    ]  # fmt: skip


SUBMISSION_FEATURES: tuple[RowFeature, ...] = (
    *_condition_features(),
    *_identifier_features(),
    *_reference_features(),
)
