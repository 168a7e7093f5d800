"""Accuracy as the page shows it, from the summary's document."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from genomics_cli.summary import SampleSummary, Summary

KINDS = {"snps": "SNP", "indels": "indel"}
_PLACES = {"confident": "confident", "whole": "all"}
_BAR_WIDTH, _BAR_FROM = 120.0, 0.9


@dataclass(frozen=True)
class AccuracyRow:
    """One kind of variant of a sample in one place. `is_fair` where precision means something; `bar` is F1's width."""

    sample: str
    place: str
    bases: int
    kind: str
    counts: Mapping[str, Any]
    is_fair: bool
    bar: float


def accuracy_rows(summary: Summary) -> tuple[AccuracyRow, ...]:
    """Every sample's accuracy, where truth is known; the sample is named once."""
    return tuple(row for sample in summary.samples for row in _rows(sample))


def lowest_f1(summary: Summary) -> dict[str, float]:
    """The lowest F1 of all samples by kind, where it can be believed; empty without truth."""
    lowest = {}
    for kind, name in KINDS.items():
        found = [fair_accuracy(s.accuracy)[kind]["f1"] for s in summary.samples if s.accuracy]
        if known := [f1 for f1 in found if f1 is not None]:
            lowest[name] = min(known)
    return lowest


def fair_accuracy(accuracy: Mapping[str, Any]) -> Mapping[str, Any]:
    """Inside the confident regions, or over all where the truth is taken to be complete."""
    fair: Mapping[str, Any] = accuracy.get("confident", accuracy["whole"])
    return fair


def _rows(sample: SampleSummary) -> Iterator[AccuracyRow]:
    accuracy = sample.accuracy or {}
    name = sample.sample
    for place, words in _PLACES.items():
        for kind, kind_name in KINDS.items() if place in accuracy else ():
            counts = accuracy[place][kind]
            bar = max(0.0, (counts["f1"] or 0.0) - _BAR_FROM) / (1 - _BAR_FROM) * _BAR_WIDTH
            fair = accuracy[place] is fair_accuracy(accuracy)
            yield AccuracyRow(name, words, accuracy[place]["bases"], kind_name, counts, fair, round(bar, 1))
            name = ""
