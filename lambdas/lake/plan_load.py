"""State PlanLoad: which of a run's VCFs the lake does not hold yet.

In the detail of `VariantsCalled`, `{"run_id", "study", "results"}`; out the same with `"sources": n`, `"request"`, the
URI of the LoadRequest, and what holds if there is nothing to load: `"checks": "UNCHANGED"` and the `"reason"`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genomics.contracts import object_keys
from genomics.contracts.environment import PlanLoadEnvironment
from genomics.contracts.events import UNCHANGED
from genomics.contracts.ledger import LOAD, LedgerEntry
from genomics.contracts.loads import LoadRequest
from genomics.contracts.runs import RunResults, State
from lambdas import documents
from lambdas.lake.loads import called_sources, plan_sources, total_rows
from lambdas.lake.manifests import find_manifests
from lambdas.ledger_table import LOAD_ORDER, Ledger, open_ledger, utc_now

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the Lambda."""
    environment = PlanLoadEnvironment.read()
    return plan_load(
        results_uri=event["results"],
        sequencing_bucket=environment.sequencing_bucket,
        data_lake_bucket=environment.data_lake_bucket,
        s3=documents.s3_client(),
        ledger=open_ledger(environment.ledger_table),
    )


def plan_load(
    *, results_uri: str, sequencing_bucket: str, data_lake_bucket: str, s3: S3Client, ledger: Ledger
) -> dict[str, Any]:
    """Write the load request and the ledger's entry of the load, which says why; SKIPPED if nothing is to load."""
    results = documents.read(s3, RunResults, results_uri)
    sources = called_sources(results)
    manifests = find_manifests(s3=s3, bucket=data_lake_bucket, sources=sources)
    plan = plan_sources(sources, manifests)
    request_uri = object_keys.uri(sequencing_bucket, object_keys.run_document(results.run_id, "load.json"))
    documents.write(s3, LoadRequest(results.run_id, plan.sources), request_uri)
    now = utc_now()
    ledger.update(
        LedgerEntry(
            run_id=results.run_id,
            item=LOAD,
            state=State.RUNNING if plan.sources else State.SKIPPED,
            reason=plan.reason,
            started_at=now,
            finished_at=None if plan.sources else now,
            study=results.study,
            rows=None if plan.sources else total_rows(manifests.values()),
            order=LOAD_ORDER,
        )
    )
    return {
        "run_id": results.run_id,
        "study": results.study,
        "results": results_uri,
        "sources": len(plan.sources),
        "request": request_uri,
        "checks": UNCHANGED,
        "reason": plan.reason,
    }
