"""Runs forecast from generated history with known answers, and from figures where there is none."""

from pathlib import Path

import pytest
from rich.console import Console

from genomics.contracts.parameters import RunParameters
from genomics.contracts.regions import Region
from genomics.contracts.runs import Artifact, LaneReads, Reference, RunPlan, RunRequest, SampleReads, State
from genomics.contracts.steps import Step
from genomics_cli.cloud import Platform
from genomics_cli.demo.sequencing_run import SequencingRun
from genomics_cli.errors import UserError
from genomics_cli.estimates.comparison import compare
from genomics_cli.estimates.figures import read_figures
from genomics_cli.estimates.forecast import Forecast, forecast, read_sized_history, size_of
from genomics_cli.estimates.planned_jobs import RunSize
from genomics_cli.estimates.prices import ComputePrices, FamilyPrice
from genomics_cli.estimates.sheet import size_of_sheet
from genomics_cli.estimates.tables import forecast_document, forecast_table
from genomics_cli.inputs.run_inputs import RunOptions
from genomics_cli.results import read_records
from genomics_cli.run_ledger import read_run
from lambdas.secondary.planning import sample_steps
from tests.conftest import late
from tests.genomics_cli.ledger_runs import REGIONS, LedgerRun

app_settings = late("settings")

PRICES = ComputePrices("here", "2026-01", "a test", (FamilyPrice("f", 4, on_demand=0.05, spot=0.025),))
SIZE = RunSize(4000, {"A": {"L1": 2_000_000, "L2": 1_000_000}}, REGIONS)


def by_step(expected: Forecast, step: Step) -> list[tuple[str, float, float]]:
    return [(e.job.part, e.seconds.low, e.seconds.high) for e in expected.jobs if e.job.step is step]


def test_the_jobs_are_those_that_the_platform_plans() -> None:
    lanes = tuple(LaneReads(n, Artifact("s3://b/1", "1", 5), Artifact("s3://b/2", "2", 6)) for n in ("L1", "L2"))
    sample = SampleReads("A", "P", lanes)
    request = RunRequest(
        "r", "s", Reference("hg", Artifact("s3://b/hg", "0", 9)), (sample,), parameters=RunParameters()
    )
    size = size_of(request, {"chrA": 3000, "chrB": 1000})
    images = {step.value: "image" for step in Step}
    planned = sample_steps(request=request, sample=sample, plan=RunPlan("ref", size.regions), images=images, bucket="b")
    jobs = {(job.step, job.part) for job in size.jobs() if job.sample}
    assert jobs == {(step.step, step.part) for step in planned.in_order}


def test_regions_share_the_reads_by_their_length() -> None:
    sizes = {(job.step, job.part): job.size for job in SIZE.jobs()}
    assert sizes[Step.CALL_VARIANTS, "chrA:1-3000"] == 2_250_000
    assert sizes[Step.FASTP, "L2"] == 1_000_000
    assert sizes[Step.PREPARE_REFERENCE, ""] == 4000


def test_without_history_figures_are_widened_and_said_to_be_that() -> None:
    expected = forecast(SIZE, (), PRICES)
    figure = read_figures().steps[Step.CALL_VARIANTS]
    [(part, low, high), _] = by_step(expected, Step.CALL_VARIANTS)
    assert part == "chrA:1-3000"
    assert high == pytest.approx(figure.seconds_per_byte * 2_250_000 * figure.widen)
    assert low == pytest.approx(figure.seconds_per_byte * 2_250_000 / figure.widen)
    assert all(step["history_jobs"] == 0 for step in forecast_document(expected)["samples"][0]["steps"])


def test_the_figures_give_jobs_what_the_settings_do() -> None:
    defaults = app_settings.values.ToolSettings()
    for step, figure in read_figures().steps.items():
        size = getattr(defaults, step)
        assert (figure.vcpus, figure.memory_mib) == (size.vcpus, size.memory_mib)


