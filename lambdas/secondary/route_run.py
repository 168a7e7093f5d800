"""The queue of run folders that have arrived: starts the demultiplexing of those whose samples' studies are known.

In SQS records whose body is EventBridge's event `RunTransferred`; out `{"batchItemFailures": [{"itemIdentifier"}]}`.
"""

from __future__ import annotations

from typing import Any

import boto3

from genomics.contracts.environment import StartRunEnvironment
from lambdas import documents
from lambdas.ledger_table import open_ledger
from lambdas.secondary.requests import failed_messages
from lambdas.secondary.routing import RunRouter


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the Lambda."""
    environment = StartRunEnvironment.read()
    router = RunRouter(
        bucket=environment.sequencing_bucket,
        state_machine_arn=environment.state_machine_arn,
        s3=documents.s3_client(),
        step_functions=boto3.client("stepfunctions"),
        ledger=open_ledger(environment.ledger_table),
    )
    failed = failed_messages(event["Records"], router.receive)
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}
