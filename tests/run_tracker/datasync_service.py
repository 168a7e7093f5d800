"""DataSync, S3 and SNS over HTTP, as much as the tracker talks to: it answers what botocore's model asks for.

It outlives the trackers that are killed while they talk to it. moto knows neither ListTaskExecutions nor tags on
executions.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TASK_ARN = "arn:aws:datasync:eu-west-1:123456789012:task/task-0123456789abcdef0"
_PUBLISHED = b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"


@dataclass
class Service:
    """What was asked, and what is answered. `misfortune` may be lose_answer, refuse, hide, deny or break."""

    url: str = ""
    executions: list[dict[str, Any]] = field(default_factory=list)
    statuses: dict[str, dict[str, Any]] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    published: list[str] = field(default_factory=list)
    tag_requests: int = 0
    misfortune: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def end(self, status: str = "SUCCESS", **result: str) -> None:
        """Let every execution that goes on end."""
        for execution in self.executions:
            answer = self.statuses[execution["arn"]]
            if answer["Status"] not in ("SUCCESS", "ERROR"):
                self.statuses[execution["arn"]] = {"Status": status, "Result": result}

    def forget(self) -> None:
        """The history of executions ends, as DataSync's does in time."""
        self.executions.clear()
        self.statuses.clear()

    def answer(self, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """One DataSync call."""
        with self.lock:
            if self.misfortune == "break":
                return 500, {"__type": "InternalException", "message": "try later"}
            if self.misfortune == "deny":
                return 400, {"__type": "ExpiredTokenException", "message": "the token has expired"}
            method: dict[str, Any] = {
                "StartTaskExecution": self._start,
                "ListTaskExecutions": self._list,
                "ListTagsForResource": self._tags,
                "DescribeTaskExecution": self._describe,
            }
            return method[operation](request)

    def _start(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.misfortune == "refuse":
            return 400, {"__type": "InvalidRequestException", "message": "the task is busy"}
        arn = f"{TASK_ARN}/execution/exec-{len(self.executions):017x}"
        self.executions.append({"arn": arn, **request})
        self.statuses[arn] = {"Status": "TRANSFERRING"}
        return (0 if self.misfortune == "lose_answer" else 200), {"TaskExecutionArn": arn}

    def _list(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        first = int(request.get("NextToken", "0"))
        # Two to a page, so that pages are followed.
        page = [] if self.misfortune == "hide" else self.executions[first : first + 2]
        answer: dict[str, Any] = {
            "TaskExecutions": [
                {"TaskExecutionArn": execution["arn"], **self.statuses[execution["arn"]]} for execution in page
            ]
        }
        return 200, {**answer, **({"NextToken": str(first + 2)} if first + 2 < len(self.executions) else {})}

    def _tags(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.tag_requests += 1
        found = next(e for e in self.executions if e["arn"] == request["ResourceArn"])
        return 200, {"Tags": found.get("Tags", [])}

    def _describe(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        arn = request["TaskExecutionArn"]
        if arn not in self.statuses:
            return 400, {"__type": "InvalidRequestException", "message": f"Request parameter {arn} is not found."}
        return 200, {"TaskExecutionArn": arn, **self.statuses[arn]}


@contextmanager
def serve() -> Iterator[Service]:
    """A service on a port of its own."""
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            target = self.headers.get("X-Amz-Target", "")
            if not target:
                service.published.append(body.decode())
                self._send(
                    200, b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
                )
                return
            status, answer = service.answer(target.rsplit(".", 1)[-1], json.loads(body))
            if status:
                self._send(status, json.dumps(answer).encode())
            else:
                self.close_connection = True

        def do_PUT(self) -> None:
            if self.headers.get("Expect"):
                self.send_response_only(100)
                self.end_headers()
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            # S3 User Guide, "How to prevent object overwrites with conditional writes".
            if self.headers.get("If-None-Match") == "*" and self.path in service.objects:
                self._send(412, b"<Error><Code>PreconditionFailed</Code></Error>")
                return
            service.objects[self.path] = body
            service.metadata[self.path] = {
                name: value for name, value in self.headers.items() if name.lower().startswith("x-amz-meta-")
            }
            self._send(200, b"")

        def do_HEAD(self) -> None:
            self.send_response(200)
            for name, value in service.metadata[self.path].items():
                self.send_header(name, value)
            self.end_headers()

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 the base class's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
