"""The end of a transfer's execution: compares what the bucket holds with what the manifest lists.

In one SQS record whose body is EventBridge's "DataSync Task Execution State Change" event; out
`{"execution": "<ARN>", "outcome": "<line>"}`. An error leaves the record in the queue, to be delivered again.
"""

from __future__ import annotations

import json
from typing import Any

import boto3

from genomics.contracts.environment import ReconcileEnvironment
from lambdas import documents
from lambdas.ledger_table import open_ledger
from lambdas.transfer.reconciliation import Reconciler


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the Lambda."""
    environment = ReconcileEnvironment.read()
    reconciler = Reconciler(
        bucket=environment.sequencing_bucket,
        topic_arn=environment.alarm_topic_arn,
        s3=documents.s3_client(),
        datasync=boto3.client("datasync"),
        events=boto3.client("events"),
        sns=boto3.client("sns"),
        ledger=open_ledger(environment.ledger_table),
    )
    [record] = event["Records"]
    execution = json.loads(record["body"])["resources"][0]
    return {"execution": execution, "outcome": reconciler.reconcile(execution)}
