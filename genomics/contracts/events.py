"""Events on EventBridge's default bus: what one stage tells the next."""

from dataclasses import dataclass

SOURCE = "genomics"
VARIANTS_CALLED = "VariantsCalled"
VARIANTS_LOADED = "VariantsLoaded"


@dataclass(frozen=True)
class VariantsCalled:
    """Detail of a `VariantsCalled` event: a run's samples have ended and `results` (a RunResults) lists them."""

    run_id: str
    study: str
    results: str


@dataclass(frozen=True)
class VariantsLoaded:
    """Detail of a `VariantsLoaded` event: the run's variants can be queried."""

    run_id: str
    study: str
