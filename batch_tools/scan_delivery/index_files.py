"""Indexes: TBI, CSI, BAI and CRAI hold numbers and names of contigs, and must hold nothing else.

The Tabix index file format; SAM/BAM specification v1, section 5.2; CSIv1; CRAM specification 3.0, section 12.
"""

import re
import struct
from io import BufferedReader

from batch_tools.scan_delivery.findings import Findings
from batch_tools.scan_delivery.phi import Text

MAGICS = (b"TBI\1", b"CSI\1", b"BAI\1")
_TBI, _CSI, _BAI = MAGICS
# Of tabix: format, columns of name, begin and end, comment character, lines skipped, length of names.
_TABIX_BYTES = 28
_MOST = 1 << 24
_CHUNK_BYTES, _INTERVAL_BYTES, _UNPLACED_BYTES = 16, 8, 8
_CRAI_LINE = re.compile(rb"-?\d{1,10}\t\d{1,10}\t\d{1,10}\t\d{1,19}\t\d{1,10}\t\d{1,10}\n")


def inspect_index(stream: BufferedReader, findings: Findings) -> None:
    """Check an index from end to end, and look through the names of its contigs."""
    magic = stream.peek(4)[:4]
    if magic not in MAGICS:
        _inspect_crai(stream, findings)
        return
    index = _Index(stream, findings)
    index.take(4)
    if magic == _CSI:
        index.take(8)
        index.look_at_names(index.take(index.count())[_TABIX_BYTES:])
        contigs = index.count()
    else:
        contigs = index.count()
        if magic == _TBI:
            index.look_at_names(index.take(struct.unpack("<i", index.take(_TABIX_BYTES)[-4:])[0]))
    for _ in range(contigs):
        for _ in range(index.count()):
            index.take(12 if magic == _CSI else 4)
            index.take(index.count() * _CHUNK_BYTES)
        if magic != _CSI:
            index.take(index.count() * _INTERVAL_BYTES)
    if len(stream.read(_UNPLACED_BYTES + 1)) not in (0, _UNPLACED_BYTES):
        findings.invalid("something follows the index: make it again")


def _inspect_crai(stream: BufferedReader, findings: Findings) -> None:
    for number, line in enumerate(stream, 1):
        if not _CRAI_LINE.fullmatch(line):
            raise findings.refuse("the line is none of a CRAM's index: make it again", line=number)


class _Index:
    """Takes an index apart."""

    def __init__(self, stream: BufferedReader, findings: Findings) -> None:
        self._stream, self._findings = stream, findings

    def take(self, size: int) -> bytes:
        """So many bytes."""
        data = self._stream.read(size) if 0 <= size <= _MOST * _CHUNK_BYTES else b""
        if len(data) != size:
            raise self._findings.refuse("the index is cut short or damaged: make it again")
        return data

    def count(self) -> int:
        """A number of things that follow."""
        count: int = struct.unpack("<i", self.take(4))[0]
        if not 0 <= count <= _MOST:
            raise self._findings.refuse("the index is damaged: make it again")
        return count

    def look_at_names(self, data: bytes) -> None:
        """Names of contigs, each ended by a zero."""
        names = data.decode("utf-8", "replace").rstrip("\0").split("\0")
        self._findings.look([Text(name, field=f"contig {i}") for i, name in enumerate(names, 1)])