def test_history_gives_seconds_by_size_and_dollars_by_what_jobs_get(platform: Platform) -> None:
    for number in range(1, 17):
        run = LedgerRun(platform, f"run-{number:02}", day=number, read_bytes=number * 400_000)
        run.step(Step.ALIGN, f"a{number}", seconds=10 + 5 * number, vcpus=2, memory_mib=4096)
    expected = forecast(SIZE, read_sized_history(platform), PRICES)
    # 3 MB are 7.5 times 400 kB: 47.5 s, with a margin of a quarter for 16 jobs.
    assert by_step(expected, Step.ALIGN) == [("", pytest.approx(47.5 / 1.25), pytest.approx(47.5 * 1.25))]
    [align] = [each for each in expected.jobs if each.job.step is Step.ALIGN]
    assert align.history == 16
    assert align.dollars is not None
    assert align.dollars.low == pytest.approx(2 * 0.025 * 47.5 / 1.25 / 3600)
    assert align.dollars.high == pytest.approx(2 * 0.05 * 47.5 * 1.25 / 3600)


def test_jobs_of_another_size_do_not_count(platform: Platform) -> None:
    LedgerRun(platform, "run-1", day=1, read_bytes=3_000_000).step(Step.ALIGN, "a1", seconds=500.0, vcpus=1)
    LedgerRun(platform, "run-2", day=2, read_bytes=3_000_000).step(Step.ALIGN, "a2", seconds=100.0, vcpus=8)
    expected = forecast(SIZE, read_sized_history(platform), None)
    assert by_step(expected, Step.ALIGN) == [("", 50.0, 200.0)]
    assert all(each.dollars is None for each in expected.jobs)


def test_the_table_sums_samples_and_names_its_sources() -> None:
    console = Console(width=200, record=True, file=Path("/dev/null").open("w"))  # noqa: SIM115
    console.print(forecast_table(forecast(SIZE, (), PRICES)))
    text = console.export_text()
    assert "figures of 2026-11" in text
    assert "prices of here, 2026-01: a test" in text
    assert "intervals from 10 to 90 %" in text


def test_the_actual_stands_beside_what_was_expected_of_the_jobs_that_ran(platform: Platform) -> None:
    for number in (1, 2):
        LedgerRun(platform, f"run-{number}", day=number).step(Step.ALIGN, f"a{number}", seconds=100.0)
    run = LedgerRun(platform, "run-3", day=3)
    run.step(Step.FASTP, "f1", part="L1", state=State.SKIPPED, made=False)
    run.step(Step.ALIGN, "a3", seconds=3600.0)
    size = RunSize(4000, {"A": {"L1": 1_000_000}}, REGIONS)
    expected = forecast(size, read_sized_history(platform, without="run-3"), PRICES)
    view = read_run(platform, "run-3")
    [row] = compare(expected, view, read_records(platform, view.steps))["steps"]
    assert (row["step"], row["jobs"], row["actual_seconds"], row["is_within"]) == ("align", 1, 3600.0, False)
    # Two jobs: a margin of 1 / sqrt(2).
    assert row["estimated_seconds"] == {"low": 58.579, "high": 170.711}
    # 4 vCPUs for an hour.
    assert row["actual_usd"] == {"low": 0.1, "high": 0.2}
    assert row["basis"] == "2 earlier jobs"


def test_a_sheet_is_sized_without_reading_it(platform: Platform, made: SequencingRun, tmp_path: Path) -> None:
    options = RunOptions(made.sheet, str(made.reference), regions="chrA:1-2000,chrB")
    size = size_of_sheet(options, reference_file=made.reference, s3=platform.cloud.s3, workspace=tmp_path / "made")
    assert size.regions == (Region("chrA", 1, 2000), Region("chrB", 1, 4000))
    reads = [path.stat().st_size for path in (made.sheet.parent / "reads").iterdir()]
    assert sum(size.sample_bytes(sample) for sample in size.lanes) == sum(reads)
    made_up = tmp_path / "far.csv"
    made_up.write_text("patient,sample,lane,fastq_1,fastq_2\nP,A,L1,s3://sequencing/inbox/x,s3://sequencing/inbox/y\n")
    with pytest.raises(UserError, match="s3://sequencing/inbox/x: is not there"):
        size_of_sheet(RunOptions(made_up, ""), reference_file=made.reference, s3=platform.cloud.s3, workspace=tmp_path)
