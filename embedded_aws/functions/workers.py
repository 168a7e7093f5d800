"""Warm processes for Lambda functions: each runs one invocation at a time and is kept for the next."""

import json
import os
import select
import shutil
import signal
import sys
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from embedded_aws import faults, memory_limits
from embedded_aws.batch.containers import python_environment
from embedded_aws.context import Context
from embedded_aws.functions import lambda_runtime
from embedded_aws.iam import identity
from embedded_aws.logs.streams import LogStream
from embedded_aws.processes import Lines, Process, drain

_IDLE_SECONDS = 300.0
_CREDENTIAL_SECONDS = 6 * 3600.0
_CHUNK_BYTES = 65536
_TAIL_BYTES = 4096
_MIB = 2**20


@dataclass(frozen=True)
class Definition:
    """What a worker is started for; one that was started for another definition does not serve this one."""

    name: str
    version: str
    arn: str
    handler: str
    role_arn: str
    memory_mb: int
    timeout_seconds: float
    log_group: str
    code: Path
    variables: Mapping[str, str] = field(hash=False)

    @property
    def key(self) -> str:
        """Equal for definitions that a process can serve alike."""
        return repr((self, sorted(self.variables.items())))


@dataclass(frozen=True)
class Answer:
    """An invocation's outcome: the payload, whether it is an error's, and the end of the log (4 KiB at most)."""

    payload: bytes
    is_error: bool
    log_tail: bytes


class Worker:
    """One process of a function's runtime."""

    def __init__(self, context: Context, definition: Definition) -> None:
        began = time.monotonic()
        self.definition = definition
        self.scratch = context.directory("scratch", uuid.uuid4().hex)
        self.started_at = self.idle_since = began
        stream = f"{datetime.now(UTC):%Y/%m/%d}/[{definition.version}]{uuid.uuid4().hex}"
        writer = identity.role(definition.role_arn, definition.name)
        self._log = LogStream(context, definition.log_group, stream, writer=writer, by="lambda")
        for_worker, self._requests = os.pipe()
        self._answers, from_worker = os.pipe()
        self._rest = b""
        self._begun = False
        try:
            self._process = Process(
                [sys.executable, "-u", lambda_runtime.__file__, str(for_worker), str(from_worker)],
                environment=self._environment(context, stream),
                directory=definition.code,
                descriptors=(for_worker, from_worker),
            )
        finally:
            os.close(for_worker)
            os.close(from_worker)
        self._memory = memory_limits.watch(self._process, definition.memory_mb * _MIB)

    def invoke(self, event: str, request_id: str) -> tuple[Answer, bool]:
        """Run the handler on `event`, a JSON text; the outcome, and whether the worker can be used again."""
        definition = self.definition
        tail = _Tail(self._log)
        tail.write([f"START RequestId: {request_id} Version: {definition.version}"])
        began = time.monotonic()
        deadline = began + definition.timeout_seconds
        request = {
            "request_id": request_id,
            "function_arn": definition.arn,
            "deadline": time.time() + definition.timeout_seconds,
            "event": json.loads(event),
        }
        try:
            if faults.take(faults.Fault.CRASH, function=definition.name):
                self._process.signal(signal.SIGKILL)
                raise EOFError
            _write_all(self._requests, json.dumps(request).encode() + b"\n")
            line = self._answer(tail, deadline)
            payload, is_error, usable = _outcome(line, request_id, definition.timeout_seconds)
        except (BrokenPipeError, EOFError):
            payload, is_error, usable = self._crashed(request_id), True, False
        milliseconds = (time.monotonic() - began) * 1000
        if not usable:
            tail.write(
                [
                    f"{datetime.now(UTC).isoformat(timespec='milliseconds')[:-6]}Z {request_id} "
                    f"{json.loads(payload)['errorMessage'].partition('Error: ')[2]}"
                ]
            )
        tail.write([f"END RequestId: {request_id}", self._report(request_id, milliseconds)])
        return Answer(payload, is_error, tail.tail()), usable

    def close(self) -> None:
        """End the process and remove its files."""
        memory_limits.release(self._memory)
        self._process.end()
        self._process.close()
        os.close(self._requests)
        os.close(self._answers)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def _answer(self, tail: "_Tail", deadline: float) -> bytes | None:
        """The runtime's answer, or None when the time is up. EOFError when the process ends instead."""
        lines = Lines(tail.write)
        poll = select.poll()
        poll.register(self._answers, select.POLLIN)
        poll.register(self._process.output, select.POLLIN)
        try:
            while (left := deadline - time.monotonic()) > 0:
                ready = {descriptor for descriptor, _ in poll.poll(left * 1000 + 1)}
                if self._process.output in ready:
                    chunk = os.read(self._process.output, _CHUNK_BYTES)
                    lines.add(chunk)
                    if not chunk:
                        poll.unregister(self._process.output)
                if self._answers in ready:
                    chunk = os.read(self._answers, _CHUNK_BYTES)
                    if not chunk:
                        raise EOFError
                    answer, found, self._rest = (self._rest + chunk).partition(b"\n")
                    if found:
                        return answer
                    self._rest = answer
            self._process.end()
            return None
        finally:
            lines.add(drain(self._process.output))
            lines.end()

    def _crashed(self, request_id: str) -> bytes:
        code = self._process.end()
        how = f"signal: {_signal_name(code - 128)}" if code > 128 else f"exit status {code}"
        return json.dumps(
            {
                "errorType": "Runtime.ExitError",
                "errorMessage": f"RequestId: {request_id} Error: Runtime exited with error: {how}",
            }
        ).encode()

    def _report(self, request_id: str, milliseconds: float) -> str:
        fields = [
            f"REPORT RequestId: {request_id}",
            f"Duration: {milliseconds:.2f} ms",
            f"Billed Duration: {int(milliseconds) + 1} ms",
            f"Memory Size: {self.definition.memory_mb} MB",
            f"Max Memory Used: {_peak_memory_mb(self._process.pid)} MB",
        ]
        return "\t".join(fields)

    def _environment(self, context: Context, stream: str) -> dict[str, str]:
        definition = self.definition
        temporary = self.scratch / "tmp"
        temporary.mkdir()
        return {
            **identity.process_environment(context, definition.role_arn, definition.name),
            "TMPDIR": str(temporary),
            **python_environment(definition.code),
            "TZ": ":UTC",
            "LAMBDA_TASK_ROOT": str(definition.code),
            "_HANDLER": definition.handler,
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11",
            "AWS_LAMBDA_FUNCTION_NAME": definition.name,
            "AWS_LAMBDA_FUNCTION_VERSION": definition.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(definition.memory_mb),
            "AWS_LAMBDA_LOG_GROUP_NAME": definition.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": stream,
            **definition.variables,
        }


