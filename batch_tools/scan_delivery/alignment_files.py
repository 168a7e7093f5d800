"""BAM and CRAM: lines of the header are looked through, records are checked for their form only.

SAM/BAM specification v1, sections 1.3 and 4.2.
"""

import struct
from collections.abc import Iterator
from io import BufferedReader

from batch_tools.scan_delivery.builds import check_build
from batch_tools.scan_delivery.findings import Findings
from batch_tools.scan_delivery.phi import Place, Text
from batch_tools.tool_runtime import cram
from genomics.contracts.deliveries import Agreement

BAM_MAGIC = b"BAM\1"
_HEADER_BYTES = 256 << 20
# Name, length of the record's fixed part, and so on: what a record has at least. Section 4.2.
_SMALLEST_RECORD = 32
_LARGEST_RECORD = 1 << 29
_SKIPPED_BYTES = 4 << 20
# Values that hold sentences.
_SENTENCES = ("CL", "DS", "CO")


def inspect_bam(stream: BufferedReader, findings: Findings, agreement: Agreement) -> None:
    """Look through the header of a BAM, and check that its records are whole."""
    if stream.read(4) != BAM_MAGIC:
        raise findings.refuse("it is no BAM")
    _inspect_header(_taken(stream, _number(stream, findings), findings), findings, agreement)
    for _ in range(_number(stream, findings)):
        _taken(stream, _number(stream, findings) + 4, findings)
    record = 0
    read, unpack = stream.read, struct.Struct("<i").unpack
    while length := read(4):
        record += 1
        size = unpack(length)[0] if len(length) == 4 else -1
        if not _SMALLEST_RECORD <= size <= _LARGEST_RECORD or len(read(size)) != size:
            raise findings.refuse("the record is cut short or damaged", field=f"record {record}")


def inspect_cram(stream: BufferedReader, findings: Findings, agreement: Agreement) -> None:
    """Look through the header of a CRAM, and check that it is version 3 and ends as it must."""
    start = stream.peek(6)[:6]
    if start[:4] != cram.MAGIC or start[4:5] != bytes([cram.MAJOR_VERSION]):
        raise findings.refuse(f"it is no CRAM {cram.MAJOR_VERSION}")
    try:
        text = cram.read_header(stream)
    except (OSError, ValueError, struct.error) as error:
        raise findings.refuse(f"its header cannot be read ({error})") from error
    _inspect_header(text.encode(), findings, agreement)
    tail = b""
    while piece := stream.read(_SKIPPED_BYTES):
        tail = (tail + piece)[-len(cram.END) :]
    if tail != cram.END:
        findings.invalid("the end-of-file container is missing: the file is truncated")


def _inspect_header(data: bytes, findings: Findings, agreement: Agreement) -> None:
    lines = data.rstrip(b"\0").decode("utf-8", "replace").splitlines()
    findings.look([text for number, line in enumerate(lines, 1) for text in _texts(line, number)])
    check_build(findings, agreement.build, _contigs(lines))


def _texts(line: str, number: int) -> Iterator[Text]:
    kind, *values = line.split("\t")
    if kind == "@CO":
        yield Text("\t".join(values), Place.SENTENCE, line=number, field=kind)
    elif kind != "@SQ":
        for value in values:
            tag, _, text = value.partition(":")
            place = Place.SENTENCE if tag in _SENTENCES else Place.VALUE
            yield Text(text, place, label=tag if len(tag) > 2 else "", line=number, field=f"{kind[:3]} {tag[:2]}")


def _contigs(lines: list[str]) -> Iterator[tuple[str, int, int]]:
    for number, line in enumerate(lines, 1):
        if line.startswith("@SQ\t"):
            tags = dict(tag.partition(":")[::2] for tag in line.split("\t")[1:])
            if "SN" in tags and tags.get("LN", "").isdigit():
                yield tags["SN"], int(tags["LN"]), number


def _number(stream: BufferedReader, findings: Findings) -> int:
    number: int = struct.unpack("<i", _taken(stream, 4, findings))[0]
    if not 0 <= number <= _HEADER_BYTES:
        raise findings.refuse("its header cannot be read: the file is damaged")
    return number


def _taken(stream: BufferedReader, count: int, findings: Findings) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise findings.refuse("its header is cut short: the file is truncated")
    return data
