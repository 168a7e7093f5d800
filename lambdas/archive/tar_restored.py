"""EventBridge's "Object Restore Completed" of a tar: let the study's restore go on if it was the last.

In the event; out `{"study", "goes_on"}`. The same event may come twice.
"""

from __future__ import annotations

from typing import Any

import boto3

from genomics.contracts import object_keys
from genomics.contracts.environment import RestoreEnvironment
from lambdas import documents
from lambdas.archive.await_tars import go_on_if_readable
from lambdas.ledger_table import open_ledger


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the Lambda."""
    environment = RestoreEnvironment.read()
    study = event["detail"]["object"]["key"].removeprefix(object_keys.ARCHIVES).partition("/")[0]
    goes_on = go_on_if_readable(
        study=study,
        bucket=environment.sequencing_bucket,
        s3=documents.s3_client(),
        step_functions=boto3.client("stepfunctions"),
        ledger=open_ledger(environment.ledger_table),
    )
    return {"study": study, "goes_on": goes_on}
