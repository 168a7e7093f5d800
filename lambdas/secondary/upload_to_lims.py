"""State UploadToLims: tell the LIMS what became of each sample, once.

In the state `{"run_id", "study", "results", ...}`; out the same. The ledger says what the LIMS has accepted, so that a
state that is entered again tells it the rest only. A LimsError names the first sample that was not accepted; an
UnfinishedUploadError asks to be called again, as the function's own time is nearly over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import boto3

from genomics.contracts import object_keys
from genomics.contracts.codec import dumps
from genomics.contracts.environment import ServiceEnvironment
from genomics.contracts.ledger import RUN, SIGN_OFF, LedgerEntry, lims_item, step_item
from genomics.contracts.runs import Artifact, RunResults, SampleResult, State
from genomics.contracts.services import LIMS_VERSION, AnalysedStep, LimsSample
from genomics.contracts.steps import StepRecord
from lambdas import documents
from lambdas.ledger_table import Ledger, open_ledger, utc_now
from lambdas.secondary.decisions import FINAL
from lambdas.secondary.rest import RefusedError, RestError, Service, UnavailableError, read_token
from lambdas.secondary.run_end import end_run

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NAME = "LIMS"
# More than one sample may take: reading what there is of it, and every attempt to tell it.
_SECONDS_PER_SAMPLE = 240


class LimsError(RuntimeError):
    """The LIMS has not accepted a sample; the message names it in one line."""


class UnfinishedUploadError(RuntimeError):
    """There are samples left, and no time; the state's Retry knows it by its name."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Entry point of the Lambda."""
    environment = ServiceEnvironment.read()
    token = read_token(boto3.client("secretsmanager"), environment.secret)
    uploader = Uploader(
        service=Service(NAME, environment.url, token),
        bucket=environment.sequencing_bucket,
        s3=documents.s3_client(),
        ledger=open_ledger(environment.ledger_table),
    )
    enough = _SECONDS_PER_SAMPLE * 1000
    uploader.upload(event["results"], has_time=lambda: context.get_remaining_time_in_millis() > enough)
    run_id, line = event["run_id"], event["line"]
    run = uploader.ledger.get(run_id, RUN)
    # It had failed for want of the LIMS, and may have been reopened since, by the redrive.
    if run and (not run.state.is_final or (run.state is State.FAILED and run.reason != line)):
        end_run(run_id=run_id, line=line, has_failed=event["has_failed"], ledger=uploader.ledger)
    return event


@dataclass(frozen=True)
class Uploader:
    """Tells a service of samples whose results lie in `bucket`."""

    service: Service
    bucket: str
    s3: S3Client
    ledger: Ledger

    def upload(self, results_uri: str, *, has_time: Callable[[], bool]) -> None:
        """Tell it of each sample that it has not accepted as it is; LimsError, UnfinishedUploadError."""
        results = documents.read(self.s3, RunResults, results_uri)
        sign_off = self.ledger.get(results.run_id, SIGN_OFF)
        signed_by = sign_off.signed_by if sign_off and sign_off.state is State.SUCCEEDED else None
        refused = []
        for sample in results.samples:
            if not has_time():
                raise UnfinishedUploadError(f"{sample.sample} and those after it are still to be told of")
            try:
                self._tell(self._document(results, sample, signed_by))
            except RefusedError as error:
                # What is wrong with one sample need not be with the others.
                refused.append(f"{sample.sample}: {error}")
            except UnavailableError as error:
                raise LimsError(f"{sample.sample}: {error}") from error
        if refused:
            more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
            raise LimsError(f"{refused[0]}{more}")

    def _tell(self, document: LimsSample) -> None:
        text = dumps(document)
        key = hashlib.sha256(text.encode()).hexdigest()
        item = lims_item(document.sample)
        known = self.ledger.get(document.run_id, item)
        if known and known.state is State.SUCCEEDED and known.fingerprint == key:
            return
        entry = LedgerEntry(document.run_id, item, State.FAILED, fingerprint=key, document=self.service.url)
        try:
            status = self.service.post(text, key=key)
        except RestError as error:
            self.ledger.update(replace(entry, reason=str(error), finished_at=utc_now()))
            raise
        accepted = f"accepted with status {status}"
        self.ledger.update(replace(entry, state=State.SUCCEEDED, reason=accepted, finished_at=utc_now()))

    def _document(self, results: RunResults, sample: SampleResult, signed_by: str | None) -> LimsSample:
        return LimsSample(
            version=LIMS_VERSION,
            study=results.study,
            run_id=results.run_id,
            sample=sample.sample,
            state=sample.state,
            steps=tuple(self._steps(results.run_id, sample.sample)),
            files={name: value for name, value in vars(sample).items() if isinstance(value, Artifact)},
            reason=sample.reason,
            signed_by=signed_by,
        )

    def _steps(self, run_id: str, sample: str) -> Iterator[AnalysedStep]:
        for step in FINAL:
            entry = self.ledger.get(run_id, step_item(sample, step, ""))
            if entry and entry.fingerprint:
                uri = object_keys.uri(self.bucket, object_keys.step_record(step, entry.fingerprint))
                record = documents.find(self.s3, StepRecord, uri)
                yield AnalysedStep(step, entry.state, record.metrics if record else {})
