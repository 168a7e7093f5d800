"""Reads a file once: its SHA-256 and, of a FASTQ, whether it is whole and how many reads it holds."""

import hashlib
import zlib
from dataclasses import dataclass, field
from pathlib import Path

_CHUNK = 4 << 20
_GZIP = b"\x1f\x8b"
# The empty block that ends every BGZF file (SAM specification, 4.1.2).
_BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_END = 64
# Decompression costs 3 s for this much; of larger files fastp is the judge, at its sample only.
COUNTED_SIZE = 256 << 20


class FastqError(ValueError):
    """The file cannot be used; the message continues a sentence that begins with its name."""


@dataclass(frozen=True)
class FileFacts:
    """`sha256` in hex, `size` in bytes; `reads` is None of a FASTQ too large to be counted, and of other files."""

    sha256: str
    size: int
    reads: int | None


def inspect_file(path: Path) -> FileFacts:
    """Read any file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return FileFacts(digest.hexdigest(), file.tell(), None)


def inspect_fastq(path: Path, *, counted_size: int = COUNTED_SIZE) -> FileFacts:
    """Read the file, plain or gzip. Raises FastqError where it is no FASTQ, truncated or damaged."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(18)
        compressed = start.startswith(_GZIP)
        if not compressed and not start.startswith(b"@"):
            raise FastqError("is empty" if not size else "is neither gzip nor FASTQ")
        if compressed and start[12:14] == b"BC":
            file.seek(max(0, size - len(_BGZF_END)))
            if file.read() != _BGZF_END:
                raise FastqError("is truncated: the block that ends a BGZF file is missing")
        file.seek(0)
        counter = (_GzipLines() if compressed else _Lines()) if size <= counted_size else None
        digest = hashlib.sha256()
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            if counter:
                counter.feed(chunk)
    return FileFacts(digest.hexdigest(), size, counter.reads() if counter else None)


@dataclass
class _Lines:
    """Counts lines, and looks at the first record."""

    lines: int = 0
    start: bytes = b""
    end: bytes = b""

    def feed(self, chunk: bytes) -> None:
        if self.start.count(b"\n") < 4 and len(self.start) < _CHUNK:
            self.start += chunk[:_CHUNK]
        self.lines += chunk.count(b"\n")
        self.end = (self.end + chunk)[-_END:] if len(chunk) < _END else chunk[-_END:]

    def reads(self) -> int:
        if not self.end.strip():
            raise FastqError("holds no reads")
        first = self.start.split(b"\n", 4)
        if not first[0].startswith(b"@") or (len(first) > 2 and not first[2].startswith(b"+")):
            raise FastqError(f"is not FASTQ: its first line reads {first[0][:40].decode(errors='replace')!r}")
        lines = self.lines + (not self.end.endswith(b"\n"))
        # Blank lines may follow the last record, whose own last line may be blank too.
        blank = self.end.replace(b"\r", b"")
        blank_lines = len(blank) - len(blank.rstrip(b"\n"))
        for extra in range(max(0, blank_lines - 1), -1, -1):
            if (lines - extra) % 4 == 0:
                return (lines - extra) // 4
        raise FastqError(f"is truncated: it ends at line {lines}, inside read {lines // 4 + 1}")


@dataclass
class _GzipLines(_Lines):
    """The same of what is inside a gzip file of any number of members."""

    member: "zlib._Decompress" = field(default_factory=lambda: zlib.decompressobj(wbits=31))

    def feed(self, chunk: bytes) -> None:
        while chunk:
            if self.member.eof:
                # Zero bytes after the last member are padding.
                chunk = chunk.lstrip(b"\0")
                if not chunk:
                    return
                self.member = zlib.decompressobj(wbits=31)
            try:
                super().feed(self.member.decompress(chunk))
            except zlib.error as error:
                raise FastqError(f"is damaged after line {self.lines}: {error}") from error
            chunk = self.member.unused_data

    def reads(self) -> int:
        if not self.member.eof:
            raise FastqError(f"is truncated: its gzip stream ends early, after line {self.lines}")
        return super().reads()
