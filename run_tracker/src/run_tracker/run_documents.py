"""What an instrument says about its run: RunInfo.xml, RunParameters.xml and RunCompletionStatus.xml."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Some documents carry a name per tile; none is larger than this, and what is comes from no instrument.
_LARGEST_DOCUMENT = 64 * 1024 * 1024


class DocumentError(ValueError):
    """A document cannot be used; the message names file, line and what to do."""


@dataclass(frozen=True)
class Read:
    """One read: its number of cycles, and whether it reads an index."""

    cycles: int
    is_index: bool


@dataclass(frozen=True)
class FlowcellLayout:
    """Lanes, surfaces, swaths, tiles per swath, and sections per lane with the lanes that share a section."""

    lanes: int
    surfaces: int
    swaths: int
    tiles: int
    sections: int = 1
    lanes_per_section: int = 1
    five_digits: bool = False

    def tiles_of_lane(self, lane: int) -> tuple[str, ...]:
        """The lane's tiles: surface, swath, (section,) tile in two digits."""
        first = ((lane - 1) % self.lanes_per_section) * self.sections
        sections = [str(first + section + 1) if self.five_digits else "" for section in range(self.sections)]
        return tuple(
            f"{surface}{swath}{section}{tile:02d}"
            for surface in range(1, self.surfaces + 1)
            for swath in range(1, self.swaths + 1)
            for section in sections
            for tile in range(1, self.tiles + 1)
        )


@dataclass(frozen=True)
class RunInfo:
    """RunInfo.xml: what the run was set up to be. `tiles` are by lane."""

    run_id: str
    instrument: str
    flowcell: str
    reads: tuple[Read, ...]
    tiles: dict[int, tuple[str, ...]]

    @property
    def cycles(self) -> int:
        """Cycles of all reads, indexes included."""
        return sum(read.cycles for read in self.reads)


@dataclass(frozen=True)
class RunParameters:
    """RunParameters.xml as far as it is needed: the control software, and what the lab called the experiment."""

    application: str = ""
    experiment: str = ""


@dataclass(frozen=True)
class CompletionStatus:
    """RunCompletionStatus.xml: the status, what went wrong, and the cycles of each read that were completed."""

    status: str
    error: str = ""
    cycles: int | None = None


def read_run_info(path: Path) -> RunInfo:
    """Read RunInfo.xml."""
    root = _parse(path)
    run = root.find("Run")
    if run is None:
        raise DocumentError(f"{path}: holds no <Run>; copy it again from the instrument")
    reads = tuple(
        Read(cycles=_number(path, read, "NumCycles"), is_index=read.get("IsIndexedRead", "N").upper() == "Y")
        for read in run.iterfind("Reads/Read")
    )
    if not reads:
        raise DocumentError(f"{path}: lists no <Read>; copy it again from the instrument")
    return RunInfo(
        run_id=run.get("Id", ""),
        instrument=_text(run, "Instrument"),
        flowcell=_text(run, "Flowcell"),
        reads=reads,
        tiles=_tiles(path, run),
    )


def read_run_parameters(path: Path) -> RunParameters:
    """Read RunParameters.xml, of any instrument."""
    root = _parse(path)
    texts = {_local(element.tag): (element.text or "").strip() for element in root.iter()}
    version = texts.get("ApplicationVersion", "")
    application = texts.get("ApplicationName") or texts.get("Application", "")
    words = (application, version, texts.get("InstrumentType", ""))
    return RunParameters(application=" ".join(filter(None, words)), experiment=texts.get("ExperimentName", ""))


def read_completion_status(path: Path) -> CompletionStatus:
    """Read RunCompletionStatus.xml, of any instrument."""
    root = _parse(path)
    status = _text(root, "RunStatus") or _text(root, "CompletionStatus")
    if root.tag == "AnalysisJobInfo":
        # MiSeq writes a job's outcome instead of a status.
        status = "Error" if _text(root, "Error") else "Completed"
    if not status:
        raise DocumentError(f"{path}: holds neither <RunStatus> nor <CompletionStatus>; copy it again")
    descriptions = (_text(root, "ErrorDescription"), _text(root, "RunError/Message"), _text(root, "Error"))
    error = next((text for text in descriptions if text and text.lower() != "none"), "")
    completed = [_number(path, read, "Cycles") for read in root.iterfind("CompletedReads/Read")]
    return CompletionStatus(status=status, error=error, cycles=sum(completed) if completed else None)


def _tiles(path: Path, run: ET.Element) -> dict[int, tuple[str, ...]]:
    layout = run.find("FlowcellLayout")
    if layout is None:
        return {}
    listed: dict[int, list[str]] = {}
    for tile in layout.iterfind("TileSet/Tiles/Tile"):
        lane, _, name = (tile.text or "").strip().partition("_")
        if not lane.isdecimal() or not name.isdecimal():
            raise DocumentError(f"{path}: tile {tile.text!r} is not lane_tile; copy it again from the instrument")
        listed.setdefault(int(lane), []).append(name)
    if listed:
        return {lane: tuple(names) for lane, names in sorted(listed.items())}
    convention = layout.find("TileSet")
    named = convention.get("TileNamingConvention", "") if convention is not None else ""
    flowcell = FlowcellLayout(
        lanes=_number(path, layout, "LaneCount"),
        surfaces=_number(path, layout, "SurfaceCount"),
        swaths=_number(path, layout, "SwathCount"),
        tiles=_number(path, layout, "TileCount"),
        sections=_number(path, layout, "SectionPerLane", 1),
        lanes_per_section=_number(path, layout, "LanePerSection", 1),
        five_digits=named == "FiveDigit" or layout.get("SectionPerLane") is not None,
    )
    return {lane: flowcell.tiles_of_lane(lane) for lane in range(1, flowcell.lanes + 1)}


def _parse(path: Path) -> ET.Element:
    try:
        if path.stat().st_size > _LARGEST_DOCUMENT:
            raise DocumentError(f"{path}: is larger than any instrument writes; copy it again")
        text = path.read_bytes()
    except OSError as error:
        raise DocumentError(f"{path}: cannot be read ({error.strerror}); correct its permissions") from error
    # A document type may define entities that grow without bound; instruments write none.
    if b"<!DOCTYPE" in text:
        raise DocumentError(f"{path}: has a document type, which no instrument writes; copy it again")
    try:
        return ET.fromstring(text)  # noqa: S314 entities need a document type
    except (ET.ParseError, ValueError) as error:
        line = error.position[0] if isinstance(error, ET.ParseError) else 1
        raise DocumentError(
            f"{path}:{line}: is not well-formed XML ({error}); copy it again from the instrument"
        ) from error


def _number(path: Path, element: ET.Element, name: str, default: int | None = None) -> int:
    text = element.get(name)
    if text is None and default is not None:
        return default
    if text is None or not text.isdecimal() or len(text) > 6:
        raise DocumentError(f"{path}: {name}={text!r} of <{element.tag}> is no count; copy it again")
    return int(text)


def _text(element: ET.Element, path: str) -> str:
    return " ".join((element.findtext(path) or "").split())


def _local(tag: str) -> str:
    return tag.rsplit("}", 1)[-1]


def names_without_case(names: list[str]) -> dict[str, str]:
    """Names by their lower-case form."""
    return {name.casefold(): name for name in names}


def missing_markers(markers: tuple[str, ...], names: dict[str, str]) -> Iterator[str]:
    """Those markers that a folder with these names (by lower-case form) has not."""
    for marker in markers:
        if not any(choice.casefold() in names for choice in marker.split("|")):
            yield " or ".join(marker.split("|"))
