"""A small threaded HTTP/1.1 server for a WSGI application on the loopback interface.

It keeps connections open, which werkzeug's own never does, and so spares each call a connection and a thread.
"""

import io
import socketserver
import sys
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import unquote_to_bytes

from moto.core.request import (
    PRESERVED_HEADER_NAMES_ENVIRON_KEY,
    environ_key_for_header,
    should_preserve_original_header_name,
)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

# Marks what came in over a connection: whoever sent it may be a client of an earlier life.
CONNECTION = "embedded_aws.connection"

_LONGEST_LINE = 65536
_DRAIN_LIMIT = 1 << 20
_BODYLESS = (204, 304)
_FORM, _OBJECT = "application/x-www-form-urlencoded", "binary/octet-stream"


class HttpServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Serves `application` on 127.0.0.1; port 0 takes a free one."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256
    block_on_close = False

    def __init__(self, port: int, application: Application) -> None:
        self.application = application
        self._serving: threading.Thread | None = None
        super().__init__(("127.0.0.1", port), _Connection)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Serve in a thread."""
        self._serving = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True, name="http"
        )
        self._serving.start()

    def stop(self) -> None:
        """Give the port back; afterwards it is free."""
        # While the thread waits for connections, the kernel keeps the socket open, closed or not.
        if self._serving:
            self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are no error; anything else is printed."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Body(io.RawIOBase):
    """The body of one request: as many bytes as its Content-Length says."""

    def __init__(self, stream: io.BufferedIOBase, length: int) -> None:
        self._stream, self.remaining = stream, length

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self.remaining)
        if not count:
            return 0
        read = self._stream.readinto(memoryview(buffer)[:count])
        self.remaining -= read
        return read


class _ChunkedBody(io.RawIOBase):
    """The body of one request that is sent in chunks."""

    def __init__(self, stream: io.BufferedIOBase) -> None:
        self._stream, self._chunk, self.remaining = stream, 0, 1

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self.remaining:
            return 0
        if not self._chunk:
            size = self._stream.readline(_LONGEST_LINE).split(b";")[0].strip()
            if not size:
                raise ConnectionError("the client went away in the middle of a body")
            self._chunk = int(size, 16)
            if not self._chunk:
                while self._stream.readline(_LONGEST_LINE).strip():
                    continue
                self.remaining = 0
                return 0
        read = self._stream.readinto(memoryview(buffer)[: self._chunk])
        if not read:
            raise ConnectionError("the client went away in the middle of a body")
        self._chunk -= read
        if not self._chunk:
            self._stream.readline(_LONGEST_LINE)
        return read


class _Connection(socketserver.StreamRequestHandler):
    rbufsize = 1 << 16
    disable_nagle_algorithm = True
    server: HttpServer
    reasons: ClassVar[dict[int, str]] = {status.value: status.phrase for status in HTTPStatus}

    def handle(self) -> None:
        while self._handle_one():
            continue

    def _handle_one(self) -> bool:
        """Serve one request; False when the connection is to be closed."""
        line = self.rfile.readline(_LONGEST_LINE)
        if not line.strip():
            return False
        method, target, version = line.decode("latin-1").split()
        headers = list(self._read_headers())
        environ = self._environ(method, target, headers)
        keep = version == "HTTP/1.1" and environ.get("HTTP_CONNECTION", "").lower() != "close"
        if environ.get("HTTP_EXPECT", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = environ["wsgi.input"].raw
        self._respond(environ, method, keep=keep)
        return keep and self._drain(body)

    def _read_headers(self) -> Iterable[tuple[str, str]]:
        while line := self.rfile.readline(_LONGEST_LINE).rstrip(b"\r\n"):
            name, _, value = line.decode("latin-1").partition(":")
            yield name, value.strip()

    def _environ(self, method: str, target: str, headers: list[tuple[str, str]]) -> dict[str, Any]:
        if target.startswith("http://"):
            target = "/" + target[7:].partition("/")[2]
        path, _, query = target.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "RAW_URI": target,
            "REQUEST_URI": target,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": str(self.server.port),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self.client_address[0],
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        add_headers(environ, headers)
        environ[CONNECTION] = True
        if method == "PUT" and environ.get("CONTENT_TYPE", "").startswith(_FORM):
            # What a client says of an object that it sends without knowing its kind; moto would take it for a form.
            environ["CONTENT_TYPE"] = _OBJECT
        stream: Any = self.rfile
        if environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
            environ["wsgi.input_terminated"] = True
            environ["wsgi.input"] = io.BufferedReader(_ChunkedBody(stream))
        else:
            environ["wsgi.input"] = io.BufferedReader(_Body(stream, int(environ.get("CONTENT_LENGTH") or 0)))
        return environ

    def _respond(self, environ: dict[str, Any], method: str, *, keep: bool) -> None:
        answer: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            answer.update(status=status, headers=headers)

        content = self.server.application(environ, start_response)
        try:
            blocks = iter(content)
            first = next(blocks, b"")
            code = int(answer["status"].split()[0])
            names = {name.lower() for name, _ in answer["headers"]}
            bodyless = method == "HEAD" or code in _BODYLESS
            chunked = "content-length" not in names and not bodyless
            head = [f"HTTP/1.1 {code} {self.reasons.get(code, 'Unknown')}"]
            head += [f"{name}: {value}" for name, value in answer["headers"] if name.lower() != "connection"]
            if chunked:
                head.append("Transfer-Encoding: chunked")
            if not keep:
                head.append("Connection: close")
            start = ("\r\n".join(head) + "\r\n\r\n").encode("latin-1")
            if bodyless:
                self.wfile.write(start)
                return
            self.wfile.write(start + (_chunk(first) if chunked else first))
            for block in blocks:
                self.wfile.write(_chunk(block) if chunked else block)
            if chunked:
                self.wfile.write(b"0\r\n\r\n")
        finally:
            if close := getattr(content, "close", None):
                close()

    def _drain(self, body: _Body | _ChunkedBody) -> bool:
        """Read what the application left unread, unless that is much: then the connection is given up."""
        left = 0
        while block := body.read(65536):
            left += len(block)
            if left > _DRAIN_LIMIT:
                return False
        return not body.remaining


def add_headers(environ: dict[str, Any], headers: Iterable[tuple[str, str]]) -> None:
    """Put the headers of a request that came in into its WSGI environment. Metadata keeps the spelling of its names."""
    preserved: dict[str, str] = {}
    for name, value in headers:
        if "_" in name and not should_preserve_original_header_name(name):
            continue
        key = environ_key_for_header(name)
        if "_" in name:
            preserved[key] = name
        environ[key] = f"{environ[key]},{value}" if key in environ and key.startswith("HTTP_") else value
    environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = preserved


def _chunk(block: bytes) -> bytes:
    return f"{len(block):x}\r\n".encode() + block + b"\r\n" if block else b""
