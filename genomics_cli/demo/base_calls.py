"""Base calls as sequencers write them: a file per cycle and tile (BCL), per cycle and lane, or per cycle and surface.

The formats are those that bcl2fastq's guide ("bcl2fastq2 Conversion Software v2.20 User Guide", BCL Conversion Input
Files) tells of; CBCL is told of in Picard's `CbclReader`.
"""

import enum
import gzip
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import pysam
from numpy.typing import NDArray

BASE_CALLS = Path("Data/Intensities/BaseCalls")
_FILTER_VERSION = 3
_LOCS_VERSION = (1, 1.0)
_CBCL_VERSION = 1
# What a cluster's two bits of quality in a CBCL stand for; the first is of bases that could not be called.
_CBCL_QUALITIES = (0, 11, 25, 37)
# From this cycle on the filter is known, and clusters that do not pass it are no longer written.
_FILTERED_AFTER = 25


class Layout(enum.StrEnum):
    """How base calls lie in files; the value is their ending."""

    TILES = "bcl"
    GZIPPED_TILES = "bcl.gz"
    LANES = "bcl.bgzf"
    SURFACES = "cbcl"


@dataclass(frozen=True)
class Tile:
    """What was read of a tile's clusters: `bases` are letters and `qualities` Phred, both (cycles, clusters).

    `passed` says of each cluster whether it passed the chastity filter. The number's first digit is the surface.
    """

    lane: int
    number: int
    bases: NDArray[np.uint8]
    qualities: NDArray[np.uint8]
    passed: NDArray[np.bool_]

    @property
    def clusters(self) -> int:
        """How many there are."""
        return int(self.passed.shape[0])


def write_base_calls(folder: Path, tiles: Sequence[Tile], layout: Layout) -> None:
    """Write base calls, filters and positions of all tiles into a run folder. The tiles of a lane stand together."""
    for lane, group in groupby(tiles, key=lambda tile: tile.lane):
        of_lane = list(group)
        directory = folder / BASE_CALLS / f"L{lane:03}"
        directory.mkdir(parents=True)
        if layout is Layout.LANES:
            _write_lane(folder, directory, lane, of_lane)
            continue
        for tile in of_lane:
            (directory / f"s_{lane}_{tile.number}.filter").write_bytes(_filter([tile]))
        if layout is Layout.SURFACES:
            _write_surfaces(directory, lane, of_lane)
        else:
            _write_tiles(folder, directory, lane, of_lane, layout)
    if layout is Layout.SURFACES:
        # All tiles of such an instrument's patterned flow cells have their clusters at the same places.
        _write_positions(folder / BASE_CALLS.parent / "s.locs", max(tile.clusters for tile in tiles))


def _write_tiles(folder: Path, directory: Path, lane: int, tiles: Iterable[Tile], layout: Layout) -> None:
    for tile in tiles:
        _write_positions(folder / BASE_CALLS.parent / directory.name / f"s_{lane}_{tile.number}.locs", tile.clusters)
        for cycle, calls in enumerate(_bytes(tile), 1):
            content = struct.pack("<I", tile.clusters) + calls.tobytes()
            if layout is Layout.GZIPPED_TILES:
                content = gzip.compress(content, compresslevel=1, mtime=0)
            path = directory / f"C{cycle}.1" / f"s_{lane}_{tile.number}.{layout}"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)


def _write_lane(folder: Path, directory: Path, lane: int, tiles: Sequence[Tile]) -> None:
    clusters = sum(tile.clusters for tile in tiles)
    index = b"".join(struct.pack("<II", tile.number, tile.clusters) for tile in tiles)
    (directory / f"s_{lane}.bci").write_bytes(index)
    (directory / f"s_{lane}.filter").write_bytes(_filter(tiles))
    _write_positions(folder / BASE_CALLS.parent / directory.name / f"s_{lane}.locs", clusters)
    calls = [_bytes(tile) for tile in tiles]
    for cycle in range(len(calls[0])):
        path = directory / f"{cycle + 1:04}.bcl.bgzf"
        starts = []
        with pysam.BGZFile(str(path), "wb", None) as file:
            file.write(struct.pack("<I", clusters))
            for of_tile in calls:
                starts.append(file.tell())
                file.write(of_tile[cycle].tobytes())
        header = struct.pack("<II", 0, len(tiles))
        path.with_name(f"{path.name}.bci").write_bytes(header + struct.pack(f"<{len(starts)}Q", *starts))


