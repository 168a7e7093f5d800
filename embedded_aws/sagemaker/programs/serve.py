"""A model behind HTTP on the loopback interface, as SageMaker's containers serve: GET /ping, POST /invocations.

It listens on a free port, of which it tells the service when the model is loaded.
"""

import json
import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.sagemaker.programs import protocol, storage
from genomics.ml.tabular import artefact
from genomics.ml.tabular.artefact import ArtefactError
from genomics.ml.tabular.candidates import Candidate

_CSV = "text/csv"


class Server(ThreadingHTTPServer):
    """Serves one model."""

    daemon_threads = True

    def __init__(self, model: Candidate, outputs: tuple[str, ...], secret: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.model, self.outputs, self.secret = model, outputs, secret


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self._answer(200 if self.path == "/ping" else 404, "")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path != "/invocations" or self.headers.get("Authorization") != self.server.secret:
            self._answer(404, "")
            return
        kind = (self.headers.get("Content-Type") or "").partition(";")[0].strip()
        if kind != _CSV:
            self._answer(415, f"the model reads {_CSV}, not {kind or 'content without a type'}")
            return
        try:
            text = artefact.answer_csv(self.server.model, body.decode(), self.server.outputs)
        except (UnicodeDecodeError, ValueError) as error:
            self._answer(400, f"the body cannot be read as {_CSV}: {error}")
            return
        self._answer(200, text, _CSV)

    def log_message(self, *_: Any) -> None:
        """Requests are in the service's own log."""

    def _answer(self, status: int, text: str, kind: str = "text/plain") -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def main(request: Mapping[str, Any]) -> None:
    """Serve the model of `request["model"]` until the process is ended."""
    model = artefact.load(storage.download(request["model"], Path.cwd()))
    server = Server(model, artefact.outputs_of(request["outputs"]), request["secret"])
    print(f"serving {model.algorithm}: {json.dumps(dict(model.metrics))}")
    protocol.tell("listening", port=server.server_port)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(protocol.run(main, ArtefactError, ClientError, BotoCoreError))
