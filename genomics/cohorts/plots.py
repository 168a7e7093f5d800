"""Figures of a cohort's quality and structure."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genomics.cohorts.quality import Limits

_KEPT, _LEFT_OUT = "tab:blue", "tab:red"
_BINS = 40
# The smallest p-value that is drawn as such.
_LEAST = 1e-50


def draw_samples(samples: pd.DataFrame, limits: Limits) -> Figure:
    """Call rate, het/hom and Ti/Tv of each sample; those that are left out are marked and named."""
    figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    ordered = samples.sort_values("sample").reset_index(drop=True)
    for axis, (column, label) in zip(
        axes, {"call_rate": "call rate", "het_hom": "het / hom", "ti_tv": "Ti / Tv"}.items(), strict=True
    ):
        colours = np.where(ordered["is_kept"], _KEPT, _LEFT_OUT)
        axis.scatter(ordered.index, ordered[column], c=colours, s=14)
        for place, row in ordered[~ordered["is_kept"]].iterrows():
            axis.annotate(row["sample"], (place, row[column]), xytext=(4, 4), textcoords="offset points", fontsize=8)
        axis.set(xlabel="sample, by name", ylabel=label)
    axes[0].axhline(limits.sample_call_rate, color="grey", linestyle="--", linewidth=1)
    figure.suptitle(f"{samples['is_kept'].sum()} of {len(samples)} samples kept")
    return figure


def draw_variants(variants: pd.DataFrame, limits: Limits) -> Figure:
    """Frequencies and call rates of variants, and p-values of Hardy and Weinberg's law beside those expected."""
    figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    axes[0].hist(variants["frequency"], bins=_BINS, color=_KEPT)
    axes[0].set(xlabel="frequency of ALT", ylabel="variants")
    axes[1].hist(variants["call_rate"], bins=_BINS, color=_KEPT)
    axes[1].axvline(limits.variant_call_rate, color="grey", linestyle="--", linewidth=1)
    axes[1].set(xlabel="call rate", ylabel="variants", yscale="log")
    _draw_expected(axes[2], variants["hardy_weinberg"].dropna(), limits)
    figure.suptitle(f"{variants['is_kept'].sum():,} of {len(variants):,} variants kept")
    return figure


def draw_components(places: pd.DataFrame, shares: Sequence[float], groups: pd.Series | None = None) -> Figure:
    """Samples on the first components, and the components' shares. `groups` colours them: a label by sample's name."""
    figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    labels = pd.Series("samples", index=places.index) if groups is None else places["sample"].map(groups)
    for axis, (across, up) in zip(axes, (("PC1", "PC2"), ("PC2", "PC3")), strict=False):
        for label, some in places.groupby(labels.fillna("unknown")):
            axis.scatter(some[across], some[up], s=16, label=label)
        axis.set(xlabel=across, ylabel=up)
    if groups is not None:
        axes[0].legend(fontsize=8)
    numbers = range(1, len(shares) + 1)
    axes[2].bar(numbers, [100 * share for share in shares], color=_KEPT)
    axes[2].set(xlabel="component", ylabel="% of these components' variance", xticks=list(numbers))
    return figure


def _draw_expected(axis: Axes, p_values: pd.Series, limits: Limits) -> None:
    observed = -np.log10(np.clip(np.sort(p_values.astype(float)), _LEAST, 1))
    expected = -np.log10((np.arange(len(observed)) + 0.5) / max(1, len(observed)))
    axis.scatter(expected, observed, s=8, color=_KEPT)
    axis.plot(expected, expected, color="grey", linewidth=1)
    axis.axhline(-np.log10(limits.hardy_weinberg), color="grey", linestyle="--", linewidth=1)
    axis.set(xlabel="expected -log10 p", ylabel="observed -log10 p (HWE)")
