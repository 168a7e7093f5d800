"""All rows of a file, read by the lake's own reader."""

import gzip
import itertools
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glue_jobs.vcf.batches import Batch
from glue_jobs.vcf.reader import RangeReader, open_vcf, ranges
from glue_jobs.vcf.text import ByteRange

Row = dict[str, Any]


@dataclass(repr=False)
class Rows:
    """Rows by table; lines of rejects count from the file's first."""

    variants: list[Row] = field(default_factory=list)
    genotypes: list[Row] = field(default_factory=list)
    consequences: list[Row] = field(default_factory=list)
    rejects: list[Row] = field(default_factory=list)
    # Each range begins where the one before it ends.
    is_joined: bool = True

    def add(self, batch: Batch, *, before: int = 0) -> None:
        """Take a batch's rows, `before` which there are so many lines."""
        self.variants += batch.variants.to_pylist(maps_as_pydicts="strict")
        self.genotypes += batch.genotypes.to_pylist(maps_as_pydicts="strict")
        self.consequences += batch.consequences.to_pylist(maps_as_pydicts="strict")
        for reject in batch.rejects.to_pylist():
            self.rejects.append({**reject, "line": reject["line"] and reject["line"] + before})


@dataclass(frozen=True)
class Content:
    """A source in memory."""

    content: bytes

    @property
    def size(self) -> int:
        """Bytes in all."""
        return len(self.content)

    def read(self, start: int, end: int) -> bytes:
        """Some of them."""
        return self.content[start:end]


def read_rows(content: bytes, *, by_columns: bool | None = None, pieces: int = 1, cuts: Iterable[int] = ()) -> Rows:
    """The rows of a file, read as columns, or line by line; VcfError where it cannot be read.

    It is read in about as many ranges as `pieces` says, or cut at `cuts`.
    """
    source = Content(content)
    file = open_vcf(source)
    parts = ranges(source, file, max(1, source.size // pieces))
    if cuts:
        parts = tuple(ByteRange(a, b) for a, b in itertools.pairwise(sorted({0, *cuts, source.size})))
    rows, lines, position = Rows(), file.header.lines, 0
    for part in parts:
        reader = RangeReader(source, file, part, by_columns=by_columns)
        for batch in reader:
            rows.add(batch, before=lines)
        lines += reader.lines
        rows.is_joined &= reader.first == position
        position = reader.next
    return rows


def text_of(path: Path) -> str:
    """The file as VCF text; a BCF as bcftools writes it."""
    if path.suffix == ".bcf":
        words = ["bcftools", "view", "--no-version", str(path)]
        return subprocess.run(words, capture_output=True, check=True).stdout.decode("utf-8", "replace")
    content = path.read_bytes()
    return (gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content).decode("utf-8", "replace")


def misplaced(text: str, rows: Rows) -> str | None:
    """A difference between the places that a VCF's text has and those of its rows, in order; None if there is none.

    Every record is in the rows with its own POS, REF and ALT, or among the rejects.
    """
    lines = [line.rstrip("\r") for line in text.split("\n") if line and not line.startswith("##")]
    rejected = [reject["text"] for reject in rows.rejects if reject["field"] is None]
    loaded = [line.split("\t") for line in lines[1:] if line and line not in rejected]
    expected = [
        (columns[0], int(columns[1]), columns[3], alt)
        for columns in loaded
        for alt in (columns[4].split(",") if columns[4] != "." else [None])
    ]
    found = [
        (
            row["chrom"],
            row["original_pos"],
            row["original_ref"],
            row["original_alts"][row["alt_index"] - 1] if row["alt_index"] else None,
        )
        for row in rows.variants
    ]
    if found == expected:
        return None
    pairs = zip(expected, found, strict=False)
    differing = next(((one, other) for one, other in pairs if one != other), (len(expected), len(found)))
    return f"the file has {differing[0]}, the rows {differing[1]}"
