"""What a run came to, in one shape for `run` and `demo`: summary.json, and the report's content."""

import dataclasses
import json
import platform as machine
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from genomics.contracts.runs import RunRequest, RunResults, State
from genomics.contracts.steps import Scalar, Step, StepRecord
from genomics_cli.accuracy import Accuracy, Score
from genomics_cli.estimates.comparison import compare
from genomics_cli.estimates.forecast import Forecast
from genomics_cli.run_ledger import RunView, StepView, combined, span_seconds


@dataclass(frozen=True)
class StepSummary:
    """One step. `seconds` from the job's start to its end, None where it was skipped.

    Peak memory (MiB), metrics and versions are those of the run that made the outputs.
    """

    step: Step
    part: str
    state: State
    reason: str | None
    seconds: float | None
    started_at: str | None
    finished_at: str | None
    attempt: int | None
    exit_code: int | None
    peak_memory_mib: int | None
    fingerprint: str | None
    metrics: Mapping[str, Scalar]
    tool_versions: Mapping[str, str]


@dataclass(frozen=True)
class SampleSummary:
    """One sample. `vcf` is the downloaded file; `accuracy` as `accuracy_document` gives it, where truth is known."""

    sample: str
    patient: str
    state: State
    reason: str | None
    vcf: str | None
    steps: tuple[StepSummary, ...]
    accuracy: Mapping[str, Any] | None


@dataclass(frozen=True)
class QuestionSummary:
    """A question put to the lake, and its answer as text."""

    sql: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    seconds: float
    scanned_bytes: int


@dataclass(frozen=True)
class Products:
    """What was fetched of a run: step records by fingerprint, VCFs and scores by sample, row counts by table.

    `forecast` is what was to be expected before it ran.
    """

    results: RunResults | None
    records: Mapping[str, StepRecord]
    calls: Mapping[str, Path]
    scores: Mapping[str, Score]
    rows: Mapping[str, int]
    question: QuestionSummary | None = None
    forecast: Forecast | None = None


