"""Whole lines of any byte range of a file, without an index.

A line belongs to the range that holds the line break before it (in a compressed file: that holds the beginning of the
block with that line break). So each line has exactly one owner, wherever the file is cut and however long it is.
"""

import enum
import itertools
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from glue_jobs.vcf import bgzf
from glue_jobs.vcf.errors import VcfError
from glue_jobs.vcf.sources import ByteSource

_CHUNK = 1 << 20
_READ_ON = 1 << 16
_RECOGNISED = 64
_UNBOUNDED = 1 << 62
_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Encoding(enum.StrEnum):
    """How a file is packed."""

    BGZF = "BGZF"
    GZIP = "gzip"
    PLAIN = "plain text"
    BCF = "BCF"


@dataclass(frozen=True)
class ByteRange:
    """Positions from `start` up to, but not including, `end`: of the file as stored; in plain gzip, of its content."""

    start: int
    end: int


@dataclass(frozen=True)
class Piece:
    """Uncompressed bytes, and the positions where they begin and where the next piece does."""

    offset: int
    next: int
    data: bytes


@dataclass(frozen=True)
class Body:
    """Where the records begin: `skip` bytes after the beginning of the piece, or byte, at `offset`."""

    offset: int
    skip: int


def detect(source: ByteSource) -> Encoding:
    """How the file is packed; VcfError for what is neither VCF nor BCF."""
    head = source.read(0, bgzf.MAX_BLOCK)
    if not head:
        raise VcfError("is empty; expected a VCF")
    encoding, content = Encoding.PLAIN, head
    if head.startswith(_GZIP_MAGIC):
        encoding = Encoding.GZIP if bgzf.block_size(head) is None else Encoding.BGZF
        content = _gunzipped_head(head)
        if not content:
            raise VcfError("holds no compressed data: it is empty or truncated; copy the file again")
    if content.startswith(b"BCF"):
        return Encoding.BCF
    if not content.removeprefix(_BYTE_ORDER_MARK).startswith(b"##fileformat=VCF"):
        shown = ascii(content[:24].decode("latin-1"))
        raise VcfError(f"line 1: is not a VCF: it begins with {shown}, expected '##fileformat=VCFv4.x'")
    return encoding


def plan(source: ByteSource, encoding: Encoding, range_bytes: int) -> tuple[ByteRange, ...]:
    """Ranges of about `range_bytes` that together are the file; one where it cannot be split."""
    if encoding in (Encoding.GZIP, Encoding.BCF):
        return (ByteRange(0, _UNBOUNDED),)
    count = max(1, round(source.size / range_bytes))
    edges = [source.size * i // count for i in range(count + 1)]
    return tuple(ByteRange(a, b) for a, b in itertools.pairwise(edges) if a < b)


class RangeText:
    """Iterates over a range's own lines, in chunks of whole lines of about `chunk` bytes.

    Only the file's last line may lack its line break. After the iteration `first` and `next` hold where the range's own
    blocks begin and end: a range's `next` must be the following one's `first`, else something that only looks like a
    block was taken for one.
    """

    def __init__(
        self, source: ByteSource, encoding: Encoding, part: ByteRange, body: Body, *, chunk: int = _CHUNK
    ) -> None:
        self._source, self._encoding, self._part, self._body = source, encoding, part, body
        self._chunk = chunk
        self.first = self.next = source.size

    def __iter__(self) -> Iterator[bytes]:
        begun, kept, held = False, [], 0
        at_start = True
        for piece in pieces(self._source, self._encoding, self._part):
            own = piece.offset < self._part.end
            if at_start:
                self.first = self.next = piece.offset
                at_start = False
            if own:
                self.next = piece.next
            elif not begun:
                break
            data = piece.data
            if not begun:
                start = self._begin(piece)
                if start is None:
                    continue
                begun, data = True, data[start:]
            kept.append(data)
            held += len(data)
            if own and held < self._chunk:
                continue
            cut = (data.rfind(b"\n") if own else data.find(b"\n")) + 1
            if cut:
                kept[-1] = data[:cut]
                yield b"".join(kept)
                if not own:
                    return
                kept, held = [data[cut:]], len(data) - cut
        if rest := b"".join(kept):
            yield rest

    def _begin(self, piece: Piece) -> int | None:
        """How far into the piece the range's first own line begins; None if it does not begin there."""
        if piece.next <= self._body.offset:
            return None
        if piece.offset <= self._body.offset:
            return self._body.offset - piece.offset + self._body.skip
        return piece.data.find(b"\n") + 1 or None


def pieces(source: ByteSource, encoding: Encoding, part: ByteRange) -> Iterator[Piece]:
    """The content of a file from `part.start` on, through to its end. No piece lies across `part.end`."""
    match encoding:
        case Encoding.BGZF:
            return _bgzf_pieces(source, part)
        case Encoding.GZIP:
            return _gzip_pieces(source)
        case Encoding.PLAIN:
            return _plain_pieces(source, part)
        case Encoding.BCF:
            raise ValueError("BCF has no lines")


def _bgzf_pieces(source: ByteSource, part: ByteRange) -> Iterator[Piece]:
    reader = bgzf.BlockReader(source)
    offset = reader.first_block(part.start) if part.start else 0
    data: bytes | None = None
    while offset < source.size:
        block = reader.block(offset)
        yield Piece(block.offset, block.next, block.data)
        offset, data = block.next, block.data
    if data:
        raise VcfError("truncated: BGZF's end-of-file block is missing; copy the file again, or compress it with bgzip")


def _gzip_pieces(source: ByteSource) -> Iterator[Piece]:
    """Members one after the other; positions are those of the content."""
    position = 0
    inflater = zlib.decompressobj(31)
    fresh = True
    for start in range(0, source.size, _CHUNK):
        packed = source.read(start, start + _CHUNK)
        while packed:
            if fresh and not packed.strip(b"\0"):
                break  # gzip allows zero bytes after its end
            try:
                data = inflater.decompress(packed, _CHUNK)
            except zlib.error as error:
                raise VcfError(f"damaged gzip data near byte {start:,} ({error}); copy the file again") from error
            fresh = False
            if data:
                yield Piece(position, position + len(data), data)
                position += len(data)
            packed = inflater.unconsumed_tail
            if inflater.eof:
                packed, inflater, fresh = inflater.unused_data, zlib.decompressobj(31), True
    if not fresh:
        raise bgzf.truncated(source)


def _plain_pieces(source: ByteSource, part: ByteRange) -> Iterator[Piece]:
    offset = part.start
    while offset < source.size:
        step = _CHUNK if offset < part.end else _READ_ON
        end = offset + step if offset >= part.end else min(offset + step, part.end)
        data = source.read(offset, end)
        yield Piece(offset, offset + len(data), data)
        offset += len(data)


def _gunzipped_head(head: bytes) -> bytes:
    content = b""
    while head and len(content) < _RECOGNISED:
        inflater = zlib.decompressobj(31)
        try:
            content += inflater.decompress(head, _RECOGNISED)
        except zlib.error as error:
            raise VcfError(f"damaged gzip data at its beginning ({error}); copy the file again") from error
        head = inflater.unused_data
    return content
