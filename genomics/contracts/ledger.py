"""The run ledger: one DynamoDB table that says what ran, what was skipped and why. `genomics status` reads it.

Partition key `run_id`, sort key `item`: `run`, `sample#<sample>`, `step#<sample>#<step>#<part>`, `load`, `sign_off`,
`lims#<sample>`, `ticket#<redrives>`,
`transfer#<generation>#<attempt>` (of a run folder, whose name then is the run id).
For a study the partition key is `study:<study>`, the items `archive`, `restore`, `requester#<e-mail>`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genomics.contracts.codec import from_dict, to_dict
from genomics.contracts.runs import State
from genomics.contracts.steps import Step

PARTITION_KEY = "run_id"
SORT_KEY = "item"
RUN = "run"
LOAD = "load"
SIGN_OFF = "sign_off"

# Why a run or a sample is at work again, or has ended well, that had ended before.
REDRIVEN = "redriven, after it had been stopped or held"

# Of a study, whose entries have `study_partition` as their run: its latest archive, its latest restore, and who waits.
ARCHIVE = "archive"
RESTORE = "restore"
REQUESTER = "requester#"


def sample_item(sample: str) -> str:
    """Sort key of a sample's entry."""
    return f"sample#{sample}"


def step_item(sample: str, step: Step, part: str) -> str:
    """Sort key of a step's entry."""
    return f"step#{sample}#{step}#{part}"


def lims_item(sample: str) -> str:
    """Sort key of the entry of what the LIMS was told of a sample."""
    return f"lims#{sample}"


def ticket_item(redrives: int) -> str:
    """Sort key of the entry of the ticket of a run's failure after so many redrives."""
    return f"ticket#{redrives:05}"


def study_partition(study: str) -> str:
    """Partition key of what the ledger says of a study; no run has such a name."""
    return f"study:{study}"


def requester_item(email: str) -> str:
    """Sort key of somebody who waits for a study."""
    return f"{REQUESTER}{email}"


def transfer_item(generation: int, attempt: int) -> str:
    """Sort key of the entry of an attempt to bring a run folder over; the last one sorts last."""
    return f"transfer#{generation:05}#{attempt:05}"


@dataclass(frozen=True)
class LedgerEntry:
    """One item. Which fields are set depends on what it speaks of; times are ISO 8601 in UTC, `seconds` wall time."""

    run_id: str
    item: str
    state: State
    reason: str | None = None
    fingerprint: str | None = None
    job_id: str | None = None
    log_stream: str | None = None
    attempt: int | None = None
    exit_code: int | None = None
    started_at: str | None = None
    finished_at: str | None = None
    seconds: float | None = None
    peak_memory_mib: int | None = None
    study: str | None = None
    execution_arn: str | None = None
    rows: Mapping[str, int] | None = None
    # Of a transfer: files and bytes listed, and how many are missing, of another size, unverified or not listed.
    counts: Mapping[str, int] | None = None
    # URI of a document that says all of it.
    document: str | None = None
    # Lets a state machine that waits go on.
    task_token: str | None = None
    # Of a sign-off: who decided, and the ARN of whose credentials the decision was sent with; why is the `reason`.
    signed_by: str | None = None
    principal: str | None = None
    # Sorts entries as the plan lists them.
    order: int | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """The sort key's parts: ("step", sample, step, part) and so on."""
        return tuple(self.item.split("#", 3))


def to_item(entry: LedgerEntry) -> dict[str, dict[str, Any]]:
    """The entry in DynamoDB's attribute-value form."""
    return {name: _attribute(value) for name, value in to_dict(entry).items()}


def update(entry: LedgerEntry) -> dict[str, Any]:
    """Arguments of `UpdateItem` that set the entry's fields and leave the item's other attributes as they are."""
    values = {n: v for n, v in to_item(entry).items() if n not in (PARTITION_KEY, SORT_KEY)}
    return {
        "Key": {PARTITION_KEY: _attribute(entry.run_id), SORT_KEY: _attribute(entry.item)},
        "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in values),
        "ExpressionAttributeNames": {f"#{name}": name for name in values},
        "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
    }


def from_item(item: Mapping[str, Mapping[str, Any]]) -> LedgerEntry:
    """Read DynamoDB's attribute-value form."""
    return from_dict(LedgerEntry, {name: _plain(value) for name, value in item.items()})


def _attribute(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {"M": {name: _attribute(item) for name, item in value.items()}}
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"N": repr(value)}
    return {"S": str(value)}


def _plain(value: Mapping[str, Any]) -> Any:
    kind, content = next(iter(value.items()))
    if kind == "M":
        return {name: _plain(item) for name, item in content.items()}
    if kind == "N":
        number = float(content)
        return int(number) if number.is_integer() and "." not in content else number
    return content
