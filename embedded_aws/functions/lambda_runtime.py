"""The process that a Lambda function's handler runs in: started once, invoked many times.

Run as a program, with two file descriptors as arguments: invocations are read from the first and answered on the
second, a line of JSON each. What the function prints goes to standard output, which is its log.
"""

import importlib
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import IO, Any

Handler = Callable[[Any, Any], Any]

_OWN_FILES = (__file__, importlib.__file__, "<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>")


class SandboxError(Exception):
    """Not the handler's own error, but of getting it to run; `type` as Lambda names it."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.type = error_type


class Context:
    """What a handler is given as its second argument."""

    def __init__(self, invocation: dict[str, Any]) -> None:
        self.aws_request_id: str = invocation["request_id"]
        self.invoked_function_arn: str = invocation["function_arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = None
        self.client_context = None
        self._deadline: float = invocation["deadline"]

    def get_remaining_time_in_millis(self) -> int:
        """Until the function times out."""
        return max(0, int((self._deadline - time.time()) * 1000))


class _LogHandler(logging.Handler):
    """As Lambda sets up the root logger: level, time and request id, tab separated."""

    request_id = ""

    def emit(self, record: logging.LogRecord) -> None:
        _print_event(self.format(record))

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        text = f"[{record.levelname}]\t{moment}.{int(record.msecs):03d}Z\t{self.request_id}\t{record.getMessage()}"
        return f"{text}\n{''.join(traceback.format_exception(*record.exc_info))}" if record.exc_info else text


def main(invocations: IO[str], answers: IO[str]) -> None:
    """Serve until no more invocations come."""
    log = _LogHandler()
    logging.getLogger().addHandler(log)
    handler: Handler | None = None
    for line in invocations:
        invocation = json.loads(line)
        answer: dict[str, Any]
        log.request_id = invocation["request_id"]
        try:
            handler = handler or load(os.environ["_HANDLER"])
            answer = {"result": _marshalled(handler(invocation["event"], Context(invocation)))}
        except SandboxError as error:
            answer = {"error": _error(error.type, str(error), invocation, [])}
        except Exception as error:  # whatever a handler raises is the invocation's outcome
            answer = {"error": _error(type(error).__name__, str(error), invocation, _trace(error))}
        if "error" in answer:
            _report(answer["error"])
        sys.stdout.flush()
        sys.stderr.flush()
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def load(name: str) -> Handler:
    """The handler `package/module.function`; SandboxError if it is not there."""
    module_name, _, function_name = name.rpartition(".")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise SandboxError("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    try:
        handler: Handler = getattr(module, function_name)
    except AttributeError as error:
        raise SandboxError(
            "Runtime.HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'"
        ) from error
    return handler


def _marshalled(result: Any) -> str:
    try:
        return json.dumps(result)
    except (TypeError, ValueError) as error:
        raise SandboxError("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def _error(error_type: str, message: str, invocation: dict[str, Any], trace: list[str]) -> dict[str, Any]:
    return {
        "errorMessage": message,
        "errorType": error_type,
        "requestId": invocation["request_id"],
        "stackTrace": trace,
    }


def _trace(error: Exception) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    return traceback.format_list([frame for frame in frames if frame.filename not in _OWN_FILES])


def _report(error: dict[str, Any]) -> None:
    lines = [f"[ERROR] {error['errorType']}: {error['errorMessage']}"]
    if error["stackTrace"]:
        lines += ["Traceback (most recent call last):", "".join(error["stackTrace"]).rstrip("\n")]
    _print_event("\n".join(lines))


def _print_event(text: str) -> None:
    """One log event, however many lines it has: a carriage return does not end an event."""
    sys.stdout.write(text.rstrip("\n").replace("\n", "\r") + "\n")


if __name__ == "__main__":
    sys.path.pop(0)  # this file's own directory: nothing in it is the function's
    with (
        open(int(sys.argv[1]), encoding="utf-8") as requests,  # noqa: PTH123  (a descriptor, not a path)
        open(int(sys.argv[2]), "w", encoding="utf-8") as responses,  # noqa: PTH123
    ):
        main(requests, responses)
