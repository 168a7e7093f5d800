import gzip
import os
import random
import subprocess
from pathlib import Path

import pytest

from batch_tools.align import align, cli
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.reference import INDEX
from genomics.contracts.parameters import ALIGNERS, AlignParameters
from genomics.contracts.steps import Step, Task

# No reference but the one that a command is given.
ENVIRONMENT = {**os.environ, "REF_PATH": os.devnull}


def view(path: Path, *options: str, region: str = "") -> str:
    command = ["samtools", "view", "--no-PG", *options, str(path), *filter(None, [region])]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=ENVIRONMENT).stdout


def programs(path: Path) -> list[str]:
    return [line.split("\t")[1] for line in view(path, "-H").splitlines() if line.startswith("@PG")]


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


@pytest.mark.parametrize("aligner", ALIGNERS)
def test_every_read_is_there_once_and_nearly_all_are_mapped(align_sample, trimmed, aligner):
    aligned = align_sample(AlignParameters(aligner=aligner))
    assert aligned.metrics["primary_records"] == trimmed.metrics["reads_out"] == aligned.metrics["reads_in"]
    assert aligned.metrics["mapped_reads"] >= 0.999 * aligned.metrics["reads_in"]
    assert aligned.metrics["properly_paired_reads"] >= 0.99 * aligned.metrics["reads_in"]
    assert len(view(aligned.outputs["alignments"], "-F", "0x900").splitlines()) == trimmed.metrics["reads_out"]


def test_the_bam_can_be_looked_up_by_place(aligned):
    records = view(aligned.outputs["alignments"], region="chrB:5000-5100").splitlines()
    assert 20 <= len(records) <= 200
    assert aligned.outputs["index"].name == "sim1.bam.bai"


@pytest.mark.parametrize("parameters", [{}, {"format": "cram"}, {"aligner": "minimap2"}], ids=str)
def test_bytes_do_not_depend_on_threads_memory_or_place(align_sample, trimmed, align_lanes, parameters):
    aligned = align_sample(AlignParameters(**parameters))
    lane = align.Lane("L1", trimmed.outputs["reads_1"], trimmed.outputs["reads_2"])
    again = align_lanes(lane, threads=1, memory_mib=200, **parameters)
    for name in ("alignments", "index", "flagstat"):
        assert again.outputs[name].read_bytes() == aligned.outputs[name].read_bytes(), name


def test_the_header_tells_what_was_done_and_not_where(aligned, by_minimap2, cram, references):
    header = view(aligned.outputs["alignments"], "-H")
    assert "@RG\tID:sim1.L1\tSM:sim1\tLB:sim1\tPL:ILLUMINA\tPU:sim1.L1" in header
    assert "@SQ\tSN:chrA\tLN:20000\n@SQ\tSN:chrB\tLN:20000" in header
    samtools = ["ID:samtools_fixmate.L1", "ID:samtools_sort.L1", "ID:samtools_markdup.L1"]
    assert programs(aligned.outputs["alignments"]) == ["ID:bwa_mem.L1", *samtools]
    assert programs(by_minimap2.outputs["alignments"]) == ["ID:minimap2.L1", *samtools]
    assert programs(cram.outputs["alignments"]) == ["ID:bwa_mem.L1", *samtools, "ID:samtools_view.L1"]
    for each in (aligned, by_minimap2, cram):
        assert str(references) not in view(each.outputs["alignments"], "-H")


@pytest.mark.parametrize("aligner", ALIGNERS)
def test_lanes_keep_their_read_groups_and_lose_no_read(align_sample, trimmed, align_lanes, tmp_path, aligner):
    aligned = align_sample(AlignParameters(aligner=aligner))
    outcome = align_lanes(*halves(trimmed, tmp_path), aligner=aligner)
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


@pytest.mark.parametrize("aligner", ALIGNERS)
def test_mates_that_were_lost_before_are_noticed(trimmed, align_lanes, tmp_path, aligner):
    lines = gzip.decompress(trimmed.outputs["reads_2"].read_bytes()).splitlines(keepends=True)
    short = tmp_path / "short_R2.fastq.gz"
    short.write_bytes(gzip.compress(b"".join(lines[:-4])))
    with pytest.raises(ToolError, match=r"reads went in|bwa mem failed"):
        align_lanes(align.Lane("L1", trimmed.outputs["reads_1"], short), aligner=aligner)


