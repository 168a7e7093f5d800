"""A file's content, read once from end to end: hashed as it comes, unpacked where it is gzip, and passed on.

BGZF and gzip are checked in full: every block's length and CRC, the end-of-file marker, and that nothing stands between
the blocks. RFC 1952, section 2.3; SAM/BAM specification v1, section 4.1.
"""

import hashlib
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

_GZIP = b"\x1f\x8b"
_BGZF = b"\x1f\x8b\x08\x04"
_BGZF_EXTRA = b"\x06\x00BC\x02\x00"
_BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_BGZF_HEADER = 18
_BGZF_FOOTER = 8
_FLAG_EXTRA, _FLAG_NAME, _FLAG_COMMENT = 4, 8, 16
# Of what one piece of gzip unpacks to, at once: a bomb grows no further.
_UNPACKED_BYTES = 4 << 20
_BUFFER_BYTES = 1 << 20


class DamageError(ValueError):
    """The content ends before the file does."""


class Content(io.RawIOBase):
    """What a file holds, unpacked; `sink` gets every piece as it is read.

    Where the packed data is damaged, the content ends, and `damage` says how. `size` and `sha256` are those of the
    file as far as it was read. `names` are those that gzip keeps of the file that was packed. A line that has more
    bytes than `longest_line`, where that is set, is taken for damage: whoever reads by lines has to hold it.
    """

    def __init__(self, pieces: Iterator[bytes], sink: Callable[[bytes], object]) -> None:
        self._raw = self._counted(pieces)
        self._sink = sink
        self._hash = hashlib.sha256()
        self._rest = memoryview(b"")
        self.size = 0
        self.damage = ""
        self.longest_line: int | None = None
        self._line = 0
        self.names: list[str] = []
        first = _at_least(self._raw, _BGZF_HEADER)
        self.is_bgzf = first[:4] == _BGZF and first[10:16] == _BGZF_EXTRA
        self.is_packed = first[:2] == _GZIP
        if self.is_bgzf:
            self._pieces = self._of_bgzf(first)
        else:
            self._pieces = self._of_gzip(first) if self.is_packed else self._plain(first)

    @property
    def sha256(self) -> str:
        """Of what was read of the file, in hex."""
        return self._hash.hexdigest()

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with what comes next; 0 at the end."""
        if not self._rest:
            self._rest = memoryview(self._next())
        piece = self._rest[: len(buffer)]
        buffer[: len(piece)] = piece
        self._rest = self._rest[len(piece) :]
        return len(piece)

    def buffered(self) -> io.BufferedReader:
        """For reading by lines."""
        return io.BufferedReader(self, _BUFFER_BYTES)

    def send_to(self, sink: Callable[[bytes], object], held: list[bytes]) -> None:
        """Have another sink from now on, which gets what the first has `held` as well."""
        self._sink = sink
        while held:
            sink(held.pop(0))

    def drain(self, until: Callable[[], bool] = lambda: False) -> None:
        """Read to the file's end, past damage too, so that the sink and the hash have had all; or stop on a word."""
        while not until() and self._next():
            pass
        for _ in self._raw:
            if until():
                break

    def _next(self) -> bytes:
        try:
            for piece in self._pieces:
                if piece:
                    self._measure_line(piece)
                    self._sink(piece)
                    return piece
        except DamageError as damage:
            self.damage = str(damage)
            self._pieces = iter(())
        return b""

    def _measure_line(self, piece: bytes) -> None:
        if self.longest_line is not None:
            end = piece.rfind(b"\n")
            self._line = self._line + len(piece) if end < 0 else len(piece) - end - 1
            if self._line > self.longest_line:
                raise DamageError(f"a line is longer than {self.longest_line} bytes")

    def _counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._hash.update(piece)
            self.size += len(piece)
            yield piece

    def _plain(self, first: bytes) -> Iterator[bytes]:
        if first:
            yield first
        yield from self._raw

    def _of_bgzf(self, data: bytes) -> Iterator[bytes]:
        last = b""
        while data:
            unpacked: list[bytes] = []
            view, at, size = memoryview(data), 0, 0
            while len(view) - at >= _BGZF_HEADER:
                if view[at : at + 4] != _BGZF or view[at + 10 : at + 16] != _BGZF_EXTRA:
                    yield b"".join(unpacked)
                    raise DamageError(_odd_header(view[at : at + 16]))
                end = at + struct.unpack_from("<H", view, at + 16)[0] + 1
                if end > len(view):
                    break
                block = view[at:end]
                try:
                    unpacked.append(_unpacked_block(block))
                except DamageError:
                    yield b"".join(unpacked)
                    raise
                last, at = bytes(block) if len(block) == len(_BGZF_END) else b"", end
                size += len(unpacked[-1])
                if size > _UNPACKED_BYTES:
                    yield b"".join(unpacked)
                    unpacked, size = [], 0
            if piece := b"".join(unpacked):
                yield piece
            more = next(self._raw, b"")
            data = bytes(view[at:]) + more
            if not more and data:
                raise DamageError("the last BGZF block is cut short: the file is truncated")
        if last != _BGZF_END:
            raise DamageError("the BGZF end-of-file block is missing: the file is truncated")

    def _of_gzip(self, data: bytes) -> Iterator[bytes]:
        while data:
            data = self._header_noted(data)
            member = zlib.decompressobj(wbits=31)
            while not member.eof:
                try:
                    piece = member.decompress(data, _UNPACKED_BYTES)
                except zlib.error as error:
                    raise DamageError(f"the gzip data is damaged ({error})") from error
                if piece:
                    yield piece
                data = member.unconsumed_tail
                if not data and not member.eof and not (data := next(self._raw, b"")):
                    raise DamageError("the gzip data ends early: the file is truncated")
            data = member.unused_data or next(self._raw, b"")
            if len(data) < 2:
                data += next(self._raw, b"")
            if data and data[:2] != _GZIP:
                raise DamageError("something follows the gzip data")

    def _header_noted(self, data: bytes) -> bytes:
        """Note what names a member's header holds; returns data that has the header whole."""
        while len(data) < 1024 and (more := next(self._raw, b"")):
            data += more
        flags = data[3] if len(data) > 3 else 0
        if flags & _FLAG_EXTRA:
            raise DamageError("the gzip header holds more than a file's name: compress the file again")
        at = 10
        for flag in (_FLAG_NAME, _FLAG_COMMENT):
            if flags & flag:
                end = data.find(b"\0", at)
                if end < 0:
                    raise DamageError("the gzip header has no end")
                self.names.append(data[at:end].decode("latin-1"))
                at = end + 1
        return data


def _at_least(pieces: Iterator[bytes], count: int) -> bytes:
    data = b""
    while len(data) < count and (piece := next(pieces, b"")):
        data += piece
    return data


def _unpacked_block(block: memoryview) -> bytes:
    try:
        data = zlib.decompress(block[_BGZF_HEADER:-_BGZF_FOOTER], wbits=-15, bufsize=1 << 16)
    except zlib.error as error:
        raise DamageError(f"a BGZF block is damaged ({error})") from error
    crc, size = struct.unpack("<II", block[-_BGZF_FOOTER:])
    if len(data) != size or zlib.crc32(data) != crc:
        raise DamageError("a BGZF block is damaged (its checksum does not match)")
    return data


def _odd_header(header: memoryview) -> str:
    if header[:2] == _GZIP:
        return "a block that is gzip and not BGZF follows: compress the file with bgzip"
    return "something that is no BGZF block follows: the file is damaged"
