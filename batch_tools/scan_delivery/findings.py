"""What is found in one file, gathered as it is read."""

from collections.abc import Sequence

from batch_tools.scan_delivery.phi import Hit, PhiDetector, Text, masked
from genomics.contracts.deliveries import FileState, Finding, gravest

# Of a file's findings, those that are told; the others are counted.
MOST_FINDINGS = 100
# Texts that are looked through at once.
_TEXTS_AT_ONCE = 1000


class UnusableError(Exception):
    """A file is not what it is said to be, and reading on would not tell more. The finding says why."""


class Findings:
    """Findings of one file. Texts are handed to the detector some at a time; `close` hands over the last."""

    def __init__(self, detector: PhiDetector) -> None:
        self._detector = detector
        self._waiting: list[Text] = []
        self._told: list[Finding] = []
        self._states: set[FileState] = set()
        self.more = 0

    @property
    def state(self) -> FileState:
        """The gravest of all."""
        return gravest(self._states)

    @property
    def told(self) -> tuple[Finding, ...]:
        """The findings, the gravest first."""
        order = list(FileState)
        return tuple(sorted(self._told, key=lambda finding: order.index(finding.state)))

    def add(self, finding: Finding) -> None:
        """One more; the first of its state is told however many there are."""
        if len(self._told) < MOST_FINDINGS or finding.state not in self._states:
            self._told.append(finding)
        else:
            self.more += 1
        self._states.add(finding.state)

    def invalid(self, reason: str, *, line: int | None = None, field: str = "") -> None:
        """Something about the file's form."""
        self.add(Finding(FileState.INVALID, reason, line=line, field=field))

    def refuse(self, reason: str, *, line: int | None = None, field: str = "") -> "UnusableError":
        """The same, where reading cannot go on: to be raised."""
        self.invalid(reason, line=line, field=field)
        return UnusableError(reason)

    def look(self, texts: Sequence[Text]) -> None:
        """Have texts looked through for personal information."""
        self._waiting.extend(texts)
        if len(self._waiting) >= _TEXTS_AT_ONCE:
            self._look_through()

    def close(self) -> None:
        """Have the last texts looked through."""
        self._look_through()

    def _look_through(self) -> None:
        texts, self._waiting = self._waiting, []
        if not texts:
            return
        for text, hits in zip(texts, self._detector.find(texts), strict=True):
            for hit in hits:
                self.add(_told(text, hit))


def _told(text: Text, hit: Hit) -> Finding:
    return Finding(
        FileState.PHI,
        f"{hit.kind}: remove it or replace it by a pseudonym",
        line=text.line,
        field=text.field,
        masked=masked(text.text[hit.start : hit.end]),
    )
