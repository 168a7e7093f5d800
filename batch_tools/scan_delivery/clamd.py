"""ClamAV's daemon: started once, kept warm for all files of a delivery, started again when it has died.

`man clamd` and `man clamd.conf` of ClamAV 1.4: INSTREAM, VERSION, and what the options mean.
"""

import contextlib
import os
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from batch_tools.scan_delivery.viruses import CLEAN, ScannerError, Verdict
from genomics.contracts.deliveries import FileState

# clamd takes no larger file (`man clamd.conf`, MaxFileSize: 2 GiB - 1).
_MOST_BYTES = (2 << 30) - 1
_SENT_AT_ONCE = 1 << 20
_ANSWER_BYTES = 4096
_POLL_SECONDS = 0.05
_REPLY = re.compile(r"stream: (?:(OK)|(\S.*) FOUND)")
# What clamd says of contents that it could not look into, with AlertExceedsMax and AlertEncrypted.
_NOT_LOOKED_INTO = ("Heuristics.Limits.Exceeded", "Heuristics.Encrypted")
_NOT_READABLE = "is encrypted, nested too deeply or larger than can be looked into"

_CONFIGURATION = """\
LocalSocket {socket}
DatabaseDirectory {signatures}
TemporaryDirectory {directory}
LogFile {directory}/clamd.log
Foreground yes
FixStaleSocket yes
MaxThreads 10
StreamMaxLength {largest}
MaxFileSize {largest}
MaxScanSize {scanned}
MaxScanTime 0
MaxRecursion {depth}
MaxFiles 20000
HeuristicAlerts yes
AlertExceedsMax yes
AlertEncrypted yes
AlertEncryptedArchive yes
SelfCheck 0
OfficialDatabaseOnly no
"""


class Clamd:
    """A context manager: a daemon of its own while it is open. A VirusScanner, of several threads at a time.

    `signatures` is the directory of its databases; `largest` bytes of one content are looked into, `depth` archives
    within each other; `timeout` seconds is the most that it may take over one content, `start_timeout` over its start.
    """

    def __init__(
        self,
        signatures: Path,
        *,
        largest: int = 512 << 20,
        depth: int = 10,
        timeout: float = 600,
        start_timeout: float = 300,
    ) -> None:
        self.largest = min(largest, _MOST_BYTES)
        self._signatures, self._depth = signatures, depth
        self._timeout, self._start_timeout = timeout, start_timeout
        self._directory = Path()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Clamd":
        self._directory = Path(tempfile.mkdtemp(prefix="clamd-"))
        text = _CONFIGURATION.format(
            socket=self._socket,
            signatures=self._signatures,
            directory=self._directory,
            largest=self.largest,
            scanned=min(4 * self.largest, 2 * _MOST_BYTES),
            depth=self._depth,
        )
        (self._directory / "clamd.conf").write_text(text)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def pid(self) -> int | None:
        """Of the daemon, while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def begin(self) -> "ClamdScan":
        """A new content; the daemon is started if it does not run."""
        return ClamdScan(self._connection())

    def version(self) -> str:
        """As ClamAV prints it: program, number and date of the signatures."""
        connection = self._connection()
        with contextlib.closing(connection), _as_scanner_error():
            connection.sendall(b"zVERSION\0")
            return _answer(connection)

    @property
    def _socket(self) -> Path:
        return self._directory / "socket"

    def _connection(self) -> socket.socket:
        if self.pid is not None:
            # One that was just killed may still seem to run.
            with contextlib.suppress(ConnectionError, FileNotFoundError):
                return self._connected()
        with self._lock:
            # Another thread may have started it meanwhile.
            with contextlib.suppress(OSError):
                return self._connected()
            self._start()
        with _as_scanner_error():
            return self._connected()

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(self._timeout)
        try:
            connection.connect(str(self._socket))
        except OSError:
            connection.close()
            raise
        return connection

    def _start(self) -> None:
        self._stop()
        self._socket.unlink(missing_ok=True)
        command = ["clamd", "--config-file", str(self._directory / "clamd.conf")]
        try:
            self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        except OSError as error:
            raise ScannerError(f"clamd cannot be started ({error.strerror})") from error
        deadline = time.monotonic() + self._start_timeout
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise ScannerError(f"clamd ended as it was started: {self._last_words()}")
            with contextlib.suppress(OSError):
                self._connected().close()
                return
            time.sleep(_POLL_SECONDS)
        self._stop()
        raise ScannerError(f"clamd did not start within {self._start_timeout} seconds")

    def _last_words(self) -> str:
        assert self._process  # noqa: S101 - for the type
        words = self._process.stderr.read().decode(errors="replace") if self._process.stderr else ""
        return " ".join(words.split())[-300:] or f"status {self._process.returncode}"

    def _stop(self) -> None:
        if self._process:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            if self._process.stderr:
                self._process.stderr.close()
            self._process = None


class ClamdScan:
    """One content, over a connection of its own."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        with self._explained():
            connection.sendall(b"zINSTREAM\0")

    def write(self, data: bytes) -> None:
        """The next bytes."""
        with self._explained():
            for start in range(0, len(data), _SENT_AT_ONCE):
                piece = data[start : start + _SENT_AT_ONCE]
                self._connection.sendall(struct.pack(">I", len(piece)) + piece)

    def finish(self) -> Verdict:
        """What clamd says."""
        with self._explained():
            self._connection.sendall(struct.pack(">I", 0))
            answer = _answer(self._connection)
        self._connection.close()
        match = _REPLY.fullmatch(answer)
        if not match:
            raise ScannerError(f"clamd answered {answer[:100]!r}")
        if match[1]:
            return CLEAN
        if match[2].startswith(_NOT_LOOKED_INTO):
            return Verdict(FileState.UNSCANNABLE, f"{_NOT_READABLE} ({match[2]}): deliver what is in it by itself")
        return Verdict(FileState.INFECTED, f"the signature {match[2].removesuffix('.UNOFFICIAL')} matches")

    def abandon(self) -> None:
        """Close the connection."""
        self._connection.close()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            with _as_scanner_error():
                yield
        except ScannerError:
            self._connection.close()
            raise


@contextlib.contextmanager
def _as_scanner_error() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise ScannerError("clamd did not answer in time") from error
    except OSError as error:
        raise ScannerError(f"clamd is gone ({os.strerror(error.errno) if error.errno else error})") from error


def _answer(connection: socket.socket) -> str:
    answer = b""
    while not answer.endswith(b"\0") and len(answer) < _ANSWER_BYTES and (piece := connection.recv(_ANSWER_BYTES)):
        answer += piece
    if not answer.endswith(b"\0"):
        raise ScannerError("clamd is gone (it closed the connection without an answer)")
    return answer.rstrip(b"\0").decode(errors="replace")
