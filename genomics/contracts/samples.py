"""The sample sheet: one row per sample and lane, with the columns nf-core/sarek uses."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

COLUMNS = ("patient", "sample", "lane", "fastq_1", "fastq_2")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
NAME_RULE = "may hold letters, digits, '.', '_' and '-' only (64 at most)"


def is_name(text: str) -> bool:
    """Whether `text` may name a patient, sample, lane or study: names become parts of keys and of file names."""
    return bool(_NAME.fullmatch(text))


class SampleSheetError(ValueError):
    """A sample sheet cannot be used; the message names file, line and what to do."""


@dataclass(frozen=True)
class SheetRow:
    """One lane of one sample: `fastq_1` and `fastq_2` are local paths or s3:// URIs of its two mates."""

    patient: str
    sample: str
    lane: str
    fastq_1: str
    fastq_2: str
    line: int

    @property
    def reads(self) -> tuple[str, str]:
        """Both mates."""
        return (self.fastq_1, self.fastq_2)


def read_sample_sheet(path: Path) -> tuple[SheetRow, ...]:
    """Read and check a sample sheet. Relative paths are relative to the sheet."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SampleSheetError(f"{path}: cannot be read ({error})") from error
    reader = csv.DictReader(text.splitlines())
    header = [name.strip() for name in reader.fieldnames or ()]
    if missing := [name for name in COLUMNS if name not in header]:
        raise SampleSheetError(f"{path}:1: no column {missing[0]!r}; the header must hold {','.join(COLUMNS)}")
    reader.fieldnames = header
    rows: list[SheetRow] = []
    for record in reader:
        values = {name: (record.get(name) or "").strip() for name in COLUMNS}
        if any(values.values()):
            rows.append(_row(path, reader.line_num, values))
    if not rows:
        raise SampleSheetError(f"{path}: holds no sample; add a line below the header")
    _check_unique(path, rows)
    return tuple(rows)


def _row(path: Path, line: int, values: dict[str, str]) -> SheetRow:
    where = f"{path}:{line}"
    for name in COLUMNS:
        if not values[name]:
            raise SampleSheetError(f"{where}: {name} is empty")
    for name in ("patient", "sample", "lane"):
        if not is_name(values[name]):
            raise SampleSheetError(f"{where}: {name} {values[name]!r} {NAME_RULE}")
    for name in ("fastq_1", "fastq_2"):
        if not values[name].startswith("s3://"):
            values[name] = str((path.parent / values[name]).absolute())
    return SheetRow(**values, line=line)


def _check_unique(path: Path, rows: list[SheetRow]) -> None:
    lanes: dict[tuple[str, str], int] = {}
    patients: dict[str, SheetRow] = {}
    reads: dict[str, int] = {}
    for row in rows:
        where = f"{path}:{row.line}"
        if (first := lanes.setdefault((row.sample, row.lane), row.line)) != row.line:
            raise SampleSheetError(
                f"{where}: sample {row.sample} lane {row.lane} is already on line {first}; give each lane its own name"
            )
        if (known := patients.setdefault(row.sample, row)).patient != row.patient:
            raise SampleSheetError(
                f"{where}: sample {row.sample} belongs to patient {known.patient} on line {known.line},"
                f" here to {row.patient}"
            )
        for read in row.reads:
            if read in reads:
                raise SampleSheetError(f"{where}: {read} is already used on line {reads[read]}")
            reads[read] = row.line
