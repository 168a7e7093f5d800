"""VCF and BCF: headers are looked through line by line, bodies are checked for their form only.

The Variant Call Format specification, VCFv4.3 and BCFv2.2: sections 1.2 to 1.6 and 6.
"""

import re
import struct
from collections.abc import Iterator
from io import BufferedReader

from batch_tools.scan_delivery.builds import check_build
from batch_tools.scan_delivery.findings import Findings
from batch_tools.scan_delivery.phi import Place, Text
from genomics.contracts.deliveries import Agreement

VCF_MAGIC = b"##fileformat=VCF"
BCF_MAGIC = b"BCF\2"
_FIXED = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")
_BYTES_AT_ONCE = 4 << 20
# Of BCF, in bytes: its fixed part; and more than any is.
_SMALLEST_RECORD, _LARGEST_RECORD = 24, 1 << 30
# A header that is longer is none.
_HEADER_BYTES = 256 << 20
_CONTIG = re.compile(r"##contig=<(?=[^>]*\bID=([^,>]+))(?=[^>]*\blength=(\d+))")
# Of contigs, those lines that hold what everyone's do. There are thousands in a header.
_USUAL_CONTIG = re.compile(
    r"##contig=<ID=(?:chr)?[\w.*:-]{1,32},length=\d+"
    r'(?:,(?:assembly=[\w.]{1,32}|md5=[0-9a-f]{32}|species="Homo sapiens"))*>'
)
_STRUCTURED = re.compile(r"##(?!INFO|FORMAT|FILTER|contig|ALT)\w+=<")
# Findings name what can hold nothing personal itself.
_PLAIN_KEY = re.compile(r"##([A-Za-z]{1,40})=")
_PAIR = re.compile(r'([A-Za-z]{1,40})=("(?:[^"\\]|\\.)*"|[^,>]*)')
_BASES = rb"[ACGTNacgtnRYSWKMBDHVryswkmbdhv]++"
_ALLELE = re.compile(_BASES)
_RECORDS = re.compile(rb"(?:[^\t\n ]++\t[0-9]++\t[^\t\n]++\t" + _BASES + rb"\t[^\n]++\n)++")


def inspect_vcf(stream: BufferedReader, findings: Findings, agreement: Agreement) -> None:
    """Look through the header of a VCF, and check that its records have its columns, positions and alleles."""
    lines = _header_lines(stream, findings)
    columns = _inspect_header(lines, findings, agreement)
    first = len(lines) + 1
    while batch := stream.readlines(_BYTES_AT_ONCE):
        _check_records(batch, first, columns, findings)
        first += len(batch)


def inspect_bcf(stream: BufferedReader, findings: Findings, agreement: Agreement) -> None:
    """Look through the header of a BCF, and check that its records are whole."""
    if stream.read(5)[:4] != BCF_MAGIC:
        raise findings.refuse("it is no BCF 2")
    text = stream.read(_length(stream, findings))
    lines = text.rstrip(b"\0").decode("utf-8", "replace").splitlines()
    _inspect_header(lines, findings, agreement)
    record = 0
    while lengths := stream.read(8):
        record += 1
        size = sum(struct.unpack("<II", lengths)) if len(lengths) == 8 else -1
        if not _SMALLEST_RECORD <= size <= _LARGEST_RECORD or len(stream.read(size)) != size:
            raise findings.refuse("the record is cut short or damaged", field=f"record {record}")


def _length(stream: BufferedReader, findings: Findings) -> int:
    data = stream.read(4)
    length: int = struct.unpack("<I", data)[0] if len(data) == 4 else _HEADER_BYTES + 1
    if length > _HEADER_BYTES:
        raise findings.refuse("its header cannot be read: the file is damaged")
    return length


