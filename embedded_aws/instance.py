"""Starting, finding and stopping an embedded AWS: what the command line and the tests use.

An instance belongs to its data directory. While it lives, its process holds a lock on a file there, so that a killed
one is never mistaken for a running one, whatever became of its process id.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from embedded_aws import orphans
from embedded_aws.context import OPERATOR_ENVIRONMENT
from embedded_aws.rotated_files import rotate_when_large

DEFAULT_PORT = 4599
READY_PATH = "/_embedded/ready"
_STATE, _LOCK, _LOG = "instance.json", "instance.lock", "embedded_aws.log"
# What an instance makes below its data directory; the lock stays, for whoever waits for it.
_HELD = (
    *("state.sqlite*", "objects", "file-systems"),
    *("functions", "athena-cache", "glue", "home", "image-sources", "mail", "scratch", "tmp"),
    *("requests.jsonl*", f"{_LOG}*", _STATE),
)

Progress = Callable[[str], None]


class InstanceError(RuntimeError):
    """An instance cannot be started, found or stopped; the message says why in one line."""


@dataclass(frozen=True)
class Instance:
    """A running embedded AWS. `data` is its directory, `pid` its process, also the id of its process group."""

    data: Path
    port: int
    pid: int
    account: str
    region: str

    @property
    def endpoint(self) -> str:
        """URL of every service, the value of AWS_ENDPOINT_URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What the process printed."""
        return self.data / _LOG

    def environment(self) -> dict[str, str]:
        """Variables that point any AWS client at this instance, as its operator."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            **OPERATOR_ENVIRONMENT,
        }

    def readiness(self) -> dict[str, Any]:
        """What GET /_embedded/ready answers.

        `ready`; then `stacks`, `executing`, `inert`, `inert_types` (type to reason), and what `seconds` went into;
        before, `progress`; or `error`.
        """
        return _probe(self.port)


