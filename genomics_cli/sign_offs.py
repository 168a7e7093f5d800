"""A person's decision about a run's results: what awaits one, and sending it.

The run waits in a Step Functions activity, whose task a function takes at once: its token is in the ledger. Where it is
not, as after a stop and a redrive, the activity is asked here. It gives each task to whoever asks first, so that who
asks for one run's may be given another's: every token is kept in the ledger, where the next command finds it.
"""

import datetime
import time
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from genomics.contracts import ledger
from genomics.contracts.codec import dumps, loads
from genomics.contracts.ledger import SIGN_OFF, LedgerEntry
from genomics.contracts.runs import State
from genomics.contracts.sign_off import REJECTED, Decision, SignOffTask
from genomics_cli.cloud import Platform
from genomics_cli.errors import UserError
from genomics_cli.run_ledger import find_entries, read_known_run

_WORKER = "genomics sign-off"
# How long the function that takes the tasks may need.
_KEPT_WITHIN_SECONDS = 10.0
_LOOK_SECONDS = 0.5
# Of a task that has been answered, or has timed out.
_CLOSED = ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")


def awaited(platform: Platform) -> tuple[LedgerEntry, ...]:
    """The sign-offs that runs wait for, the oldest first."""
    waiting = [entry for entry in find_entries(platform, SIGN_OFF, whole=True) if _waits(platform, entry)]
    return tuple(sorted(waiting, key=lambda entry: entry.started_at or ""))


def sign_off_line(entry: LedgerEntry) -> str:
    """Who decided and why, or that nobody has."""
    return f"{entry.signed_by}: {entry.reason}" if entry.signed_by else entry.reason or ""


def decide(platform: Platform, run_id: str, *, approve: bool, by: str, reason: str) -> Decision:
    """Approve of a run's results, or reject them; UserError where the run awaits no decision."""
    entry = _require_awaited(platform, run_id)
    try:
        decision = Decision(
            by=by.strip(),
            reason=reason.strip(),
            principal=platform.cloud.sts.get_caller_identity()["Arn"],
            at=datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        )
    except ValueError as error:
        raise UserError(f"--{error}") from error
    # A run that was stopped while it waited, and redriven, has another token than the one that is kept.
    if entry.task_token and _send(platform, entry.task_token, decision, approve=approve):
        return decision
    token = _kept_token(platform, run_id, stale=entry.task_token) or _ask_for_token(
        platform, run_id, stale=entry.task_token
    )
    if _send(platform, token, decision, approve=approve):
        return decision
    raise UserError(
        f"run {run_id} no longer awaits a decision: somebody was faster, or its time is up (`genomics status {run_id}`)"
    )


def _send(platform: Platform, token: str, decision: Decision, *, approve: bool) -> bool:
    """Answer the task; False where it has been answered, or its time was up."""
    states = platform.cloud.step_functions
    try:
        if approve:
            states.send_task_success(taskToken=token, output=dumps(decision))
        else:
            states.send_task_failure(taskToken=token, error=REJECTED, cause=dumps(decision))
    except ClientError as error:
        if error.response["Error"]["Code"] in _CLOSED:
            return False
        raise
    return True


def _require_awaited(platform: Platform, run_id: str) -> LedgerEntry:
    entry = read_known_run(platform, run_id).sign_off
    if entry is None:
        raise UserError(f"run {run_id} awaits no sign-off: it was not asked for with --sign-off, or is not so far yet")
    if not _waits(platform, entry):
        raise UserError(f"run {run_id} awaits no sign-off any more ({entry.state.lower()}: {sign_off_line(entry)})")
    return entry


def _waits(platform: Platform, entry: LedgerEntry) -> bool:
    """Whether the entry is open, and so is the execution that has opened it."""
    if entry.state is not State.RUNNING or entry.execution_arn is None:
        return False
    try:
        found = platform.cloud.step_functions.describe_execution(executionArn=entry.execution_arn)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ExecutionDoesNotExist":
            return False
        raise
    return found["status"] == "RUNNING"


def _kept_token(platform: Platform, run_id: str, *, stale: str | None) -> str | None:
    """The token that comes into the ledger, other than the one that was there; None where none comes."""
    deadline = time.monotonic() + _KEPT_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if (token := _require_awaited(platform, run_id).task_token) not in (None, stale):
            return token
        time.sleep(_LOOK_SECONDS)
    return None


def _ask_for_token(platform: Platform, run_id: str, *, stale: str | None) -> str:
    """Ask the activity for tasks until the run's comes; the others' tokens are kept for those whose they are.

    `stale` is a token that the ledger has and that no longer counts.
    """
    activity = platform.deployment.sign_off_activity_arn
    if activity is None:
        raise UserError("the deployment has no sign-off; deploy the stack `secondary` of this version")
    while True:
        found: Mapping[str, Any] = platform.cloud.step_functions.get_activity_task(
            activityArn=activity, workerName=_WORKER
        )
        if token := found.get("taskToken"):
            task = loads(SignOffTask, found["input"])
            _keep_token(platform, task.run_id, token)
            if task.run_id == run_id:
                return str(token)
            continue
        # Nothing is left to be given: another command may have been given it meanwhile.
        entry = _require_awaited(platform, run_id)
        if entry.task_token in (None, stale):
            raise UserError(
                f"run {run_id} was given to somebody else to decide about, who has not; when its time is up, "
                f"`genomics redrive {run_id}` asks again"
            )
        return str(entry.task_token)


def _keep_token(platform: Platform, run_id: str, token: str) -> None:
    arguments = ledger.update(LedgerEntry(run_id, SIGN_OFF, State.RUNNING, task_token=token))
    arguments["ConditionExpression"] = "#state = :state"
    try:
        platform.cloud.dynamodb.update_item(TableName=platform.deployment.ledger_table, **arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
