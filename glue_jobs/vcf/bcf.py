"""BCF through htslib: its header as lines, its records as VCF lines. A BCF is read whole, from a temporary file."""

import struct
import tempfile
from collections.abc import Iterator

import pysam

from glue_jobs.vcf import bgzf
from glue_jobs.vcf.errors import VcfError
from glue_jobs.vcf.sources import ByteSource

_COPY = 8 << 20
_EOF_BLOCK = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_PREFIX = struct.Struct("<5sI")


def header_lines(source: ByteSource) -> list[str]:
    """The VCF header that a BCF carries."""
    content = b""
    for piece in _content(source):
        content += piece
        if len(content) < _PREFIX.size:
            continue
        magic, length = _PREFIX.unpack_from(content)
        if not magic.startswith(b"BCF\x02"):
            raise VcfError("is BCF of version 1; convert it with bcftools view")
        if len(content) >= _PREFIX.size + length:
            text = content[_PREFIX.size : _PREFIX.size + length].rstrip(b"\0\n")
            return text.decode("utf-8", "replace").split("\n")
    raise bgzf.truncated(source)


def record_lines(source: ByteSource) -> Iterator[str]:
    """Each record as htslib writes it into a VCF, without its line break."""
    if source.read(0, 2) == _EOF_BLOCK[:2] and source.read(source.size - len(_EOF_BLOCK), source.size) != _EOF_BLOCK:
        raise VcfError("truncated: BGZF's end-of-file block is missing; copy the file again")
    with tempfile.NamedTemporaryFile(suffix=".bcf") as copy:
        for start in range(0, source.size, _COPY):
            copy.write(source.read(start, start + _COPY))
        copy.flush()
        pysam.set_verbosity(0)
        try:
            with pysam.VariantFile(copy.name) as records:
                for record in records:
                    yield str(record).rstrip("\n")
        except (OSError, ValueError) as error:
            raise VcfError(f"damaged BCF ({error}); copy the file again") from error


def _content(source: ByteSource) -> Iterator[bytes]:
    if source.read(0, 3) == b"BCF":
        for start in range(0, source.size, _COPY):
            yield source.read(start, start + _COPY)
        return
    reader, offset = bgzf.BlockReader(source), 0
    while offset < source.size:
        block = reader.block(offset)
        yield block.data
        offset = block.next