def _header_lines(stream: BufferedReader, findings: Findings) -> list[str]:
    lines: list[str] = []
    size = 0
    while line := stream.readline(_HEADER_BYTES):
        if not line.startswith(b"#"):
            raise findings.refuse("the line #CHROM is missing before the first record", line=len(lines) + 1)
        size += len(line)
        if size > _HEADER_BYTES:
            raise findings.refuse(f"its header is longer than {_HEADER_BYTES} bytes", line=len(lines) + 1)
        try:
            lines.append(line.decode().rstrip("\r\n"))
        except UnicodeDecodeError:
            findings.invalid("the line is no UTF-8", line=len(lines) + 1)
            lines.append(line.decode("latin-1").rstrip("\r\n"))
        if not line.startswith(b"##"):
            return lines
    raise findings.refuse("the line #CHROM is missing: the file is truncated", line=len(lines) + 1)


def _inspect_header(lines: list[str], findings: Findings, agreement: Agreement) -> int:
    """Look through it; returns the number of columns."""
    if not lines or not lines[0].startswith(VCF_MAGIC.decode()):
        findings.invalid("the first line must be ##fileformat=VCF...", line=1)
    findings.look([text for number, line in enumerate(lines[:-1], 1) for text in _texts(line, number)])
    check_build(findings, agreement.build, _contigs(lines))
    columns = lines[-1].split("\t") if lines else []
    if tuple(columns[:8]) != _FIXED or (len(columns) > 8 and columns[8] != "FORMAT") or len(columns) == 9:
        raise findings.refuse(f"the columns must be {' '.join(_FIXED)}, then FORMAT and samples", line=len(lines))
    samples = columns[9:]
    if len(set(samples)) != len(samples):
        twice = next(i for i, name in enumerate(samples) if name in samples[:i])
        findings.invalid("a sample's name stands there twice", line=len(lines), field=f"sample column {twice + 1}")
    findings.look(
        [Text(name, line=len(lines), field=f"sample column {i}") for i, name in enumerate(samples, 1)],
    )
    return len(columns)


def _texts(line: str, number: int) -> Iterator[Text]:
    if _USUAL_CONTIG.fullmatch(line):
        return
    key = _PLAIN_KEY.match(line)
    field = f"header line {key[1]}" if key else "header line"
    yield Text(line, Place.SENTENCE, line=number, field=field)
    if _STRUCTURED.match(line):
        for name, value in _PAIR.findall(line.partition("<")[2]):
            if len(value) < 100:
                yield Text(value.strip('"'), label=name, line=number, field=f"{field}, {name}")


def _contigs(lines: list[str]) -> Iterator[tuple[str, int, int]]:
    for number, line in enumerate(lines, 1):
        if match := _CONTIG.match(line):
            yield match[1], int(match[2]), number


def _check_records(batch: list[bytes], first: int, columns: int, findings: Findings) -> None:
    if _are_sound(batch, columns):
        return
    for number, line in enumerate(batch, first):
        _check_record(line, number, columns, findings)


def _are_sound(batch: list[bytes], columns: int) -> bool:
    """Whether all are, by operations that run in C; where not, records are looked at one by one."""
    if {line.count(b"\t") for line in batch} != {columns - 1} or not batch[-1].endswith(b"\n"):
        return False
    return _RECORDS.fullmatch(b"".join(batch)) is not None


def _check_record(line: bytes, number: int, columns: int, findings: Findings) -> None:
    values = line.rstrip(b"\r\n").split(b"\t")
    if len(values) != columns:
        cut = "" if line.endswith(b"\n") else ": the file is truncated"
        raise findings.refuse(f"{len(values)} columns, the header has {columns}{cut}", line=number)
    if not values[1].isdigit():
        raise findings.refuse("the position is no number", line=number, field="POS")
    if not _ALLELE.fullmatch(values[3]):
        raise findings.refuse("the reference allele holds other things than bases", line=number, field="REF")
    if not values[0] or b" " in values[0]:
        raise findings.refuse("the chromosome has no name, or one with a space", line=number, field="CHROM")
