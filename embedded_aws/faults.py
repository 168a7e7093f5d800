"""Faults on order: what goes wrong on AWS now and then goes wrong here as often as it was asked to.

`POST /_embedded/faults` orders one, `GET` tells what has been ordered and how often it has come, `DELETE` forgets all.
An order names the fault, patterns (with `*`) for what it comes to, and how many `times` (1):

- `{"fault": "refuse", "action": "s3:GetObject", "resource": "*/steps/*", "principal": "*", "status": 503, "code":
  "SlowDown"}`: the request is answered with this status and error code, and not carried out. The principal is a role's
  name; requests of the services themselves are refused too.
- `{"fault": "crash", "function": "*PlanSample*"}`: the process of a Lambda function is killed before it answers.
- `{"fault": "reclaim", "job": "*align*", "after_seconds": 0.5}`: so long after a Batch job's container has started, its
  Spot instance is gone.
- `{"fault": "expire", "job": "*align*", "after_seconds": 0.5}`: so long after it has started, a Batch job's attempt has
  had the time that its definition gives it.

Like the clock, this is no part of AWS and asks for no credentials. Orders end with the instance.
"""

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

PATH = "/_embedded/faults"

_StartResponse = Callable[..., Any]


class Fault(StrEnum):
    """What goes wrong."""

    REFUSE = "refuse"
    CRASH = "crash"
    RECLAIM = "reclaim"
    EXPIRE = "expire"


# By fault, what an order may give a pattern for.
_TARGETS: Mapping[Fault, tuple[str, ...]] = {
    Fault.REFUSE: ("action", "resource", "principal"),
    Fault.CRASH: ("function",),
    Fault.RECLAIM: ("job",),
    Fault.EXPIRE: ("job",),
}


class OrderError(ValueError):
    """A fault cannot be ordered so; the message says why in one line."""


@dataclass
class Order:
    """A fault that comes `times` times to what all `patterns` match; it has come `came` times."""

    fault: Fault
    patterns: Mapping[str, str] = field(default_factory=dict)
    times: int = 1
    after_seconds: float = 0.0
    status: int = 503
    code: str = "ServiceUnavailable"
    came: int = 0

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Order":
        """From what was posted. OrderError names what is wrong."""
        given = dict(document)
        try:
            fault = Fault(given.pop("fault", ""))
        except ValueError as error:
            raise OrderError(f"fault is one of {', '.join(Fault)}") from error
        patterns = {name: str(given.pop(name)) for name in _TARGETS[fault] if name in given}
        kinds: Mapping[str, type] = {"times": int, "after_seconds": float, "status": int, "code": str}
        if unknown := given.keys() - kinds.keys():
            raise OrderError(
                f"{fault} has no {', '.join(sorted(unknown))}; it is aimed by {', '.join(_TARGETS[fault])}"
            )
        if not patterns:
            raise OrderError(f"{fault} needs one of {', '.join(_TARGETS[fault])}")
        try:
            return cls(fault, patterns, **{name: kinds[name](value) for name, value in given.items()})
        except (TypeError, ValueError) as error:
            raise OrderError(f"times, status and after_seconds are numbers: {error}") from error


_lock = threading.Lock()
_orders: list[Order] = []


def order(document: Mapping[str, Any]) -> None:
    """Have a fault come; OrderError where there is no such."""
    made = Order.read(document)
    with _lock:
        _orders.append(made)


def clear() -> None:
    """Forget all orders."""
    with _lock:
        _orders.clear()


def take(fault: Fault, **met: str) -> Order | None:
    """The order by which `fault` comes to what is `met`, counted as having come; None where all goes well."""
    if not _orders:
        return None
    with _lock:
        for each in _orders:
            if each.fault is fault and each.came < each.times and _matches(each.patterns, met):
                each.came += 1
                return each
    return None


def _matches(patterns: Mapping[str, str], met: Mapping[str, str]) -> bool:
    return all(fnmatchcase(met[name], pattern) for name, pattern in patterns.items())


def respond(environ: dict[str, Any], start_response: _StartResponse) -> Iterable[bytes]:
    """WSGI application of PATH: 200 with all orders, or 400 with what is wrong."""
    status = "200 OK"
    try:
        if environ["REQUEST_METHOD"] == "POST":
            order(_document(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))))
        elif environ["REQUEST_METHOD"] == "DELETE":
            clear()
        with _lock:
            answer: dict[str, Any] = {"faults": [asdict(each) for each in _orders]}
    except OrderError as error:
        status, answer = "400 Bad Request", {"error": str(error)}
    body = json.dumps(answer).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except ValueError as error:
        raise OrderError(f"the order is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise OrderError("the order is not a JSON object")
    return document
