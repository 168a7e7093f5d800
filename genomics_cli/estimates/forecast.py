"""What each job of a run will take, as intervals: from what like jobs took, else from figures measured once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from genomics.contracts.codec import ContractError
from genomics.contracts.regions import Region, calling_regions
from genomics.contracts.runs import RunRequest
from genomics.contracts.steps import Step
from genomics_cli.cloud import Platform
from genomics_cli.estimates.figures import Figures, read_figures
from genomics_cli.estimates.intervals import Durations, Interval
from genomics_cli.estimates.planned_jobs import PlannedJob, RunSize
from genomics_cli.estimates.prices import ComputePrices
from genomics_cli.results import read_plan, read_request
from genomics_cli.run_ledger import list_runs
from genomics_cli.step_history import MeasuredJob, read_step_history

# What is long ago says little, and reading has to end.
_RUNS_READ, _JOBS_PER_STEP = 20, 200


@dataclass(frozen=True)
class SizedJob:
    """A measured job, and the bytes of the user's input that were its share."""

    size: float
    job: MeasuredJob


@dataclass(frozen=True)
class JobForecast:
    """One job to come, drawn from `history` jobs, or from a figure where that is 0. No `dollars` without prices."""

    job: PlannedJob
    seconds: Interval
    dollars: Interval | None
    history: int


@dataclass(frozen=True)
class Forecast:
    """A run to come, if nothing is skipped. Of the steps in `unknown` there is neither history nor figure."""

    jobs: tuple[JobForecast, ...]
    unknown: tuple[Step, ...]
    prices: ComputePrices | None

    @cached_property
    def by_job(self) -> Mapping[tuple[str, Step, str], JobForecast]:
        """By sample, step and part."""
        return {(each.job.sample, each.job.step, each.job.part): each for each in self.jobs}


def forecast(size: RunSize, history: Iterable[SizedJob], prices: ComputePrices | None) -> Forecast:
    """Forecast every job. `history` has the newest jobs first."""
    models = _models(history, read_figures())
    planned = list(size.jobs())
    jobs = tuple(models[job.step].forecast(job, prices) for job in planned if job.step in models)
    unknown = dict.fromkeys(job.step for job in planned if job.step not in models)
    return Forecast(jobs, tuple(unknown), prices)


def read_sized_history(platform: Platform, *, without: str | None = None) -> tuple[SizedJob, ...]:
    """The jobs of the latest runs with the size of each; the run `without` does not count."""
    runs = [run.run_id for run in list_runs(platform) if run.run_id != without][:_RUNS_READ]
    found = read_step_history(platform, runs, jobs_per_step=_JOBS_PER_STEP)
    sizes = {run_id: _run_size(platform, run_id) for run_id in dict.fromkeys(job.run_id for job in found.jobs)}
    sized = []
    for job in found.jobs:
        size = sizes[job.run_id]
        try:
            if size:
                sized.append(SizedJob(size.job(job.sample, job.step, job.part).size, job))
        except KeyError:
            # Another release cut the run in another way.
            continue
    return tuple(sized)


def size_of(request: RunRequest, contigs: Mapping[str, int]) -> RunSize:
    """The size of what is asked for; `contigs` are the reference's lengths in its order."""
    regions = calling_regions(
        requested=request.regions, contigs=contigs, bases_per_region=request.parameters.scatter.bases_per_region
    )
    return _size(request, regions)


def _run_size(platform: Platform, run_id: str) -> RunSize | None:
    try:
        request, plan = read_request(platform, run_id), read_plan(platform, run_id)
    except ContractError:
        return None
    return _size(request, plan.regions) if request and plan else None


def _size(request: RunRequest, regions: tuple[Region, ...]) -> RunSize:
    return RunSize(request.reference.fasta.size, _lanes(request), regions, request.is_annotated)


def _lanes(request: RunRequest) -> dict[str, dict[str, int]]:
    return {
        sample.sample: {lane.lane: lane.fastq_1.size + lane.fastq_2.size for lane in sample.lanes}
        for sample in request.samples
    }


@dataclass(frozen=True)
class _Model:
    """How one step is forecast: `predict` seconds from bytes, for jobs of one size."""

    durations: "Durations | None"
    figures: Figures
    vcpus: int
    memory_mib: int

    def forecast(self, job: PlannedJob, prices: ComputePrices | None) -> JobForecast:
        model = self.durations or self.figures.steps[job.step]
        seconds = model.predict(job.size)
        dollars = prices.dollars(seconds, vcpus=self.vcpus, memory_mib=self.memory_mib) if prices else None
        return JobForecast(job, seconds, dollars, self.durations.jobs if self.durations else 0)


def _models(history: Iterable[SizedJob], figures: Figures) -> dict[Step, _Model]:
    by_step: dict[Step, list[SizedJob]] = {}
    for each in history:
        by_step.setdefault(each.job.step, []).append(each)
    models = {Step(step): _Model(None, figures, given.vcpus, given.memory_mib) for step, given in figures.steps.items()}
    for step, jobs in by_step.items():
        latest = jobs[0].job.record
        # Jobs of another size take another time.
        alike = [(each.size, each.job.seconds) for each in jobs if each.job.record.vcpus == latest.vcpus]
        models[step] = _Model(Durations.fit(alike), figures, latest.vcpus, latest.memory_mib)
    return models
