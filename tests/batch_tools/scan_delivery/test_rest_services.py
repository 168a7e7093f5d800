"""Services elsewhere answer for ours; whatever they do not answer as agreed is an error, never clean."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from batch_tools.scan_delivery.phi import Hit, Kind, Text
from batch_tools.scan_delivery.rest_services import RestPhiDetector, RestVirusScanner, Service
from batch_tools.scan_delivery.viruses import CLEAN, ScannerError, Verdict
from genomics.contracts.deliveries import FileState


class Server(HTTPServer):
    """Answers `answer` with `status`, and remembers what it was asked."""

    status, answer = 200, b"{}"
    asked, secret = b"", ""


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        self.server.secret = self.headers["Authorization"]
        if self.headers.get("Transfer-Encoding") == "chunked":
            self.server.asked = b""
            while size := int(self.rfile.readline(), 16):
                self.server.asked += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            self.server.asked = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), _Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def service(server: Server) -> Service:
    return Service(f"http://127.0.0.1:{server.server_port}/scan?x=1", "s3cret", timeout=5)


def scan(service: Service) -> Verdict:
    one = RestVirusScanner(service).begin()
    one.write(b"first ")
    one.write(b"")
    one.write(b"second")
    return one.finish()


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ({"state": "CLEAN"}, CLEAN),
        ({"state": "INFECTED", "reason": "worm"}, Verdict(FileState.INFECTED, "worm")),
        ({"state": "UNSCANNABLE"}, Verdict(FileState.UNSCANNABLE, "the virus scanner gave no reason")),
    ],
)
def test_the_virus_scanner_is_sent_the_content_and_believed(server, service, answer, verdict):
    server.answer = json.dumps(answer).encode()
    assert scan(service) == verdict
    assert (server.asked, server.secret) == (b"first second", "Bearer s3cret")


@pytest.mark.parametrize(
    ("status", "answer", "problem"),
    [
        (500, b'{"state": "CLEAN"}', "answered 500"),
        (204, b"", "answered 204"),
        (200, b"<html>", "what is no JSON"),
        (200, b'["CLEAN"]', "no JSON object"),
        (200, b'{"state": "clean"}', "answered the state 'clean'"),
        (200, b'{"state": "ERROR"}', "answered the state 'ERROR'"),
        (200, b"{}", "answered the state 'None'"),
    ],
)
def test_whatever_else_it_answers_is_an_error(server, service, status, answer, problem):
    server.status, server.answer = status, answer
    with pytest.raises(ScannerError, match=problem):
        scan(service)
    with pytest.raises(ScannerError):
        RestPhiDetector(service).find([Text("a")])


def test_a_service_that_is_not_there_is_an_error():
    nowhere = Service("http://localhost:1/", "s", timeout=1)
    with pytest.raises(ScannerError, match="cannot be asked"):
        scan(nowhere)
    with pytest.raises(ScannerError, match="cannot be asked"):
        RestPhiDetector(nowhere).find([Text("a")])


def test_the_phi_service_is_sent_texts_and_its_finds_are_taken(server, service):
    server.answer = (
        b'{"hits": [[{"kind": "phone number", "start": 0, "end": 3}, {"kind": "?", "start": 1, "end": 2}], []]}'
    )
    found = RestPhiDetector(service).find([Text("555 x", label="phone"), Text("b")])
    assert found == [[Hit(Kind.PHONE, 0, 3), Hit(Kind.OTHER, 1, 2)], []]
    assert json.loads(server.asked)["texts"][0] == {"text": "555 x", "label": "phone", "place": "value"}


@pytest.mark.parametrize("hits", ["[]", "[[{}]]", '[[{"kind": "x", "start": 0, "end": 9}]]', '[["x"]]', "[1]", "5"])
def test_finds_that_are_none_are_an_error(server, service, hits):
    server.answer = b'{"hits": %b}' % hits.encode()
    with pytest.raises(ScannerError):
        RestPhiDetector(service).find([Text("abc")])


def test_secrets_leave_the_machine_by_https_only():
    with pytest.raises(ValueError, match="is no https:// URL"):
        Service("http://scanner.example.org/", "s")
