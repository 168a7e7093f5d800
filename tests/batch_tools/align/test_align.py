import gzip
import subprocess
from pathlib import Path

import pytest

from batch_tools.align import align
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.reference import INDEX
from genomics.contracts.parameters import AlignParameters


def view(bam: Path, *options: str, region: str = "") -> str:
    command = ["samtools", "view", "--no-PG", *options, str(bam), *filter(None, [region])]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def align_lanes(reference, tmp_path):
    def run(*lanes, threads=2, memory_mib=2048, sample="sim1", **parameters):
        directory = tmp_path / f"work{len(list(tmp_path.glob('work*')))}"
        directory.mkdir()
        return align.run(
            sample=sample,
            lanes=lanes,
            reference=reference,
            parameters=AlignParameters(**parameters),
            threads=threads,
            memory_mib=memory_mib,
            directory=directory,
        )

    return run


def halves(trimmed, directory: Path) -> list[align.Lane]:
    """The lane's reads, dealt to two lanes."""
    lanes = []
    for number, name in enumerate(("L1", "L2")):
        paths = []
        for mate in (1, 2):
            lines = gzip.decompress(trimmed.outputs[f"reads_{mate}"].read_bytes()).splitlines(keepends=True)
            middle = len(lines) // 8 * 4
            paths.append(directory / f"{name}_R{mate}.fastq.gz")
            paths[-1].write_bytes(gzip.compress(b"".join(lines[:middle] if number == 0 else lines[middle:])))
        lanes.append(align.Lane(name, *paths))
    return lanes


def test_every_read_is_there_once_and_nearly_all_are_mapped(aligned, trimmed):
    assert aligned.metrics["primary_records"] == trimmed.metrics["reads_out"] == aligned.metrics["reads_in"]
    assert aligned.metrics["mapped_reads"] >= 0.999 * aligned.metrics["reads_in"]
    assert aligned.metrics["properly_paired_reads"] >= 0.99 * aligned.metrics["reads_in"]
    assert len(view(aligned.outputs["alignments"], "-F", "0x900").splitlines()) == trimmed.metrics["reads_out"]


def test_the_bam_can_be_looked_up_by_place(aligned):
    records = view(aligned.outputs["alignments"], region="chrB:5000-5100").splitlines()
    assert 20 <= len(records) <= 200
    assert aligned.outputs["index"].name == "sim1.bam.bai"


def test_bytes_do_not_depend_on_threads_memory_or_place(aligned, trimmed, align_lanes):
    lane = align.Lane("L1", trimmed.outputs["reads_1"], trimmed.outputs["reads_2"])
    again = align_lanes(lane, threads=1, memory_mib=200)
    for name in ("alignments", "index", "flagstat"):
        assert again.outputs[name].read_bytes() == aligned.outputs[name].read_bytes(), name


def test_the_header_tells_what_was_done_and_not_where(aligned, references):
    header = view(aligned.outputs["alignments"], "-H")
    assert "@RG\tID:sim1.L1\tSM:sim1\tLB:sim1\tPL:ILLUMINA\tPU:sim1.L1" in header
    assert "@SQ\tSN:chrA\tLN:20000\n@SQ\tSN:chrB\tLN:20000" in header
    assert [line.split("\t")[1] for line in header.splitlines() if line.startswith("@PG")] == [
        "ID:bwa_mem.L1",
        "ID:samtools_fixmate.L1",
        "ID:samtools_sort.L1",
        "ID:samtools_markdup.L1",
    ]
    assert str(references) not in header


def test_lanes_keep_their_read_groups_and_lose_no_read(aligned, trimmed, align_lanes, tmp_path):
    outcome = align_lanes(*halves(trimmed, tmp_path))
    bam = outcome.outputs["alignments"]
    assert outcome.metrics["primary_records"] == trimmed.metrics["reads_out"]
    groups = [group for record in view(bam).splitlines() for group in record.split("\t") if group.startswith("RG:Z:")]
    assert set(groups) == {"RG:Z:sim1.L1", "RG:Z:sim1.L2"}
    assert [line.split("\t")[1] for line in view(bam, "-H").splitlines() if line.startswith("@RG")] == [
        "ID:sim1.L1",
        "ID:sim1.L2",
    ]

    # Reads and places are those of the same reads in one lane.
    def places(path: Path) -> list[list[str]]:
        return sorted(record.split("\t")[:9] for record in view(path).splitlines())

    assert places(bam) == places(aligned.outputs["alignments"])


def test_several_lanes_give_the_same_bytes_again(trimmed, align_lanes, tmp_path):
    lanes = halves(trimmed, tmp_path)
    first, second = align_lanes(*lanes), align_lanes(*lanes, threads=1)
    assert first.outputs["alignments"].read_bytes() == second.outputs["alignments"].read_bytes()


def test_the_same_reads_in_two_lanes_are_duplicates(trimmed, align_lanes):
    lane = align.Lane("L1", trimmed.outputs["reads_1"], trimmed.outputs["reads_2"])
    twin = align.Lane("L2", trimmed.outputs["reads_1"], trimmed.outputs["reads_2"])
    outcome = align_lanes(lane, twin)
    assert outcome.metrics["duplicate_reads"] >= outcome.metrics["mapped_reads"] / 2


def test_mates_that_were_lost_before_are_noticed(trimmed, align_lanes, tmp_path):
    lines = gzip.decompress(trimmed.outputs["reads_2"].read_bytes()).splitlines(keepends=True)
    short = tmp_path / "short_R2.fastq.gz"
    short.write_bytes(gzip.compress(b"".join(lines[:-4])))
    with pytest.raises(ToolError, match=r"reads went in|bwa mem failed"):
        align_lanes(align.Lane("L1", trimmed.outputs["reads_1"], short))


def test_less_memory_than_the_index_takes_is_said_at_once(trimmed, align_lanes, reference, monkeypatch):
    size = sum(reference.with_name(name).stat().st_size for name in INDEX)
    monkeypatch.setattr(align, "_MIB", size // 8)
    with pytest.raises(ToolError, match=r"bwa's index takes \d+ MiB, the job has 4: give it more memory"):
        align_lanes(align.Lane("L1", trimmed.outputs["reads_1"], trimmed.outputs["reads_2"]), memory_mib=4)
