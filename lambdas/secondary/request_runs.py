"""State RequestRuns: every lane is demultiplexed; ask for a run of each study's samples.

In `{"run_id", "request", "records": ["<URI>"]}`, the records of the request's lanes in their order; out `{"run_id",
"runs": ["<run id>"]}`. The requests lie in the inbox, where they start runs as those of users do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genomics.contracts import object_keys
from genomics.contracts.archives import Study
from genomics.contracts.demultiplexing import DemultiplexRequest, lane_name, pairs_metric, reads_output, study_run_id
from genomics.contracts.environment import LedgerEnvironment
from genomics.contracts.ledger import RUN, LedgerEntry
from genomics.contracts.runs import Artifact, LaneReads, RunRequest, SampleReads, State
from genomics.contracts.steps import OutputFile, StepRecord
from lambdas import documents
from lambdas.ledger_table import Ledger, open_ledger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# By lane, what its job has left.
Records = Mapping[int, StepRecord]


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the Lambda."""
    environment = LedgerEnvironment.read()
    return request_runs(
        request_uri=event["request"],
        record_uris=event["records"],
        bucket=environment.sequencing_bucket,
        s3=documents.s3_client(),
        ledger=open_ledger(environment.ledger_table),
    )


def request_runs(
    *, request_uri: str, record_uris: Sequence[str], bucket: str, s3: S3Client, ledger: Ledger
) -> dict[str, Any]:
    """Write a request for each study, and end the demultiplexing in the ledger."""
    request = documents.read(s3, DemultiplexRequest, request_uri)
    records = {
        sheet.lane: documents.read(s3, StepRecord, uri) for sheet, uri in zip(request.lanes, record_uris, strict=True)
    }
    runs = [run for study in request.studies if (run := _run_request(request, study, records))]
    for run in runs:
        documents.write(s3, run, object_keys.uri(bucket, object_keys.run_request(run.run_id)))
    ledger.end(LedgerEntry(request.run_id, RUN, State.SUCCEEDED, reason=summary(request, runs, records)))
    return {"run_id": request.run_id, "runs": [run.run_id for run in runs]}


def summary(request: DemultiplexRequest, runs: Sequence[RunRequest], records: Records) -> str:
    """How many reads are somebody's, the runs that were asked for, and the samples that have no reads."""
    shares = [f"{lane_name(lane)} {float(record.metrics['matched_share']):.1%}" for lane, record in records.items()]
    analysed = {sample.sample for run in runs for sample in run.samples}
    empty = [name for name in request.projects if name not in analysed]
    told = f"; without reads: {', '.join(empty)}" if empty else ""
    by = ", ".join(run.run_id for run in runs) or "no run"
    return f"read pairs of known samples: {', '.join(shares)}; analysed by {by}{told}"


def _run_request(request: DemultiplexRequest, study: Study, records: Records) -> RunRequest | None:
    """A run of the study's samples; those without a read have none, and without any sample there is none."""
    if study.reference is None:
        raise ValueError(f"study {study.name} names no reference")
    names = [sample for sample, project in request.projects.items() if project == study.name]
    lanes = {name: tuple(_lanes(request, name, records)) for name in names}
    samples = tuple(SampleReads(name, name, found) for name, found in lanes.items() if found)
    if not samples:
        return None
    return RunRequest(
        run_id=study_run_id(request.run_id, study.name),
        study=study.name,
        reference=study.reference,
        samples=samples,
        regions=study.regions,
        parameters=study.parameters,
        tolerate=study.tolerate,
        urgent=study.urgent,
        sign_off=study.sign_off,
    )


def _lanes(request: DemultiplexRequest, name: str, records: Records) -> Iterator[LaneReads]:
    for sheet in request.lanes:
        has_reads = int(records[sheet.lane].metrics.get(pairs_metric(name), 0)) > 0
        if has_reads and any(sample.sample == name for sample in sheet.samples):
            first, second = (_artifact(records[sheet.lane].outputs[reads_output(name, mate)]) for mate in (1, 2))
            yield LaneReads(lane_name(sheet.lane), first, second)


def _artifact(file: OutputFile) -> Artifact:
    return Artifact(file.uri, file.sha256, file.size)
