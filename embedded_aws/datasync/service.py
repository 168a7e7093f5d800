"""The API's task executions: one at a time of each task, the others wait."""

import threading
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from moto.datasync.exceptions import InvalidRequestException
from moto.moto_api._internal import mock_random

from embedded_aws import clients
from embedded_aws.context import Context
from embedded_aws.datasync.copying import Copy, ExecutionError
from embedded_aws.datasync.definitions import Definitions, Parameters, check
from embedded_aws.datasync.model import DEFAULT_OPTIONS, ENDED, Execution
from embedded_aws.datasync.reports import TaskReport
from embedded_aws.events import service as events
from embedded_aws.file_servers import export
from embedded_aws.iam import authorization, identity
from embedded_aws.iam.denials import AccessDeniedError
from embedded_aws.logs.streams import LogStream
from embedded_aws.requests import Access

_ITSELF = identity.service("datasync")


class DataSync(Definitions):
    """One account's DataSync in one region."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._lock = threading.RLock()

    def start_task_execution(self, parameters: Parameters) -> dict[str, Any]:
        """StartTaskExecution; while another of the task runs, this one waits in a queue."""
        task = self._task(parameters["TaskArn"])
        given = task.given
        options = {**DEFAULT_OPTIONS, **(given.get("Options") or {}), **(parameters.get("OverrideOptions") or {})}
        chosen = {
            "Includes": given.get("Includes"),
            "Excludes": given.get("Excludes"),
            **parameters,
            "Options": options,
        }
        check(chosen)
        execution = Execution(
            arn=f"{task.arn}/execution/exec-{mock_random.get_random_hex(17)}",
            options=options,
            includes=list(chosen["Includes"] or []),
            excludes=list(chosen["Excludes"] or []),
            report=parameters.get("TaskReportConfig") or given.get("TaskReportConfig"),
            started=time.time(),
        )
        with self._lock:
            waits = self._active(task.arn)
            if waits and options["TaskQueueing"] == "DISABLED":
                raise InvalidRequestException(f"Task {task.arn} is already running.")
            self._executions[execution.arn] = execution
            self._tag(execution.arn, parameters)
            if not waits:
                self._launch(execution)
        return {"TaskExecutionArn": execution.arn}

    def describe_task_execution(self, parameters: Parameters) -> dict[str, Any]:
        """DescribeTaskExecution."""
        return self._execution(parameters["TaskExecutionArn"]).describe()

    def list_task_executions(self, parameters: Parameters) -> dict[str, Any]:
        """ListTaskExecutions, 100 to a page unless told otherwise."""
        wanted = parameters.get("TaskArn")
        listed = [
            {"TaskExecutionArn": execution.arn, "Status": execution.status, "TaskMode": "BASIC"}
            for execution in self._executions.values()
            if wanted in (None, execution.task_arn)
        ]
        first, size = int(parameters.get("NextToken") or 0), int(parameters.get("MaxResults") or 100)
        answer: dict[str, Any] = {"TaskExecutions": listed[first : first + size]}
        return {**answer, "NextToken": str(first + size)} if first + size < len(listed) else answer

    def cancel_task_execution(self, parameters: Parameters) -> dict[str, Any]:
        """CancelTaskExecution."""
        execution = self._execution(parameters["TaskExecutionArn"])
        with self._lock:
            if execution.status in ENDED:
                raise InvalidRequestException(f"Execution {execution.arn} has ended already.")
            execution.cancelled.set()
            if execution.status == "QUEUED":
                self._end(execution, ExecutionError("TaskExecutionCancelled", "The task execution was cancelled."))
        return {}

    def _execution(self, arn: str) -> Execution:
        if arn not in self._executions:
            raise InvalidRequestException(f"Task execution {arn} is not found.")
        return self._executions[arn]

    def _launch(self, execution: Execution) -> None:
        execution.status = "LAUNCHING"
        threading.Thread(target=self._run, args=[execution], name=execution.identifier, daemon=True).start()

    def _run(self, execution: Execution) -> None:
        report = TaskReport(execution)
        error: ExecutionError | None = None
        try:
            self._enter(execution, "LAUNCHING")
            self._copy(execution, report).run(lambda status: self._enter(execution, status))
        except ExecutionError as failure:
            error = failure
        except AccessDeniedError as failure:
            error = ExecutionError("AccessDenied", str(failure))
        except Exception as failure:  # what an execution meets must never leave it running for ever
            error = ExecutionError("InternalError", f"{type(failure).__name__}: {failure}")
        self._end(execution, error, report)
        with self._lock:
            for following in self._active(execution.task_arn)[:1]:
                self._launch(following)

    def _copy(self, execution: Execution, report: TaskReport) -> Copy:
        given = self._task(execution.task_arn).given
        source, target = self._location(given["SourceLocationArn"]), self._location(given["DestinationLocationArn"])
        bucket, _, prefix = target.uri.removeprefix("s3://").partition("/")
        return Copy(
            execution=execution,
            source=export(self._context, source.given["ServerHostname"], source.given["Subdirectory"]),
            s3=self._client(target.given["S3Config"]["BucketAccessRoleArn"], execution),
            bucket=bucket,
            prefix=prefix,
            storage_class=target.given.get("S3StorageClass") or "STANDARD",
            report=report,
            log=self._log(execution, given.get("CloudWatchLogGroupArn")),
        )

    def _client(self, role_arn: str, execution: Execution) -> Any:
        """Of a role that DataSync takes on for the task, if the role trusts it; AccessDeniedError where it does not."""
        assuming = [Access("sts:AssumeRole", role_arn)]
        authorization.require(_ITSELF, assuming, by="datasync", source_arn=execution.task_arn)
        return clients.client("s3", role_arn=role_arn, session=f"AwsSync-{execution.identifier}")

    def _log(self, execution: Execution, group_arn: str | None) -> Callable[[str], None]:
        """Where an execution's lines go: User Guide, "Monitoring data transfers with Amazon CloudWatch Logs"."""
        if not group_arn or execution.options["LogLevel"] == "OFF":
            return lambda line: None
        name = f"{execution.task_arn.rsplit('/', 1)[-1]}-{execution.identifier}"
        stream = LogStream(
            self._context,
            group_arn.split(":log-group:")[1].removesuffix(":*"),
            name,
            # The log group's policy lets DataSync in, no role: the same page.
            writer=_ITSELF,
            by="datasync",
            source_arn=execution.task_arn,
        )
        everything = execution.options["LogLevel"] == "TRANSFER"
        return lambda line: stream.write([line]) if everything or not line.startswith("[NOTICE]") else None

    def _enter(self, execution: Execution, status: str) -> None:
        execution.status = status
        events.emit(
            self._context,
            source="aws.datasync",
            detail_type="DataSync Task Execution State Change",
            resources=[execution.arn],
            detail=lambda: {"State": status},
        )

    def _end(self, execution: Execution, error: ExecutionError | None, report: TaskReport | None = None) -> None:
        """The report is written before the end is announced."""
        execution.ended = time.time()
        execution.durations["Total"] = int((execution.ended - execution.started) * 1000)
        if error:
            execution.error_code, execution.error_detail = error.code, str(error)
        status = "ERROR" if error else "SUCCESS"
        if report and execution.report:
            role_arn = execution.report["Destination"]["S3"]["BucketAccessRoleArn"]
            try:
                report.write(self._client(role_arn, execution), status)
                execution.report_status = "SUCCESS"
            except (ClientError, BotoCoreError, AccessDeniedError) as failure:
                execution.report_status, execution.report_error = "ERROR", str(failure)
        self._enter(execution, status)
