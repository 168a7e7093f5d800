"""DataSync, as far as the tracker needs it: start an execution, find it again by its tags, ask how it went."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from genomics.contracts.transfers import ATTEMPT_TAG, GENERATION_TAG, RUN_TAG
from run_tracker.filters import PathFilter
from run_tracker.state import State, Transfer

if TYPE_CHECKING:
    from mypy_boto3_datasync import DataSyncClient
    from mypy_boto3_datasync.type_defs import StartTaskExecutionRequestTypeDef

# One try: a request that is repeated because its answer got lost would start a second execution.
_ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=20, read_timeout=60)
T = TypeVar("T")
_THROTTLED = ("ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded")


class Refused(Exception):  # noqa: N818 an answer, not a fault
    """DataSync said no: no execution was started."""


class Unanswered(Exception):  # noqa: N818 an answer is lacking
    """Nobody knows whether DataSync did what it was asked."""


@dataclass(frozen=True)
class Outcome:
    """How an execution stands. `succeeded` is None while it goes on; nobody knows how one ended that `is_forgotten`."""

    succeeded: bool | None
    reason: str
    is_forgotten: bool = False


class DataSync:
    """One DataSync task."""

    def __init__(self, task_arn: str, region: str) -> None:
        self._task_arn = task_arn
        self._client: DataSyncClient = boto3.client("datasync", region_name=region, config=_ONCE)

    def start(self, transfer: Transfer, filters: PathFilter) -> str:
        """Start an execution that is tagged with its transfer; gives its ARN."""
        request: StartTaskExecutionRequestTypeDef = {
            "TaskArn": self._task_arn,
            "Includes": [{"FilterType": "SIMPLE_PATTERN", "Value": filters.datasync_includes}],
            "Excludes": [{"FilterType": "SIMPLE_PATTERN", "Value": filters.datasync_excludes}],
            "Tags": [
                {"Key": RUN_TAG, "Value": transfer.run_id},
                {"Key": GENERATION_TAG, "Value": str(transfer.generation)},
                {"Key": ATTEMPT_TAG, "Value": str(transfer.attempt)},
            ],
        }
        return _asked(lambda: self._client.start_task_execution(**request)["TaskExecutionArn"])

    def find(self, transfer: Transfer, state: State) -> str | None:
        """The execution that carries a transfer's tags, if there is one. Tags are read once per execution."""
        try:
            return self._find(transfer, state)
        except Refused as refused:
            # Not to be allowed to look says nothing of what there is.
            raise Unanswered(str(refused)) from refused

    def outcome(self, execution_arn: str) -> Outcome:
        """How an execution stands."""
        try:
            answer = _asked(lambda: self._client.describe_task_execution(TaskExecutionArn=execution_arn))
        except Refused as refused:
            if "InvalidRequestException" in str(refused):
                reason = "DataSync no longer knows the execution: see in the ledger whether the run has arrived"
                return Outcome(False, reason, is_forgotten=True)
            raise Unanswered(str(refused)) from refused
        status = answer["Status"]
        if status == "SUCCESS":
            return Outcome(True, "")
        if status == "ERROR":
            result = answer.get("Result", {})
            words = (result.get("ErrorCode"), result.get("ErrorDetail"))
            return Outcome(False, "DataSync failed: " + (" ".join(filter(None, words)) or "no reason given"))
        return Outcome(None, f"DataSync is {status.lower()}")

    def _find(self, transfer: Transfer, state: State) -> str | None:
        known = state.executions()
        token = ""
        while True:
            page = _asked(
                lambda token=token: self._client.list_task_executions(  # type: ignore[misc]
                    TaskArn=self._task_arn, MaxResults=100, **({"NextToken": token} if token else {})
                )
            )
            for execution in page["TaskExecutions"]:
                arn = execution["TaskExecutionArn"]
                if arn not in known:
                    known[arn] = self._transfer_name(arn)
                    state.note_execution(arn, known[arn])
                if known[arn] == transfer.name:
                    return arn
            token = page.get("NextToken", "")
            if not token:
                return None

    def _transfer_name(self, arn: str) -> str:
        pages = self._client.get_paginator("list_tags_for_resource").paginate(ResourceArn=arn)
        tags = _asked(lambda: {tag["Key"]: tag.get("Value", "") for page in pages for tag in page["Tags"]})
        if RUN_TAG not in tags:
            return ""
        return f"{tags[RUN_TAG]}/{tags.get(GENERATION_TAG)}/{tags.get(ATTEMPT_TAG)}"


def _asked(call: Callable[[], T]) -> T:
    """What a call answers. A 4xx is a refusal; after anything else nobody knows."""
    try:
        return call()
    except ClientError as error:
        said = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
        text = f"{said.get('Code', '')}: {said.get('Message', '')}".strip()
        if 400 <= status < 500 and status != 408 and said.get("Code") not in _THROTTLED:
            raise Refused(f"DataSync refused {error.operation_name}: {text}") from error
        raise Unanswered(f"DataSync did not carry out {error.operation_name}: {text}") from error
    except BotoCoreError as error:
        raise Unanswered(f"DataSync cannot be reached: {' '.join(str(error).split())}") from error
