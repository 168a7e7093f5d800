"""What the samples' alleles do to genes, counted by their worst consequence."""

from collections.abc import Mapping
from dataclasses import dataclass

from genomics.contracts.steps import CONSEQUENCE, Scalar, Step
from genomics_cli.summary import SampleSummary, Summary


@dataclass(frozen=True)
class ConsequenceRow:
    """One consequence; `counts` of alleles in the order of the samples."""

    name: str
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Consequences:
    """Of the samples that were annotated; `rows` from the most frequent, then ClinVar's and where predictors differ."""

    samples: tuple[str, ...]
    rows: tuple[ConsequenceRow, ...]


_OTHERS = {"in_clinvar": "known to ClinVar", "predictors_differ": "read in two ways by csq and snpEff"}


def consequences_of(summary: Summary) -> Consequences | None:
    """The table; None where nothing was annotated."""
    metrics = {sample.sample: found for sample in summary.samples if (found := _metrics(sample))}
    if not metrics:
        return None
    terms = {name for found in metrics.values() for name in found if name.startswith(CONSEQUENCE)}
    rows = [_row(metrics, name, name.removeprefix(CONSEQUENCE).replace("_", " ")) for name in terms]
    rows.sort(key=lambda row: (-sum(row.counts), row.name))
    rows += [_row(metrics, name, words) for name, words in _OTHERS.items() if any(name in m for m in metrics.values())]
    return Consequences(tuple(metrics), tuple(rows))


def _row(metrics: Mapping[str, Mapping[str, Scalar]], name: str, words: str) -> ConsequenceRow:
    return ConsequenceRow(words, tuple(int(found.get(name, 0)) for found in metrics.values()))


def _metrics(sample: SampleSummary) -> Mapping[str, Scalar]:
    return next((step.metrics for step in sample.steps if step.step is Step.ANNOTATE), {})
