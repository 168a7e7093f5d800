"""The QC gate: the flag that a technician puts into the run folder, and what InterOp says."""

import fnmatch
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from run_tracker.run_documents import RunInfo


@dataclass(frozen=True)
class QualityPolicy:
    """What a run must have to be sent.

    `flag` is an empty file at the top of the run folder. Where `flag_required` is false, only runs whose folder or
    experiment is named like one of `test_runs` (test, titration, qualification) need it. Percentages are 0 to 100,
    the yield is in gigabases; None asks for nothing.
    """

    flag: str = "qc"
    flag_required: bool = True
    test_runs: tuple[str, ...] = ("*test*", "*titration*", "*qualification*", "*validation*")
    min_cycles: int = 1
    min_percent_q30: float | None = None
    min_yield_gigabases: float | None = None
    min_percent_pf: float | None = None

    @property
    def needs_interop(self) -> bool:
        """Whether InterOp files must be read."""
        return not (self.min_percent_q30 is self.min_yield_gigabases is self.min_percent_pf is None)

    def looks_like_a_test(self, *names: str) -> str | None:
        """The pattern that makes a run a test run, if one does."""
        folded = [name.casefold() for name in names]
        return next((p for p in self.test_runs if any(fnmatch.fnmatchcase(n, p.casefold()) for n in folded)), None)


@dataclass(frozen=True)
class Metrics:
    """A run's quality over all reads: %Q30 and %PF 0 to 100, yield in gigabases."""

    percent_q30: float
    yield_gigabases: float
    percent_pf: float


class MetricsError(ValueError):
    """InterOp files cannot be used; the message says why and what to do."""


def interop_is_installed() -> bool:
    """Whether the extra `qc` is there."""
    return importlib.util.find_spec("interop") is not None


def flag_problem(folder: Path, flag: str | None, wanted: str) -> str | None:
    """What is wrong with the QC flag; `flag` is the name it has in the folder, if any."""
    if flag is None:
        return f"has no QC flag; put an empty file {wanted!r} into it once the run passed QC"
    try:
        size = (folder / flag).lstat().st_size
    except OSError as error:
        return f"QC flag {flag!r} cannot be read ({error.strerror})"
    return f"QC flag {flag!r} holds {size} bytes; the flag is an empty file" if size else None


def cycles_problem(run_info: RunInfo, completed: int | None, least: int) -> str | None:
    """Whether too few cycles were planned, or completed."""
    if completed is not None and completed < run_info.cycles:
        return f"only {completed} of {run_info.cycles} cycles were completed"
    if run_info.cycles < least:
        return f"has {run_info.cycles} cycles; at least {least} are asked for"
    return None


def metrics_problem(metrics: Metrics, policy: QualityPolicy) -> str | None:
    """The first threshold that is missed."""
    asked = (
        ("%Q30", metrics.percent_q30, policy.min_percent_q30),
        ("yield (Gb)", metrics.yield_gigabases, policy.min_yield_gigabases),
        ("%PF", metrics.percent_pf, policy.min_percent_pf),
    )
    for name, value, least in asked:
        # An undefined metric is not a number, and passes nothing.
        if least is not None and not value >= least:
            return f"{name} is {value:.1f}; at least {least:g} is asked for"
    return None


def read_metrics(folder: Path) -> Metrics:
    """Read InterOp, as Sequencing Analysis Viewer's summary tab shows it."""
    try:
        from interop import py_interop_run, py_interop_run_metrics, py_interop_summary  # noqa: PLC0415 an extra
    except ImportError as error:
        raise MetricsError("QC thresholds need interop; pip install 'run-tracker[qc]'") from error
    metrics = py_interop_run_metrics.run_metrics()
    wanted = py_interop_run.uchar_vector(py_interop_run.MetricCount, 0)
    py_interop_run_metrics.list_summary_metrics_to_load(wanted)
    summary = py_interop_summary.run_summary()
    try:
        metrics.read(str(folder), wanted)
        py_interop_summary.summarize_run_metrics(metrics, summary)
    except Exception as error:  # interop raises a type of its own for each way in which a file can be bad
        reason = " ".join(str(error).split()[:30])
        raise MetricsError(f"{folder}/InterOp: cannot be used ({reason}); copy it again") from error
    lanes = [summary.at(0).at(lane) for lane in range(summary.lane_count())] if summary.size() else []
    clusters, passed = sum(lane.reads() for lane in lanes), sum(lane.reads_pf() for lane in lanes)
    if not clusters:
        raise MetricsError(f"{folder}/InterOp: holds no tile metrics; copy it again")
    total = summary.total_summary()
    return Metrics(total.percent_gt_q30(), total.yield_g(), 100 * passed / clusters)
