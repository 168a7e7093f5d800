"""One file, read once: its checksum, its form, what in it is personal, and what a virus scanner says of it."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import BufferedReader

from batch_tools.scan_delivery.content import Content
from batch_tools.scan_delivery.findings import Findings, UnusableError
from batch_tools.scan_delivery.inspection import (
    LINES,
    beginning_of,
    inspect,
    look_at_name,
    look_at_packed_names,
    looks_like,
    refuse_other,
)
from batch_tools.scan_delivery.phi import PhiDetector
from batch_tools.scan_delivery.viruses import ScannerError, VirusScanner, WholeContent, Windows, too_large
from genomics.contracts.deliveries import Agreement, DeliveredFile, FileFormat, FileState, FileVerdict, Finding

# A window is scanned together with this much of the one before: more than any signature is long.
_OVERLAP_BYTES = 1 << 20
# A line of VCF has this many bytes with some ten million samples.
_LONGEST_LINE = 128 << 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scanners:
    """What files are given to. `attempts` are made with a scanner that fails; windows are of `window_bytes`."""

    viruses: VirusScanner
    phi: PhiDetector
    attempts: int = 3
    window_bytes: int = 64 << 20


@dataclass(frozen=True)
class Opened:
    """A file as it is read: its pieces, and what S3 says of the object."""

    pieces: Iterator[bytes]
    etag: str = ""
    version_id: str = ""


# Opens a file for one attempt; closed at its end.
Opener = Callable[[], AbstractContextManager[Opened]]


def scan_file(file: DeliveredFile, opener: Opener, scanners: Scanners, agreement: Agreement) -> FileVerdict:
    """A verdict on one file; ERROR if no attempt came to an end, which is no word about the file."""
    problem = ""
    for attempt in range(1, scanners.attempts + 1):
        try:
            with opener() as opened:
                return _scan(file, opened, scanners, agreement, attempt)
        except (ScannerError, MemoryError, OSError) as error:
            problem = " ".join(str(error).split()) or type(error).__name__
            _log.warning("%s: attempt %d of %d: %s", file.path, attempt, scanners.attempts, problem)
    finding = Finding(FileState.ERROR, f"it could not be scanned: {problem}; scan it again")
    return FileVerdict(file.path, FileState.ERROR, file.size, findings=(finding,), attempts=scanners.attempts)


def _scan(file: DeliveredFile, opened: Opened, scanners: Scanners, agreement: Agreement, attempt: int) -> FileVerdict:
    findings = Findings(scanners.phi)
    look_at_name(file.path, findings)
    sha256 = ""
    if file.format is FileFormat.OTHER and file.size > scanners.viruses.largest:
        findings.add(too_large(scanners.viruses.largest))
    else:
        sha256 = _read(file, opened, scanners, agreement, findings)
    if file.format is FileFormat.OTHER:
        refuse_other(findings)
    findings.close()
    return FileVerdict(
        path=file.path,
        state=findings.state,
        size=file.size,
        sha256=sha256,
        etag=opened.etag,
        version_id=opened.version_id,
        findings=findings.told,
        more=findings.more,
        attempts=attempt,
    )


def _read(file: DeliveredFile, opened: Opened, scanners: Scanners, agreement: Agreement, findings: Findings) -> str:
    """Read all of a file; returns its SHA-256, or nothing where reading on was of no use."""
    held: list[bytes] = []
    content = Content(opened.pieces, held.append)
    stream = content.buffered()
    beginning = beginning_of(stream)
    is_known = file.format is not FileFormat.OTHER and looks_like(file.format, beginning)
    viruses: WholeContent | Windows = (
        Windows(scanners.viruses, scanners.window_bytes, _OVERLAP_BYTES) if is_known else WholeContent(scanners.viruses)
    )
    if is_known and file.format in LINES:
        content.longest_line = _LONGEST_LINE
    try:
        content.send_to(viruses.write, held)
        if is_known:
            _inspect(stream, content, findings, file, agreement)
        elif file.format is not FileFormat.OTHER:
            findings.invalid(_not_as_said(file, beginning))
        content.drain(until=lambda: viruses.is_too_large)
        for finding in viruses.finish():
            findings.add(finding)
    except BaseException:
        viruses.abandon()
        raise
    if viruses.is_too_large:
        return ""
    look_at_packed_names(content, findings)
    if content.damage:
        findings.invalid(content.damage)
    _compare(file, content, findings)
    return content.sha256


def _inspect(
    stream: BufferedReader, content: Content, findings: Findings, file: DeliveredFile, agreement: Agreement
) -> None:
    try:
        inspect(stream, content, findings, path=file.path, format_=file.format, agreement=agreement)
    except UnusableError as unusable:
        _log.info("%s: %s", file.path, unusable)


def _compare(file: DeliveredFile, content: Content, findings: Findings) -> None:
    if content.size != file.size:
        findings.invalid(f"{content.size} bytes, the manifest says {file.size}: send it again")
    elif content.sha256 != file.sha256:
        findings.invalid(f"its SHA-256 is {content.sha256}, the manifest says {file.sha256}: send it again")


def _not_as_said(file: DeliveredFile, beginning: bytes) -> str:
    if not beginning:
        return f"it is empty, {file.format} was said"
    return f"it does not begin as {file.format} does: correct the manifest, or send another file"
