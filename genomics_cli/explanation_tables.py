"""An explanation of a step as text for the terminal and as a JSON document."""

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from genomics.contracts import object_keys
from genomics_cli.explanations import Change, Explanation, Input, Making, PartExplanation
from genomics_cli.progress import STYLES

_SHORT = 12


def explanation_text(explanation: Explanation) -> RenderableType:
    """What all parts share once, then each part."""
    head = Text(f"{explanation.step} of {explanation.sample} in run {explanation.run_id}", style="bold")
    if explanation.study:
        head.append(f" (study {explanation.study})", style="not bold")
    facts = [list(_facts(part.making)) for part in explanation.parts]
    shared = facts[0] if facts and all(fact == facts[0] for fact in facts) else None
    lines = [head, *(Text(f"  {line}") for line in shared or ())]
    for part, own in zip(explanation.parts, facts, strict=True):
        lines += [Text(), *_part(part, [] if shared is not None else own)]
    return Group(*lines)


def explanation_document(explanation: Explanation, bucket: str) -> dict[str, Any]:
    """The same for programs; `bucket` is where the records lie."""
    return {
        "sample": explanation.sample,
        "step": explanation.step,
        "run_id": explanation.run_id,
        "study": explanation.study,
        "parts": [_document(explanation, part, bucket) for part in explanation.parts],
    }


def _facts(making: Making | None) -> Iterator[str]:
    if making is None:
        return
    if making.image:
        yield f"image       {making.image}"
    if making.record:
        for tool, version in making.record.tool_versions.items():
            yield f"version     {tool} {version}"
    parameters = ", ".join(f"{name}={value}" for name, value in sorted(making.parameters.items()))
    yield f"parameters  {parameters or 'none'}"
    if making.reference:
        yield f"reference   prepared as {making.reference[:_SHORT]}"


def _part(part: PartExplanation, facts: list[str]) -> Iterator[Text]:
    entry, making = part.entry, part.making
    line = Text()
    if part.part:
        line.append(f"{part.part}  ", style="bold")
    yield line.append(entry.state.lower(), style=STYLES[entry.state]).append(f": {entry.reason or 'no reason given'}")
    details = list(facts)
    if entry.fingerprint:
        details.append(f"fingerprint {entry.fingerprint}")
    details += [_input(each) for each in making.inputs] if making else []
    details += [f"made        {_made(part)}", *_since(part)]
    yield from (Text(f"  {detail}") for detail in details)


def _input(each: Input) -> str:
    size = f", {each.size:,} bytes" if each.size is not None else ""
    origin = f"made by {each.made_by[0]} {each.made_by[1][:_SHORT]}" if each.made_by else "brought"
    checksum = f"SHA-256 {each.sha256}" if each.sha256 else "not made yet"
    return f"input       {each.name}: {each.uri.rsplit('/', 1)[-1]}, {origin}{size}, {checksum}"


def _made(part: PartExplanation) -> str:
    record = part.making.record if part.making else None
    if record is None:
        return "nothing is on record: it has not been made, or its outputs have expired"
    first = "first " if record.run_id != part.entry.run_id else ""
    when = record.started_at[:19].replace("T", " ")
    return f"{first}by run {record.run_id}, job {record.job_id} (attempt {record.attempt}), {when}, {record.seconds} s"


def _since(part: PartExplanation) -> Iterator[str]:
    earlier = part.earlier
    if earlier is None:
        yield "before      no earlier run of the study planned it"
    elif earlier.changes is None:
        yield f"before      run {earlier.run_id} planned {earlier.fingerprint[:_SHORT]}, of which too little is left"
    elif not earlier.changes:
        same = (
            "the same" if earlier.fingerprint == part.entry.fingerprint else "another, of which nothing is left to see"
        )
        yield f"before      run {earlier.run_id} planned {same}"
    else:
        yield f"before      run {earlier.run_id} planned {earlier.fingerprint[:_SHORT]}; since then"
        yield from (f"            {_change(change)}" for change in earlier.changes)


def _change(change: Change) -> str:
    if change.before is None:
        return f"{change.what} is new: {change.now}"
    if change.now is None:
        return f"{change.what} {change.before} is gone"
    return f"{change.what} changed {change.before} -> {change.now}"


def _document(explanation: Explanation, part: PartExplanation, bucket: str) -> dict[str, Any]:
    entry, making, earlier = part.entry, part.making, part.earlier
    record = making.record if making else None
    key = object_keys.step_record(explanation.step, entry.fingerprint) if record and entry.fingerprint else None
    return {
        "part": part.part,
        "state": entry.state,
        "reason": entry.reason,
        "fingerprint": entry.fingerprint,
        "record": object_keys.uri(bucket, key) if key else None,
        "inputs": [_input_document(each) for each in making.inputs] if making else None,
        "parameters": dict(making.parameters) if making else None,
        "image": making.image if making else None,
        "tool_versions": dict(record.tool_versions) if record else None,
        "reference": (making.reference or None) if making else None,
        "made_by": {
            "run_id": record.run_id,
            "job_id": record.job_id,
            "attempt": record.attempt,
            "started_at": record.started_at,
            "seconds": record.seconds,
        }
        if record
        else None,
        "before": {
            "run_id": earlier.run_id,
            "fingerprint": earlier.fingerprint,
            "changes": [{"what": c.what, "before": c.before, "now": c.now} for c in earlier.changes]
            if earlier.changes is not None
            else None,
        }
        if earlier
        else None,
    }


def _input_document(each: Input) -> dict[str, Any]:
    made_by = {"step": each.made_by[0], "fingerprint": each.made_by[1]} if each.made_by else None
    return {"name": each.name, "uri": each.uri, "sha256": each.sha256, "size": each.size, "made_by": made_by}
