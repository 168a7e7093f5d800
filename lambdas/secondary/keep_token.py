"""State KeepToken, beside AwaitSignOff: take the run's task from the activity, and keep its token for who decides.

In `{"run_id", ...}`; out nothing. An activity's time limit begins when its task has been taken (Step Functions
Developer Guide, "Troubleshooting activities"), so that without this a run that nobody looks at would wait for ever. Of
several runs at once each may be given another's task: whose it is, is in its input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from genomics.contracts.codec import loads
from genomics.contracts.environment import KeepTokenEnvironment
from genomics.contracts.ledger import SIGN_OFF, LedgerEntry
from genomics.contracts.runs import State
from genomics.contracts.sign_off import SignOffTask
from lambdas.ledger_table import Ledger, open_ledger

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

# API Reference, "GetActivityTask": an answer takes a minute at most, and a client should wait for 65 seconds.
_ANSWER_SECONDS = 70
_POLLS = 4


class NoTokenError(RuntimeError):
    """The activity has not given the run's task to anybody who keeps its token."""


def handler(event: dict[str, Any], context: object) -> None:
    """Entry point of the Lambda."""
    environment = KeepTokenEnvironment.read()
    keep_token(
        run_id=event["run_id"],
        activity=environment.sign_off_activity,
        step_functions=boto3.client("stepfunctions", config=Config(read_timeout=_ANSWER_SECONDS)),
        ledger=open_ledger(environment.ledger_table),
    )


def keep_token(*, run_id: str, activity: str, step_functions: SFNClient, ledger: Ledger) -> None:
    """Take tasks until the run's token is in the ledger, by whomever; NoTokenError."""
    for _ in range(_POLLS):
        found = step_functions.get_activity_task(activityArn=activity, workerName="sign-off")
        if token := found.get("taskToken"):
            task = loads(SignOffTask, found["input"])
            entry = LedgerEntry(task.run_id, SIGN_OFF, State.RUNNING, task_token=token)
            ledger.update_if(entry, still=State.RUNNING)
        own = ledger.get(run_id, SIGN_OFF)
        if own and own.task_token:
            return
    raise NoTokenError(f"the task of {run_id} was given to somebody else")
