"""Makes run folders as sequencers write them: each platform's documents, base calls, markers and by-products."""

import struct
from dataclasses import dataclass
from pathlib import Path

BASE_CALLS = Path("Data/Intensities/BaseCalls")
_LAYOUT = 'LaneCount="{lanes}" SurfaceCount="2" SwathCount="1" TileCount="2"'
_COMPLETED = "<CompletionStatus>CompletedAsPlanned</CompletionStatus><ErrorDescription>None</ErrorDescription>"


@dataclass(frozen=True)
class Sequencer:
    """What sets a platform's run folders apart. `written_last` are its markers, in its own spelling."""

    platform: str
    instrument: str
    run_id: str
    base_calls: str
    application: str
    written_last: tuple[str, ...]
    completion: str | None = None
    aborted: str = "<CompletionStatus>UserEndedEarly</CompletionStatus>"
    failed: str = "<CompletionStatus>ExceptionEndedEarly</CompletionStatus><ErrorDescription>pump</ErrorDescription>"
    sections: int = 1


_RUN_STATUS = {
    "completion": "<RunStatus>RunCompleted</RunStatus>",
    "aborted": "<RunStatus>RunStopped</RunStatus>",
    "failed": "<RunStatus>RunErrored</RunStatus><RunError><Message>pump</Message></RunError>",
}
SEQUENCERS = (
    Sequencer("miseq", "M04034", "230825_M04034_0043_000000000-L6NVV", "tile_bcl", "MiSeq", ("RTAComplete.txt",)),
    Sequencer(
        "nextseq_500_550",
        "NB501234",
        "190102_NB501234_0111_AHJ3VTBGX9",
        "lane_bcl",
        "NextSeq Control Software",
        ("RTAComplete.xml",),
        completion=_COMPLETED,
        sections=3,
    ),
    Sequencer(
        "nextseq_1000_2000",
        "VH00384",
        "240131_VH00384_146_AACCHKLHV",
        "cbcl",
        "NextSeq 1000/2000 Control Software",
        ("RTAComplete.txt", "CopyComplete.txt"),
        **_RUN_STATUS,
    ),
    Sequencer(
        "hiseq_2500",
        "D00450",
        "180509_D00450_0598_BHGYFNBCX2",
        "tile_bcl.gz",
        "HiSeq Control Software 2.2.58",
        ("RTAComplete.txt",),
    ),
    Sequencer(
        "hiseq_x",
        "ST-E00269",
        "180508_ST-E00269_0269_AHL32LCCXY",
        "tile_bcl.gz",
        "HiSeq Control Software HD 3.5.0.7",
        ("SequencingComplete.txt", "rtacomplete.TXT"),
    ),
    Sequencer(
        "novaseq_6000",
        "A00689",
        "190927_A00689_0069_BHLYWYDSXX",
        "cbcl",
        "NovaSeq Control Software",
        ("RTAComplete.txt", "SequenceComplete.txt", "copycomplete.txt"),
    ),
    Sequencer(
        "novaseq_x",
        "LH00188",
        "20231108_LH00188_0028_B22F52TLT3",
        "cbcl",
        "control-software NovaSeqXPlus",
        ("RTAComplete.txt", "CopyComplete.txt"),
        **_RUN_STATUS,
    ),
    Sequencer("generic", "XYZ9", "250101_XYZ9_0001_FLOWCELL", "none", "Other", ("CopyComplete.txt",)),
)


def make_run_folder(
    parent: Path,
    sequencer: Sequencer,
    *,
    state: str = "complete",
    flag: str | None = "qc",
    reads: tuple[int, ...] = (3, 2, 3),
    lanes: int = 2,
) -> Path:
    """A run folder in one state: running, complete, failed or aborted."""
    folder = parent / sequencer.run_id
    folder.mkdir()
    (folder / "RunInfo.xml").write_text(_run_info(sequencer, reads, lanes))
    (folder / "RunParameters.xml").write_text(
        f"<RunParameters><ApplicationName>{sequencer.application}</ApplicationName>"
        "<ExperimentName>Plate 7</ExperimentName></RunParameters>"
    )
    _write_base_calls(folder, sequencer, sum(reads), lanes)
    for name in ("Thumbnail_Images/L001/C1.1/s_1_1101_green.png", "Logs/cycle 1.log", "InterOp/QMetricsOut.bin"):
        _write(folder / name, b"x" * 10)
    if state == "running":
        return folder
    status = {"complete": sequencer.completion, "failed": sequencer.failed, "aborted": sequencer.aborted}[state]
    if status:
        (folder / "RunCompletionStatus.xml").write_text(f"<RunCompletionStatus>{status}</RunCompletionStatus>")
    for name in sequencer.written_last:
        (folder / name).touch()
    if flag:
        (folder / flag).touch()
    return folder


