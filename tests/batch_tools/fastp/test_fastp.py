import gzip
import json
from pathlib import Path

import pytest

from batch_tools.fastp import fastp
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.fastq import check_pairs
from genomics.contracts.parameters import FastpParameters


@pytest.fixture
def trim(simulation, tmp_path: Path):
    """Trim the simulated lane, or what stands in for one of its mates."""

    def run(reads_1=None, reads_2=None, threads=2, **parameters):
        directory = tmp_path / f"work{len(list(tmp_path.glob('work*')))}"
        directory.mkdir()
        return fastp.run(
            reads_1=reads_1 or simulation.reads_1,
            reads_2=reads_2 or simulation.reads_2,
            parameters=FastpParameters(**parameters),
            threads=threads,
            directory=directory,
        )

    return run


def test_good_reads_pass(trimmed, simulation):
    assert trimmed.metrics["reads_in"] == 2 * simulation.pairs
    assert trimmed.metrics["reads_out"] == 2 * check_pairs(trimmed.outputs["reads_1"], trimmed.outputs["reads_2"])
    assert trimmed.metrics["reads_out"] >= 0.99 * trimmed.metrics["reads_in"]


def test_the_number_of_threads_does_not_change_the_reads(trim, trimmed):
    alone = trim(threads=1)
    for name in ("reads_1", "reads_2"):
        assert alone.outputs[name].read_bytes() == trimmed.outputs[name].read_bytes()
    assert alone.metrics == trimmed.metrics


def test_the_report_holds_no_place_of_this_machine(trimmed, simulation):
    text = trimmed.outputs["report"].read_text()
    assert str(simulation.reads_1.parent) not in text
    assert json.loads(text)["command"] == "fastp --in1 sim1_R1.fastq.gz --in2 sim1_R2.fastq.gz"


def test_short_pairs_are_dropped_by_the_parameter(trim, tmp_path):
    for mate in (1, 2):
        text = "".join(f"@r{n}\n{'ACGTTGCAAC' * (n + 1)}\n+\n{'I' * 10 * (n + 1)}\n" for n in range(10))
        (tmp_path / f"R{mate}.fastq").write_text(text)
    outcome = trim(tmp_path / "R1.fastq", tmp_path / "R2.fastq", minimum_length=61)
    assert (outcome.metrics["reads_in"], outcome.metrics["reads_out"]) == (20, 8)


def test_plain_text_under_the_name_of_gzip_is_read_and_the_reverse(trim, simulation, trimmed, tmp_path):
    plain, packed = tmp_path / "named_R1.fastq.gz", tmp_path / "named_R2.fastq"
    plain.write_bytes(gzip.decompress(simulation.reads_1.read_bytes()))
    packed.write_bytes(simulation.reads_2.read_bytes())
    assert trim(plain, packed).metrics == trimmed.metrics


def test_line_ends_of_another_system_are_not_kept(trim, simulation, trimmed, tmp_path):
    for number, path in ((1, simulation.reads_1), (2, simulation.reads_2)):
        text = gzip.decompress(path.read_bytes()).replace(b"\n", b"\r\n")
        (tmp_path / f"R{number}.fastq").write_bytes(text)
    outcome = trim(tmp_path / "R1.fastq", tmp_path / "R2.fastq")
    assert outcome.outputs["reads_1"].read_bytes() == trimmed.outputs["reads_1"].read_bytes()


def damaged(path: Path, target: Path, damage) -> Path:
    target.write_bytes(damage(path.read_bytes()))
    return target


def test_what_fastp_would_let_pass_ends_the_step(trim, simulation, tmp_path):
    half = damaged(simulation.reads_2, tmp_path / "half_R2.fastq.gz", lambda data: data[: len(data) // 2])
    with pytest.raises(
        ToolError,
        match=r"^half_R2.fastq.gz line \d+: the gzip data ends early, the file is truncated; replace the file",
    ):
        trim(reads_2=half)
    lines = gzip.decompress(simulation.reads_2.read_bytes()).split(b"\n")
    short = damaged(simulation.reads_2, tmp_path / "short_R2.fastq", lambda _: b"\n".join(lines[:4002]))
    with pytest.raises(ToolError, match=r"^short_R2.fastq line 4001: truncated record; replace the file"):
        trim(reads_2=short)
    fewer = damaged(simulation.reads_2, tmp_path / "fewer_R2.fastq", lambda _: b"\n".join(lines[:4000]))
    with pytest.raises(ToolError, match=rf"^fewer_R2.fastq line 4001: .* 1000 reads, .* {simulation.pairs}; replace"):
        trim(reads_2=fewer)


def test_the_same_mate_given_twice_is_refused(trim, simulation):
    with pytest.raises(ToolError, match=r"sim1_R1.fastq.gz line 1: .* is mate 1, in the place of mate 2"):
        trim(reads_2=simulation.reads_1)


def test_a_lane_of_which_nothing_is_left_is_refused(trim, simulation):
    with pytest.raises(ToolError, match=f"none of the {simulation.pairs} read pairs passed the filters"):
        trim(minimum_length=1000)
