"""Reads a file once: its SHA-256 and, of a FASTQ, whether it has arrived whole.

Records and mates are not compared here: that is the work of the fastp tool, whose refusal stops its sample only.
"""

import hashlib
import zlib
from dataclasses import dataclass, field
from pathlib import Path

_CHUNK = 4 << 20
_GZIP = b"\x1f\x8b"
# The empty block that ends every BGZF file (SAM specification, 4.1.2).
_BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
# Decompressing this much takes 3 s; a larger file is left to the tool that decompresses it anyway.
DECOMPRESSED_SIZE = 256 << 20


class FastqError(ValueError):
    """The file cannot be used; the message continues a sentence that begins with its name."""


@dataclass(frozen=True)
class FileFacts:
    """`sha256` in lower-case hex, `size` in bytes."""

    sha256: str
    size: int


def inspect_file(path: Path) -> FileFacts:
    """Read any file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return FileFacts(digest.hexdigest(), file.tell())


def inspect_fastq(path: Path, *, decompressed_size: int = DECOMPRESSED_SIZE) -> FileFacts:
    """Read a FASTQ, plain or gzip. Raises FastqError where it is none, truncated or damaged.

    A gzip file is decompressed where it is no larger than `decompressed_size` bytes.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(18)
        compressed = start.startswith(_GZIP)
        if not compressed and not start.startswith(b"@"):
            raise FastqError("is neither gzip nor FASTQ" if size else "is empty")
        if compressed and start[12:14] == b"BC":
            file.seek(max(0, size - len(_BGZF_END)))
            if file.read() != _BGZF_END:
                raise FastqError("is truncated: the block that ends a BGZF file is missing")
        file.seek(0)
        stream = _GzipStream() if compressed and size <= decompressed_size else None
        digest = hashlib.sha256()
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            if stream:
                stream.feed(chunk)
    if stream:
        stream.finish()
    return FileFacts(digest.hexdigest(), size)


@dataclass
class _GzipStream:
    """Decompresses a gzip file of any number of members, for its checksums and its first character."""

    member: "zlib._Decompress" = field(default_factory=lambda: zlib.decompressobj(wbits=31))
    lines: int = 0
    has_begun: bool = False

    def feed(self, chunk: bytes) -> None:
        while chunk:
            if self.member.eof:
                # Zero bytes after the last member are padding.
                chunk = chunk.lstrip(b"\0")
                if not chunk:
                    return
                self.member = zlib.decompressobj(wbits=31)
            try:
                text = self.member.decompress(chunk)
            except zlib.error as error:
                raise FastqError(f"is damaged after line {self.lines}: {error}") from error
            if text and not self.has_begun:
                self.has_begun = True
                if not text.startswith(b"@"):
                    raise FastqError("is not FASTQ: its first line does not begin with '@'")
            self.lines += text.count(b"\n")
            chunk = self.member.unused_data

    def finish(self) -> None:
        if not self.member.eof:
            raise FastqError(f"is truncated: its gzip stream ends in the middle, after line {self.lines}")
        if not self.has_begun:
            raise FastqError("holds no reads")