def tiles(sequencer: Sequencer, lane: int) -> list[str]:
    """The tiles of a lane: two surfaces, one swath, two tiles; on NextSeq 500/550 in each of three cameras."""
    cameras = [""] if sequencer.sections == 1 else [str(camera + (0 if lane % 2 else 3)) for camera in (1, 2, 3)]
    return [f"{surface}1{camera}{tile:02d}" for surface in (1, 2) for camera in cameras for tile in (1, 2)]


def one_base_call_file(folder: Path, sequencer: Sequencer) -> Path:
    """A file that holds base calls of the last tile of lane 2 in cycle 3."""
    lane = folder / BASE_CALLS / "L002"
    tile = tiles(sequencer, 2)[-1]
    return {
        "tile_bcl": lane / "C3.1" / f"s_2_{tile}.bcl",
        "tile_bcl.gz": lane / "C3.1" / f"s_2_{tile}.bcl.gz",
        "lane_bcl": lane / "0003.bcl.bgzf",
        "cbcl": lane / "C3.1" / "L002_2.cbcl",
    }[sequencer.base_calls]


def cbcl(tile_names: list[str]) -> bytes:
    """A .cbcl with one byte of base calls per tile."""
    records = b"".join(struct.pack("<IIII", int(tile), 2, 1, 1) for tile in tile_names)
    header = struct.pack("<II", 0, 0) * 4 + struct.pack("<I", len(tile_names)) + records + b"\0"
    return struct.pack("<HIBBI", 1, 12 + len(header), 2, 2, 4) + header + b"y" * len(tile_names)


def _write_base_calls(folder: Path, sequencer: Sequencer, cycles: int, lanes: int) -> None:
    for lane in range(1, lanes + 1):
        directory, names = folder / BASE_CALLS / f"L{lane:03d}", tiles(sequencer, lane)
        if sequencer.base_calls == "lane_bcl":
            for cycle in range(1, cycles + 1):
                _write(directory / f"{cycle:04d}.bcl.bgzf", b"bgzf")
            _write(directory / f"s_{lane}.bci", b"".join(struct.pack("<II", int(tile), 2) for tile in names))
            _write(directory / f"s_{lane}.filter", b"filter")
            continue
        if sequencer.base_calls == "none":
            continue
        for tile in names:
            _write(directory / f"s_{lane}_{tile}.filter", b"filter")
        for cycle in range(1, cycles + 1):
            if sequencer.base_calls == "cbcl":
                for surface in "12":
                    content = cbcl([tile for tile in names if tile[0] == surface])
                    _write(directory / f"C{cycle}.1" / f"L{lane:03d}_{surface}.cbcl", content)
            else:
                for tile in names:
                    name = f"s_{lane}_{tile}.{sequencer.base_calls.removeprefix('tile_')}"
                    _write(directory / f"C{cycle}.1" / name, b"\2\0\0\0ab")


def _run_info(sequencer: Sequencer, reads: tuple[int, ...], lanes: int) -> str:
    listed = "".join(
        f'<Read Number="{number}" NumCycles="{cycles}" IsIndexedRead="{"Y" if number == 2 else "N"}" />'
        for number, cycles in enumerate(reads, start=1)
    )
    layout = _LAYOUT.format(lanes=lanes)
    if sequencer.sections > 1:
        layout += f' SectionPerLane="{sequencer.sections}" LanePerSection="2"'
    return (
        f'<?xml version="1.0"?>\n<RunInfo Version="2"><Run Id="{sequencer.run_id}" Number="1">'
        f"<Flowcell>X</Flowcell><Instrument>{sequencer.instrument}</Instrument><Date>230825</Date>"
        f"<Reads>{listed}</Reads><FlowcellLayout {layout} /></Run></RunInfo>\n"
    )


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
