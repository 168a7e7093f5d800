import os
import shutil
import subprocess

import pytest

from batch_tools.tool_runtime.alignments import AlignmentsError, link_alignments, require_alignments
from genomics.contracts.regions import Region


@pytest.fixture
def bam(aligned):
    return aligned.outputs["alignments"]


@pytest.fixture(params=["bam", "cram"])
def alignments(request, aligned, cram):
    """In either format."""
    return {"bam": aligned, "cram": cram}[request.param].outputs["alignments"]


@pytest.fixture
def another(reference, tmp_path):
    """The reference, with a text of the FASTA or of its .fai replaced."""

    def change(name, old, new):
        directory = tmp_path / "another"
        directory.mkdir()
        for kept in ("genome.fa", "genome.fa.fai"):
            shutil.copyfile(reference.with_name(kept), directory / kept)
        text = (directory / name).read_text()
        assert old in text
        (directory / name).write_text(text.replace(old, new, 1))
        return directory / "genome.fa"

    return change


def refusal(path, *arguments):
    with pytest.raises(AlignmentsError) as caught:
        require_alignments(path, *arguments)
    return str(caught.value)


def test_what_align_wrote_is_accepted(alignments, reference):
    found = require_alignments(alignments, [Region("chrA", 1, 20_000), Region("chrB", 5, 10)], reference)
    assert f".{found}" == alignments.suffix


@pytest.mark.parametrize(
    ("region", "problem"),
    [
        (Region("chrC", 1, 10), "its header has no contig chrC"),
        (Region("chrA", 1, 20_001), "its chrA has 20000 bases, the region is chrA:1-20001"),
    ],
)
def test_regions_it_does_not_hold_are_refused(alignments, reference, region, problem):
    assert f"{alignments.name}: {problem}" in refusal(alignments, [region], reference)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("chrA\t20000", "chrA\t19999", "its chrA has 20000 bases, the reference's 19999: it is aligned to another one"),
        ("chrB", "chrZ", "its chrB is not in the reference: it is aligned to another one"),
    ],
)
def test_another_reference_is_refused(alignments, another, old, new, problem):
    told = refusal(alignments, [Region("chrA", 1, 10)], another("genome.fa.fai", old, new))
    assert f"{alignments.name}: {problem}; align the sample again" in told


def test_cram_of_a_reference_that_differs_in_one_base_is_refused_where_that_is_read(cram, another, simulation):
    first = simulation.contigs["chrA"][:60]
    changed = another("genome.fa", first, ("C" if first[0] != "C" else "G") + first[1:])
    path = cram.outputs["alignments"]
    for regions in ([], [Region("chrA", 1, 10)]):
        assert "sim1.cram: its chrA has the MD5 " in refusal(path, regions, changed)
    require_alignments(path, [Region("chrB", 1, 10)], changed)


def test_cram_without_a_reference_is_refused(cram):
    told = refusal(cram.outputs["alignments"])
    assert told == "sim1.cram: it is CRAM, and the task names no reference to read it with; start the run again"


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda data: b"", "it is neither BAM nor CRAM"),
        (lambda data: b"\0" * 100, "it is neither BAM nor CRAM"),
        (lambda data: data[: len(data) // 2], "it is truncated, the end-of-file block is missing"),
        (lambda data: data[:-29], "it is truncated, the end-of-file block is missing"),
        (lambda data: data[:40] + b"\xff" * 60 + data[100:], "its header cannot be read"),
        (lambda data: data[:26] + data[-38:], "its header cannot be read"),
    ],
    ids=["empty", "zeros", "half", "no end", "damaged header", "no header"],
)
def test_damage_is_named(alignments, reference, tmp_path, spoil, problem):
    spoiled = tmp_path / "spoiled"
    spoiled.write_bytes(spoil(alignments.read_bytes()))
    told = refusal(spoiled, (), reference)
    assert told.startswith(f"spoiled: {problem}")
    assert told.endswith("; align the sample again")


def test_bgzf_that_holds_nothing_is_no_bam(bam, tmp_path):
    end = tmp_path / "end"
    end.write_bytes(bam.read_bytes()[-28:])
    assert refusal(end) == "end: it is neither BAM nor CRAM; align the sample again"


def test_a_changed_byte_of_a_cram_header_is_seen_by_its_checksum(cram, reference, tmp_path):
    data = cram.outputs["alignments"].read_bytes()
    spoiled = tmp_path / "spoiled.cram"
    spoiled.write_bytes(data[:200] + bytes([data[200] ^ 1]) + data[201:])
    assert refusal(spoiled, (), reference).startswith(
        "spoiled.cram: its header cannot be read (its checksum does not match); "
    )


def test_cram_of_another_version_is_named(bam, reference, tmp_path):
    old = tmp_path / "old.cram"
    options = ["--reference", reference, "-O", "cram,version=2.1", "-o", old]
    subprocess.run(["samtools", "view", *options, bam], check=True, capture_output=True)
    told = refusal(old, (), reference)
    assert told == "old.cram: it is CRAM 2.1, this step reads CRAM 3; convert it with samtools view -C"


def test_a_cram_header_that_is_packed_is_read(cram, reference, tmp_path):
    """samtools packs a header that it rewrites in place with room to spare, and long ones."""
    text = subprocess.run(
        ["samtools", "view", "-H", "--no-PG", cram.outputs["alignments"]], capture_output=True, text=True, check=True
    ).stdout
    header, long = tmp_path / "header.sam", tmp_path / "long.cram"
    header.write_text(text + "".join(f"@CO\tline {number} of many\n" for number in range(5000)))
    with long.open("wb") as target:
        command = ["samtools", "reheader", "--no-PG", header, cram.outputs["alignments"]]
        subprocess.run(command, check=True, stdout=target, env={**os.environ, "REF_PATH": os.devnull})
    require_alignments(long, (), reference)


def test_alignments_sorted_by_name_are_refused(bam, tmp_path):
    by_name = tmp_path / "by_name.bam"
    subprocess.run(["samtools", "sort", "-n", "-o", by_name, bam], check=True, capture_output=True)
    assert "does not say that it is sorted by coordinate" in refusal(by_name)


def test_alignments_are_linked_with_their_index_under_a_name_of_their_format(alignments, reference, tmp_path):
    index = alignments.with_name(f"{alignments.name}.{ {'.bam': 'bai', '.cram': 'crai'}[alignments.suffix] }")
    link = link_alignments(alignments, tmp_path, index=index, regions=[Region("chrA", 1, 10)], reference=reference)
    assert link == f"alignments{alignments.suffix}"
    assert (tmp_path / link).samefile(alignments)
    assert (tmp_path / f"{link}{index.suffix}").samefile(index)
    found = subprocess.run(["samtools", "idxstats", link], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert found.stdout.startswith("chrA\t20000\t")
