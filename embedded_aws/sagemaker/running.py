"""Jobs as processes: a program of `programs` under the job's role, whose events and end are told to the service."""

import json
import shutil
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from embedded_aws.context import Context
from embedded_aws.iam import authorization, identity
from embedded_aws.iam.denials import AccessDeniedError
from embedded_aws.launcher.client import Launcher
from embedded_aws.logs.streams import LogStream
from embedded_aws.processes import Process
from embedded_aws.requests import Access
from embedded_aws.sagemaker.programs.protocol import EVENT_MARK

SESSION = "SageMaker"
_ITSELF = identity.service("sagemaker")
_SOURCE = Path(__file__).resolve().parents[2]
_STOP_GRACE_SECONDS = 5.0
# What a job has printed last, of which the reason of its failure is taken.
_LINES_KEPT = 50

# Importing what models are made with takes longer than most of what is done with it here.
_LAUNCHER = Launcher(
    (
        *("joblib", "pandas", "sklearn.compose", "sklearn.impute", "sklearn.metrics", "sklearn.model_selection"),
        *("sklearn.pipeline", "sklearn.preprocessing", "xgboost"),
    )
)

Event = Mapping[str, Any]


class JobStoppedError(Exception):
    """A job was stopped by whoever started it."""


class JobFailedError(Exception):
    """A job failed; the message says why in one line."""


class Program:
    """A program that is to run as a role; `logs` names the group and stream that take what it prints."""

    def __init__(self, context: Context, name: str, *, role_arn: str, job_arn: str, logs: tuple[str, str]) -> None:
        self._context, self._name, self._role_arn, self._job_arn, self._logs = context, name, role_arn, job_arn, logs
        self._process: Process | None = None
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Ask it to end."""
        self._stopped.set()
        if self._process:
            self._process.stop(_STOP_GRACE_SECONDS)

    def run(self, request: Mapping[str, Any], on_event: Callable[[Event], None], timeout: float | None = None) -> None:
        """Run it to its end. Raises JobFailedError or JobStoppedError if that is not what was wanted."""
        directory = self._context.directory("sagemaker", self._job_arn.rpartition(":")[2].replace("/", "-"))
        try:
            self._run(directory, request, on_event, timeout)
        except OSError as error:
            raise JobFailedError(f"InternalServerError: {error}") from error
        except AccessDeniedError as error:
            raise JobFailedError(f"AccessDeniedException: {error}") from error
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def _run(
        self, directory: Path, request: Mapping[str, Any], on_event: Callable[[Event], None], timeout: float | None
    ) -> None:
        authorization.require(
            _ITSELF, [Access("sts:AssumeRole", self._role_arn)], by="sagemaker", source_arn=self._job_arn
        )
        told = directory / "request.json"
        told.write_text(json.dumps(request))
        writer = identity.role(self._role_arn, SESSION)
        stream = LogStream(self._context, *self._logs, writer=writer, by="sagemaker")
        printed: deque[str] = deque(maxlen=_LINES_KEPT)
        reasons: list[str] = []

        def take(lines: list[str]) -> None:
            for line in lines:
                if not line.startswith(EVENT_MARK):
                    printed.append(line)
                    stream.write([line])
                    continue
                event = json.loads(line.removeprefix(EVENT_MARK))
                if event["event"] == "failed":
                    reasons.append(event["reason"])
                else:
                    on_event(event)

        self._process = Process(
            [sys.executable, "-m", f"embedded_aws.sagemaker.programs.{self._name}", str(told)],
            environment={
                **identity.process_environment(self._context, self._role_arn, SESSION),
                "PYTHONPATH": str(_SOURCE),
                "TMPDIR": str(directory),
            },
            directory=directory,
            launcher=_LAUNCHER,
        )
        if self._stopped.is_set():
            self._process.stop(_STOP_GRACE_SECONDS)
        ending = self._process.wait(output=take, timeout=timeout, grace=_STOP_GRACE_SECONDS)
        if self._stopped.is_set():
            raise JobStoppedError
        if ending.timed_out:
            raise JobFailedError(f"the job's time of {timeout:g} seconds is up")
        if reasons or ending.exit_code:
            raise JobFailedError(reasons[0] if reasons else _last(printed, ending.exit_code))


def start(run: Callable[[], None], name: str) -> None:
    """Carry out a job in a thread of its own."""
    threading.Thread(target=run, name=name, daemon=True).start()


def _last(printed: "deque[str]", exit_code: int) -> str:
    return next((line.strip() for line in reversed(printed) if line.strip()), f"the process ended with {exit_code}")
