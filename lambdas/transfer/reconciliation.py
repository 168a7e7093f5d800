"""Compares an ended execution's manifest, verified report and bucket, and says once what came of it."""

from __future__ import annotations

import datetime
import gzip
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from genomics.contracts import object_keys
from genomics.contracts.codec import ContractError, dumps
from genomics.contracts.events import RUN_TRANSFERRED, SOURCE, RunTransferred
from genomics.contracts.ledger import LedgerEntry, transfer_item
from genomics.contracts.runs import State
from lambdas.ledger_table import Ledger
from lambdas.transfer.comparison import Fault, Finding, Listed, differences
from lambdas.transfer.executions import ENDED, Execution, Transfer, describe, unverified
from lambdas.transfer.manifests import latest_generation, manifest_files

if TYPE_CHECKING:
    from mypy_boto3_datasync import DataSyncClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient

# So many files are named where a person reads; all of them are in the document of findings.
_NAMED = 10
_FATAL = (Fault.MISSING, Fault.WRONG_SIZE, Fault.UNVERIFIED)
# Longer than any function may run: whoever has claimed an attempt before that is dead.
_CLAIM_LASTS = datetime.timedelta(minutes=16)


@dataclass(frozen=True)
class _Outcome:
    """What the comparison came to. `document` is the URI of all findings, if there are any."""

    run_id: str
    counts: Counter[str]
    named: tuple[Finding, ...]
    document: str | None
    failure: str

    @property
    def line(self) -> str:
        """One line for a person; empty if there is nothing to say."""
        parts = [self.failure] if self.failure else []
        if told := [f"{self.counts[fault]:,} {phrase}" for fault, phrase in _PHRASES.items() if self.counts[fault]]:
            prefix = object_keys.run_folder(self.run_id)
            names = [finding.key.removeprefix(prefix) for finding in self.named]
            more = ["..."] if sum(self.counts[fault] for fault in Fault) > len(names) else []
            parts.append(f"of {self.counts['files']:,} files {', '.join(told)}: {', '.join(names + more)}")
        return "; ".join(parts)

    @property
    def has_failed(self) -> bool:
        """Whether the run is not complete in the bucket."""
        return bool(self.failure) or any(self.counts[fault] for fault in _FATAL)


_PHRASES = {
    Fault.MISSING: "are missing",
    Fault.WRONG_SIZE: "have another size",
    Fault.UNVERIFIED: "could not be verified",
    Fault.NOT_LISTED: "are there that the manifest does not list",
}


