"""On schedule: finds executions that have ended and that nobody has reconciled, because their event was lost.

In anything; out `{"found": ["<execution ARN>"]}`: those that were put into the queue of `reconcile`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3

from genomics.contracts.environment import SweepTransfersEnvironment
from genomics.contracts.ledger import transfer_item
from lambdas.ledger_table import Ledger, open_ledger
from lambdas.transfer.executions import ENDED, Transfer

if TYPE_CHECKING:
    from mypy_boto3_datasync import DataSyncClient
    from mypy_boto3_sqs import SQSClient


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the Lambda."""
    environment = SweepTransfersEnvironment.read()
    found = sweep(
        task_arn=environment.task_arn,
        queue_url=environment.queue_url,
        datasync=boto3.client("datasync"),
        sqs=boto3.client("sqs"),
        ledger=open_ledger(environment.ledger_table),
    )
    return {"found": found}


def sweep(*, task_arn: str, queue_url: str, datasync: DataSyncClient, sqs: SQSClient, ledger: Ledger) -> list[str]:
    """Put the task's ended executions of which the ledger knows no end into the queue, as their events would have."""
    found = []
    for page in datasync.get_paginator("list_task_executions").paginate(TaskArn=task_arn):
        for listed in page["TaskExecutions"]:
            arn = listed["TaskExecutionArn"]
            if listed["Status"] in ENDED and _is_open(arn, datasync, ledger):
                sqs.send_message(QueueUrl=queue_url, MessageBody=json.dumps({"resources": [arn]}))
                found.append(arn)
    return found


def _is_open(execution_arn: str, datasync: DataSyncClient, ledger: Ledger) -> bool:
    transfer = Transfer.find(datasync, execution_arn)
    if transfer is None:
        return False
    entry = ledger.get(transfer.run_id, transfer_item(transfer.generation, transfer.attempt))
    return entry is None or not entry.state.is_final
