"""What of a run's variants the lake still has to load. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from genomics.contracts.loads import SCHEMA, LoadManifest, LoadSource, dataset
from genomics.contracts.runs import RunResults


@dataclass(frozen=True)
class LoadPlan:
    """The `sources` to load, and why these or none."""

    sources: tuple[LoadSource, ...]
    reason: str


def called_sources(results: RunResults) -> tuple[LoadSource, ...]:
    """The VCFs of the samples that succeeded."""
    return tuple(
        LoadSource(dataset(results.study, sample.sample), sample.vcf) for sample in results.samples if sample.vcf
    )


def plan_sources(sources: tuple[LoadSource, ...], manifests: Mapping[str, LoadManifest | None]) -> LoadPlan:
    """Leave out what the lake holds already; `manifests` are the commits of the datasets' latest loads."""
    reasons = {source.dataset: _why(source, manifests.get(source.dataset)) for source in sources}
    wanted = tuple(source for source in sources if reasons[source.dataset])
    if not sources:
        return LoadPlan((), "the run has called no variants")
    if not wanted:
        return LoadPlan((), f"the lake holds the same VCFs already: {_list(s.dataset for s in sources)}")
    return LoadPlan(wanted, _list(f"{source.dataset} {reasons[source.dataset]}" for source in wanted))


def total_rows(manifests: Iterable[LoadManifest | None]) -> dict[str, int]:
    """Rows per table over all loads."""
    rows: Counter[str] = Counter()
    for manifest in manifests:
        rows.update(manifest.rows if manifest else {})
    return dict(rows)


def _why(source: LoadSource, manifest: LoadManifest | None) -> str:
    if manifest is None:
        return "is new"
    if manifest.schema != SCHEMA:
        return f"was loaded into an older layout of the tables ({manifest.schema} -> {SCHEMA})"
    return "" if manifest.source.sha256 == source.vcf.sha256 else "has a new VCF"


def _list(items: Iterable[str], limit: int = 5) -> str:
    items = list(items)
    more = f" and {len(items) - limit} more" if len(items) > limit else ""
    return ", ".join(items[:limit]) + more
