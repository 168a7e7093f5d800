from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomics.contracts.regions import (
    MAXIMUM_CALLING_JOBS,
    Region,
    RegionError,
    calling_jobs,
    calling_regions,
    check_regions,
    job_part,
    merge,
    parse_regions,
    read_bed,
    read_fai,
    split,
)

CONTIGS = {"chr1": 1000, "chr2": 500, "HLA*01:01": 50, "chrM:1-5": 9}

regions = st.builds(
    lambda chrom, start, length: Region(chrom, start, start + length),
    st.sampled_from(["chr1", "chr2"]),
    st.integers(1, 60),
    st.integers(0, 30),
)


def bases(found: tuple[Region, ...] | list[Region]) -> list[tuple[str, int]]:
    return [(region.chrom, base) for region in found for base in range(region.start, region.end + 1)]


def test_contig_lengths_come_in_reference_order() -> None:
    # from samtools faidx: name, length, offset, bases per line, bytes per line
    assert list(read_fai("chr2\t500\t6\t60\t61\nchr1\t1000\t600\t60\t61\n").items()) == [("chr2", 500), ("chr1", 1000)]


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("chr1:5-10", Region("chr1", 5, 10)),
        ("chr1:1-1,000", Region("chr1", 1, 1000)),
        (" chr2 ", Region("chr2", 1, 500)),
        ("HLA*01:01", Region("HLA*01:01", 1, 50)),
        ("HLA*01:01:2-3", Region("HLA*01:01", 2, 3)),
        ("chrM:1-5", Region("chrM:1-5", 1, 9)),
        ("chrM:1-5:2-3", Region("chrM:1-5", 2, 3)),
    ],
)
def test_regions_are_read_as_samtools_writes_them(text: str, region: Region) -> None:
    assert parse_regions([text], CONTIGS) == (region,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chr9", "chr9: not a contig of the reference (chr1, chr2, "),
        ("chr9:1-5", "chr9:1-5: the reference has no contig 'chr9'"),
        ("chr2:400-501", "chr2:400-501: chr2:400-501 ends after the contig's last base, 500"),
        ("chr1:0-5", "chr1:0-5: a region needs 1 <= start <= end"),
        ("chr1:10-5", "chr1:10-5: a region needs 1 <= start <= end"),
        ("chr1:5", "chr1:5: not a contig"),
        ("", ": not a contig"),
    ],
)
def test_a_region_that_cannot_be_used_is_named(text: str, message: str) -> None:
    with pytest.raises(RegionError, match=re.escape(message)):
        parse_regions([text], CONTIGS)


def test_regions_of_a_request_are_checked_against_the_reference() -> None:
    assert check_regions([Region("chr1", 1, 1000)], CONTIGS) == (Region("chr1", 1, 1000),)
    with pytest.raises(RegionError, match="chr1:1-1001"):
        check_regions([Region("chr1", 1, 1001)], CONTIGS)


def test_bed_is_half_open_and_counts_from_zero(tmp_path: Path) -> None:
    bed = tmp_path / "a.bed"
    bed.write_text("# comment\ntrack name=x\nchr1\t0\t10\tname\n\nchr2 9 10\n")
    assert read_bed(bed, CONTIGS) == (Region("chr1", 1, 10), Region("chr2", 10, 10))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chr1\t0\t10\nchr1\tx\t10\n", "a.bed:2: expected chrom, start, end"),
        ("chr1\t0\n", "a.bed:1: expected chrom, start, end"),
        ("chr1\t10\t10\n", "a.bed:1: expected chrom, start, end"),
        ("chr3\t0\t10\n", "a.bed:1: the reference has no contig 'chr3'"),
        ("# nothing\n", "a.bed: holds no region"),
    ],
)
def test_a_line_of_bed_that_cannot_be_used_is_named(tmp_path: Path, text: str, message: str) -> None:
    bed = tmp_path / "a.bed"
    bed.write_text(text)
    with pytest.raises(RegionError, match=re.escape(message)):
        read_bed(bed, CONTIGS)


@given(st.lists(regions, min_size=1, max_size=5), st.integers(1, 40))
def test_splitting_keeps_every_base_once_and_in_order(given_regions: list[Region], pieces: int) -> None:
    cut = split(given_regions, pieces)
    assert bases(cut) == bases(given_regions)
    total = sum(region.length for region in given_regions)
    assert len(cut) >= min(pieces, total) or max(r.length for r in cut) <= -(-total // pieces)
    assert max(region.length for region in cut) <= -(-total // pieces)


@given(st.lists(regions, min_size=1, max_size=8))
def test_merging_keeps_every_base_exactly_once(given_regions: list[Region]) -> None:
    merged = merge(given_regions)
    assert sorted(bases(merged)) == sorted(set(bases(given_regions)))
    assert len(set(bases(merged))) == len(bases(merged))
    assert merge(merged) == merged


def test_touching_regions_are_joined_and_others_are_not() -> None:
    given_regions = [Region("chr1", 5, 9), Region("chr1", 1, 4), Region("chr1", 11, 12), Region("chr2", 10, 10)]
    assert merge(given_regions) == (Region("chr1", 1, 9), Region("chr1", 11, 12), Region("chr2", 10, 10))


@pytest.mark.parametrize(("given_regions", "pieces"), [([], 1), ([Region("chr1", 1, 2)], 0)])
def test_nothing_cannot_be_split(given_regions: list[Region], pieces: int) -> None:
    with pytest.raises(RegionError):
        split(given_regions, pieces)


def test_few_regions_have_a_job_each() -> None:
    cut = calling_regions(requested=(), contigs={"chr1": 90, "chr2": 10}, bases_per_region=30)
    assert calling_jobs(cut) == tuple((region,) for region in cut)
    assert job_part(cut[:1]) == "chr1:1-30"


def test_thousands_of_small_contigs_share_jobs_and_large_ones_do_not_grow() -> None:
    # GRCh38 with decoys and HLA has 3,366 contigs: 25 large ones, and some 10 Mb in all of the others.
    large = {f"chr{n}": 120_000_000 for n in range(25)}
    contigs = large | {f"HLA*A{n:04d}": 3_000 for n in range(3341)}
    cut = calling_regions(requested=(), contigs=contigs, bases_per_region=30_000_000)
    jobs = calling_jobs(cut)
    assert len(jobs) <= MAXIMUM_CALLING_JOBS
    assert [region for job in jobs for region in job] == list(cut)
    assert all(len(job) == 1 for job in jobs[:100])
    assert max(sum(region.length for region in job) for job in jobs) == 30_000_000
    assert len({job_part(job) for job in jobs}) == len(jobs)
    assert job_part(jobs[-1]) == "HLA*A0000:1-3000 and 3340 more"


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=2000))
def test_jobs_of_calling_hold_every_region_once_and_are_never_too_many(lengths: list[int]) -> None:
    cut = tuple(Region(f"c{n}", 1, length) for n, length in enumerate(lengths))
    jobs = calling_jobs(cut)
    assert [region for job in jobs for region in job] == list(cut)
    assert len(jobs) <= MAXIMUM_CALLING_JOBS


@given(regions)
def test_a_region_reads_back_from_its_text(region: Region) -> None:
    assert parse_regions([str(region)], CONTIGS) == (region,)