def test_less_memory_than_the_index_takes_is_said_at_once(trimmed, align_lanes, reference, monkeypatch):
    size = sum(reference.with_name(name).stat().st_size for name in INDEX)
    monkeypatch.setattr(align, "_MIB", size // 8)
    lane = align.Lane("L1", trimmed.outputs["reads_1"], trimmed.outputs["reads_2"])
    with pytest.raises(ToolError, match=r"bwa's index takes 8 MiB, the job has 4: give it more memory"):
        align_lanes(lane, memory_mib=4)
    with pytest.raises(ToolError, match=r"minimap2's index takes \d+ MiB, the job has 4: give it more memory"):
        align_lanes(lane, memory_mib=4, aligner="minimap2")


@pytest.mark.parametrize("aligner", ALIGNERS)
def test_a_read_below_the_minimum_score_is_not_aligned(simulation, align_lanes, tmp_path, aligner):
    """Of mates of 100 bases the first 60 are the reference's: they score 60, and at most some more by chance."""
    rng = random.Random(3)  # noqa: S311 - reads, not secrets
    sequence = simulation.contigs["chrA"]
    mates = [sequence[start : start + 60] + "".join(rng.choices("ACGT", k=40)) for start in (5000, 5200)]
    mates[1] = mates[1].translate(str.maketrans("ACGT", "TGCA"))[::-1]
    paths = [tmp_path / f"few_R{number}.fastq.gz" for number in (1, 2)]
    for path, mate in zip(paths, mates, strict=True):
        path.write_bytes(gzip.compress(f"@pair\n{mate}\n+\n{'I' * len(mate)}\n".encode()))
    mapped = [
        align_lanes(align.Lane("L1", *paths), aligner=aligner, minimum_score=score).metrics["mapped_reads"]
        for score in (55, 70)
    ]
    assert mapped == [2, 0]


def test_cram_holds_the_records_of_the_bam(aligned, cram, reference):
    def records(path: Path, *options: str) -> list[tuple[list[str], set[str]]]:
        columns = (line.split("\t") for line in view(path, *options).splitlines())
        return [(each[:11], set(each[11:])) for each in columns]

    assert records(cram.outputs["alignments"], "--reference", str(reference)) == records(aligned.outputs["alignments"])
    assert cram.outputs["flagstat"].read_text() == aligned.outputs["flagstat"].read_text()
    assert (cram.outputs["alignments"].name, cram.outputs["index"].name) == ("sim1.cram", "sim1.cram.crai")
    assert cram.outputs["alignments"].read_bytes()[:6] == b"CRAM\3\0"
    assert cram.outputs["alignments"].stat().st_size < 0.7 * aligned.outputs["alignments"].stat().st_size


def test_cram_is_read_with_the_reference_that_its_header_names_and_not_without(cram, reference):
    dictionary = subprocess.run(
        ["samtools", "dict", "-H", reference], capture_output=True, text=True, check=True
    ).stdout
    known = ["\t".join(line.split("\t")[:4]) for line in dictionary.splitlines()]
    path = cram.outputs["alignments"]
    assert [line for line in view(path, "-H").splitlines() if line.startswith("@SQ")] == known
    done = subprocess.run(["samtools", "view", path], capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert done.returncode
    assert not done.stdout


def test_several_lanes_give_one_cram(trimmed, align_lanes, tmp_path, reference):
    outcome = align_lanes(*halves(trimmed, tmp_path), format="cram", aligner="minimap2")
    found = view(outcome.outputs["alignments"], "--reference", str(reference)).splitlines()
    assert len({record.split("\t")[0] for record in found}) == trimmed.metrics["reads_out"] // 2
    assert {name.partition(":")[2] for name in programs(outcome.outputs["alignments"])} == {
        f"{program}.{lane}"
        for lane in ("L1", "L2")
        for program in ("minimap2", "samtools_fixmate", "samtools_sort", "samtools_markdup", "samtools_view")
    }


@pytest.mark.parametrize(
    ("parameters", "unused"),
    [({}, ("minimap2",)), ({"aligner": "bwa"}, ("minimap2",)), ({"aligner": "minimap2"}, ("bwa",))],
    ids=str,
)
def test_versions_are_recorded_of_the_programs_that_run(parameters, unused):
    task = Task("run", "s", Step.ALIGN, "", "f", {}, {}, "record", parameters)
    assert cli.TOOL.unused(task) == unused
    assert set(cli.TOOL.programs) == {"bwa", "minimap2", "samtools"}
