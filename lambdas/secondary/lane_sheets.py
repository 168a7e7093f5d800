"""The sample sheet of a run cut into lanes, and checked against what the instrument has read. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from genomics.contracts.demultiplexing import LaneSample, LaneSheet
from genomics.contracts.sequencer_sheets import SequencerSheet, SheetSample
from lambdas.secondary.run_information import RunInformation

_COMPLEMENT = str.maketrans("ACGT", "TGCA")


def lane_sheets(sheet: SequencerSheet, run: RunInformation, *, index2: str) -> tuple[LaneSheet, ...]:
    """What the job of each lane that has samples is told. `index2` is one of INDEX2_ORIENTATIONS.

    SampleSheetError names the line that does not fit the run or another line of its lane.
    """
    for row in sheet.samples:
        if row.lane and row.lane > run.lanes:
            raise sheet.fault(row.line, f"Lane is {row.lane}, the run has {run.lanes} (RunInfo.xml); correct it")
    reverse = index2 == "reverse_complement" or (index2 == "auto" and _is_forward_where_read_reversed(sheet, run))
    found = []
    for lane in range(1, run.lanes + 1):
        rows = [row for row in sheet.samples if row.lane in (None, lane)]
        if rows:
            _check(sheet, run, lane, rows)
            found.append(_lane_sheet(run, lane, rows, reverse=reverse))
    return tuple(found)


def _is_forward_where_read_reversed(sheet: SequencerSheet, run: RunInformation) -> bool:
    """Sheets of version 2 have the second index forward where RunInfo.xml says that it is read reversed.

    Those of version 1 have indexes as the instrument reads them: "Guidelines for reverse complementing i5 sequences for
    demultiplexing", Illumina Knowledge 1800.
    """
    return sheet.version == 2 and len(run.indexes) == 2 and run.indexes[1].is_reversed


def _lane_sheet(run: RunInformation, lane: int, rows: Sequence[SheetSample], *, reverse: bool) -> LaneSheet:
    samples = tuple(
        LaneSample(row.sample, row.index, row.index2.translate(_COMPLEMENT)[::-1] if reverse else row.index2)
        for row in rows
    )
    return LaneSheet(
        lane=lane,
        read_structure=_read_structure(run, len(rows[0].index), len(rows[0].index2)),
        samples=samples,
        instrument=run.instrument,
        run_number=run.number,
        flowcell=run.flowcell,
    )


def _read_structure(run: RunInformation, *compared: int) -> str:
    """Picard's words for the reads; `compared` says how many bases of each index are looked at."""
    lengths = iter(compared)
    words = []
    for read in run.reads:
        used = next(lengths, 0) if read.is_index else read.cycles
        kind = "B" if read.is_index else "T"
        words += [f"{used}{kind}"] if used else []
        words += [f"{read.cycles - used}S"] if used < read.cycles else []
    return "".join(words)


def _check(sheet: SequencerSheet, run: RunInformation, lane: int, rows: Sequence[SheetSample]) -> None:
    samples: dict[str, int] = {}
    indexes: dict[tuple[str, str], SheetSample] = {}
    for row in rows:
        if (first := samples.setdefault(row.sample, row.line)) != row.line:
            raise sheet.fault(
                row.line, f"sample {row.sample} is on lane {lane} by line {first}, too; give it one line for each lane"
            )
        if not row.index and len(rows) > 1:
            raise sheet.fault(
                row.line, f"sample {row.sample} has no index, and shares lane {lane} with others; fill in index"
            )
        _check_lengths(sheet, run, lane, row, rows[0])
        if (other := indexes.setdefault((row.index, row.index2), row)) is not row:
            written = "+".join(filter(None, (row.index, row.index2)))
            raise sheet.fault(
                row.line,
                f"sample {row.sample} has the index {written} on lane {lane}, as {other.sample} has on line"
                f" {other.line}; correct one of the two",
            )


def _check_lengths(sheet: SequencerSheet, run: RunInformation, lane: int, row: SheetSample, first: SheetSample) -> None:
    columns = (("index", row.index, first.index), ("index2", row.index2, first.index2))
    for number, (column, index, of_first) in enumerate(columns):
        if len(index) != len(of_first):
            raise sheet.fault(
                row.line,
                f"{column} of sample {row.sample} has {len(index)} bases, on lane {lane} that of line {first.line} has"
                f" {len(of_first)}; give all samples of a lane the same length",
            )
        cycles = run.indexes[number].cycles if number < len(run.indexes) else 0
        if len(index) > cycles:
            raise sheet.fault(
                row.line,
                f"{column} of sample {row.sample} has {len(index)} bases, the run has read {cycles} (RunInfo.xml);"
                + (" shorten it for all samples" if cycles else " leave it empty"),
            )
