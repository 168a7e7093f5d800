"""BGZF (SAM specification, section 4.1): gzip in blocks of at most 64 KiB, each of which can be read by itself."""

import struct
from dataclasses import dataclass

from isal import igzip_lib, isal_zlib

from glue_jobs.vcf.errors import VcfError
from glue_jobs.vcf.sources import ByteSource

MAX_BLOCK = 1 << 16
_MAGIC = b"\x1f\x8b\x08\x04"
_FIXED_HEADER = 12
_LEAST_HEADER = 18
_FOOTER = 8
_FETCH = 4 << 20


@dataclass(frozen=True)
class Block:
    """One block: where it begins, where the next one does, and its uncompressed bytes."""

    offset: int
    next: int
    data: bytes


def block_size(head: bytes) -> int | None:
    """Length in bytes of the block that begins with `head`; None where no BGZF block begins."""
    if len(head) < _FIXED_HEADER or not head.startswith(_MAGIC):
        return None
    extra_length = struct.unpack_from("<H", head, 10)[0]
    extra = head[_FIXED_HEADER : _FIXED_HEADER + extra_length]
    while len(extra) >= 4:
        length = struct.unpack_from("<H", extra, 2)[0]
        if extra[:2] == b"BC" and length == 2 and len(extra) >= 6:
            size = int(struct.unpack_from("<H", extra, 4)[0]) + 1
            return size if size > _FIXED_HEADER + extra_length + _FOOTER else None
        extra = extra[4 + length :]
    return None


def inflate(block: bytes) -> bytes | None:
    """A whole block's data, checked against its length and CRC; None where they do not agree."""
    start = _FIXED_HEADER + struct.unpack_from("<H", block, 10)[0]
    crc, length = struct.unpack_from("<II", block, len(block) - _FOOTER)
    if length > MAX_BLOCK:
        return None
    try:
        data = igzip_lib.decompress(block[start:-_FOOTER], flag=igzip_lib.DECOMP_DEFLATE, bufsize=max(length, 1))
    except isal_zlib.error:  # type: ignore[misc]  # its stubs take the class for an instance
        return None
    return data if len(data) == length and isal_zlib.crc32(data) == crc else None


class BlockReader:
    """Blocks of a source, fetched in pieces of a few MiB as they are asked for."""

    def __init__(self, source: ByteSource, *, fetch: int = _FETCH) -> None:
        self._source, self._fetch = source, fetch
        self._buffer, self._start = b"", 0

    def block(self, offset: int) -> Block:
        """The block at `offset`; VcfError where the file is cut off or damaged there."""
        head = self._bytes(offset, 1024)
        size = block_size(head)
        if size is None:
            if len(head) < _LEAST_HEADER and _MAGIC.startswith(head[: len(_MAGIC)]):
                raise truncated(self._source)
            raise VcfError(f"damaged at byte {offset:,}: no BGZF block begins there; copy or compress the file again")
        if offset + size > self._source.size:
            raise truncated(self._source)
        data = inflate(self._bytes(offset, size)[:size])
        if data is None:
            raise VcfError(f"damaged at byte {offset:,}: the block's checksum differs; copy or compress the file again")
        return Block(offset, offset + size, data)

    def first_block(self, offset: int) -> int:
        """Where the first block at or after `offset` begins; the file's size if there is none.

        Data can look like a block, so a candidate must inflate to its checksum and have a neighbour. Even that can be
        forged: the caller compares the answer with the place where the blocks before it end.
        """
        size = self._source.size
        while offset < size:
            window = self._bytes(offset, 2 * MAX_BLOCK)[: 2 * MAX_BLOCK]
            at = window.find(_MAGIC)
            if at < 0:
                offset += max(1, len(window) - len(_MAGIC) + 1)
            elif self._is_block(offset + at):
                return offset + at
            else:
                offset += at + 1
        return size

    def _is_block(self, offset: int) -> bool:
        size = block_size(self._bytes(offset, 1024))
        if size is None or offset + size > self._source.size:
            return False
        if offset + size < self._source.size and block_size(self._bytes(offset + size, 1024)) is None:
            return False
        return inflate(self._bytes(offset, size)[:size]) is not None

    def _bytes(self, offset: int, count: int) -> bytes:
        """At least `count` bytes from `offset`, fewer only at the end of the source."""
        end = min(offset + count, self._source.size)
        if not self._start <= offset <= end <= self._start + len(self._buffer):
            self._buffer = self._source.read(offset, min(offset + max(count, self._fetch), self._source.size))
            self._start = offset
        relative = offset - self._start
        return self._buffer[relative : relative + count]


def truncated(source: ByteSource) -> VcfError:
    """The error for a file that ends too soon."""
    return VcfError(f"truncated: the compressed data ends too soon, at byte {source.size:,}; copy the file again")
