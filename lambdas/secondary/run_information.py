"""RunInfo.xml as far as demultiplexing needs it: lanes, reads, and what stands in the names of reads."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass


class RunInformationError(ValueError):
    """RunInfo.xml cannot be used; the message names it and says why."""


@dataclass(frozen=True)
class Read:
    """Cycles of a read; `is_reversed` is set where an instrument says that it reads the index's reverse complement."""

    cycles: int
    is_index: bool
    is_reversed: bool = False


@dataclass(frozen=True)
class RunInformation:
    """What the run was set up to be."""

    instrument: str
    number: str
    flowcell: str
    lanes: int
    reads: tuple[Read, ...]

    @property
    def indexes(self) -> tuple[Read, ...]:
        """The reads that read an index."""
        return tuple(read for read in self.reads if read.is_index)


def read_run_information(content: bytes, *, name: str) -> RunInformation:
    """Read RunInfo.xml; RunInformationError unless it is of paired reads with at most two indexes."""
    try:
        run = ET.fromstring(content).find("Run")  # noqa: S314 - written by the instrument, read by nobody else
    except ET.ParseError as error:
        raise RunInformationError(f"{name}: is no XML ({error}); transfer the run again") from error
    if run is None:
        raise RunInformationError(f"{name}: holds no <Run>; transfer the run again")
    reads = tuple(
        Read(
            cycles=_number(read, "NumCycles", name),
            is_index=_says_yes(read, "IsIndexedRead"),
            is_reversed=_says_yes(read, "IsReverseComplement"),
        )
        for read in run.iterfind("Reads/Read")
    )
    indexes = sum(read.is_index for read in reads)
    if len(reads) - indexes != 2 or indexes > 2:
        raise RunInformationError(
            f"{name}: lists {len(reads) - indexes} reads and {indexes} indexes; two reads and at most two indexes"
            " can be analysed"
        )
    layout = run.find("FlowcellLayout")
    if layout is None:
        raise RunInformationError(f"{name}: holds no <FlowcellLayout>; transfer the run again")
    return RunInformation(
        instrument=_text(run, "Instrument"),
        number=run.get("Number") or "0",
        flowcell=_text(run, "Flowcell"),
        lanes=_number(layout, "LaneCount", name),
        reads=reads,
    )


def _says_yes(element: ET.Element, attribute: str) -> bool:
    return element.get(attribute, "N").upper() == "Y"


def _number(element: ET.Element, attribute: str, name: str) -> int:
    text = element.get(attribute, "")
    if not (text.isdecimal() and int(text)):
        raise RunInformationError(f"{name}: {attribute} of <{element.tag}> is {text!r}, no number from 1")
    return int(text)


def _text(run: ET.Element, tag: str) -> str:
    """Without spaces, which would end a read's name."""
    return "_".join((run.findtext(tag) or "unknown").split())
