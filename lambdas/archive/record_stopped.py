"""EventBridge's "Step Functions Execution Status Change": an execution has failed, or was stopped.

In the event, with status FAILED, ABORTED or TIMED_OUT; out `{"study", "told": n}`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3

from genomics.contracts.environment import NotifyEnvironment
from genomics.contracts.ledger import ARCHIVE, RESTORE, LedgerEntry, study_partition
from genomics.contracts.runs import State
from lambdas.archive.requesters import Mail, tell_requesters
from lambdas.ledger_table import Ledger, open_ledger

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the Lambda."""
    environment = NotifyEnvironment.read()
    detail = event["detail"]
    study = str(json.loads(detail["input"]).get("study", ""))
    stopped = StoppedWork(environment.topic_arn, boto3.client("sns"), open_ledger(environment.ledger_table))
    return {"study": study, "told": stopped.record(study, detail["executionArn"], detail["status"])}


@dataclass(frozen=True)
class StoppedWork:
    """Ends what executions have left open."""

    topic_arn: str
    sns: SNSClient
    ledger: Ledger

    def record(self, study: str, execution: str, status: str) -> int:
        """End the entry that is this execution's, so that the study's next archive or restore can begin.

        Whoever waits for a restore that has ended so is told; returns how many were.
        """
        partition = study_partition(study)
        for item in (ARCHIVE, RESTORE):
            entry = self.ledger.get(partition, item)
            if entry and entry.execution_arn == execution and entry.state is State.RUNNING:
                reason = f"{item} of {study}: {status.lower()}"
                self.ledger.end(LedgerEntry(partition, item, State.FAILED, reason=reason))
        restore = self.ledger.get(partition, RESTORE)
        if restore is None or restore.execution_arn != execution or restore.state is not State.FAILED:
            return 0
        text = (
            f"Study {study} could not be brought back from the archive: {restore.reason or 'no reason was given'}\n"
            f"Nothing is lost. `genomics restore {study} --notify EMAIL` tries it again, from where this has stopped."
        )
        mail = Mail(f"Study {study} could not be restored", text)
        return tell_requesters(study, mail, topic_arn=self.topic_arn, sns=self.sns, ledger=self.ledger)
