"""State RecordLoad: the run's variants are in the lake; say how many rows there are.

In `{"run_id", "study", "results", "checks", "reason", ...}`; out these and `"rows": {"<table>": n}`, rows of all the
run's samples, those that were loaded before included. What a check has found stands in the ledger as the reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genomics.contracts.environment import PlanLoadEnvironment
from genomics.contracts.ledger import LOAD, LedgerEntry
from genomics.contracts.runs import RunResults, State
from lambdas import documents
from lambdas.lake.loads import called_sources, total_rows
from lambdas.lake.manifests import find_manifests
from lambdas.ledger_table import Ledger, open_ledger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the Lambda."""
    environment = PlanLoadEnvironment.read()
    rows = record_load(
        results_uri=event["results"],
        failed_checks=event["reason"],
        data_lake_bucket=environment.data_lake_bucket,
        s3=documents.s3_client(),
        ledger=open_ledger(environment.ledger_table),
    )
    return {**{name: event[name] for name in ("run_id", "study", "results", "checks", "reason")}, "rows": rows}


def record_load(
    *, results_uri: str, failed_checks: str, data_lake_bucket: str, s3: S3Client, ledger: Ledger
) -> dict[str, int]:
    """End the ledger's entry of the load; returns the rows by table."""
    results = documents.read(s3, RunResults, results_uri)
    manifests = find_manifests(s3=s3, bucket=data_lake_bucket, sources=called_sources(results))
    rows = total_rows(manifests.values())
    reason = f"loaded, but checks have failed: {failed_checks}" if failed_checks else None
    ledger.end(LedgerEntry(results.run_id, LOAD, State.SUCCEEDED, reason=reason, rows=rows))
    return rows