def find(data: Path) -> Instance | None:
    """The instance that runs on `data`, or None. What a killed one left behind counts as none."""
    state = data / _STATE
    if not state.exists() or not _is_locked(data / _LOCK):
        return None
    try:
        document = json.loads(state.read_text())
        began = document.pop("began")
        instance = Instance(**{**document, "data": Path(document["data"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    # The lock may be held by its successor, which has not yet said where it is, or by somebody who clears up after it.
    return instance if began == _began(instance.pid) else None


def _began(pid: int) -> str | None:
    """When a living process began, in clock ticks since the machine did: with its id, what no other process has."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state in "ZX" else rest[18]


@dataclass(frozen=True)
class Spawned:
    """A process that is to become an instance. `log_starts_at` is where its own words begin in the log."""

    process: "subprocess.Popen[bytes]"
    log_starts_at: int

    def tell(self, cloud_assembly: Path) -> None:
        """Say what to deploy, to a process that waits for it."""
        with contextlib.suppress(BrokenPipeError):  # it has ended, and its last words say why
            assert self.process.stdin is not None  # noqa: S101 a pipe was asked for
            self.process.stdin.write(f"{cloud_assembly.absolute()}\n".encode())
            self.process.stdin.close()


@contextmanager
def warming_up(data: Path, port: int) -> Iterator[Spawned]:
    """A process for `start` that does meanwhile what needs no templates; it ends with the block unless it was told."""
    spawned = _spawn(data, port, "-", stdin=subprocess.PIPE)
    try:
        yield spawned
    finally:
        if spawned.process.stdin and not spawned.process.stdin.closed:
            _end(spawned.process.pid)
            spawned.process.communicate()


def _spawn(data: Path, port: int, cloud_assembly: str, *, stdin: int) -> Spawned:
    data.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "embedded_aws", "--port", str(port), "--data", str(data.absolute())]
    command += ["--cloud-assembly", cloud_assembly]
    rotate_when_large(data / _LOG)
    with (data / _LOG).open("ab") as log:
        log_starts_at = log.tell()
        process = subprocess.Popen(
            command, stdin=stdin, stdout=log, stderr=log, start_new_session=True, env=_server_environment()
        )
    return Spawned(process, log_starts_at)


def start(
    data: Path,
    port: int,
    cloud_assembly: Path,
    progress: Progress | None = None,
    *,
    warm: Spawned | None = None,
    timeout_seconds: float = 120,
) -> Instance:
    """Start a process on `data` (or take the one that runs there) and wait until every stack is deployed.

    `port` 0 takes a free one; `warm` is a process of `warming_up` on the same. `progress` is told what is being done,
    a line at a time. Raises InstanceError.
    """
    running = find(data)
    if running and not (warm and warm.process.pid == running.pid):
        return wait_until_ready(running, progress, timeout_seconds=timeout_seconds)
    if warm:
        warm.tell(cloud_assembly)
    spawned = warm or _spawn(data, port, str(cloud_assembly.absolute()), stdin=subprocess.DEVNULL)
    process, log_starts_at = spawned.process, spawned.log_starts_at
    deadline = time.monotonic() + timeout_seconds
    while (instance := find(data)) is None:
        if process.poll() is not None:
            raise InstanceError(_last_words(data / _LOG, log_starts_at))
        if time.monotonic() > deadline:
            _end(process.pid)
            raise InstanceError(f"the embedded AWS did not start within {timeout_seconds:.0f} s; see {data / _LOG}")
        time.sleep(0.02)
    return wait_until_ready(instance, progress, timeout_seconds=deadline - time.monotonic())


def wait_until_ready(instance: Instance, progress: Progress | None = None, *, timeout_seconds: float = 120) -> Instance:
    """Return `instance` when it has deployed all stacks. Raises InstanceError with its reason when it cannot."""
    deadline = time.monotonic() + timeout_seconds
    told = ""
    while time.monotonic() < deadline:
        if find(instance.data) is None:
            raise InstanceError(_last_words(instance.log, 0))
        answer = instance.readiness()
        if answer.get("ready"):
            return instance
        if error := answer.get("error"):
            raise InstanceError(str(error))
        if progress and (line := str(answer.get("progress", ""))) and line != told:
            progress(told := line)
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.kill(instance.pid, signal.SIGUSR1)
    raise InstanceError(f"the embedded AWS was not ready within {timeout_seconds:.0f} s; see {instance.log}")


def stop(data: Path, *, timeout_seconds: float = 20) -> bool:
    """Stop the instance on `data` with all its processes; False when none runs there.

    What one that was killed has left running is ended too.
    """
    instance = find(data)
    if instance is None:
        _clear(data)
        return False
    os.kill(instance.pid, signal.SIGTERM)
    deadline = time.monotonic() + timeout_seconds
    while _is_locked(data / _LOCK):
        if time.monotonic() > deadline:
            # Its log then says where it hangs.
            os.kill(instance.pid, signal.SIGUSR1)
            time.sleep(0.2)
            os.kill(instance.pid, signal.SIGKILL)
            break
        time.sleep(0.02)
    _clear(data)
    return True


def erase(data: Path) -> None:
    """Delete what the instance on `data` holds, and nothing else there. Raises InstanceError while one runs."""
    data.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(data / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        if not _lock(descriptor, timeout_seconds=2):
            raise InstanceError(f"an embedded AWS runs on {data}; `genomics down` stops it")
        for path in (path for pattern in _HELD for path in data.glob(pattern)):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    finally:
        os.close(descriptor)


def _clear(data: Path) -> None:
    """Remove every trace of a dead instance; of a living one, which may just have been started, none."""
    try:
        descriptor = os.open(data / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if _lock(descriptor, timeout_seconds=2):
            orphans.end(data)
            (data / _STATE).unlink(missing_ok=True)
    finally:
        os.close(descriptor)


@contextmanager
def hold(instance: Instance) -> Iterator[None]:
    """Held by the instance's own process as long as it lives. Raises InstanceError when another holds `data`."""
    descriptor = os.open(instance.data / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    if not _lock(descriptor, timeout_seconds=0.5):
        os.close(descriptor)
        raise InstanceError(f"another embedded AWS runs on {instance.data}; `genomics down` stops it")
    try:
        document = {**asdict(instance), "data": str(instance.data), "began": _began(instance.pid)}
        _write_atomically(instance.data / _STATE, json.dumps(document))
        yield
    finally:
        (instance.data / _STATE).unlink(missing_ok=True)
        os.close(descriptor)


def _lock(descriptor: int, *, timeout_seconds: float) -> bool:
    # A look whether the lock is held takes it for a moment, so one failure does not say that it is.
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        else:
            return True


def _is_locked(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        # Shared, so that those who look at the same time do not take each other for an instance.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _probe(port: int) -> dict[str, Any]:
    # The machine's proxy would look for the instance on itself.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"http://127.0.0.1:{port}{READY_PATH}", timeout=5) as response:
            body = response.read()
    except urllib.error.HTTPError as error:
        body = error.read()
    except OSError:
        return {"ready": False}
    try:
        document = json.loads(body)
    except ValueError:
        return {"ready": False}
    return document if isinstance(document, dict) else {"ready": False}


def _server_environment() -> Mapping[str, str]:
    """The operator's environment without what would lead the server to a real account, another instance or a proxy."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AWS_") and not name.lower().endswith("_proxy")
    }


def _last_words(log: Path, offset: int) -> str:
    with log.open("rb") as file:
        file.seek(offset)
        lines = file.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"the embedded AWS ended without a word; see {log}"


def _end(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _write_atomically(path: Path, text: str) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text)
    temporary.replace(path)
