"""The quality figures of a sample, gathered from the metrics that its tools recorded."""

from collections.abc import Mapping
from dataclasses import dataclass

from genomics.contracts.steps import Scalar, Step
from genomics_cli.summary import SampleSummary


@dataclass(frozen=True)
class Quality:
    """Counts, and shares between 0 and 1; None where no tool recorded it.

    `kept` is the share of reads after trimming, `q30` the share of bases at Q30 or better after it. `depth` is the
    mean, in reads, over the regions that were called; `covered` the share of their bases that have 20 reads or more.
    """

    reads: int | None
    kept: float | None
    q30: float | None
    mapped: float | None
    properly_paired: float | None
    duplicates: float | None
    depth: float | None
    covered: float | None
    records: int | None
    snps: int | None
    indels: int | None


def quality_of(sample: SampleSummary) -> Quality:
    """Sum up lanes, and relate counts to what they are parts of."""
    lanes = _metrics(sample, Step.FASTP)
    aligned = next(iter(_metrics(sample, Step.ALIGN)), {})
    coverage = next(iter(_metrics(sample, Step.COVERAGE)), {})
    called = next(iter(_metrics(sample, Step.GATHER_VARIANTS)), {})
    reads = _sum(lanes, "reads_in")
    bases = _sum(lanes, "bases_out")
    q30_bases = sum(float(lane["bases_out"]) * float(lane["q30_rate_out"]) for lane in lanes) if bases else None
    primary = _count(aligned, "primary_records")
    return Quality(
        reads=reads if lanes else _count(aligned, "reads_in"),
        kept=_share(_sum(lanes, "reads_out"), reads),
        q30=_share(q30_bases, bases),
        mapped=_share(_count(aligned, "mapped_reads"), primary),
        properly_paired=_share(_count(aligned, "properly_paired_reads"), primary),
        duplicates=_share(_count(aligned, "duplicate_reads"), primary),
        depth=_number(coverage, "mean_depth"),
        covered=_number(coverage, "share_at_20x"),
        records=_count(called, "records"),
        snps=_count(called, "snps"),
        indels=_count(called, "indels"),
    )


def _metrics(sample: SampleSummary, step: Step) -> list[Mapping[str, Scalar]]:
    return [found.metrics for found in sample.steps if found.step is step and found.metrics]


def _count(metrics: Mapping[str, Scalar], name: str) -> int | None:
    return int(metrics[name]) if name in metrics else None


def _number(metrics: Mapping[str, Scalar], name: str) -> float | None:
    return float(metrics[name]) if name in metrics else None


def _sum(lanes: list[Mapping[str, Scalar]], name: str) -> int | None:
    return sum(int(lane[name]) for lane in lanes) if lanes and all(name in lane for lane in lanes) else None


def _share(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None
