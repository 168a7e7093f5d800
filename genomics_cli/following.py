"""Follows a run from its request to the lake, and says how it ended."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from genomics.contracts import object_keys
from genomics.contracts.runs import State
from genomics_cli.cloud import Platform
from genomics_cli.errors import UserError
from genomics_cli.interruptions import execution_arn
from genomics_cli.results import read_results
from genomics_cli.run_ledger import RunView, read_run

# Long enough for every retry of the inbox's consumer.
_START_SECONDS = 900.0
_LOAD_STARTS_SECONDS = 300.0
# A run that could not be started is tried again; a refusal that stands this long is final.
_REFUSAL_SECONDS = 10.0
_LOOK_AT_DEAD_LETTERS_SECONDS = 5.0


@dataclass(frozen=True)
class Ending:
    """How a run ended. `error` is a readable line where it failed; times are seconds since the request was put."""

    view: RunView
    error: str | None
    analysed_after: float
    loaded_after: float | None


@dataclass
class Follower:
    """Watches one run; `show` is given what the ledger says whenever it was read."""

    platform: Platform
    run_id: str
    show: Callable[[RunView], None]
    poll_seconds: float = 0.5
    _began: float = field(default_factory=time.monotonic)
    _dead_letters_seen: float = field(default_factory=time.monotonic)
    _refused_at: float | None = None

    def follow(self) -> Ending:
        """Wait for the execution of the state machine, then for the load of what it called."""
        status = self._wait_for_execution()
        analysed = self._elapsed
        view = self._look()
        error = None if status == "SUCCEEDED" else self._why_failed(view, status)
        # The load is told of a run once its results are written, and signed off where that is asked for; and only where
        # there is something to load.
        results = read_results(self.platform, self.run_id)
        is_unsigned = view.sign_off is not None and view.sign_off.state is not State.SUCCEEDED
        if is_unsigned or results is None or not any(sample.vcf for sample in results.samples):
            return Ending(view, error, analysed, None)
        view, load_error = self._wait_for_load()
        return Ending(view, error or load_error, analysed, self._elapsed)

    @property
    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    def _look(self) -> RunView:
        view = read_run(self.platform, self.run_id)
        self.show(view)
        return view

    def _wait_for_execution(self) -> str:
        """The final status of the run's execution."""
        while True:
            view = self._look()
            status = self._status(self._execution_arn)
            if status is None:
                self._require_hope(view)
            elif status != "RUNNING":
                return status
            time.sleep(self.poll_seconds)

    @property
    def _execution_arn(self) -> str:
        return execution_arn(self.platform, self.run_id)

    def _status(self, execution_arn: str) -> str | None:
        """Status of an execution; None where there is none (yet)."""
        try:
            return self.platform.cloud.step_functions.describe_execution(executionArn=execution_arn)["status"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ExecutionDoesNotExist":
                return None
            raise

    def _require_hope(self, view: RunView) -> None:
        """Raise UserError where a run that has not been started will not be."""
        refused = view.run is not None and view.run.state is State.FAILED
        self._refused_at = (self._refused_at or time.monotonic()) if refused else None
        reason = (view.run and view.run.reason) or "the request could not be read"
        if self._refused_at and time.monotonic() - self._refused_at > _REFUSAL_SECONDS:
            raise UserError(f"run {self.run_id} was refused: {reason}")
        if time.monotonic() - self._dead_letters_seen > _LOOK_AT_DEAD_LETTERS_SECONDS:
            self._dead_letters_seen = time.monotonic()
            if self._is_dead_letter():
                raise UserError(f"run {self.run_id} was refused and lies in the dead-letter queue: {reason}")
        if self._elapsed > _START_SECONDS:
            raise UserError(f"run {self.run_id} was not started within {_START_SECONDS:.0f} s of its request")

    def _is_dead_letter(self) -> bool:
        """Look through the dead letters without taking any."""
        answer = self.platform.cloud.sqs.receive_message(
            QueueUrl=self.platform.deployment.inbox_dead_letter_queue_url, MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        key = object_keys.run_request(self.run_id)
        return any(key in message["Body"] for message in answer.get("Messages", []))

    def _why_failed(self, view: RunView, status: str) -> str:
        if view.run and view.run.reason and view.run.state is State.FAILED:
            return view.run.reason
        described = self.platform.cloud.step_functions.describe_execution(executionArn=self._execution_arn)
        cause = described.get("cause") or described.get("error") or ""
        return f"run {self.run_id} ended {status}" + (f": {_one_line(cause)}" if cause else "")

    def _wait_for_load(self) -> tuple[RunView, str | None]:
        """Until the ledger says that the load has ended; with a readable line where it failed."""
        since = time.monotonic()
        while True:
            view = self._look()
            load = view.load
            if load and load.state.is_final:
                failed = load.state is State.FAILED
                return view, f"the lake load failed: {load.reason or 'no reason was recorded'}" if failed else None
            if load is None and time.monotonic() - since > _LOAD_STARTS_SECONDS:
                return view, f"the lake load did not start within {_LOAD_STARTS_SECONDS:.0f} s of the run's end"
            if load and load.execution_arn and self._status(load.execution_arn) not in ("RUNNING", "SUCCEEDED", None):
                return view, f"the lake load ended without a word: {load.execution_arn}"
            time.sleep(self.poll_seconds)


def _one_line(cause: str) -> str:
    """A cause may be a JSON document of a service; its message is what a person wants."""
    try:
        document = json.loads(cause)
    except ValueError:
        document = None
    if isinstance(document, dict):
        cause = str(document.get("errorMessage") or document.get("StatusReason") or cause)
    return " ".join(cause.split())[:500]
