"""The jobs that earlier runs measured: what the ledger says of them, with the records that their tools left."""

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from genomics.contracts.codec import ContractError
from genomics.contracts.runs import State
from genomics.contracts.steps import Step, StepRecord
from genomics_cli.cloud import Platform
from genomics_cli.results import read_record
from genomics_cli.run_ledger import StepView, read_run

_READS_AT_ONCE = 8


@dataclass(frozen=True)
class MeasuredJob:
    """A job that ended well; `seconds` from its start to its end, staging included."""

    run_id: str
    sample: str
    step: Step
    part: str
    seconds: float
    record: StepRecord

    @property
    def input_bytes(self) -> int:
        """Of all that was staged in."""
        return sum(each.size or 0 for group in self.record.inputs.values() for each in group)


@dataclass(frozen=True)
class StepHistory:
    """`jobs` in the order of the runs asked for; `unreadable` counts records that are of another shape than ours."""

    jobs: tuple[MeasuredJob, ...]
    unreadable: int


def read_step_history(platform: Platform, runs: Iterable[str], *, jobs_per_step: int | None = None) -> StepHistory:
    """Every job of the runs that made outputs of its own, or the first `jobs_per_step` of each step."""
    wanted = list(_wanted(platform, runs, jobs_per_step))
    with ThreadPoolExecutor(_READS_AT_ONCE) as pool:
        found = list(pool.map(lambda each: _measured(platform, *each), wanted))
    jobs = tuple(job for job in found if isinstance(job, MeasuredJob))
    return StepHistory(jobs, sum(isinstance(job, ContractError) for job in found))


def _wanted(platform: Platform, runs: Iterable[str], jobs_per_step: int | None) -> Iterator[tuple[str, StepView]]:
    counts: Counter[Step] = Counter()
    for run_id in runs:
        for view in read_run(platform, run_id).steps:
            is_measured = view.entry.state is State.SUCCEEDED and view.entry.fingerprint and view.entry.seconds
            if is_measured and (jobs_per_step is None or counts[view.step] < jobs_per_step):
                counts[view.step] += 1
                yield run_id, view


def _measured(platform: Platform, run_id: str, view: StepView) -> MeasuredJob | ContractError | None:
    """None where there is no record, or where it is of an earlier job, whose outputs this one found in place."""
    try:
        record = read_record(platform, view.step, view.entry.fingerprint or "")
    except ContractError as error:
        return error
    if record is None or record.run_id != run_id:
        return None
    return MeasuredJob(run_id, view.sample, view.step, view.part, view.entry.seconds or 0.0, record)
