"""From an event of the inbox to a run: find its request, check that it can be carried out, start it exactly once."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from botocore.exceptions import ClientError

from genomics.contracts import object_keys
from genomics.contracts.codec import ContractError
from genomics.contracts.ledger import RUN
from genomics.contracts.runs import Artifact, RunRequest
from lambdas import documents
from lambdas.failures import one_line
from lambdas.ledger_table import Ledger
from lambdas.secondary.starting import RequestError, refuse, start_once

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

# What users bring, and what the run folders' lanes were sorted into.
_READS = (object_keys.INBOX, object_keys.DEMULTIPLEXED)


@dataclass(frozen=True)
class RunStarter:
    """Starts runs of one state machine from requests in one bucket."""

    bucket: str
    state_machine_arn: str
    s3: S3Client
    step_functions: SFNClient
    ledger: Ledger

    def receive(self, body: str) -> str | None:
        """Handle an event; returns the run it has started, None if it starts none or the run has been started before.

        RequestError if the run cannot be started (yet); the ledger then says so.
        """
        if (run_id := requested_run(body)) is None:
            return None
        known = self.ledger.get(run_id, RUN)
        if known and known.execution_arn:
            return None
        try:
            request = self._checked_request(run_id)
        except (ContractError, RequestError) as error:
            raise refuse(self.ledger, run_id, error) from error
        return self._start(request)

    def _checked_request(self, run_id: str) -> RunRequest:
        key = object_keys.run_request(run_id)
        request = documents.read(self.s3, RunRequest, object_keys.uri(self.bucket, key))
        if request.run_id != run_id:
            raise RequestError(f"{key} asks for the run {request.run_id!r}; run and folder must have the same name")
        with ThreadPoolExecutor(documents.PARALLEL_REQUESTS) as threads:
            found = threads.map(self._fault, *zip(*_places(request), strict=True))
            faults = [fault for fault in found if fault]
        if faults:
            more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
            raise RequestError(f"{run_id}: {faults[0]}{more}")
        return request

    def _fault(self, artifact: Artifact, prefixes: tuple[str, ...]) -> str | None:
        try:
            bucket, key = object_keys.parse(artifact.uri)
        except ValueError as error:
            return str(error)
        if bucket != self.bucket:
            return f"{artifact.uri} is not in the bucket {self.bucket}"
        if not key.startswith(prefixes):
            return f"{artifact.uri} is not below {prefixes[0]}, where tools may read it; copy it there"
        try:
            size = self.s3.head_object(Bucket=bucket, Key=key)["ContentLength"]
        except ClientError as error:
            if documents.is_absent(error):
                return f"{artifact.uri} is not there"
            raise
        return None if size == artifact.size else f"{artifact.uri} has {size} bytes, the request says {artifact.size}"

    def _start(self, request: RunRequest) -> str | None:
        run_id = request.run_id
        # A copy outside the inbox: what has run stays on record whatever becomes of the delivery.
        request_uri = object_keys.uri(self.bucket, object_keys.run_document(run_id, "request.json"))
        documents.write(self.s3, request, request_uri)
        return start_once(
            step_functions=self.step_functions,
            ledger=self.ledger,
            state_machine_arn=self.state_machine_arn,
            run_id=run_id,
            given={"run_id": run_id, "study": request.study, "request": request_uri},
            study=request.study,
        )


def _places(request: RunRequest) -> list[tuple[Artifact, tuple[str, ...]]]:
    """Every object that the run reads, and the prefixes of which it must lie below one."""
    of_reference = [(artifact, (object_keys.REFERENCES,)) for artifact in request.reference.artifacts]
    reads = request.artifacts[len(of_reference) :]
    return [*of_reference, *((artifact, _READS) for artifact in reads)]


def requested_run(body: str) -> str | None:
    """The run whose request has arrived, from the body of an event; None if another object has.

    RequestError if it is not EventBridge's event of an S3 object.
    """
    try:
        key = json.loads(body)["detail"]["object"]["key"]
    except (ValueError, KeyError, TypeError) as error:
        raise RequestError(f"not an event of an S3 object: {one_line(body)!r}") from error
    # EventBridge gives keys as they are, S3's own notifications encode them; what encoding changes is no run's name.
    path = unquote_plus(key).removeprefix(object_keys.INBOX).split("/")
    if not key.startswith(object_keys.INBOX) or len(path) != 2 or path[1] != object_keys.RUN_REQUEST:
        return None
    return path[0]


def failed_messages(records: list[dict[str, str]], receive: Callable[[str], str | None]) -> list[str]:
    """Handle every record of a batch; the ids of those that failed, which the queue will deliver again."""
    failed = []
    for record in records:
        try:
            outcome = receive(record["body"])
        except (RequestError, ClientError) as error:
            failed.append(record["messageId"])
            outcome = f"failed: {one_line(str(error))}"
        print(json.dumps({"message": record["messageId"], "outcome": outcome or "nothing to start"}))
    return failed
