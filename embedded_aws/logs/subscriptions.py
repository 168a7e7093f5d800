"""CloudWatch Logs' subscription filters: events that fit a filter's pattern invoke its function, off the request.

moto alone invokes inside the caller's request, with every event, whatever the function's policy says. A pattern here is
empty, one term, or `{ $.field = "text" }`.
"""

import base64
import gzip
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moto.logs.exceptions import InvalidParameterException

from embedded_aws.context import Context
from embedded_aws.functions import service as functions
from embedded_aws.guard import Patch
from embedded_aws.iam import authorization, identity
from embedded_aws.iam.denials import AccessDeniedError
from embedded_aws.requests import Access

_SEND = Patch("moto.logs.models:LogStream._send_log_events", "28c8e81b695b0dde")
_PUT = Patch("moto.logs.models:LogsBackend.put_subscription_filter", "fb9f70a87b8eb8ef")
PATCHES = (_SEND, _PUT)

_REFUSED = (
    "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your "
    "function."
)
_FIELD = re.compile(r'\{\s*\$\.(?P<field>[\w.-]+)\s*=\s*"(?P<text>[^"]*)"\s*\}')
_TERM = re.compile(r'"(?P<quoted>[^"]*)"|(?P<plain>[\w.-]*)')


def install(context: Context) -> None:
    """Have functions invoked with what they subscribed to."""

    def send(
        stream: Any, service: str, destination_arn: str, filter_name: str, log_events: Sequence[Mapping[str, Any]]
    ) -> None:
        if service != "lambda":
            original(stream, service, destination_arn, filter_name, log_events)
            return
        fits = pattern(stream.log_group.subscription_filters[filter_name].filter_pattern or "")
        if wanted := [event for event in log_events if fits(event["message"])]:
            try:
                require(destination_arn, stream.log_group)
            except AccessDeniedError:
                return  # they are lost; the request log says why
            functions.invoke_later(context, destination_arn, json.dumps({"awslogs": {"data": told(wanted, stream)}}))

    def told(wanted: Sequence[Mapping[str, Any]], stream: Any) -> str:
        """CloudWatch Logs User Guide, "Log group-level subscription filters": compressed and in base64."""
        data = {
            "messageType": "DATA_MESSAGE",
            "owner": context.account,
            "logGroup": stream.log_group.name,
            "logStream": stream.log_stream_name,
            "subscriptionFilters": list(stream.log_group.subscription_filters),
            "logEvents": [{**event, "id": str(event["id"])} for event in wanted],
        }
        return base64.b64encode(gzip.compress(json.dumps(data).encode())).decode()

    def put(backend: Any, log_group_name: str, filter_name: str, pattern: str, destination_arn: str, role: str) -> None:
        group = backend.groups.get(log_group_name)
        if group is not None and destination_arn.split(":")[2] == "lambda":
            try:
                require(destination_arn, group)
            except AccessDeniedError as error:
                raise InvalidParameterException(_REFUSED) from error
        original_put(backend, log_group_name, filter_name, pattern, destination_arn, role)

    def require(function_arn: str, group: Any) -> None:
        """CloudWatch Logs User Guide, "Log group-level subscription filters": the function's policy, for `group:*`."""
        source = context.arn("logs", f"log-group:{group.name}:*")
        access = Access("lambda:InvokeFunction", function_arn)
        authorization.require(identity.service("logs"), [access], by="logs", source_arn=source)

    original = _SEND.apply(send)
    original_put = _PUT.apply(put)


def pattern(text: str) -> Callable[[str], bool]:
    """Whether a message fits a filter pattern. NotImplementedError names a pattern that nothing here understands."""
    if found := _FIELD.fullmatch(text.strip()):
        return lambda message: _value(message, found["field"].split(".")) == found["text"]
    if term := _TERM.fullmatch(text.strip()):
        wanted = term["quoted"] or term["plain"] or ""
        return lambda message: wanted in message
    raise NotImplementedError(f"the filter pattern {text}")


def _value(message: str, path: Sequence[str]) -> Any:
    try:
        value = json.loads(message)
        for name in path:
            value = value[name]
    except (ValueError, KeyError, TypeError):
        return None
    return value
