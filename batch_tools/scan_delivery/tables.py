"""TSV, CSV and sample sheets: every cell is looked through, with its column's name; rows are as wide as the header."""

import csv
import io
import re
from collections.abc import Iterator
from io import BufferedReader
from itertools import islice

from batch_tools.scan_delivery.findings import Findings
from batch_tools.scan_delivery.labels import column_kind
from batch_tools.scan_delivery.phi import Text
from batch_tools.scan_delivery.phi_shapes import can_hold
from genomics.contracts.deliveries import Agreement, FileFormat, TableColumn

_ROWS_AT_ONCE = 2000
_LONGEST_CELL = 16 << 20
_LONGEST_NAME = 40
# What a section of Illumina's sheets begins with.
_SECTION = re.compile(r"\[\w+\]?")
# In a column whose name says nothing, a number of up to ten digits says nothing either.
_NUMBER = re.compile(r"[-+]?[\d.]{1,10}(?:[eE][-+]?\d{1,3})?")


def inspect_table(stream: BufferedReader, findings: Findings, agreement: Agreement, format_: FileFormat) -> None:
    """Check and look through a table with a header; lines before it that begin with ## are looked through as well."""
    rows = _Rows(_rows(stream, format_, findings))
    header = next(iter(rows), None)
    while header and header[0].startswith("##"):
        findings.look([Text(cell, line=rows.line) for cell in header])
        header = next(iter(rows), None)
    if not header:
        raise findings.refuse("there is no header", line=1)
    names = [header[0].lstrip("#"), *header[1:]]
    findings.look([Text(name, line=rows.line, field=f"header of column {i}") for i, name in enumerate(names, 1)])
    patterns = _agreed(names, agreement.columns, rows.line, findings)
    cells = _Cells(names, findings)
    while batch := [(rows.line, row) for row in islice(rows, _ROWS_AT_ONCE)]:
        for line, row in batch:
            _check_row(row, line, names, patterns, findings)
        cells.look(batch)


def inspect_sample_sheet(stream: BufferedReader, findings: Findings) -> None:
    """Look through a sample sheet: Illumina's, whose sections have columns of their own, or a plain table."""
    rows = _Rows(_rows(stream, FileFormat.CSV, findings))
    names: list[str] = []
    is_heading, any_row = True, False
    for row in rows:
        any_row = any_row or any(row)
        if row and _SECTION.fullmatch(row[0]):
            is_heading, names = row[0].startswith(("[Data", "[BCLConvert_Data", "[Cloud_Data")), []
        elif is_heading:
            names, is_heading = row, False
        labels = names or [*row[:1] * len(row)]
        findings.look(
            [
                Text(cell, label=label if cell != label else "", line=rows.line, field=column_field(label, i))
                for i, (cell, label) in enumerate(zip(row, [*labels, *[""] * len(row)], strict=False), 1)
                if cell
            ]
        )
    if not any_row:
        raise findings.refuse("the sheet is empty", line=1)


def column_field(name: str, number: int) -> str:
    """A column as findings have it: by its name, unless that may be personal itself; else by its number from 1."""
    return f"column {number if not name or len(name) > _LONGEST_NAME or can_hold(name) else name}"


class _Rows(Iterator[list[str]]):
    """Rows, and the line that the latest ended in."""

    def __init__(self, reader: "Iterator[tuple[int, list[str]]]") -> None:
        self._reader = reader
        self.line = 0

    def __next__(self) -> list[str]:
        self.line, row = next(self._reader)
        return row


class _Cells:
    """Looks through the cells that can hold something, by their column's name or their own shape."""

    def __init__(self, names: list[str], findings: Findings) -> None:
        self._names = names
        self._findings = findings
        self._fields = [column_field(name, i) for i, name in enumerate(names, 1)]
        self._personal = [column_kind(name) is not None for name in names]

    def look(self, batch: list[tuple[int, list[str]]]) -> None:
        """Take some rows, with their lines."""
        texts = [
            Text(cell, label=self._names[i], line=line, field=self._fields[i])
            for line, row in batch
            for i, cell in enumerate(row[: len(self._names)])
            if self._personal[i] or (not _NUMBER.fullmatch(cell) and can_hold(cell))
        ]
        self._findings.look(texts)


def _rows(stream: BufferedReader, format_: FileFormat, findings: Findings) -> Iterator[tuple[int, list[str]]]:
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    by_tab = format_ is FileFormat.TSV
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(
        text,
        delimiter="\t" if by_tab else ",",
        quoting=csv.QUOTE_NONE if by_tab else csv.QUOTE_MINIMAL,
        strict=not by_tab,
    )
    try:
        for row in reader:
            yield reader.line_num, row
    except UnicodeDecodeError as error:
        raise findings.refuse(f"the text is no UTF-8 ({error.reason})", line=reader.line_num + 1) from error
    except csv.Error as error:
        raise findings.refuse(f"the line cannot be read ({error})", line=reader.line_num) from error
    finally:
        text.detach()


def _agreed(
    names: list[str], columns: tuple[TableColumn, ...], line: int, findings: Findings
) -> list[tuple[int, TableColumn, re.Pattern[str]]]:
    if columns and (wanted := [column.name for column in columns]) != names:
        at = next((i for i, pair in enumerate(zip(names, wanted, strict=False)) if pair[0] != pair[1]), None)
        if at is None:
            raise findings.refuse(f"{len(names)} columns, {len(wanted)} were agreed", line=line)
        raise findings.refuse(f"the column is not {wanted[at]!r}, as was agreed", line=line, field=f"column {at + 1}")
    if len(set(names)) != len(names):
        findings.invalid("two columns have the same name", line=line)
    return [(i, column, re.compile(column.pattern)) for i, column in enumerate(columns) if column.pattern != ".*"]


def _check_row(
    row: list[str],
    line: int,
    names: list[str],
    patterns: list[tuple[int, TableColumn, re.Pattern[str]]],
    findings: Findings,
) -> None:
    if len(row) != len(names):
        if row:
            findings.invalid(f"{len(row)} columns, the header has {len(names)}", line=line)
        return
    for i, column, pattern in patterns:
        if row[i] and not pattern.fullmatch(row[i]):
            findings.invalid(f"the value is not as agreed ({column.pattern})", line=line, field=f"column {column.name}")