def _write_surfaces(directory: Path, lane: int, tiles: Sequence[Tile]) -> None:
    for surface, group in groupby(tiles, key=lambda tile: str(tile.number)[0]):
        of_surface = list(group)
        halves = [_halves(tile) for tile in of_surface]
        for cycle in range(len(halves[0])):
            excluded = cycle >= _FILTERED_AFTER
            kept = [tile.passed if excluded else np.ones_like(tile.passed) for tile in of_surface]
            calls = [_packed(each[cycle][rows]) for each, rows in zip(halves, kept, strict=True)]
            blocks = [gzip.compress(each.tobytes(), compresslevel=1, mtime=0) for each in calls]
            records = b"".join(
                struct.pack("<IIII", tile.number, int(rows.sum()), len(each), len(block))
                for tile, rows, each, block in zip(of_surface, kept, calls, blocks, strict=True)
            )
            path = directory / f"C{cycle + 1}.1" / f"L{lane:03}_{surface}.cbcl"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(_cbcl_header(len(of_surface), records, excluded=excluded) + b"".join(blocks))


def _cbcl_header(tiles: int, records: bytes, *, excluded: bool) -> bytes:
    """`excluded` says that clusters that did not pass the filter are left out of the blocks."""
    bins = b"".join(struct.pack("<II", number, quality) for number, quality in enumerate(_CBCL_QUALITIES))
    rest = struct.pack("<BBI", 2, 2, len(_CBCL_QUALITIES)) + bins + struct.pack("<I", tiles) + records
    return struct.pack("<HI", _CBCL_VERSION, 7 + len(rest)) + rest + bytes([excluded])


def _bytes(tile: Tile) -> NDArray[np.uint8]:
    """A byte for each call: the base in the lower two bits, the quality above; 0 where no base was called."""
    called = tile.bases != ord("N")
    return np.where(called, _codes(tile) | (tile.qualities << 2), 0).astype(np.uint8)


def _halves(tile: Tile) -> NDArray[np.uint8]:
    """Four bits for each call: the base in the lower two, the quality's bin above; 0 where no base was called."""
    called = tile.bases != ord("N")
    bins = np.searchsorted(_CBCL_QUALITIES, tile.qualities).astype(np.uint8)
    return np.where(called, _codes(tile) | (bins << 2), 0).astype(np.uint8)


def _packed(halves: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Two clusters to a byte, the earlier one in its lower half."""
    padded = np.pad(halves, (0, len(halves) % 2))
    return (padded[0::2] | (padded[1::2] << 4)).astype(np.uint8)


def _codes(tile: Tile) -> NDArray[np.uint8]:
    """A, C, G, T as 0 to 3; anything for N."""
    return (np.searchsorted(np.frombuffer(b"ACGT", dtype=np.uint8), tile.bases) & 3).astype(np.uint8)


def _filter(tiles: Sequence[Tile]) -> bytes:
    passed = np.concatenate([tile.passed for tile in tiles]).astype(np.uint8)
    return struct.pack("<III", 0, _FILTER_VERSION, len(passed)) + passed.tobytes()


def _write_positions(path: Path, clusters: int) -> None:
    """A .locs file; clusters stand in rows of a thousand."""
    places = np.arange(clusters)
    positions = np.stack([places % 1000, places // 1000], axis=1).astype("<f4")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<IfI", *_LOCS_VERSION, clusters) + positions.tobytes())
