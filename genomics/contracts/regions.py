"""Genomic regions. 1-based and closed, as in VCF and in samtools' `chrom:start-end`; BED is converted on reading."""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# A sample's jobs travel in one payload of at most 256 KiB; a job takes up to 500 bytes of it.
MAXIMUM_CALLING_JOBS = 400

# Contig names may themselves hold a colon (HLA*01:01), so the interval is anchored at the end.
_REGION = re.compile(r"^(?P<chrom>.+?)(?::(?P<start>[\d,]+)-(?P<end>[\d,]+))?$")


class RegionError(ValueError):
    """A region cannot be read, or is not on the reference; the message names it."""


@dataclass(frozen=True, order=True)
class Region:
    """`start` and `end` are 1-based and both included."""

    chrom: str
    start: int
    end: int

    def __post_init__(self) -> None:
        if not self.chrom or self.start < 1 or self.end < self.start:
            raise RegionError(f"{self}: a region needs 1 <= start <= end")

    @property
    def length(self) -> int:
        """Bases in the region."""
        return self.end - self.start + 1

    def __str__(self) -> str:
        return f"{self.chrom}:{self.start}-{self.end}"


def read_fai(text: str) -> dict[str, int]:
    """Contig lengths in reference order, from a samtools `.fai` index."""
    return {row[0]: int(row[1]) for line in text.splitlines() if (row := line.split("\t")) and len(row) >= 2}


def parse_regions(texts: Iterable[str], contigs: Mapping[str, int]) -> tuple[Region, ...]:
    """Read `chrom` or `chrom:start-end` (commas allowed) and check each against the reference."""
    return tuple(_on_reference(_parse(text, contigs), contigs, text) for text in texts)


def check_regions(regions: Iterable[Region], contigs: Mapping[str, int]) -> tuple[Region, ...]:
    """The regions, each found on the reference."""
    return tuple(_on_reference(region, contigs, str(region)) for region in regions)


def read_bed(path: Path, contigs: Mapping[str, int], *, skip_other_contigs: bool = False) -> tuple[Region, ...]:
    """Read a BED file (0-based, half-open) and check each line against the reference.

    With `skip_other_contigs` the file may speak of a larger genome than the reference is.
    """
    regions = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith(("#", "track", "browser")):
            continue
        where = f"{path}:{number}"
        columns = line.split("\t") if "\t" in line else line.split()
        try:
            region = Region(columns[0], int(columns[1]) + 1, int(columns[2]))
        except (IndexError, ValueError) as error:
            raise RegionError(f"{where}: expected chrom, start, end; found {line[:80]!r}") from error
        if region.chrom in contigs or not skip_other_contigs:
            regions.append(_on_reference(region, contigs, where))
    if not regions:
        raise RegionError(f"{path}: holds no region" + (" on the reference" if skip_other_contigs else ""))
    return tuple(regions)


def split(regions: Iterable[Region], pieces: int) -> tuple[Region, ...]:
    """Cut regions into at least `pieces` of nearly equal length, never across contigs, in the given order.

    Every base of the input is in exactly one piece. Asking for more pieces than bases gives one per base.
    """
    regions = tuple(regions)
    total = sum(region.length for region in regions)
    if not regions or pieces < 1:
        raise RegionError("splitting needs at least one region and one piece")
    size = max(1, -(-total // pieces))
    cut = []
    for region in regions:
        count = -(-region.length // size)
        edges = [region.start + region.length * i // count for i in range(count + 1)]
        cut += [Region(region.chrom, a, b - 1) for a, b in itertools.pairwise(edges)]
    return tuple(cut)


def merge(regions: Iterable[Region]) -> tuple[Region, ...]:
    """Join overlapping and touching regions of the same contig; contigs keep the order in which they first appear."""
    by_chrom: dict[str, list[Region]] = {}
    for region in regions:
        by_chrom.setdefault(region.chrom, []).append(region)
    merged = []
    for chrom, group in by_chrom.items():
        start, end = 0, -1
        for region in sorted(group):
            if region.start > end + 1:
                if end >= start:
                    merged.append(Region(chrom, start, end))
                start, end = region.start, region.end
            end = max(end, region.end)
        merged.append(Region(chrom, start, end))
    return tuple(merged)


def calling_regions(
    *, requested: tuple[Region, ...], contigs: Mapping[str, int], bases_per_region: int
) -> tuple[Region, ...]:
    """The regions that calling is cut into, in reference order; without `requested` the whole reference.

    `contigs` are lengths in reference order. RegionError names a region that is not on the reference.
    """
    whole = (Region(name, 1, length) for name, length in contigs.items() if length)
    wanted = merge(check_regions(requested, contigs) if requested else whole)
    places = {name: place for place, name in enumerate(contigs)}
    ordered = sorted(wanted, key=lambda region: (places[region.chrom], region.start))
    cut = tuple(piece for region in ordered for piece in split([region], -(-region.length // bases_per_region)))
    if not cut:
        raise RegionError("the reference holds no sequence")
    return cut


def calling_jobs(regions: Sequence[Region]) -> tuple[tuple[Region, ...], ...]:
    """What each job of calling has to do: one region, or, of more than MAXIMUM_CALLING_JOBS, neighbours together.

    `regions` are those of `calling_regions`. A reference of thousands of small contigs so takes no more jobs than one
    payload holds; jobs that hold several regions are no larger than they have to be.
    """
    most = max((region.length for region in regions), default=0)
    jobs: tuple[tuple[Region, ...], ...] = tuple((region,) for region in regions)
    while len(jobs) > MAXIMUM_CALLING_JOBS:
        jobs = _packed(regions, most)
        most *= 2
    return jobs


def job_part(regions: Sequence[Region]) -> str:
    """Names a job of calling among those of its sample: `chr1:1-30000000`, `chrUn_1:1-900 and 120 more`."""
    others = len(regions) - 1
    return f"{regions[0]} and {others} more" if others else str(regions[0])


def _packed(regions: Iterable[Region], most: int) -> tuple[tuple[Region, ...], ...]:
    """Neighbours together, of at most `most` bases; a region that is larger stays alone."""
    packed: list[list[Region]] = []
    bases = 0
    for region in regions:
        if not packed or bases + region.length > most:
            packed.append([])
            bases = 0
        packed[-1].append(region)
        bases += region.length
    return tuple(tuple(job) for job in packed)


def _parse(text: str, contigs: Mapping[str, int]) -> Region:
    text = text.strip()
    if text in contigs:
        return Region(text, 1, contigs[text])
    match = _REGION.match(text)
    if match and match["start"]:
        return Region(match["chrom"], int(match["start"].replace(",", "")), int(match["end"].replace(",", "")))
    known = ", ".join(list(contigs)[:5])
    raise RegionError(f"{text}: not a contig of the reference ({known}, ...) nor chrom:start-end")


def _on_reference(region: Region, contigs: Mapping[str, int], where: str) -> Region:
    if region.chrom not in contigs:
        raise RegionError(
            f"{where}: the reference has no contig {region.chrom!r} ({', '.join(list(contigs)[:5])}, ...)"
        )
    if region.end > contigs[region.chrom]:
        raise RegionError(f"{where}: {region} ends after the contig's last base, {contigs[region.chrom]}")
    return region
