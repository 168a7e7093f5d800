"""External scanners over HTTPS, instead of ours: one for viruses, one for personal health information.

Both are asked by POST with `Authorization: Bearer <secret>`. The virus scanner gets a content as the body, in chunks,
and answers `{"state": "CLEAN" | "INFECTED" | "UNSCANNABLE", "reason": "..."}`. The other gets
`{"texts": [{"text", "label", "place"}]}` and answers `{"hits": [[{"kind", "start", "end"}], ...]}`, a list for each
text. Whatever else they answer is an error.
"""

import http.client
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from batch_tools.scan_delivery.phi import Hit, Kind, Text
from batch_tools.scan_delivery.viruses import CLEAN, ScannerError, Verdict
from genomics.contracts.deliveries import FileState

# What is sent there leaves no machine.
_LOOPBACK = ("localhost", "127.0.0.1")
_MOST_OF_AN_ANSWER = 16 << 20
_VERDICTS = (FileState.CLEAN, FileState.INFECTED, FileState.UNSCANNABLE)


@dataclass(frozen=True)
class Service:
    """Where a service is, its secret, and the seconds it may take. Plain HTTP is for this machine only."""

    endpoint: str
    secret: str
    timeout: float = 600

    def __post_init__(self) -> None:
        parts = urlsplit(self.endpoint)
        if not parts.hostname or (parts.scheme != "https" and parts.hostname not in _LOOPBACK):
            raise ValueError(f"the scanner's endpoint {self.endpoint!r} is no https:// URL")

    def connection(self) -> http.client.HTTPConnection:
        """A new one, with the request's headers sent as far as they are the same for all."""
        parts = urlsplit(self.endpoint)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=self.timeout)
        connection.putrequest("POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        connection.putheader("Authorization", f"Bearer {self.secret}")
        return connection

    def answer(self, connection: http.client.HTTPConnection) -> Mapping[str, Any]:
        """The JSON object that the service answers."""
        response = connection.getresponse()
        body = response.read(_MOST_OF_AN_ANSWER)
        if response.status != http.HTTPStatus.OK:
            raise ScannerError(f"{self.endpoint} answered {response.status}")
        try:
            document = json.loads(body)
        except ValueError as error:
            raise ScannerError(f"{self.endpoint} answered what is no JSON") from error
        if not isinstance(document, dict):
            raise ScannerError(f"{self.endpoint} answered no JSON object")
        return document


class RestVirusScanner:
    """A VirusScanner elsewhere. `largest` is what it takes as one content."""

    def __init__(self, service: Service, *, largest: int = 512 << 20) -> None:
        self._service = service
        self.largest = largest

    def begin(self) -> "RestScan":
        """A new content."""
        return RestScan(self._service)

    def version(self) -> str:
        """Its endpoint: it does not say more."""
        return self._service.endpoint


class RestScan:
    """One content, as one request."""

    def __init__(self, service: Service) -> None:
        self._service = service
        try:
            self._connection = service.connection()
            self._connection.putheader("Content-Type", "application/octet-stream")
            self._connection.putheader("Transfer-Encoding", "chunked")
            self._connection.endheaders()
        except (OSError, http.client.HTTPException) as error:
            raise _unreachable(service, error) from error

    def write(self, data: bytes) -> None:
        """The next bytes."""
        if not data:
            return
        try:
            self._connection.send(b"%x\r\n%b\r\n" % (len(data), data))
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise _unreachable(self._service, error) from error

    def finish(self) -> Verdict:
        """What the service says."""
        try:
            self._connection.send(b"0\r\n\r\n")
            document = self._service.answer(self._connection)
        except (OSError, http.client.HTTPException) as error:
            raise _unreachable(self._service, error) from error
        finally:
            self._connection.close()
        state, reason = document.get("state"), document.get("reason", "")
        if state not in _VERDICTS or not isinstance(reason, str):
            raise ScannerError(f"{self._service.endpoint} answered the state {str(state)[:40]!r}")
        return (
            CLEAN
            if state == FileState.CLEAN
            else Verdict(FileState(state), reason or "the virus scanner gave no reason")
        )

    def abandon(self) -> None:
        """Close the connection."""
        self._connection.close()


class RestPhiDetector:
    """A PhiDetector elsewhere."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def find(self, texts: Sequence[Text]) -> list[list[Hit]]:
        """The finds of each text."""
        asked = [{"text": text.text, "label": text.label, "place": text.place.value} for text in texts]
        body = json.dumps({"texts": asked}).encode()
        connection = None
        try:
            connection = self._service.connection()
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            document = self._service.answer(connection)
        except (OSError, http.client.HTTPException) as error:
            raise _unreachable(self._service, error) from error
        finally:
            if connection:
                connection.close()
        answered = document.get("hits")
        if not isinstance(answered, list) or [type(hits) for hits in answered] != [list] * len(texts):
            raise ScannerError(f"{self._service.endpoint} did not answer for each of {len(texts)} texts")
        return [[self._hit(hit, text) for hit in hits] for hits, text in zip(answered, texts, strict=True)]

    def _hit(self, hit: Any, text: Text) -> Hit:
        try:
            start, end = hit["start"], hit["end"]
            if not 0 <= start < end <= len(text.text):
                raise ValueError
            return Hit(Kind(hit["kind"]) if hit["kind"] in list(Kind) else Kind.OTHER, start, end)
        except (KeyError, TypeError, ValueError) as error:
            raise ScannerError(f"{self._service.endpoint} answered a find that is none") from error


def _unreachable(service: Service, error: Exception) -> ScannerError:
    problem = "did not answer in time" if isinstance(error, TimeoutError) else f"cannot be asked ({error})"
    return ScannerError(f"{service.endpoint} {problem}")
