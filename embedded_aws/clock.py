"""The instance's clock: the machine's, plus as much as somebody has advanced it.

Schedules, SQS (delays, visibility timeouts, retention) and the age of events go by it, so that what is due in a day
happens at once when the clock is advanced by a day. `GET /_embedded/clock` tells it; `POST /_embedded/clock` with
`{"advance_seconds": 3600}` or `{"to": "2026-01-01T00:00:00Z"}` advances it. It never goes back. Like the probe, it
is no part of AWS and asks for no credentials. A later life of the instance goes on by it. Processes,
and Step Functions' waits, have the machine's own clock.
"""

import json
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from embedded_aws.durable import units
from embedded_aws.durable.database import Database, NotKeptError

PATH = "/_embedded/clock"
_KIND, _AHEAD = "clock", "seconds ahead"

_StartResponse = Callable[..., Any]

_lock = threading.Lock()
_ahead = 0.0
_listeners: list[Callable[[], None]] = []


class ClockError(ValueError):
    """The clock cannot be set so; the message says why in one line."""


def now() -> float:
    """Seconds since the epoch."""
    return time.time() + _ahead


def advance(seconds: float) -> None:
    """Let `seconds` pass at once; whoever waits for a time is told."""
    global _ahead  # noqa: PLW0603 one instance to a process
    if seconds < 0:
        raise ClockError(f"the clock does not go back: {seconds:g} s")
    with _lock:
        _ahead += seconds
        units.document_changed(_KIND, "", _AHEAD, lambda: _ahead)
    for listener in _listeners:
        listener()


def restore(kept_in: Database) -> None:
    """Be as far ahead as in the earlier life; before anybody looks."""
    global _ahead  # noqa: PLW0603 one instance to a process
    for _, _, seconds in kept_in.documents(_KIND):
        _ahead = seconds


def on_advance(listener: Callable[[], None]) -> None:
    """Have `listener` called whenever the clock has been advanced."""
    _listeners.append(listener)


def respond(environ: dict[str, Any], start_response: _StartResponse) -> Iterable[bytes]:
    """WSGI application of PATH: 200 with the present time, 400 with what is wrong, or 507 where it cannot be kept."""
    try:
        if environ["REQUEST_METHOD"] == "POST":
            advance(_seconds(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))))
        status, answer = "200 OK", {"now": _iso(now()), "ahead_seconds": round(_ahead, 3)}
    except ClockError as error:
        status, answer = "400 Bad Request", {"error": str(error)}
    except NotKeptError as error:
        status, answer = "507 Insufficient Storage", {"error": str(error)}
    body = json.dumps(answer).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def _seconds(body: bytes) -> float:
    try:
        asked = json.loads(body)
        if "to" in asked:
            moment = datetime.fromisoformat(asked["to"])
            return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - now()
        return float(asked["advance_seconds"])
    except (ValueError, TypeError, KeyError) as error:
        raise ClockError('send {"advance_seconds": N} or {"to": "2026-01-01T00:00:00Z"}') from error


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
