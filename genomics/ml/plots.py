"""What a person looks at: curves with their bands, calibration, confusion, errors by group, reasons."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genomics.ml.evaluation import Band, Confusion, Floats, Labels, calibration_curve, pr_band, roc_band

_SIZE = (5.0, 4.6)
# Told apart by those who see no red or green: Okabe and Ito 2008.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")


def roc_plot(labels: Labels, answers: Mapping[str, Floats], *, resamples: int = 200) -> Figure:
    """ROC curves of one or more models on the same rows, by name, with 95 % bands."""
    figure, axes = _figure()
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
    _curves(axes, {name: roc_band(labels, p, resamples=resamples) for name, p in answers.items()})
    axes.set(xlabel="False positive rate", ylabel="Sensitivity", title="ROC")
    axes.legend(loc="lower right")
    return figure


def pr_plot(labels: Labels, answers: Mapping[str, Floats], *, resamples: int = 200) -> Figure:
    """Precision by recall, likewise; the dotted line is the share of conflicts."""
    figure, axes = _figure()
    axes.axhline(float(labels.mean()), color="grey", linewidth=0.8, linestyle=":")
    _curves(axes, {name: pr_band(labels, p, resamples=resamples) for name, p in answers.items()})
    axes.set(xlabel="Recall", ylabel="Precision", title="Precision and recall", ylim=(0, 1.02))
    axes.legend(loc="upper right")
    return figure


def calibration_plot(labels: Labels, answers: Mapping[str, Floats]) -> Figure:
    """Observed by predicted share of conflicts, ten bins of equal size."""
    figure, axes = _figure()
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
    for (name, probabilities), colour in zip(answers.items(), _COLOURS, strict=False):
        axes.plot(*calibration_curve(labels, probabilities), marker="o", color=colour, label=name)
    axes.set(xlabel="Predicted share of conflicts", ylabel="Observed share", title="Calibration")
    axes.legend(loc="upper left")
    return figure


def confusion_plot(confusion: Confusion, *, threshold: float) -> Figure:
    """Counts at the tuned threshold."""
    counts = np.array(
        [[confusion.true_negative, confusion.false_positive], [confusion.false_negative, confusion.true_positive]]
    )
    figure, axes = _figure()
    axes.imshow(counts / counts.sum(axis=1, keepdims=True), cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        share = count / counts[row].sum()
        axes.text(column, row, f"{count:,}\n{share:.0%}", ha="center", va="center", color="w" if share > 0.5 else "k")
    names = ["agree", "conflict"]
    axes.set_xticks([0, 1], names)
    axes.set_yticks([0, 1], names, rotation=90, va="center")
    axes.set(xlabel="Predicted", ylabel="Submitters", title=f"At probability {threshold:.3f}")
    return figure


def errors_plot(errors: pd.DataFrame, *, title: str, most: int = 20) -> Figure:
    """Error rate by group, as `errors_by` gives them, those with the most rows."""
    shown = errors.nlargest(most, "rows").sort_values("error_rate")
    figure = Figure(figsize=(6.0, 0.8 + 0.25 * len(shown)), layout="constrained")
    axes = figure.subplots()
    below = shown["false_negatives"] / shown["rows"]
    axes.barh(shown["group"].astype(str), below, color=_COLOURS[1], label="conflicts missed")
    above = shown["false_positives"] / shown["rows"]
    axes.barh(shown["group"].astype(str), above, left=below, color=_COLOURS[0], label="conflicts wrongly called")
    for place, rows in enumerate(shown["rows"]):
        axes.text(float((below + above).iloc[place]), place, f" {rows:,}", va="center", fontsize=7)
    axes.set(xlabel="Share of the group's variants", title=title)
    axes.margins(x=0.1)
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def reasons_plot(names: tuple[str, ...], contributions: Floats, *, most: int = 20) -> Figure:
    """Mean absolute SHAP value of the features that weigh most."""
    weight = np.abs(contributions).mean(axis=0)
    shown = np.argsort(weight)[-most:]
    figure = Figure(figsize=(6.0, 0.8 + 0.25 * len(shown)), layout="constrained")
    axes = figure.subplots()
    axes.barh([names[place] for place in shown], weight[shown], color=_COLOURS[0])
    axes.set(xlabel="Mean change of the log-odds", title="What the model goes by")
    return figure


def _figure() -> tuple[Figure, Axes]:
    figure = Figure(figsize=_SIZE, layout="constrained")
    return figure, figure.subplots()


def _curves(axes: Axes, bands: Mapping[str, Band]) -> None:
    for (name, band), colour in zip(bands.items(), _COLOURS, strict=False):
        axes.plot(band.x, band.y, color=colour, label=name)
        axes.fill_between(band.x, band.low, band.high, color=colour, alpha=0.2, linewidth=0)
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