@dataclass(frozen=True)
class Reconciler:
    """Looks into `bucket`, writes into `ledger`, tells `events` of success and `topic_arn` of failure."""

    bucket: str
    topic_arn: str
    s3: S3Client
    datasync: DataSyncClient
    events: EventBridgeClient
    sns: SNSClient
    ledger: Ledger

    def reconcile(self, execution_arn: str) -> str:
        """Reconcile an execution that has ended, unless that has been done; what came of it, in a line."""
        transfer = Transfer.find(self.datasync, execution_arn)
        if transfer is None:
            return "not started by the run tracker"
        execution = describe(self.datasync, execution_arn)
        if execution.status not in ENDED:
            return f"still {execution.status}"
        item = transfer_item(transfer.generation, transfer.attempt)
        claimed = LedgerEntry(
            transfer.run_id, item, State.RUNNING, attempt=transfer.attempt, execution_arn=execution_arn
        )
        if not self.ledger.claim(claimed, stale_before=_stale_before()):
            return "reconciled already"
        entry = self._conclude(transfer, execution)
        self.ledger.end(entry)
        return f"{entry.state}: {entry.reason or 'complete'}"

    def _conclude(self, transfer: Transfer, execution: Execution) -> LedgerEntry:
        """Compare, and tell of it; how the ledger's entry ends."""
        item = transfer_item(transfer.generation, transfer.attempt)
        latest = latest_generation(self.s3, self.bucket, transfer.run_id)
        if latest is not None and latest > transfer.generation:
            reason = f"manifest {latest} lists what was written since; its own execution will tell"
            return LedgerEntry(transfer.run_id, item, State.SKIPPED, reason=reason)
        outcome = self._compare(transfer, execution)
        if outcome.has_failed:
            self._raise_alarm(outcome)
        else:
            self._announce(transfer, outcome)
        return LedgerEntry(
            transfer.run_id,
            item,
            State.FAILED if outcome.has_failed else State.SUCCEEDED,
            reason=outcome.line or None,
            counts=dict(outcome.counts),
            document=outcome.document,
        )

    def _compare(self, transfer: Transfer, execution: Execution) -> _Outcome:
        with ExitStack() as stack:
            findings = _Findings(stack.enter_context(tempfile.TemporaryFile()))
            try:
                expected = manifest_files(self.s3, self.bucket, transfer.run_id, transfer.generation, stack)
                found = self._objects(transfer.run_id)
                for finding in differences(expected, found, findings.counts):
                    findings.add(finding)
            except (ContractError, self.s3.exceptions.NoSuchKey) as error:
                return _Outcome(transfer.run_id, findings.counts, (), None, f"its manifest cannot be used: {error}")
            if execution.has_report:
                count = findings.counts
                for key in unverified(self.s3, self.bucket, execution, lambda n: count.update(verified=n)):
                    findings.add(Finding(Fault.UNVERIFIED, key))
            document = None
            if findings.named:
                key = object_keys.transfer_findings(transfer.run_id, execution.identifier)
                self.s3.upload_fileobj(findings.finished(), self.bucket, key)
                document = object_keys.uri(self.bucket, key)
            failure = "; ".join(_failures(transfer, execution, findings.counts))
            return _Outcome(transfer.run_id, findings.counts, tuple(findings.named), document, failure)

    def _objects(self, run_id: str) -> Iterator[Listed]:
        """The run folder's files; folders have objects too, which hold no data."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=object_keys.run_folder(run_id)
        )
        for page in pages:
            for item in page.get("Contents", ()):
                if not item["Key"].endswith("/"):
                    yield Listed(item["Key"], item["Size"])

    def _announce(self, transfer: Transfer, outcome: _Outcome) -> None:
        detail = RunTransferred(
            run_id=transfer.run_id,
            generation=transfer.generation,
            folder=object_keys.uri(self.bucket, object_keys.run_folder(transfer.run_id)),
            manifest=object_keys.uri(self.bucket, object_keys.transfer_manifest(transfer.run_id, transfer.generation)),
            files=outcome.counts["files"],
            bytes=outcome.counts["bytes"],
        )
        answer = self.events.put_events(
            Entries=[{"Source": SOURCE, "DetailType": RUN_TRANSFERRED, "Detail": dumps(detail)}]
        )
        if answer["FailedEntryCount"]:
            raise RuntimeError(f"{transfer.run_id}: EventBridge refused {RUN_TRANSFERRED}: {answer['Entries'][0]}")

    def _raise_alarm(self, outcome: _Outcome) -> None:
        message = f"{outcome.run_id} did not arrive as it was sent: {outcome.line}."
        if outcome.document:
            message += f"\n\nAll findings: {outcome.document}"
        # SNS takes 100 characters, and no line breaks.
        self.sns.publish(TopicArn=self.topic_arn, Subject=f"Transfer of {outcome.run_id} failed"[:100], Message=message)


def _failures(transfer: Transfer, execution: Execution, counts: Counter[str]) -> Iterator[str]:
    """What is wrong with the execution, whatever lies in the bucket."""
    if execution.status == "ERROR":
        yield f"DataSync ended in error ({execution.error})"
    if execution.report_fault:
        yield f"what was verified is not known: {execution.report_fault}"
    # Only the first attempt brings all files. FilesTransferred counts directories too, which the report need not list:
    # DataSync API Reference, "DescribeTaskExecution".
    due = min(execution.transferred, counts["files"])
    told = counts["verified"] + counts[Fault.UNVERIFIED]
    if execution.has_report and (transfer.generation, transfer.attempt) == (1, 1) and told < due:
        yield f"the task report tells of {told:,} of {due:,} files that were transferred"


@dataclass
class _Findings:
    """All of them go into `file`, as gzipped JSON lines; the first, the fatal ones before others, are kept by name."""

    file: IO[bytes]
    counts: Counter[str] = field(default_factory=Counter)
    named: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lines = gzip.GzipFile(fileobj=self.file, mode="wb", mtime=0)

    def add(self, finding: Finding) -> None:
        self.counts[finding.fault] += 1
        self._lines.write(f"{dumps(finding)}\n".encode())
        if finding.fault in _FATAL:
            self.named.insert(sum(each.fault in _FATAL for each in self.named), finding)
        else:
            self.named.append(finding)
        del self.named[_NAMED:]

    def finished(self) -> IO[bytes]:
        self._lines.close()
        self.file.seek(0)
        return self.file


def _stale_before() -> str:
    return (datetime.datetime.now(datetime.UTC) - _CLAIM_LASTS).isoformat(timespec="milliseconds")
