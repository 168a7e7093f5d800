"""Renders a run's summary as one HTML page that needs nothing beside it."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from genomics_cli.report.accuracy import accuracy_rows, lowest_f1
from genomics_cli.report.consequences import consequences_of
from genomics_cli.report.estimates import estimate_rows
from genomics_cli.report.quality import quality_of
from genomics_cli.report.timeline import LABELS, ROW, lay_out
from genomics_cli.summary import Summary

_UNKNOWN, _NARROW_SPACE = "\u2013", "\u202f"


def write_report(summary: Summary, path: Path) -> None:
    """Write the page to `path`."""
    path.write_text(render(summary), encoding="utf-8")


def render(summary: Summary) -> str:
    """The page as text."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"count": _count, "percent": _percent, "duration": _duration, "ratio": _ratio}
    return environment.get_template("page.html").render(
        summary=summary,
        quality={sample.sample: quality_of(sample) for sample in summary.samples},
        consequences=consequences_of(summary),
        accuracy=accuracy_rows(summary),
        lowest_f1=lowest_f1(summary),
        step_groups=[("reference", summary.run_steps), *((s.sample, s.steps) for s in summary.samples)],
        estimates=estimate_rows(summary.estimate),
        timeline=lay_out(summary),
        label_width=LABELS,
        row_height=ROW,
    )


def _count(value: int | None) -> str:
    return _UNKNOWN if value is None else f"{value:,}".replace(",", _NARROW_SPACE)


def _percent(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{100 * value:.2f}{_NARROW_SPACE}%"


def _ratio(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:.4f}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return _UNKNOWN
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
