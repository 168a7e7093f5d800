"""Plays a service of a lab's, the LIMS or the ticket system: keeps what it is told, and answers as it is ordered to."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Told:
    """One request."""

    path: str
    token: str
    key: str
    document: Any


@dataclass
class LabService:
    """`answers` are statuses, or (status, headers) to be given one after the other; then it accepts, with 201."""

    url: str = ""
    told: list[Told] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)

    def accepted(self, path: str = "/") -> list[Any]:
        """The documents that it has taken, each once however often it was sent."""
        return list({told.key: told.document for told in self.told if told.path == path}.values())


@contextmanager
def lab_service() -> Iterator[LabService]:
    """One that listens on this machine."""
    service = LabService()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            order = service.answers.pop(0) if service.answers else 201
            status, headers = order if isinstance(order, tuple) else (order, {})
            if status is not None and status < 400:
                given = self.headers["Authorization"], self.headers["Idempotency-Key"]
                service.told.append(Told(self.path, *given, json.loads(body)))
            if status is None:  # it hangs up
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"said so" if status >= 400 else b"{}")

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        service.url = f"http://127.0.0.1:{server.server_address[1]}/"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield service
        server.shutdown()
        thread.join()
