"""Telling one of the lab's own services something: a JSON document by POST, with a bearer token.

What fails on the way, or is put off by the service, is tried again; what it refuses is not.
"""

from __future__ import annotations

import itertools
import json
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError

from lambdas.failures import one_line

# Seconds between attempts, unless the service says how long it wants to be left alone; for longer it is not waited.
WAITS = (1.0, 2.0, 4.0, 8.0)
LONGEST_WAIT = 30.0
_TIMEOUT_SECONDS = 20.0
_TOO_MANY_REQUESTS = 429
_SERVER_ERRORS = 500
_LONGEST_ANSWER = 200


class RestError(RuntimeError):
    """A service has not accepted something; the message says why in one line."""


class RefusedError(RestError):
    """It will not accept it later either."""


class UnavailableError(RestError):
    """It may do so later: it could not be reached, was too slow, or says that it has trouble."""


class _TransientError(RuntimeError):
    def __init__(self, line: str, wait: float | None = None) -> None:
        super().__init__(line)
        self.wait = wait


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would take the token, and a GET instead of the document, to an address that nobody has set."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


@dataclass(frozen=True)
class Service:
    """One of the lab's services, which is called `name`. `token` proves who speaks; `sleep` waits for seconds."""

    name: str
    url: str
    token: str
    sleep: Callable[[float], None] = time.sleep

    def post(self, document: str, *, key: str) -> int:
        """Send a JSON text; the status that accepted it. RefusedError or UnavailableError.

        `key` is the Idempotency-Key: a service that has had it does nothing again.
        """
        for attempt in itertools.count():
            try:
                return self._attempt(document, key)
            except _TransientError as error:
                is_last = attempt == len(WAITS)
                wait = LONGEST_WAIT if is_last else WAITS[attempt] if error.wait is None else error.wait
                if is_last or wait > LONGEST_WAIT:
                    raise UnavailableError(f"{error}, the last of {attempt + 1} attempts") from error
                self.sleep(wait)
        raise AssertionError("attempts end with an answer or an error")

    def _attempt(self, document: str, key: str) -> int:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }
        request = urllib.request.Request(self.url, document.encode(), headers, method="POST")  # noqa: S310  (a setting)
        try:
            with _OPENER.open(request, timeout=_TIMEOUT_SECONDS) as answer:
                return int(answer.status)
        except HTTPError as error:
            said = one_line(error.read(4 * _LONGEST_ANSWER).decode(errors="replace"))[:_LONGEST_ANSWER]
            line = f"the {self.name} answered {error.code}" + (f": {said}" if said else "")
            if error.code == _TOO_MANY_REQUESTS or error.code >= _SERVER_ERRORS:
                raise _TransientError(line, _seconds(error.headers.get("Retry-After"))) from error
            raise RefusedError(line) from error
        except (OSError, HTTPException) as error:
            why = one_line(str(getattr(error, "reason", error))) or type(error).__name__
            raise _TransientError(f"the {self.name} cannot be reached ({why})") from error


def read_token(secrets: Any, secret: str) -> str:
    """The token in a secret: all of its text, or the field `token` of a JSON object. RestError if there is none.

    `secrets` is a client of Secrets Manager.
    """
    text = secrets.get_secret_value(SecretId=secret).get("SecretString", "").strip()
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    token = document.get("token") if isinstance(document, dict) else text
    # What is sent in a header has no line breaks.
    if not isinstance(token, str) or not token or not token.isprintable():
        raise RestError(f"the secret {secret} holds no token: neither as its text, nor as the field token of an object")
    return token


def _seconds(text: str | None) -> float | None:
    """Of a Retry-After header; None where it is absent, or a date."""
    return float(text) if text and text.strip().isdecimal() else None
