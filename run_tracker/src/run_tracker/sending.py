"""Sends runs, each generation once: intent first, then the call, then what came of it.

Before DataSync is asked, the intent is on the disk; and before it is asked again, executions are searched for the
transfer's tags. So it does not matter where a tracker stops: the next one finds an intent without an execution and
starts it, or finds its execution and goes on from there. DataSync forgets its executions in time; a run's manifest in
the bucket stays, and is never put twice, so that a tracker that has lost its database finds that a run was sent.
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from genomics.contracts.object_keys import transfer_manifest
from genomics.contracts.transfers import ManifestHeader
from run_tracker.configuration import Configuration
from run_tracker.data_sync import DataSync, Refused, Unanswered
from run_tracker.listing import Listing
from run_tracker.manifest import compress, has_new_files, write_manifest
from run_tracker.state import State, Transfer, TransferState

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


# Metadata of a manifest in the bucket: whose it is (when its first transfer was intended), and what it lists.
_INTENT, _DIGEST = "intended-at", "manifest-digest"
_PRECONDITION_FAILED = 412


class SentBefore(Exception):  # noqa: N818 an answer, not a fault
    """Somebody has sent this generation of a run, and this tracker does not know of it."""


class Sender:
    """Sends what is ready."""

    def __init__(self, configuration: Configuration, state: State) -> None:
        self._configuration = configuration
        self._settings = configuration.datasync
        self._state = state
        self._datasync = DataSync(self._settings.task_arn, self._settings.region)

    def resume(self) -> None:
        """Go on with every transfer that is open."""
        for transfer in self._state.transfers():
            if transfer.state is TransferState.INTENDED:
                self._start(transfer)
            elif transfer.state is TransferState.STARTED:
                self._follow(transfer)

    def send(self, run_id: str, listing: Listing, listing_digest: str, flag_at: float) -> bool:
        """Send a run whose files were listed just now; False if all of them were sent before.

        A flag that was put anew (`flag_at` is its time stamp) asks for a new generation, whatever was sent.
        """
        earlier = self._state.transfers(run_id)
        last = earlier[-1] if earlier else None
        generation = last.generation + 1 if last else 1
        path = self.manifest_path(run_id, generation)
        digest = write_manifest(path, ManifestHeader(run_id, generation), listing)
        attempt = 1
        if last is not None and not is_put_anew(last, flag_at) and not self._is_new(last, path, digest):
            path.unlink()
            if last.state is TransferState.SUCCEEDED:
                self._state.note_listing(last, listing_digest)
                return False
            generation, attempt = last.generation, last.attempt + 1
        transfer = Transfer(
            run_id,
            generation,
            attempt,
            TransferState.INTENDED,
            manifest_digest=digest,
            listing_digest=listing_digest,
            flag_at=flag_at,
            intended_at=time.time(),
            tried_at=0,
        )
        self._state.intend(transfer)
        self._start(transfer)
        return True

    def may_retry(self, transfers: list[Transfer]) -> bool:
        """Whether it is time to try again what failed last."""
        settings, last = self._settings, transfers[-1]
        ended = last.ended_at or 0
        doublings = max(_failures(transfers) - 1, 0)
        wait = min(settings.retry_minutes * 2**doublings, settings.longest_retry_minutes) * 60
        return last.state is TransferState.FAILED and time.time() >= ended + wait

    def manifest_path(self, run_id: str, generation: int) -> Path:
        """Where a manifest is kept."""
        return self._configuration.state_folder / "manifests" / run_id / f"manifest-{generation}.tsv"

    def _is_new(self, last: Transfer, path: Path, digest: str) -> bool:
        if digest == last.manifest_digest:
            return False
        earlier = self.manifest_path(last.run_id, last.generation)
        return last.state is not TransferState.SUCCEEDED or not earlier.exists() or has_new_files(path, earlier)

    def _start(self, transfer: Transfer) -> None:
        try:
            arn = self._datasync.find(transfer, self._state)
            if arn is None:
                if time.time() < transfer.tried_at + self._settings.confirm_minutes * 60:
                    return
                self._upload(transfer)
                self._state.note_try(transfer, time.time())
                arn = self._datasync.start(transfer, self._configuration.filters(transfer.run_id))
            self._state.note_start(transfer, arn)
        except Refused as refused:
            self._state.note_end(transfer, TransferState.FAILED, str(refused), time.time())
        except SentBefore as known:
            self._state.note_end(transfer, TransferState.GIVEN_UP, str(known), time.time())
        except Unanswered as unanswered:
            self._state.note_reason(transfer, f"{unanswered}; it is searched for before it is asked again")

    def _follow(self, transfer: Transfer) -> None:
        try:
            outcome = self._datasync.outcome(transfer.execution_arn or "")
        except Unanswered as unanswered:
            self._state.note_reason(transfer, str(unanswered))
            return
        if outcome.succeeded is None:
            self._state.note_reason(transfer, outcome.reason)
            return
        state = TransferState.SUCCEEDED
        if not outcome.succeeded:
            failures = _failures(self._state.transfers(transfer.run_id)[:-1]) + 1
            is_last = outcome.is_forgotten or failures >= self._settings.max_attempts
            state = TransferState.GIVEN_UP if is_last else TransferState.FAILED
        self._state.note_end(transfer, state, outcome.reason, time.time())

    def _upload(self, transfer: Transfer) -> None:
        """Put the manifest where the reconciliation looks for it; doing so again changes nothing."""
        if self._settings.bucket is None:
            return
        path = self.manifest_path(transfer.run_id, transfer.generation)
        if not path.exists():
            raise Refused(f"{path} is gone; it is written again")
        try:
            packed = compress(path)
        except OSError as error:
            raise Refused(f"{path}: cannot be packed ({error.strerror})") from error
        client = boto3.client("s3", region_name=self._settings.region, config=Config(retries={"mode": "standard"}))
        key = transfer_manifest(transfer.run_id, transfer.generation)
        try:
            with packed.open("rb") as body:
                client.put_object(
                    Bucket=self._settings.bucket,
                    Key=key,
                    Body=body,
                    ContentType="application/gzip",
                    Metadata={_INTENT: repr(transfer.intended_at), _DIGEST: transfer.manifest_digest},
                    IfNoneMatch="*",
                )
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != _PRECONDITION_FAILED:
                raise _refused(self._settings.bucket, key, error) from error
            self._require_own(client, transfer, key)
        except BotoCoreError as error:
            raise _refused(self._settings.bucket, key, error) from error
        finally:
            packed.unlink()

    def _require_own(self, client: "S3Client", transfer: Transfer, key: str) -> None:
        """SentBefore unless the manifest that lies in the bucket is that of a transfer in the database."""
        bucket = self._settings.bucket or ""
        try:
            found = client.head_object(Bucket=bucket, Key=key)["Metadata"]
        except (ClientError, BotoCoreError) as error:
            raise _refused(bucket, key, error) from error
        own = [each for each in self._state.transfers(transfer.run_id) if each.generation == transfer.generation]
        if found.get(_INTENT) not in [repr(each.intended_at) for each in own]:
            files = "the same" if found.get(_DIGEST) == transfer.manifest_digest else "other"
            raise SentBefore(
                f"s3://{bucket}/{key} lists {files} files, and no transfer in the tracker's database put it there: see"
                " in the ledger whether the run has arrived"
            )


def is_put_anew(last: Transfer, flag_at: float) -> bool:
    """Whether the flag is another than at the last transfer: somebody wants the run to be sent again."""
    return flag_at not in (0, last.flag_at)


def _refused(bucket: str, key: str, error: Exception) -> Refused:
    return Refused(f"manifest cannot be put to s3://{bucket}/{key}: {' '.join(str(error).split())}")


def _failures(transfers: list[Transfer]) -> int:
    """Executions that failed since the last success, or since the last time that a run was given up.

    What DataSync refused was no execution; it is asked again for as long as it takes.
    """
    count = 0
    for transfer in reversed(transfers):
        if transfer.state is not TransferState.FAILED:
            break
        count += transfer.execution_arn is not None
    return count
