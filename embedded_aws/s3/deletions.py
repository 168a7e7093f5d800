"""DeleteObjects: those objects are deleted that may be, and of the others the answer says why not."""

from collections.abc import Callable, Mapping
from typing import Any
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import escape

import xmltodict  # type: ignore[import-untyped]

from embedded_aws.guard import Patch

_DELETE_KEYS = Patch("moto.s3.responses:S3Response._bucket_response_delete_keys", "a916d30f74156b19")
PATCHES = (_DELETE_KEYS,)

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def install(denied: Callable[[Any], Mapping[str, str]]) -> None:
    """Leave out what is denied: `denied(response)` gives keys, each with the message."""

    def delete(response: Any, bucket_name: str, authenticated: bool = True) -> Any:
        refused = denied(response)
        if not refused:
            return original(response, bucket_name, authenticated)
        status, headers, body = 200, {}, f'<DeleteResult xmlns="{_NAMESPACE}"></DeleteResult>'
        if remaining := _without(response.body, refused):
            response.body = remaining
            status, headers, body = original(response, bucket_name, authenticated)
        text = body.decode() if isinstance(body, bytes) else body
        errors = "".join(_error(key, message) for key, message in refused.items())
        return status, headers, text.replace("</DeleteResult>", f"{errors}</DeleteResult>")

    original: Any = _DELETE_KEYS.apply(delete)


def is_bulk(response: Any) -> bool:
    """Whether a request deletes several objects."""
    return bool(response.method == "POST" and response.data.get("Action") == "DeleteObject")


def listed(body: bytes | str) -> list[dict[str, str]]:
    """The objects that the body of a request lists, each with its Key and perhaps its VersionId."""
    try:
        objects = xmltodict.parse(body, strip_whitespace=False)["Delete"]["Object"]
    except (ExpatError, KeyError, TypeError):
        return []
    return [each for each in (objects if isinstance(objects, list) else [objects]) if each.get("Key")]


def _without(body: bytes | str, refused: Mapping[str, str]) -> bytes | None:
    """The request's body without the refused keys; None where nothing remains."""
    document = xmltodict.parse(body, strip_whitespace=False)
    remaining = [each for each in listed(body) if each["Key"] not in refused]
    document["Delete"]["Object"] = remaining
    return xmltodict.unparse(document).encode() if remaining else None


def _error(key: str, message: str) -> str:
    return f"<Error><Key>{escape(key)}</Key><Code>AccessDenied</Code><Message>{escape(message)}</Message></Error>"
