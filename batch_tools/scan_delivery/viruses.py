"""Virus scanners, whichever a deployment uses, and how a file's content is given to them."""

from dataclasses import dataclass
from typing import Protocol

from genomics.contracts.deliveries import FileState, Finding


class ScannerError(Exception):
    """A scanner crashed, did not answer in time, or answered what makes no sense: nothing is known of the file."""


@dataclass(frozen=True)
class Verdict:
    """CLEAN, INFECTED or UNSCANNABLE, and why: the signature's name or what could not be looked into."""

    state: FileState
    reason: str = ""


CLEAN = Verdict(FileState.CLEAN)


class Scan(Protocol):
    """One content on its way to a scanner."""

    def write(self, data: bytes) -> None:
        """The next bytes; ScannerError where they are not taken."""

    def finish(self) -> Verdict:
        """What the scanner says of all of them; ScannerError where it does not."""

    def abandon(self) -> None:
        """Nobody wants to know any more."""


class VirusScanner(Protocol):
    """Takes contents, one after the other. `largest` is the most bytes of one that it looks into as a whole."""

    largest: int

    def begin(self) -> Scan:
        """A new content; ScannerError where the scanner is not there."""

    def version(self) -> str:
        """Of the scanner and its signatures."""


class WholeContent:
    """Gives a content to the scanner as one, so that archives can be opened; what is too large is UNSCANNABLE."""

    def __init__(self, scanner: VirusScanner) -> None:
        self._scan = scanner.begin()
        self._most = scanner.largest
        self._size = 0

    @property
    def is_too_large(self) -> bool:
        """Whether to read on is of no use."""
        return self._size > self._most

    def write(self, data: bytes) -> None:
        """The next bytes."""
        self._size += len(data)
        if not self.is_too_large:
            self._scan.write(data)

    def finish(self) -> list[Finding]:
        """What is found in all of it."""
        if self.is_too_large:
            self._scan.abandon()
            return [too_large(self._most)]
        return _told(self._scan.finish())

    def abandon(self) -> None:
        """Nobody wants to know any more."""
        self._scan.abandon()


class Windows:
    """Gives a content of any length to the scanner as windows that overlap by more than any signature is long.

    Only for contents of a known format, which hold no archives.
    """

    def __init__(self, scanner: VirusScanner, window_bytes: int, overlap_bytes: int) -> None:
        self._scanner = scanner
        self._window, self._overlap = min(window_bytes, scanner.largest), overlap_bytes
        self._scan = scanner.begin()
        self._size = 0
        self._tail = b""
        self._findings: list[Finding] = []
        self.is_too_large = False

    def write(self, data: bytes) -> None:
        """The next bytes."""
        if self._size and self._size + len(data) > self._window:
            self._findings += _told(self._scan.finish())
            self._scan = self._scanner.begin()
            self._scan.write(self._tail)
            self._size = len(self._tail)
        self._scan.write(data)
        self._size += len(data)
        self._tail = data[-self._overlap :] if len(data) >= self._overlap else (self._tail + data)[-self._overlap :]

    def finish(self) -> list[Finding]:
        """What is found in all of it."""
        return self._findings + _told(self._scan.finish())

    def abandon(self) -> None:
        """Nobody wants to know any more."""
        self._scan.abandon()


def too_large(most: int) -> Finding:
    """What a scanner cannot look into as a whole."""
    reason = f"larger than the {most} bytes that are scanned as a whole: deliver what is in it by itself"
    return Finding(FileState.UNSCANNABLE, reason)


def _told(verdict: Verdict) -> list[Finding]:
    return [] if verdict.state is FileState.CLEAN else [Finding(verdict.state, verdict.reason)]
