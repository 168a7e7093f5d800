"""Writes a run's manifest: beside the state, at once or not at all."""

import gzip
import hashlib
import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from genomics.contracts.transfers import ManifestHeader, ManifestTrailer, header_line, trailer_line
from run_tracker.listing import Listing


def write_manifest(path: Path, header: ManifestHeader, listing: Listing) -> str:
    """Write a manifest of what is listed; gives its digest.

    The digest is that of the files' lines, and does not depend on the generation.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    totals = listing.totals()
    partial = path.with_suffix(".partial")
    # Hashing takes as long as writing and waiting for the disk.
    with partial.open("wb") as stream, ThreadPoolExecutor(1) as beside:
        digest = beside.submit(_sha256, listing.lines())
        stream.write(header_line(header).encode() + b"\n")
        stream.writelines(listing.lines())
        stream.write(trailer_line(ManifestTrailer(totals.files, totals.bytes)).encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
    _sync_directory(path.parent)
    return digest.result()


def has_new_files(path: Path, earlier: Path) -> bool:
    """Whether a manifest lists a file that an earlier one does not list, or lists with another size."""
    known = {hash(line) for line in _file_lines(earlier)}
    return any(hash(line) not in known for line in _file_lines(path))


def compress(path: Path) -> Path:
    """A gzipped copy beside a manifest."""
    target = path.with_suffix(".tsv.gz")
    partial = path.with_suffix(".gz-partial")
    with path.open("rb") as source, partial.open("wb") as raw, gzip.GzipFile("", "wb", 1, raw, mtime=0) as stream:
        shutil.copyfileobj(source, stream, 1 << 20)
    return partial.replace(target)


def _sha256(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _file_lines(path: Path) -> Iterable[bytes]:
    with path.open("rb") as stream:
        yield from (line for line in stream if not line.startswith(b"{"))


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
