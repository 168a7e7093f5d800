"""Sizes advised from generated records with known needs."""

from typing import Any

import pytest

from genomics.contracts.steps import Step, TaskInput
from genomics_cli.cloud import Platform
from genomics_cli.estimates.prices import ComputePrices, FamilyPrice
from genomics_cli.rightsizing import LEAST_MEMORY_MIB, Needs, needs, needs_document
from genomics_cli.run_ledger import list_runs
from genomics_cli.step_history import read_step_history
from tests.conftest import late
from tests.genomics_cli.ledger_runs import LedgerRun

app_settings = late("settings")

PRICES = ComputePrices("here", "2026-01", "a test", (FamilyPrice("f", 4, on_demand=0.05, spot=0.025),))
INPUT = {"reads_1": (TaskInput("s3://sequencing/inbox/a", "0" * 64, 3 << 20),)}


def found(platform: Platform) -> dict[Step, Needs]:
    history = read_step_history(platform, [run.run_id for run in list_runs(platform)])
    assert history.unreadable == 0
    return {each.step: each for each in needs(history.jobs, PRICES)}


def aligned(platform: Platform, jobs: int, **fields: Any) -> None:
    for number in range(1, jobs + 1):
        run = LedgerRun(platform, f"run-{number}", day=number)
        given = {"peak_memory_mib": 100 * number, "cpu_seconds": 15.0, **fields}
        run.step(Step.ALIGN, f"a{number}", inputs=INPUT, seconds=3600.0, **given)


def test_memory_is_the_most_seen_and_a_quarter_in_whole_steps(platform: Platform) -> None:
    aligned(platform, 12, cpu_seconds=3600 * 1.5)
    align = found(platform)[Step.ALIGN]
    assert (align.jobs, align.memory.p50, align.memory.most) == (12, 650.0, 1200.0)
    assert align.input_bytes.p50 == 3 << 20
    # 1,200 MiB and a quarter are 1,500, the next multiple of 512 is 1,536; 1.5 cores take 2 vCPUs.
    assert align.settings == ("tools.align.vcpus=2", "tools.align.memory_mib=1536")
    # 12 hours on 4 vCPUs with 8 GiB (2 vCPUs' worth), against 2 vCPUs with 1.5 GiB.
    assert align.saving is not None
    assert (align.saving.low, align.saving.high) == (pytest.approx(12 * 2 * 0.025), pytest.approx(12 * 2 * 0.05))


def test_few_jobs_are_shown_and_nothing_is_advised(platform: Platform) -> None:
    aligned(platform, 3)
    align = found(platform)[Step.ALIGN]
    assert align.says == "too few jobs to advise (3 of 10)"
    assert (align.settings, align.saving) == ((), None)
    [step] = needs_document([align], PRICES, 0)["steps"]
    assert step["chance_that_the_next_needs_more_memory"] == 0.25
    assert step["peak_memory_mib"] == {"p50": 200.0, "p95": 290.0, "max": 300.0}


def test_records_without_cpu_time_say_nothing_of_vcpus(platform: Platform) -> None:
    aligned(platform, 10, cpu_seconds=None, peak_memory_mib=10)
    align = found(platform)[Step.ALIGN]
    assert (align.cores, align.advised_vcpus) == (None, None)
    assert align.settings == (f"tools.align.memory_mib={LEAST_MEMORY_MIB}",)


def test_memory_that_nearly_ran_out_is_raised_at_a_price(platform: Platform) -> None:
    aligned(platform, 10, peak_memory_mib=30_000, memory_mib=30_720, vcpus=2, cpu_seconds=7200.0)
    align = found(platform)[Step.ALIGN]
    assert align.settings == ("tools.align.memory_mib=37888",)
    assert align.saving is not None
    assert align.saving.low < 0


def test_outputs_that_an_earlier_run_made_are_counted_once(platform: Platform) -> None:
    aligned(platform, 1)
    LedgerRun(platform, "run-2", day=2).step(Step.ALIGN, "a1", made=False)
    assert found(platform)[Step.ALIGN].jobs == 1


def test_records_of_another_shape_are_left_out_and_counted(platform: Platform) -> None:
    aligned(platform, 2)
    platform.cloud.s3.put_object(Bucket="sequencing", Key="steps/align/a1/record.json", Body=b'{"old": 1}')
    history = read_step_history(platform, ["run-1", "run-2"])
    assert (len(history.jobs), history.unreadable) == (1, 1)


def test_the_floor_is_that_of_the_setting() -> None:
    app_settings.values.ToolSizeSettings(vcpus=1, memory_mib=LEAST_MEMORY_MIB, timeout_minutes=1)
    with pytest.raises(ValueError, match="greater than or equal to"):
        app_settings.values.ToolSizeSettings(vcpus=1, memory_mib=LEAST_MEMORY_MIB - 1, timeout_minutes=1)
