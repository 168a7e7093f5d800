"""One run of a Glue job: its state as the API shows it, and the process that it is."""

import hashlib
import os
import re
import shutil
import sys
import tempfile
import threading
import uuid
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from embedded_aws import clients
from embedded_aws.context import Context
from embedded_aws.glue import spark
from embedded_aws.glue.origins import Origin
from embedded_aws.iam import identity
from embedded_aws.logs.streams import LogStream
from embedded_aws.processes import SIGKILL_EXIT_CODE, Ending, Process

LOG_GROUP = "/aws-glue/jobs"
# The session that Glue takes of a job's role.
SESSION = "GlueJobRunnerSession"
_STOP_GRACE_SECONDS = 10.0
_LINES_KEPT = 400
# Arguments that Glue itself consumes: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html
_CONSUMED = re.compile(
    r"--(additional-python-modules|auto-scale-within-microbatch|class|conf|continuous-log-\w+|"
    r"customer-(driver|executor)-env-vars|datalake-formats|disable-proxy(-v2)?|enable-[\w-]+|executor-cores|"
    r"extra-(files|jars|py-files)|job-language|python-modules-installer-option|scriptLocation|"
    r"spark-event-logs-path|user-jars-first|use-postgres-driver)"
)


class State(StrEnum):
    """Of a run."""

    WAITING = "WAITING"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMEOUT = "TIMEOUT"


ACTIVE = (State.STARTING, State.RUNNING, State.STOPPING)
_UNENDED = (State.WAITING, *ACTIVE)


class RunFailedError(Exception):
    """The run ends as FAILED; the message is its ErrorMessage."""


@dataclass
class Run:
    """A run of a job. `arguments` are those that its starter gave, `effective` all that the job sees."""

    id: str
    job: Any
    attempt: int
    arguments: Mapping[str, str]
    effective: Mapping[str, str]
    timeout_minutes: float
    properties: Mapping[str, Any]
    previous_id: str | None = None
    origin: Origin | None = None
    state: State = State.STARTING
    started_on: datetime = field(default_factory=lambda: datetime.now(UTC))
    modified_on: datetime = field(default_factory=lambda: datetime.now(UTC))
    completed_on: datetime | None = None
    error: str | None = None
    stopped: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    process: Process | None = None

    def turn(self, state: State, error: str | None = None) -> None:
        """Go into a state; in the last one the run is complete."""
        self.modified_on = datetime.now(UTC)
        if state not in _UNENDED:
            self.completed_on, self.error = self.modified_on, error
        self.state = state
        if state not in _UNENDED:
            self.ended.set()

    def stop(self) -> None:
        """Ask the run to end."""
        self.stopped.set()
        if self.state is State.WAITING:
            self.turn(State.STOPPED)
            return
        self.turn(State.STOPPING)
        if self.process:
            self.process.stop(_STOP_GRACE_SECONDS)

    def describe(self) -> dict[str, Any]:
        """JobRun, as GetJobRun answers."""
        seconds = ((self.completed_on or datetime.now(UTC)) - self.started_on).total_seconds()
        document = {
            "Id": self.id,
            "Attempt": self.attempt,
            "PreviousRunId": self.previous_id,
            "TriggerName": self.origin.trigger if self.origin else None,
            "JobName": self.job.name,
            "JobMode": "SCRIPT",
            "StartedOn": self.started_on,
            "LastModifiedOn": self.modified_on,
            "CompletedOn": self.completed_on,
            "JobRunState": self.state.value,
            "Arguments": dict(self.arguments) or None,
            "ErrorMessage": self.error,
            "PredecessorRuns": [],
            "ExecutionTime": int(seconds),
            "Timeout": int(self.timeout_minutes),
            "LogGroupName": LOG_GROUP,
            "GlueVersion": self.job.glue_version,
            "ExecutionClass": self.job.execution_class,
            **self.properties,
        }
        return {name: value for name, value in document.items() if value is not None}


def new_id() -> str:
    """A run's id as Glue makes them."""
    return f"jr_{uuid.uuid4().hex}{uuid.uuid4().hex}"


def carry_out(context: Context, run: Run) -> tuple[State, str | None]:
    """Run the script to its end: the state that the run is to end in, and its error."""
    directory = context.directory("glue", run.id)
    try:
        ending, lines = _execute(context, run, directory)
    except (RunFailedError, spark.SparkUnavailableError, OSError) as error:
        return (State.STOPPED, None) if run.stopped.is_set() else (State.FAILED, str(error))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if run.stopped.is_set():
        return State.STOPPED, None
    if ending.timed_out:
        return State.TIMEOUT, f"Job run exceeded its timeout of {run.timeout_minutes:g} minutes"
    if ending.exit_code:
        return State.FAILED, error_message(lines, ending.exit_code)
    return State.SUCCEEDED, None


