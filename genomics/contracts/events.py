"""Events on EventBridge's default bus: what one stage tells the next."""

from dataclasses import dataclass

SOURCE = "genomics"
RUN_TRANSFERRED = "RunTransferred"
VARIANTS_CALLED = "VariantsCalled"
SIGN_OFF_AWAITED = "SignOffAwaited"
VARIANTS_LOADED = "VariantsLoaded"
ANNOTATION_CHECKED = "AnnotationChecked"

# Of VariantsLoaded, where the lake had it all.
UNCHANGED = "UNCHANGED"


@dataclass(frozen=True)
class RunTransferred:
    """Detail of a `RunTransferred` event: all that `manifest` lists lies below `folder`, verified; both are URIs.

    It is raised once for each generation of the manifest: again only where files were written late and topped up. A
    function that dies between raising it and saying so may make it two, so act on it by run and generation.
    """

    run_id: str
    generation: int
    folder: str
    manifest: str
    files: int
    bytes: int


@dataclass(frozen=True)
class VariantsCalled:
    """Detail of a `VariantsCalled` event: a run's samples have ended and `results` (a RunResults) lists them."""

    run_id: str
    study: str
    results: str


@dataclass(frozen=True)
class SignOffAwaited:
    """Detail of a `SignOffAwaited` event: somebody has to decide about a run's `results`.

    `until` is when, as people read it.
    """

    run_id: str
    study: str
    results: str
    until: str


@dataclass(frozen=True)
class VariantsLoaded:
    """Detail of a `VariantsLoaded` event: the run's variants can be queried.

    `checks` says how the load came through its checks: PASSED, FAILED, or UNCHANGED where nothing had to be loaded;
    `reason` what has failed, or why nothing was loaded.
    """

    run_id: str
    study: str
    results: str
    checks: str
    reason: str


@dataclass(frozen=True)
class AnnotationChecked:
    """Detail of an `AnnotationChecked` event: a release of an annotation was loaded, and checked.

    `subject` is `annotations/<table>/<release>[/<assembly>]`, `report` the URI of its CheckReport; the rest as in
    VariantsLoaded.
    """

    subject: str
    report: str
    checks: str
    reason: str
