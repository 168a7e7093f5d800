"""AWS Lambda: a function's own code runs in a warm process of its own, under its role, with its time limit and its log.

What differs from AWS: the interpreter is this server's, whatever the runtime says; asynchronous retries come after
seconds, not minutes.
"""

import base64
import contextlib
import io
import json
import os
import shutil
import threading
import time
import traceback
import uuid
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.models import LambdaBackend
from moto.awslambda.utils import get_backend
from moto.sqs.exceptions import QueueDoesNotExist
from moto.sqs.models import sqs_backends

from embedded_aws.context import Context
from embedded_aws.durable import deliveries, units
from embedded_aws.functions.workers import Answer, Definition, Workers
from embedded_aws.guard import Patch
from embedded_aws.iam import authorization, identity
from embedded_aws.iam.denials import AccessDeniedError
from embedded_aws.monitoring.metrics import Value, put
from embedded_aws.requests import Access

_INVOKE = Patch("moto.awslambda.models:LambdaFunction.invoke", "dadc324f30aed38b")
_CREATE = Patch("moto.awslambda.models:LambdaFunction.__init__", "70a285222b4a0e11")
_SIMPLE = Patch("moto.awslambda_simple.models:LambdaSimpleBackend.invoke", "1b029265c71d5ae0")
PATCHES = (_INVOKE, _CREATE, _SIMPLE)

# Lambda waits one minute before the first retry of an asynchronous invocation and two before the second.
_RETRY_SECONDS = (1.0, 2.0)
# Lambda Developer Guide, "Asynchronous invocation": after a fault of its own, Lambda tries again, first after a second
# and at last after five minutes.
_FAULT_SECONDS = (1.0, 4.0, 16.0, 64.0, 300.0)
_INSTALLED: list[Workers] = []
_unpacking = threading.Lock()


def install(context: Context) -> None:
    """Have every function that is invoked really run."""
    _INSTALLED[:] = [Workers(context, limit=2 * len(os.sched_getaffinity(0)) + 4)]

    def invoke_function(function: Any, body: Any, request_headers: Mapping[str, str], headers: dict[str, Any]) -> bytes:
        event = body.decode() if isinstance(body, bytes) else body or "{}"
        match request_headers.get("x-amz-invocation-type", "RequestResponse"):
            case "DryRun":
                return b""
            case "Event":
                _start_later(context, function, event)
                return b""
        answer = _run(context, function, event, str(uuid.uuid4()))
        headers["X-Amz-Executed-Version"] = _version(function)
        headers["x-amz-log-result"] = base64.b64encode(answer.log_tail).decode()
        if answer.is_error:
            headers["X-Amz-Function-Error"] = "Unhandled"
        return answer.payload

    def create(function: Any, account_id: str, spec: Mapping[str, Any], region: str, version: str | int = 1) -> None:
        original_create(function, account_id, spec, region, version)
        function.logs_group_name = (spec.get("LoggingConfig") or {}).get("LogGroup") or function.logs_group_name

    _INVOKE.apply(invoke_function)
    _SIMPLE.apply(LambdaBackend.invoke)  # the one that moto takes where there is no docker
    original_create = _CREATE.apply(create)


def invoke(context: Context, function_arn: str, event: str) -> Answer:
    """Invoke a function from inside, and wait. `event` is a JSON text."""
    return _run(context, _find(context, function_arn), event, str(uuid.uuid4()))


def invoke_later(context: Context, function_arn: str, event: str) -> None:
    """Invoke a function asynchronously: what fails is retried twice, then goes to the function's own destination."""
    _start_later(context, _find(context, function_arn), event)


def _find(context: Context, function_arn: str) -> Any:
    return get_backend(context.account, context.region).get_function(function_arn)


def _run(context: Context, function: Any, event: str, request_id: str) -> Answer:
    began = time.monotonic()
    answer = _INSTALLED[0].invoke(_definition(context, function), event, request_id)
    _report(context, function.function_name, answer, milliseconds=(time.monotonic() - began) * 1000)
    return answer