def _execute(context: Context, run: Run, directory: Path) -> tuple[Ending, Sequence[str]]:
    role = role_arn(context, run.job.role)
    s3 = clients.client("s3", role_arn=role, session=SESSION)
    script = _fetch(s3, run.job.command["ScriptLocation"], directory, "script")
    for uri in _listed(run.effective, "--extra-files"):
        _fetch(s3, uri, directory, "extra file")
    libraries = [_kept(context, s3, uri, "Python library") for uri in _listed(run.effective, "--extra-py-files")]
    _require_modules(_listed(run.effective, "--additional-python-modules"))
    environment = {
        **identity.process_environment(context, role, SESSION),
        **_customer_variables(run.effective),
        "PYTHONPATH": os.pathsep.join(str(place) for file in libraries for place in (file, file.parent)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if not _is_plain_python(run):
        jars = [_kept(context, s3, uri, "jar") for uri in _listed(run.effective, "--extra-jars")]
        environment.update(spark.prepare(_spark_settings(run.effective), directory, jars=jars))
    if run.stopped.is_set():
        return Ending(exit_code=SIGKILL_EXIT_CODE), ()
    line = [sys.executable, str(script), *script_arguments(run)]
    return _follow(context, run, line, environment, directory)


def _follow(
    context: Context, run: Run, line: Sequence[str], environment: Mapping[str, str], directory: Path
) -> tuple[Ending, Sequence[str]]:
    """Start the process and stream what it prints: standard output and standard error to log groups of their own."""
    writer = identity.role(role_arn(context, run.job.role), SESSION)
    output, errors = (
        LogStream(context, f"{LOG_GROUP}/{kind}", run.id, writer=writer, by="glue") for kind in ("output", "error")
    )
    printed: deque[str] = deque(maxlen=_LINES_KEPT)
    complaints: deque[str] = deque(maxlen=_LINES_KEPT)
    reading, writing = os.pipe()
    try:
        run.process = Process(line, environment=environment, directory=directory, errors=writing)
    except OSError:
        os.close(reading)
        raise
    finally:
        os.close(writing)

    def follow_errors() -> None:
        with os.fdopen(reading, errors="replace") as stream:
            for text in stream:
                complaints.append(text.rstrip("\n"))
                errors.write([complaints[-1]])

    def follow_output(lines: list[str]) -> None:
        printed.extend(lines)
        output.write(lines)

    run.turn(State.RUNNING)
    if run.stopped.is_set():
        run.stop()
    reader = threading.Thread(target=follow_errors, daemon=True)
    reader.start()
    ending = run.process.wait(output=follow_output, timeout=run.timeout_minutes * 60, grace=_STOP_GRACE_SECONDS)
    reader.join(timeout=5)
    return ending, [*printed, *complaints]


def role_arn(context: Context, role: str) -> str:
    """A job's role may be given by name or ARN."""
    return role if role.startswith("arn:") else f"arn:{context.partition}:iam::{context.account}:role/{role}"


def script_arguments(run: Run) -> list[str]:
    """What the script finds in sys.argv: the job's own arguments, then those that Glue adds."""
    words = [word for name, value in run.effective.items() if not _CONSUMED.fullmatch(name) for word in (name, value)]
    return [*words, "--JOB_ID", f"j_{run.job.name}", "--JOB_RUN_ID", run.id, "--JOB_NAME", run.job.name]


def error_message(lines: Sequence[str], exit_code: int) -> str:
    """What went wrong, as one line: the exception of the last traceback, else the last line that was printed."""
    starts = [number for number, line in enumerate(lines) if "Traceback (most recent call last):" in line]
    if starts:
        for line in lines[starts[-1] + 1 :]:
            if line and not line[0].isspace():
                return line.strip()
    for line in reversed(lines):
        if line.strip():
            return line.strip()
    return f"Command failed with exit code {exit_code}"


def _is_plain_python(run: Run) -> bool:
    return bool(run.job.command.get("Name") == "pythonshell")


def _fetch(s3: Any, uri: str, directory: Path, kind: str) -> Path:
    target = directory / uri.rpartition("/")[2]
    target.write_bytes(_download(s3, uri, kind))
    return target


def _kept(context: Context, s3: Any, uri: str, kind: str) -> Path:
    """The file below a directory that its content names: what a run compiles of it serves the next one too."""
    content = _download(s3, uri, kind)
    target = context.directory("glue-libraries", hashlib.sha256(content).hexdigest()[:32]) / uri.rpartition("/")[2]
    if not target.exists():
        with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
            file.write(content)
        Path(file.name).replace(target)
    return target


def _download(s3: Any, uri: str, kind: str) -> bytes:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    except s3.exceptions.ClientError as error:
        reason = error.response["Error"]
        raise RunFailedError(
            f"LAUNCH ERROR | cannot download {kind} {uri}: {reason.get('Message') or reason.get('Code')}"
        ) from error


def _listed(arguments: Mapping[str, str], name: str) -> list[str]:
    return [item.strip() for item in arguments.get(name, "").split(",") if item.strip()]


def _require_modules(requirements: Iterable[str]) -> None:
    """Modules are not installed here: the run uses this interpreter's, and stops at the first that it lacks."""
    for requirement in requirements:
        name = re.split(r"[\s\[=<>!~;@]", requirement, maxsplit=1)[0]
        try:
            distribution(name)
        except PackageNotFoundError:
            raise RunFailedError(
                f"LAUNCH ERROR | --additional-python-modules: {name} is not installed on this machine"
            ) from None


def _customer_variables(arguments: Mapping[str, str]) -> dict[str, str]:
    """`--customer-driver-env-vars CUSTOMER_KEY1=VAL1,CUSTOMER_KEY2="VAL2,VAL2"`; driver and executor are one here."""
    found = {}
    for name in ("--customer-executor-env-vars", "--customer-driver-env-vars"):
        for key, quoted, plain in re.findall(r'(CUSTOMER_\w+)=(?:"([^"]*)"|([^,]*))', arguments.get(name, "")):
            found[key] = quoted or plain
    return found


def _spark_settings(arguments: Mapping[str, str]) -> dict[str, str]:
    """`--conf a=b --conf c=d` stands as one argument: name `--conf`, value `a=b --conf c=d`."""
    words = [word.strip() for word in arguments.get("--conf", "").split("--conf")]
    return {word.partition("=")[0]: word.partition("=")[2] for word in words if word}