@dataclass(frozen=True)
class Summary:
    """A whole run. `durations` has seconds by stage and, by step, how often it ran, was skipped, and for how long.

    `sign_off` says who decided about the results, where somebody was asked.
    `estimate` is what was to be expected beside what was measured, as `compare` gives it; None where nothing was.
    """

    run_id: str
    study: str
    state: State
    submitted_at: str
    reference: str
    regions: tuple[str, ...]
    parameters: Mapping[str, Any]
    versions: Mapping[str, Any]
    durations: Mapping[str, Mapping[str, Any]]
    samples: tuple[SampleSummary, ...]
    run_steps: tuple[StepSummary, ...]
    sign_off: Mapping[str, Any] | None
    load: Mapping[str, Any] | None
    rows: Mapping[str, int]
    query: QuestionSummary | None
    estimate: Mapping[str, Any] | None
    errors: tuple[str, ...]

    def write(self, path: Path) -> None:
        """Write summary.json."""
        path.write_text(self.json() + "\n", encoding="utf-8")

    def json(self) -> str:
        """The document as text; what is not known is null."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False)


def summarize(
    *,
    request: RunRequest,
    submitted_at: str,
    view: RunView,
    products: Products,
    stages: Mapping[str, float],
    error: str | None,
) -> Summary:
    """Put together what is known of an ended run; `stages` has seconds, `error` says in a line why it failed."""
    results, records, calls = products.results, products.records, products.calls
    outcomes = {sample.sample: sample for sample in results.samples} if results else {}
    samples = []
    for sample in request.samples:
        name = sample.sample
        outcome, entry = outcomes.get(name), view.samples.get(name)
        known = outcome or entry
        score = products.scores.get(name)
        samples.append(
            SampleSummary(
                sample=name,
                patient=sample.patient,
                state=known.state if known else State.PLANNED,
                reason=known.reason if known else None,
                vcf=str(calls[name]) if name in calls else None,
                steps=tuple(_step(step, records) for step in view.steps_of(name)),
                accuracy=accuracy_document(score) if score else None,
            )
        )
    failed = [f"{s.reason}" for s in samples if s.state is State.FAILED and s.reason]
    errors = dict.fromkeys([*([error] if error else []), *failed])
    return Summary(
        run_id=request.run_id,
        study=request.study,
        state=State.FAILED if error else State.SUCCEEDED,
        submitted_at=submitted_at,
        reference=request.reference.name,
        regions=tuple(str(region) for region in request.regions),
        parameters={
            **dataclasses.asdict(request.parameters),
            "run": {"tolerate": request.tolerate, "urgent": request.urgent, "sign_off": request.sign_off},
        },
        versions=_versions(records.values()),
        durations={"stages": stages, "steps": _step_durations(view.steps)},
        samples=tuple(samples),
        run_steps=tuple(_step(step, records) for step in view.steps_of("")),
        sign_off=_sign_off(view),
        load=_load(view),
        rows=products.rows,
        query=products.question,
        estimate=compare(products.forecast, view, records) if products.forecast else None,
        errors=tuple(errors),
    )


def accuracy_document(score: Score) -> dict[str, Any]:
    """Counts and ratios over the whole and, where a BED says where the truth can be believed, inside it."""
    document = {"whole": _accuracy(score.whole)}
    if score.confident:
        document["confident"] = _accuracy(score.confident)
    return document


def _accuracy(accuracy: Accuracy) -> dict[str, Any]:
    kinds = {"snps": accuracy.snps, "indels": accuracy.indels}
    return {"bases": accuracy.bases} | {
        kind: dataclasses.asdict(counts)
        | {
            "precision": counts.precision,
            "recall": counts.recall,
            "f1": counts.f1,
            "genotype_concordance": counts.genotype_concordance,
        }
        for kind, counts in kinds.items()
    }


def _step(step: StepView, records: Mapping[str, StepRecord]) -> StepSummary:
    entry = step.entry
    record = records.get(entry.fingerprint or "")
    skipped = entry.state is State.SKIPPED
    return StepSummary(
        step=step.step,
        part=step.part,
        state=entry.state,
        reason=entry.reason,
        seconds=None if skipped else entry.seconds,
        started_at=None if skipped else entry.started_at,
        finished_at=None if skipped else entry.finished_at,
        attempt=entry.attempt,
        exit_code=entry.exit_code,
        peak_memory_mib=record.peak_memory_mib if record else entry.peak_memory_mib,
        fingerprint=entry.fingerprint,
        metrics=record.metrics if record else {},
        tool_versions=record.tool_versions if record else {},
    )


def _versions(records: Iterable[StepRecord]) -> dict[str, Any]:
    tools: dict[str, set[str]] = {}
    for record in records:
        for tool, text in record.tool_versions.items():
            tools.setdefault(tool, set()).add(text)
    return {
        "platform": version("genomics-platform"),
        "python": machine.python_version(),
        "tools": {tool: ", ".join(sorted(found)) for tool, found in sorted(tools.items())},
    }


def _step_durations(steps: Sequence[StepView]) -> dict[str, dict[str, Any]]:
    durations = {}
    for step in Step:
        entries = [view.entry for view in steps if view.step is step]
        state = combined(entry.state for entry in entries)
        if state is None:
            continue
        durations[step.value] = {
            "state": state,
            "ran": sum(entry.state in (State.SUCCEEDED, State.FAILED) for entry in entries),
            "skipped": sum(entry.state is State.SKIPPED for entry in entries),
            "job_seconds": round(sum(e.seconds or 0.0 for e in entries if e.state is not State.SKIPPED), 3),
            "wall_seconds": span_seconds(entries),
        }
    return durations


def _sign_off(view: RunView) -> dict[str, Any] | None:
    """Who decided about the results, when and why; None where nobody was asked."""
    entry = view.sign_off
    if entry is None:
        return None
    return {
        "state": entry.state,
        "by": entry.signed_by,
        "principal": entry.principal,
        "asked_at": entry.started_at,
        "decided_at": entry.finished_at,
        "reason": entry.reason,
    }


def _load(view: RunView) -> dict[str, Any] | None:
    if view.load is None:
        return None
    return {
        "state": view.load.state,
        "reason": view.load.reason,
        "started_at": view.load.started_at,
        "finished_at": view.load.finished_at,
        "seconds": span_seconds([view.load]),
    }