def _report(context: Context, name: str, answer: Answer, *, milliseconds: float) -> None:
    """Lambda Developer Guide, "Types of metrics for Lambda functions": an invocation's outcome is 1 or 0.

    The duration here has in it the wait for a turn and the start of a process, which Lambda's has not.
    """
    told = (
        ("Invocations", 1, "Count"),
        ("Errors", int(answer.is_error), "Count"),
        ("Duration", milliseconds, "Milliseconds"),
    )
    put(context, *(Value("AWS/Lambda", metric, value, unit, {"FunctionName": name}) for metric, value, unit in told))


def resume(context: Context, pending: Iterable[deliveries.Pending]) -> None:
    """Invoke again what had been accepted and not done when the embedded AWS was stopped."""
    for kept, document in pending:
        try:
            function = _find(context, document["function"])
        except UnknownFunctionException:
            deliveries.done(deliveries.INVOCATION, kept)
        else:
            _run_in_thread(context, function, document["event"], kept)


def _start_later(context: Context, function: Any, event: str) -> None:
    kept = deliveries.accept(deliveries.INVOCATION, {"function": function.function_arn, "event": event})
    units.afterwards(lambda: _run_in_thread(context, function, event, kept))


def _run_in_thread(context: Context, function: Any, event: str, kept: str) -> None:
    def run() -> None:
        for delay in (*_FAULT_SECONDS, None):
            try:
                with units.unit():
                    _run_later(context, function, event)
                    deliveries.done(deliveries.INVOCATION, kept)
                return
            except Exception:  # a fault of Lambda's, not of the function's
                traceback.print_exc()
            if delay is not None:
                time.sleep(delay)  # and at last the next life of the instance invokes it

    threading.Thread(target=run, name="asynchronous", daemon=True).start()


def _run_later(context: Context, function: Any, event: str) -> None:
    settings = (function.event_invoke_config[0].config if function.event_invoke_config else None) or {}
    attempts = 1 + int(settings.get("MaximumRetryAttempts", len(_RETRY_SECONDS)))
    request_id = str(uuid.uuid4())
    for attempt in range(attempts):
        answer = _run(context, function, event, request_id)
        if not answer.is_error:
            return
        if attempt + 1 < attempts:
            time.sleep(_RETRY_SECONDS[attempt])
    destination = ((settings.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination") or ""
    if ":sqs:" in destination:
        with contextlib.suppress(AccessDeniedError, QueueDoesNotExist):  # the record is lost
            sender = identity.role(function.role, function.function_name)
            authorization.require(sender, [Access("sqs:SendMessage", destination)], by="lambda")
            sqs_backends[context.account][context.region].send_message(
                queue_name=destination.split(":")[-1],
                message_body=json.dumps(_failure(function, event, request_id, attempts, answer)),
            )


def _failure(function: Any, event: str, request_id: str, attempts: int, answer: Answer) -> dict[str, Any]:
    """Lambda Developer Guide, "Capturing records of asynchronous invocations": what a destination is sent."""
    return {
        "version": "1.0",
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{function.function_arn}:{_version(function)}",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": attempts,
        },
        "requestPayload": json.loads(event),
        "responseContext": {
            "statusCode": 200,
            "executedVersion": _version(function),
            "functionError": "Unhandled",
        },
        "responsePayload": json.loads(answer.payload),
    }


def _definition(context: Context, function: Any) -> Definition:
    return Definition(
        name=function.function_name,
        version=_version(function),
        arn=function.function_arn,
        handler=function.handler,
        role_arn=function.role,
        memory_mb=int(function.memory_size),
        timeout_seconds=float(function.timeout),
        log_group=function.logs_group_name,
        code=_unpacked(context, function),
        variables={name: str(value) for name, value in (function.environment_vars or {}).items()},
    )


def _version(function: Any) -> str:
    return str(function.version)


def _unpacked(context: Context, function: Any) -> Path:
    """The directory with a deployment package's files, unpacked once for each content."""
    place = context.directory("functions") / base64.b64decode(function.code_sha_256).hex()
    with _unpacking:
        if not place.exists():
            temporary = place.with_suffix(".part")
            shutil.rmtree(temporary, ignore_errors=True)
            with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as package:
                package.extractall(temporary)
            temporary.rename(place)
    return place
