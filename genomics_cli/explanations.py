"""Why the parts of a step ran or were skipped, what they were made from, and what has changed since the plan before.

Everything is read from the ledger and from what runs left in S3: records, and the tasks that jobs were told.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from genomics.contracts import object_keys
from genomics.contracts.ledger import LedgerEntry
from genomics.contracts.steps import OF_NO_SAMPLE, Scalar, Step, StepRecord, Task, TaskInput
from genomics_cli.cloud import Platform
from genomics_cli.errors import UserError
from genomics_cli.results import read_record, read_task
from genomics_cli.run_ledger import find_entries, list_runs, read_known_run


@dataclass(frozen=True)
class Input:
    """One file that a step took. `made_by` is the step and fingerprint that made it; None where the user brought it."""

    name: str
    uri: str
    sha256: str | None
    size: int | None
    made_by: tuple[Step, str] | None

    @property
    def content(self) -> str:
        """What says whether two are the same: the maker's fingerprint, or the checksum."""
        return f"{self.made_by[0]} {self.made_by[1]}" if self.made_by else self.sha256 or self.uri


@dataclass(frozen=True)
class Making:
    """How outputs were made, or, without `record`, how they were to be: what the job was told."""

    inputs: tuple[Input, ...]
    parameters: Mapping[str, Scalar]
    image: str | None
    reference: str
    lanes: tuple[str, ...]
    regions: tuple[str, ...]
    record: StepRecord | None


@dataclass(frozen=True)
class Change:
    """What differs from the plan before."""

    what: str
    before: str | None
    now: str | None


@dataclass(frozen=True)
class Earlier:
    """The plan before: of which run, with which fingerprint. `changes` is None where too little is left to compare."""

    run_id: str
    fingerprint: str
    changes: tuple[Change, ...] | None


@dataclass(frozen=True)
class PartExplanation:
    """One part of a step; `making` is None where neither record nor task is there, `earlier` where it is the first."""

    part: str
    entry: LedgerEntry
    making: Making | None
    earlier: Earlier | None


@dataclass(frozen=True)
class Explanation:
    """A step of a sample in one run; parts as the plan lists them."""

    sample: str
    step: Step
    run_id: str
    study: str | None
    parts: tuple[PartExplanation, ...]


def explain_step(
    platform: Platform, sample: str, step_name: str, *, run_id: str | None = None, part: str | None = None
) -> Explanation:
    """Explain a step in a run, or in the latest that planned it. UserError says what there is if it is not there."""
    step = _step(step_name)
    if run_id:
        read_known_run(platform, run_id)
    runs = {run.run_id: run for run in list_runs(platform)}
    owner = "" if step in OF_NO_SAMPLE else sample
    of_sample = {entry.run_id for entry in find_entries(platform, f"sample#{sample}", whole=True)}
    found: dict[str, list[LedgerEntry]] = {}
    for entry in find_entries(platform, f"step#{owner}#{step}#"):
        if entry.run_id in of_sample:
            found.setdefault(entry.run_id, []).append(entry)
    order = [each for each in runs if each in found]
    chosen = run_id or next(iter(order), None)
    if chosen not in found:
        raise UserError(_nothing(platform, sample, step, run_id, of_sample))
    entries = sorted(found[chosen], key=lambda entry: entry.order or 0)
    if part is not None and part not in (parts := [_part(entry) for entry in entries]):
        raise UserError(f"{step} of {sample} has no part {part!r} in run {chosen}; it has {_some(parts)}")
    study = runs[chosen].study if chosen in runs else None
    before = [each for each in order[order.index(chosen) + 1 :] if runs[each].study == study] if chosen in order else []
    planned_before = [entry for earlier in before for entry in found[earlier]]
    explained = (
        _explain(platform, owner, step, entry, [e for e in planned_before if _part(e) == _part(entry)])
        for entry in entries
        if part is None or _part(entry) == part
    )
    return Explanation(sample, step, chosen, study, tuple(explained))


