"""The sample sheet of a run folder, as lab software writes it: version 1 (bcl2fastq) and 2 (BCL Convert).

Sections and columns are those of Illumina's "BCL Convert Software Guide" (1000000163594), Sample Sheets.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from genomics.contracts.demultiplexing import UNDETERMINED
from genomics.contracts.samples import NAME_RULE, SampleSheetError, is_name

# By version, the section that lists samples.
_DATA = {1: "data", 2: "bclconvert_data"}
_NEEDED = ("Sample_ID", "Sample_Project")
_KNOWN = (*_NEEDED, "Lane", "index", "index2")
_BASES = re.compile(r"[ACGT]*")
# Masks that change nothing but how much of an index is compared, which the indexes' lengths say as well.
_PLAIN_CYCLES = re.compile(r"(Y\d+|I\d+(N\d+)?|N\d+)(;(Y\d+|I\d+(N\d+)?|N\d+))*")


@dataclass(frozen=True)
class SheetSample:
    """A row: a sample on one lane, or on all. Indexes are as the sheet writes them, in capitals."""

    sample: str
    study: str
    lane: int | None
    index: str
    index2: str
    line: int


@dataclass(frozen=True)
class SequencerSheet:
    """A sheet; `name` is what messages call it."""

    name: str
    version: int
    samples: tuple[SheetSample, ...]

    def fault(self, line: int, problem: str) -> SampleSheetError:
        """An error about a line of the sheet."""
        return SampleSheetError(f"{self.name}:{line}: {problem}")


@dataclass(frozen=True)
class _Section:
    """A section's rows by line, and the line of its title."""

    line: int
    rows: Mapping[int, list[str]]


def read_sequencer_sheet(content: bytes, *, name: str) -> SequencerSheet:
    """Read a sheet and check each row by itself, and that a sample belongs to one study.

    SampleSheetError names file and line, and says what to do.
    """
    sections = _sections(content, name)
    version = 2 if _DATA[2] in sections or _states_version_2(sections) else 1
    data = sections.get(_DATA[version])
    if data is None:
        title = "BCLConvert_Data" if version == 2 else "Data"
        raise SampleSheetError(
            f"{name}: has no section [{title}]; add it, with the columns {', '.join(_KNOWN)} and a line for each sample"
        )
    _refuse_masks(sections, name)
    samples = tuple(_samples(data, name))
    if not samples:
        raise SampleSheetError(f"{name}:{data.line}: the section lists no sample; add a line for each")
    sheet = SequencerSheet(name, version, samples)
    studies: dict[str, SheetSample] = {}
    for row in samples:
        if (known := studies.setdefault(row.sample, row)).study != row.study:
            raise sheet.fault(
                row.line,
                f"sample {row.sample} is of project {row.study} here, of {known.study} on line {known.line};"
                " give one of the two another name",
            )
    return sheet


def _sections(content: bytes, name: str) -> dict[str, _Section]:
    """By title, in lower case."""
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise SampleSheetError(f"{name}: is no UTF-8 text ({error.reason}); save it as CSV in UTF-8") from error
    sections: dict[str, _Section] = {}
    rows: dict[int, list[str]] = {}
    for number, line in enumerate(lines, 1):
        cells = [cell.strip() for cell in next(csv.reader([line]), [])]
        if not any(cells):
            continue
        if cells[0].startswith("["):
            title = cells[0].strip("[]").lower()
            if title in sections:
                raise SampleSheetError(
                    f"{name}:{number}: {cells[0]} is already on line {sections[title].line}; keep one of the two"
                )
            rows = {}
            sections[title] = _Section(number, rows)
        else:
            rows[number] = cells
    return sections


def _states_version_2(sections: Mapping[str, _Section]) -> bool:
    return any(cells[:2] == ["FileFormatVersion", "2"] for cells in _rows(sections, "header"))


def _refuse_masks(sections: Mapping[str, _Section], name: str) -> None:
    for title in ("settings", "bclconvert_settings", *_DATA.values()):
        for number, cells in sections[title].rows.items() if title in sections else ():
            if cells[0] == "OverrideCycles" and len(cells) > 1:
                _refuse_mask(cells[1], f"{name}:{number}")


def _refuse_mask(mask: str, where: str) -> None:
    if mask and not _PLAIN_CYCLES.fullmatch(mask):
        raise SampleSheetError(
            f"{where}: OverrideCycles {mask} is not supported; without molecular indexes and trimmed reads, remove it"
        )


def _rows(sections: Mapping[str, _Section], title: str) -> Iterator[list[str]]:
    yield from sections[title].rows.values() if title in sections else ()


def _samples(data: _Section, name: str) -> Iterator[SheetSample]:
    rows = iter(data.rows.items())
    number, header = next(rows, (data.line, []))
    known = {column.lower(): place for place, column in enumerate(header) if column}
    if missing := [column for column in _NEEDED if column.lower() not in known]:
        raise SampleSheetError(f"{name}:{number}: no column {missing[0]}; the header must hold {', '.join(_NEEDED)}")
    for number, cells in rows:
        values = {column: cells[place] if place < len(cells) else "" for column, place in known.items()}
        _refuse_mask(values.get("overridecycles", ""), f"{name}:{number}")
        yield _sample(values, number, f"{name}:{number}")


def _sample(values: Mapping[str, str], line: int, where: str) -> SheetSample:
    sample, study, lane = values["sample_id"], values["sample_project"], values.get("lane", "")
    for column, value in (("Sample_ID", sample), ("Sample_Project", study)):
        if not value:
            of = f" of sample {sample}" if sample else ""
            raise SampleSheetError(f"{where}: {column}{of} is empty; fill it in")
        if not is_name(value):
            raise SampleSheetError(f"{where}: {column} {value!r} {NAME_RULE}; rename it")
    if sample == UNDETERMINED:
        raise SampleSheetError(f"{where}: Sample_ID {UNDETERMINED} is kept for the reads of no sample; rename it")
    if lane and not (lane.isdecimal() and int(lane)):
        raise SampleSheetError(f"{where}: Lane {lane!r} is no number from 1; leave it empty for all lanes")
    indexes = [values.get(column, "").upper() for column in ("index", "index2")]
    for column, index in zip(("index", "index2"), indexes, strict=True):
        if not _BASES.fullmatch(index):
            raise SampleSheetError(f"{where}: {column} {index!r} holds other letters than A, C, G and T; correct it")
    if indexes[1] and not indexes[0]:
        raise SampleSheetError(f"{where}: sample {sample} has index2 and no index; fill in index")
    return SheetSample(sample, study, int(lane) if lane else None, indexes[0], indexes[1], line)
