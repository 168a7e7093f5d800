"""The embedded AWS's own front: what comes in broken is not taken for whole."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from embedded_aws.http_server import HttpServer


class Reader:
    """An application that reads the body of each request, and keeps what it could read."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.is_done = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            self.bodies.append(environ["wsgi.input"].read())
        finally:
            self.is_done.set()
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def server(reader: Reader) -> Iterator[HttpServer]:
    made = HttpServer(0, reader)
    made.start()
    yield made
    made.stop()


def _send(server: HttpServer, body: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"PUT /b/k HTTP/1.1\r\nHost: s3\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            continue


def test_a_body_in_chunks_is_read_whole(server: HttpServer, reader: Reader) -> None:
    _send(server, b"4\r\nACGT\r\n2;x=y\r\nAC\r\n0\r\n\r\n")
    assert reader.bodies == [b"ACGTAC"]


@pytest.mark.parametrize("body", [b"a\r\nACGT", b"4\r\nACGT\r\n", b"4\r\nACGT\r\n2"])
def test_a_body_whose_sender_went_away_is_no_body(server: HttpServer, reader: Reader, body: bytes) -> None:
    _send(server, body)
    assert reader.is_done.wait(10)
    assert reader.bodies == []
