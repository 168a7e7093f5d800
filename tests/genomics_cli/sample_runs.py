"""A run as the ledger and the records tell it, for the tests of what is made of them."""

from genomics.contracts.ledger import LedgerEntry
from genomics.contracts.parameters import RunParameters
from genomics.contracts.regions import Region
from genomics.contracts.runs import (
    Artifact,
    LaneReads,
    Reference,
    RunRequest,
    RunResults,
    SampleReads,
    SampleResult,
    State,
)
from genomics.contracts.steps import Scalar, Step, StepRecord
from genomics_cli.accuracy import Accuracy, Counts, Score
from genomics_cli.estimates.forecast import Forecast, SizedJob, forecast
from genomics_cli.estimates.planned_jobs import RunSize
from genomics_cli.estimates.prices import read_prices
from genomics_cli.run_ledger import RunView
from genomics_cli.step_history import MeasuredJob
from genomics_cli.summary import Products, QuestionSummary, Summary, summarize

FILE = Artifact("s3://b/k.gz", "0" * 64, 10)
FAILURE = "B: align failed with exit code 1: <no> memory (log /tools/align:stream)"


def _entry(item: str, state: State, started: int = 0, finished: int = 0, **fields: object) -> LedgerEntry:
    if state in (State.SUCCEEDED, State.FAILED):
        fields |= {
            "started_at": f"2026-01-01T00:00:{started:02}.000+00:00",
            "finished_at": f"2026-01-01T00:00:{finished:02}.000+00:00",
            "seconds": float(finished - started),
            "attempt": 1,
        }
    return LedgerEntry(run_id="run-1", item=item, state=state, **fields)  # type: ignore[arg-type]


def view() -> RunView:
    """Two samples on one lane each; A succeeded with one step skipped, B failed when it was aligned, twice."""
    return RunView.of(
        "run-1",
        [
            _entry("run", State.FAILED, 0, 50, reason=FAILURE),
            _entry("sample#A", State.SUCCEEDED, order=1),
            _entry("sample#B", State.FAILED, order=2, reason=FAILURE),
            _entry("step##prepare_reference#", State.SKIPPED, reason="outputs exist", fingerprint="ref"),
            _entry("step#A#fastp#L1", State.SUCCEEDED, 1, 5, fingerprint="fa", reason="no earlier result"),
            _entry("step#A#align#", State.SUCCEEDED, 5, 20, fingerprint="aa", reason="no earlier result"),
            _entry("step#A#coverage#", State.SUCCEEDED, 20, 22, fingerprint="da"),
            _entry("step#A#call_variants#c:1-9", State.SUCCEEDED, 20, 25, fingerprint="ca"),
            _entry("step#A#call_variants#d:1-9", State.SUCCEEDED, 22, 28, fingerprint="cb"),
            _entry("step#A#gather_variants#", State.SUCCEEDED, 28, 29, fingerprint="ga"),
            _entry("step#A#annotate#", State.SUCCEEDED, 29, 30, fingerprint="na"),
            _entry("step#B#fastp#L1", State.SKIPPED, reason="outputs exist", fingerprint="fb"),
            _entry("step#B#align#", State.FAILED, 6, 9, fingerprint="ab", reason=FAILURE, exit_code=1),
            _entry("step#B#gather_variants#", State.PLANNED, fingerprint="gb"),
            _entry("load", State.SUCCEEDED, 30, 42, reason="study/A is new"),
        ],
    )


def _record(step: Step, fingerprint: str, versions: dict[str, str], **metrics: Scalar) -> StepRecord:
    return StepRecord(
        fingerprint=fingerprint,
        run_id="run-0",
        sample="A",
        step=step,
        part="",
        inputs={},
        outputs={},
        parameters={},
        image="image",
        tool_versions=versions,
        started_at="2026-01-01T00:00:00+00:00",
        seconds=4.0,
        staging_seconds=0.1,
        peak_memory_mib=200,
        vcpus=1,
        memory_mib=1000,
        job_id="job",
        attempt=1,
        metrics=metrics,
    )


def _accuracy(missed: int) -> Accuracy:
    return Accuracy(snps=Counts(100, 2, missed, 99), indels=Counts(10, 0, 0, 10), bases=5000)


def _forecast() -> Forecast:
    """What was expected from three earlier alignments of 12 s; of the other steps there is no history."""
    regions = (Region("c", 1, 9), Region("d", 1, 9))
    size = RunSize(2_000_000, {"A": {"L1": 30_000_000}, "B": {"L1": 30_000_000}}, regions)
    record = _record(Step.ALIGN, "x", {})
    job = MeasuredJob("run-0", "A", Step.ALIGN, "", 12.0, record)
    return forecast(size, [SizedJob(30_000_000, job)] * 3, read_prices("us-east-1"))


def summary(*, failed: bool = True) -> Summary:
    """What `summarize` makes of it."""
    lanes = (LaneReads("L1", FILE, FILE),)
    request = RunRequest(
        run_id="run-1",
        study="study",
        reference=Reference("hg", FILE),
        samples=(SampleReads("A", "P1", lanes), SampleReads("B", "P2", lanes)),
        parameters=RunParameters(),
    )
    results = RunResults(
        "run-1",
        "study",
        "hg",
        (
            SampleResult("A", "P1", State.SUCCEEDED, vcf=FILE, vcf_index=FILE),
            SampleResult("B", "P2", State.FAILED, reason=FAILURE),
        ),
    )
    fastp = {"reads_in": 1000, "reads_out": 990, "bases_in": 100_000, "bases_out": 99_000, "q30_rate_out": 0.9}
    aligned = {"reads_in": 990, "primary_records": 990, "mapped_reads": 980, "duplicate_reads": 99}
    records = [
        _record(Step.FASTP, "fa", {"fastp": "0.23.2"}, **fastp),
        _record(Step.ALIGN, "aa", {"bwa": "0.7.17", "samtools": "1.16"}, **aligned),
        _record(Step.COVERAGE, "da", {"mosdepth": "0.3.3"}, bases=1000, mean_depth=31.24, share_at_20x=0.987),
        _record(Step.GATHER_VARIANTS, "ga", {"bcftools": "1.16"}, records=115, snps=104, indels=11),
        _record(Step.ANNOTATE, "na", {"snpeff": "5.1d"}, consequence_missense_variant=7, in_clinvar=3),
    ]
    return summarize(
        request=request,
        submitted_at="2026-01-01T00:00:00.000+00:00",
        view=view(),
        products=Products(
            results=results,
            records={record.fingerprint: record for record in records},
            calls={"A": "out/A.vcf.gz"},  # type: ignore[dict-item]
            scores={"A": Score(whole=_accuracy(8), confident=_accuracy(0))},
            rows={"variants": 115, "genotypes": 115, "consequences": 0, "rejects": 0},
            question=QuestionSummary("select 1 < 2", ("answer",), (("true",), (None,)), 0.4, 12),
            forecast=_forecast(),
        ),
        stages={"check": 0.5, "secondary": 48.0, "load": 12.0},
        error=FAILURE if failed else None,
    )
