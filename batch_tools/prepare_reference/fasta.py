"""A FASTA, read and checked as a stream, and written as the tools want it: plain, with lines of one length."""

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from batch_tools.tool_runtime.errors import ToolError

# What SAM allows as a reference's name, less what a region or a VCF could not hold.
_NAME = re.compile(rb"[0-9A-Za-z!#$%&+./:;?@^_|~-][0-9A-Za-z!#$%&*+./:;=?@^_|~-]*")
_BASES = b"ACGTNRYSWKMBDHVacgtnryswkmbdhv"
_LINE_BASES = 60
_BUFFER_BASES = 60 << 14


class FastaError(ToolError):
    """A FASTA cannot be used. The message is `<file> line <number>: <what is wrong>`."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(f"{path.name} line {line}: {problem}")


def write_checked(source: Path, target: Path) -> dict[str, int]:
    """Write the FASTA `source` (plain, gzip or BGZF) to `target`; returns each contig's length in bases.

    Sequence is kept as it is, in lines of 60 bases; names end at the first space; blank lines are dropped. FastaError
    names the line of what cannot be used: no title, a name that is missing, strange or there twice, a contig without
    bases, a character that is no base, damage.
    """
    with target.open("wb") as stream:
        writer = _Writer(stream)
        title = 0
        for number, line in _lines(source):
            text = line.strip()
            if text.startswith(b">"):
                _close(source, writer, title)
                writer.begin(_checked_name(source, number, text, writer.lengths))
                title = number
            elif text:
                if not title:
                    raise FastaError(source, number, "expected a title that begins with '>'")
                if strange := text.translate(None, _BASES):
                    raise FastaError(source, number, f"{_shown(strange[:1])} is not a base")
                writer.add(text)
        if not title:
            raise FastaError(source, 1, "the file is empty")
        _close(source, writer, title)
    return {name.decode(): length for name, length in writer.lengths.items()}


@dataclass
class _Writer:
    stream: IO[bytes]
    lengths: dict[bytes, int] = field(default_factory=dict)
    name: bytes = b""
    buffer: bytearray = field(default_factory=bytearray)

    def begin(self, name: bytes) -> None:
        self.name = name
        self.lengths[name] = 0
        self.stream.write(b">" + name + b"\n")

    def add(self, bases: bytes) -> None:
        self.lengths[self.name] += len(bases)
        self.buffer += bases
        if len(self.buffer) >= _BUFFER_BASES:
            self._write(len(self.buffer) - len(self.buffer) % _LINE_BASES)

    def end(self) -> None:
        self._write(len(self.buffer))

    def _write(self, bases: int) -> None:
        text = bytes(self.buffer[:bases])
        del self.buffer[:bases]
        self.stream.writelines(text[i : i + _LINE_BASES] + b"\n" for i in range(0, bases, _LINE_BASES))


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    number = 0
    with _opened(path) as stream:
        try:
            for number, line in enumerate(stream, 1):
                yield number, line
        except EOFError as error:
            raise FastaError(path, number + 1, "the gzip data ends early, the file is truncated") from error
        except (zlib.error, gzip.BadGzipFile) as error:
            raise FastaError(path, number + 1, f"the gzip data is damaged ({error})") from error


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as stream:
        compressed = stream.read(2) == b"\x1f\x8b"
        stream.seek(0)
        if compressed:
            with gzip.open(stream) as inside:
                yield inside  # type: ignore[misc]
        else:
            yield stream


def _checked_name(path: Path, number: int, title: bytes, known: dict[bytes, int]) -> bytes:
    name = (title[1:].split(None, 1) or [b""])[0] if title[1:2].strip() else b""
    if not name:
        raise FastaError(path, number, "the title has no name")
    if not _NAME.fullmatch(name):
        raise FastaError(path, number, f"{_shown(name)} cannot be a contig's name in SAM and VCF")
    if name in known:
        raise FastaError(path, number, f"contig {_shown(name)} is in the file twice")
    return name


def _close(path: Path, writer: _Writer, title: int) -> None:
    if not title:
        return
    writer.end()
    if not writer.lengths[writer.name]:
        raise FastaError(path, title, f"contig {_shown(writer.name)} has no bases")


def _shown(text: bytes) -> str:
    return repr(text[:60].decode("utf-8", "backslashreplace"))