class Workers:
    """All workers of the instance. At most `limit` invocations of a function run at once; further ones wait."""

    def __init__(self, context: Context, limit: int) -> None:
        self._context = context
        self._turns: dict[str, threading.Semaphore] = defaultdict(lambda: threading.Semaphore(limit))
        self._idle: dict[str, list[Worker]] = defaultdict(list)
        self._lock = threading.Lock()

    def invoke(self, definition: Definition, event: str, request_id: str) -> Answer:
        """Run one invocation in a warm process, or in a new one."""
        with self._lock:
            turns = self._turns[definition.name]
        with turns:
            worker = self._take(definition) or Worker(self._context, definition)
            usable = False
            try:
                answer, usable = worker.invoke(event, request_id)
            finally:
                self._put_back(worker, usable)
        return answer

    def _take(self, definition: Definition) -> Worker | None:
        now = time.monotonic()
        with self._lock:
            mine = self._idle[definition.name]
            found = [worker for worker in mine if worker.definition.key == definition.key]
            worker = found[-1] if found else None
            if worker is not None:
                mine.remove(worker)
            stale = [
                idle
                for workers in self._idle.values()
                for idle in workers
                if now - idle.idle_since > _IDLE_SECONDS
                or now - idle.started_at > _CREDENTIAL_SECONDS
                or (idle.definition.name == definition.name and idle.definition.key != definition.key)
            ]
            for idle in stale:
                self._idle[idle.definition.name].remove(idle)
        for idle in stale:
            idle.close()
        return worker

    def _put_back(self, worker: Worker, usable: bool) -> None:
        if not usable:
            worker.close()
            return
        worker.idle_since = time.monotonic()
        with self._lock:
            self._idle[worker.definition.name].append(worker)


class _Tail:
    """Writes to the log and keeps its end."""

    def __init__(self, log: LogStream) -> None:
        self._log = log
        self._kept = b""

    def write(self, lines: list[str]) -> None:
        self._log.write(lines)
        self._kept = (self._kept + "".join(f"{line}\n" for line in lines).encode())[-_TAIL_BYTES:]

    def tail(self) -> bytes:
        return self._kept


def _outcome(line: bytes | None, request_id: str, timeout_seconds: float) -> tuple[bytes, bool, bool]:
    """Payload, whether it is an error's, whether the worker is still good."""
    if line is None:
        message = f"RequestId: {request_id} Error: Task timed out after {timeout_seconds:.2f} seconds"
        return json.dumps({"errorType": "Sandbox.Timedout", "errorMessage": message}).encode(), True, False
    answer = json.loads(line)
    if "error" in answer:
        return json.dumps(answer["error"]).encode(), True, True
    return str(answer["result"]).encode(), False, True


def _peak_memory_mb(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    sizes = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(sizes[0]) // 1024 if sizes else 0


def _signal_name(number: int) -> str:
    return {6: "aborted", 9: "killed", 11: "segmentation fault", 15: "terminated"}.get(number, str(number))


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
