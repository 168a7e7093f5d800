"""Real files with identifiers planted in them, each at a place that is known."""

import gzip
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pysam

from benchmarks.phi.identifiers import Identifier
from genomics.contracts.deliveries import FileFormat

_READS, _RECORDS, _ROWS = 4000, 200, 400


@dataclass(frozen=True)
class Planted:
    """A file's content, and the line and field (or the beginning of its name) at which each identifier stands."""

    path: str
    format: FileFormat
    content: bytes
    places: tuple[tuple[Identifier, int | None, str], ...]


def in_vcf_header(source: Path, them: Sequence[Identifier], rng: random.Random) -> Planted:
    """As lines of the header."""
    lines = _unpacked(source, b"#")
    first = 1 + rng.randrange(max(1, sum(line.startswith(b"##") for line in lines) - 1))
    planted = [f"##comment={each.sentence}\n".encode() for each in them]
    lines[first:first] = planted
    places = tuple((each, first + i, "header line comment") for i, each in enumerate(them, 1))
    return Planted("calls.vcf", FileFormat.VCF, b"".join(lines), places)


def in_sample_columns(source: Path, them: Sequence[Identifier], _rng: random.Random) -> Planted:
    """As names of samples."""
    lines = _unpacked(source, b"#")
    at = next(i for i, line in enumerate(lines) if line.startswith(b"#CHROM"))
    columns = "\t".join(["#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT", *(each.value for each in them)])
    content = b"".join(lines[:at]) + columns.encode() + b"\n"
    places = tuple((each, at + 1, f"sample column {i}") for i, each in enumerate(them, 1))
    return Planted("cohort.vcf", FileFormat.VCF, content, places)


def in_bam_header(source: Path, them: Sequence[Identifier], rng: random.Random) -> Planted:
    """As comments and as read groups' samples."""
    with pysam.AlignmentFile(str(source), "rb", check_sq=False) as alignments:
        lines = str(alignments.header).rstrip("\n").split("\n")
    places = []
    for number, each in enumerate(them):
        if rng.random() < 0.5:
            lines.append(f"@CO\t{each.sentence}")
            places.append((each, len(lines), "@CO"))
        else:
            lines.append(f"@RG\tID:planted{number}\tSM:{each.value}")
            places.append((each, len(lines), "@RG SM"))
    text = ("\n".join(lines) + "\n").encode()
    content = gzip.compress(b"BAM\1" + len(text).to_bytes(4, "little") + text + bytes(4), 1)
    return Planted("s.bam", FileFormat.BAM, content, tuple(places))


def in_read_names(source: Path, them: Sequence[Identifier], rng: random.Random) -> Planted:
    """As the beginning of a read's name, or behind it."""
    with gzip.open(source) as stream:
        lines = list(islice(stream, 4 * _READS))
    places = []
    chosen = rng.sample(range(len(lines) // 4), len(them))
    for each, read in zip(them, chosen, strict=True):
        name = lines[4 * read][1:].rstrip()
        planted = each.value.encode()
        lines[4 * read] = b"@" + (planted + b":" + name if rng.random() < 0.5 else name + b" " + planted) + b"\n"
        places.append((each, 4 * read + 1, "read name"))
    return Planted("r1.fastq", FileFormat.FASTQ, b"".join(lines), tuple(places))


def in_table(source: Path, them: Sequence[Identifier], rng: random.Random) -> Planted:
    """As cells of a column of notes."""
    with gzip.open(source, "rt", encoding="utf-8") as stream:
        rows = [line.rstrip("\n").split("\t") for line in islice(stream, _ROWS + 1)]
    rows = [[*row, "remark" if i == 0 else ""] for i, row in enumerate(rows)]
    places = []
    for each, row in zip(them, rng.sample(range(1, len(rows)), len(them)), strict=True):
        rows[row][-1] = rng.choice((each.value, each.sentence)).replace('"', "")
        places.append((each, row + 1, "column remark"))
    content = "".join("\t".join(row) + "\n" for row in rows).encode()
    return Planted("table.tsv", FileFormat.TSV, content, tuple(places))


def in_sample_sheet(source: Path, them: Sequence[Identifier], rng: random.Random) -> Planted:
    """As descriptions of samples."""
    lines = source.read_text(encoding="utf-8-sig").rstrip("\n").splitlines()
    places = []
    lines += ["[Data]", "Sample_ID,Sample_Name,Description"]
    for number, each in enumerate(them):
        cell = rng.choice((each.value, each.sentence)).replace('"', "")
        lines.append(f'S{number},,"{cell}"')
        places.append((each, len(lines), "column Description"))
    return Planted("SampleSheet.csv", FileFormat.SAMPLE_SHEET, ("\n".join(lines) + "\n").encode(), tuple(places))


def in_file_name(_source: Path, them: Sequence[Identifier], _rng: random.Random) -> Planted:
    """As the name of a file: of the first of them, as a file has one name; none that holds a slash."""
    places = ((them[0], None, "file name"),) if "/" not in them[0].value else ()
    return Planted(f"{them[0].value}.tsv", FileFormat.TSV, b"a\tb\n1\t2\n", places)


def _unpacked(source: Path, header: bytes) -> list[bytes]:
    """The header of a text, and some lines of its body."""
    raw = source.read_bytes()
    lines: list[bytes] = []
    with io.BytesIO(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw) as stream:
        body = 0
        for line in stream:
            body += not line.startswith(header)
            if body > _RECORDS:
                break
            lines.append(line)
    return lines