def _explain(
    platform: Platform, owner: str, step: Step, entry: LedgerEntry, before: Sequence[LedgerEntry]
) -> PartExplanation:
    making = _making(platform, owner, step, entry)
    last = next((each for each in before if each.fingerprint), None)
    if last is None:
        return PartExplanation(_part(entry), entry, making, None)
    earlier_making = making if last.fingerprint == entry.fingerprint else _making(platform, owner, step, last)
    changes: tuple[Change, ...] | None = None
    if last.fingerprint == entry.fingerprint:
        changes = ()
    elif making and earlier_making:
        changes = tuple(_changes(earlier_making, making))
    return PartExplanation(_part(entry), entry, making, Earlier(last.run_id, last.fingerprint or "", changes))


def _making(platform: Platform, owner: str, step: Step, entry: LedgerEntry) -> Making | None:
    record = read_record(platform, step, entry.fingerprint) if entry.fingerprint else None
    if record:
        # Equal input of another sample, or another name of the same lane, has the same outputs.
        task = read_task(platform, record.run_id, record.sample, step, record.part)
    else:
        task = read_task(platform, entry.run_id, owner, step, _part(entry))
    if task and task.fingerprint != entry.fingerprint:
        task = None
    told: StepRecord | Task | None = record or task
    if told is None:
        return None
    return Making(
        inputs=tuple(_inputs(told.inputs)),
        parameters=told.parameters,
        image=record.image if record else None,
        reference=task.reference if task else "",
        lanes=task.lanes if task else (),
        regions=tuple(str(region) for region in task.regions) if task else (),
        record=record,
    )


def _inputs(inputs: Mapping[str, Iterable[TaskInput]]) -> Iterator[Input]:
    for name, group in inputs.items():
        for each in group:
            _, key = object_keys.parse(each.uri)
            yield Input(name, each.uri, each.sha256, each.size, object_keys.maker_of(key))


def _changes(before: Making, now: Making) -> Iterator[Change]:
    if before.image and now.image and before.image != now.image:
        yield Change("image", before.image, now.image)
    for name in sorted({*before.parameters, *now.parameters}):
        old, new = (making.parameters.get(name) for making in (before, now))
        if old != new:
            yield Change(f"parameter {name}", _text(old), _text(new))
    for what in ("reference", "lanes", "regions"):
        old, new = getattr(before, what), getattr(now, what)
        # Unknown where the task is gone.
        if old and new and old != new:
            yield Change(what, _joined(old), _joined(new))
    for name in dict.fromkeys(each.name for making in (before, now) for each in making.inputs):
        contents = [[each.content for each in making.inputs if each.name == name] for making in (before, now)]
        if contents[0] != contents[1]:
            gone, come = ([c for c in own if c not in other] for own, other in (contents, reversed(contents)))
            yield Change(f"input {name}", ", ".join(gone or contents[0]), ", ".join(come or contents[1]))


def _nothing(platform: Platform, sample: str, step: Step, run_id: str | None, of_sample: set[str]) -> str:
    if not of_sample:
        names = dict.fromkeys(entry.parts[1] for entry in find_entries(platform, "sample#"))
        return f"the ledger knows no sample {sample}; it knows {_some(sorted(names))}"
    if run_id and run_id not in of_sample:
        return f"run {run_id} has no sample {sample}; it is in {_some(sorted(of_sample, reverse=True))}"
    own = {e.parts[2] for e in find_entries(platform, f"step#{sample}#") if run_id in (None, e.run_id)}
    steps = _some([each for each in Step if each in own])
    where = f"run {run_id} planned no" if run_id else "no run has planned a"
    return f"{where} {step} of {sample}; of it there are {steps}"


def _step(name: str) -> Step:
    try:
        return Step(name.replace("-", "_"))
    except ValueError:
        raise UserError(f"there is no step {name}; there are {', '.join(Step)}") from None


def _part(entry: LedgerEntry) -> str:
    return entry.parts[3]


def _text(value: Scalar | None) -> str | None:
    return None if value is None else str(value)


def _joined(values: str | Iterable[str]) -> str:
    return values if isinstance(values, str) else ", ".join(values)


def _some(names: Sequence[str]) -> str:
    return (", ".join(names[:8]) + (", ..." if len(names) > 8 else "")) or "none"
