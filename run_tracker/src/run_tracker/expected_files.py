"""Are a run's base calls all there? Lanes x cycles x tiles, from RunInfo.xml, as far as the platform's format says."""

import struct
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from run_tracker.listing import Listing
from run_tracker.platforms import BaseCallFormat, PlatformPolicy
from run_tracker.run_documents import RunInfo

BASE_CALLS = "Data/Intensities/BaseCalls"
_CBCL_FIXED = struct.Struct("<HIBBI")  # version, header bytes, bits per base call, bits per quality, number of bins
_CBCL_TILE = struct.Struct("<IIII")  # tile, clusters, bytes uncompressed, bytes compressed
_LARGEST_HEADER = 1 << 20
# To name the first few is enough, and a run that has just begun lacks a quarter of a million.
_MOST_NAMED = 3


def missing_base_calls(folder: Path, run_info: RunInfo, policy: PlatformPolicy, listing: Listing) -> tuple[str, ...]:
    """What is wrong with the first few base call files, by path; nothing if all are there."""
    check = _CHECKS.get(policy.base_calls)
    if check is None:
        return ()
    return tuple(islice(check(folder, run_info, policy, listing), _MOST_NAMED))


def _tile_bcl(folder: Path, run_info: RunInfo, policy: PlatformPolicy, listing: Listing) -> Iterator[str]:
    for lane, tiles in run_info.tiles.items():
        stems = [f"s_{lane}_{tile}.bcl" for tile in tiles]
        for cycle in range(1, run_info.cycles + 1):
            directory = f"{BASE_CALLS}/L{lane:03d}/C{cycle}.1"
            sizes = listing.sizes(f"{folder.name}/{directory}")
            for stem in stems:
                if not sizes.get(stem) and not sizes.get(f"{stem}.gz"):
                    yield _absent(f"{directory}/{stem}", sizes.keys() & {stem, f"{stem}.gz"})
        yield from _filters(folder, lane, tiles, listing)


def _lane_bcl(folder: Path, run_info: RunInfo, policy: PlatformPolicy, listing: Listing) -> Iterator[str]:
    for lane, tiles in run_info.tiles.items():
        directory = f"{BASE_CALLS}/L{lane:03d}"
        sizes = listing.sizes(f"{folder.name}/{directory}")
        names = [f"{cycle:04d}.bcl.bgzf" for cycle in range(1, run_info.cycles + 1)]
        for name in (*names, f"s_{lane}.bci", f"s_{lane}.filter"):
            if not sizes.get(name):
                yield _absent(f"{directory}/{name}", sizes.keys() & {name})
        if policy.check_tiles and sizes.get(f"s_{lane}.bci"):
            yield from _tiles_of_bci(folder / directory / f"s_{lane}.bci", f"{directory}/s_{lane}.bci", tiles)


def _cbcl(folder: Path, run_info: RunInfo, policy: PlatformPolicy, listing: Listing) -> Iterator[str]:
    for lane, tiles in run_info.tiles.items():
        for cycle in range(1, run_info.cycles + 1):
            directory = f"{BASE_CALLS}/L{lane:03d}/C{cycle}.1"
            sizes = listing.sizes(f"{folder.name}/{directory}")
            for surface in sorted({tile[0] for tile in tiles}):
                name = f"L{lane:03d}_{surface}.cbcl"
                if not sizes.get(name):
                    yield _absent(f"{directory}/{name}", sizes.keys() & {name})
                elif policy.check_tiles:
                    expected = {int(tile) for tile in tiles if tile[0] == surface}
                    yield from _tiles_of_cbcl(folder / directory / name, f"{directory}/{name}", sizes[name], expected)
        yield from _filters(folder, lane, tiles, listing)


def _filters(folder: Path, lane: int, tiles: tuple[str, ...], listing: Listing) -> Iterator[str]:
    directory = f"{BASE_CALLS}/L{lane:03d}"
    sizes = listing.sizes(f"{folder.name}/{directory}")
    for tile in tiles:
        name = f"s_{lane}_{tile}.filter"
        if not sizes.get(name):
            yield _absent(f"{directory}/{name}", sizes.keys() & {name})


def _tiles_of_bci(path: Path, name: str, tiles: tuple[str, ...]) -> Iterator[str]:
    """A .bci is pairs of tile and number of clusters, 32 bits each."""
    try:
        content = path.read_bytes()
    except OSError as error:
        yield f"{name}: cannot be read ({error.strerror})"
        return
    if len(content) % 8:
        yield f"{name}: is cut short"
        return
    found = {tile for tile, _ in struct.iter_unpack("<II", content)}
    yield from _lacking(name, {int(tile) for tile in tiles} - found)


def _tiles_of_cbcl(path: Path, name: str, size: int, expected: set[int]) -> Iterator[str]:
    """A .cbcl begins with a header that lists its tiles and the bytes of each; its size follows from them."""
    try:
        with path.open("rb") as stream:
            fixed = stream.read(_CBCL_FIXED.size)
            _, header_bytes, _, _, bins = _CBCL_FIXED.unpack(fixed)
            if not _CBCL_FIXED.size < header_bytes <= _LARGEST_HEADER:
                raise struct.error
            rest = stream.read(header_bytes - _CBCL_FIXED.size)
        start = bins * 8 + 4
        (count,) = struct.unpack_from("<I", rest, start - 4)
        tiles = [_CBCL_TILE.unpack_from(rest, start + i * _CBCL_TILE.size) for i in range(count)]
    except struct.error:
        yield f"{name}: is cut short"
        return
    except OSError as error:
        yield f"{name}: cannot be read ({error.strerror})"
        return
    if header_bytes + sum(compressed for *_, compressed in tiles) != size:
        yield f"{name}: is cut short"
    yield from _lacking(name, expected - {tile for tile, *_ in tiles})


def _lacking(name: str, tiles: set[int]) -> Iterator[str]:
    if tiles:
        yield f"{name}: lacks tile {min(tiles)}" + (f" and {len(tiles) - 1} more" if len(tiles) > 1 else "")


def _absent(path: str, there: set[str]) -> str:
    return f"{path}: is empty" if there else f"{path}: is missing"


_Check = Callable[[Path, RunInfo, PlatformPolicy, Listing], Iterator[str]]
_CHECKS: dict[BaseCallFormat, _Check] = {
    BaseCallFormat.TILE_BCL: _tile_bcl,
    BaseCallFormat.LANE_BCL: _lane_bcl,
    BaseCallFormat.CBCL: _cbcl,
}
