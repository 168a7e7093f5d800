"""A CRAM's header, without a library: the images of several tools have none that reads it.

CRAM specification 3.0, sections 2.3 (ITF8, LTF8), 6 (file definition), 7 (containers), 8 (blocks), 9 (end of file).
"""

import gzip
import struct
import zlib
from io import BytesIO
from typing import BinaryIO

MAGIC = b"CRAM"
# The container that ends every file.
END = bytes.fromhex("0f000000ffffffff0fe0454f4600000000010005bdd94f0001000606010001000100ee63014b")
# Of the file's beginning: that, the version, major and minor, and a name.
MAJOR_VERSION = 3
_DEFINITION_BYTES = 26
_RAW, _GZIP = 0, 1
_HEADER_BLOCK = 0


def read_header(stream: BinaryIO) -> str:
    """The SAM header of a CRAM of this major version. ValueError says what is wrong with it."""
    _take(stream, _DEFINITION_BYTES)
    return _header_of(_block(_container(stream)))


def _container(stream: BinaryIO) -> bytes:
    """The blocks of the container that the stream stands at."""
    (length,) = struct.unpack("<i", _take(stream, 4))
    for _ in ("reference", "start", "span", "records"):
        _itf8(stream)
    for _ in ("records before", "bases"):
        _skip_ltf8(stream)
    _itf8(stream)
    for _ in range(_itf8(stream)):
        _itf8(stream)
    _take(stream, 4)
    return _take(stream, length)


def _block(data: bytes) -> bytes:
    """What the first block holds, unpacked."""
    stream = BytesIO(data)
    method, kind = _take(stream, 2)
    _itf8(stream)
    size = _itf8(stream)
    _itf8(stream)
    content = _take(stream, size)
    if zlib.crc32(data[: stream.tell()]) != struct.unpack("<I", _take(stream, 4))[0]:
        raise ValueError("its checksum does not match")
    if kind != _HEADER_BLOCK or method not in (_RAW, _GZIP):
        raise ValueError("the first block is no header")
    return content if method == _RAW else gzip.decompress(content)


def _header_of(content: bytes) -> str:
    (length,) = struct.unpack_from("<i", content)
    return content[4 : 4 + length].rstrip(b"\0").decode()


def _itf8(stream: BinaryIO) -> int:
    """A number of one to five bytes: leading ones of the first count those that follow; of a fifth, half is taken."""
    first = _take(stream, 1)[0]
    following = min(_leading_ones(first), 4)
    rest = int.from_bytes(_take(stream, following), "big")
    if following == 4:
        return (first & 0xF) << 28 | rest >> 8 << 4 | rest & 0xF
    return (first & 0x7F >> following) << 8 * following | rest


def _skip_ltf8(stream: BinaryIO) -> None:
    _take(stream, _leading_ones(_take(stream, 1)[0]))


def _leading_ones(byte: int) -> int:
    return next((n for n in range(8) if not byte & (0x80 >> n)), 8)


def _take(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count) if count >= 0 else b""
    if len(data) != count:
        raise ValueError("it ends too early")
    return data
