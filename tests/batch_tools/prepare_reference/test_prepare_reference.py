import gzip
import subprocess
from pathlib import Path

import pytest

from batch_tools.prepare_reference import prepare_reference
from batch_tools.prepare_reference.fasta import FastaError, write_checked
from batch_tools.tool_runtime.reference import is_prepared

FINGERPRINT = "a" * 64


@pytest.fixture
def prepare(tmp_path, simulation):
    def run(fasta: Path | None = None, attempt: str = "job-1", earlier: tuple[str, ...] = (), memory_mib: int = 1024):
        directory = tmp_path / f"work{len(list(tmp_path.glob('work*')))}"
        directory.mkdir()
        return prepare_reference.run(
            fasta=fasta or simulation.fasta,
            fingerprint=FINGERPRINT,
            references=tmp_path / "references",
            attempt=attempt,
            earlier_attempts=earlier,
            memory_mib=memory_mib,
            directory=directory,
        )

    return run


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_the_reference_is_indexed_for_bwa_and_samtools(prepare, tmp_path, simulation):
    outcome = prepare()
    assert is_prepared(tmp_path / "references" / FINGERPRINT)
    assert outcome.outputs["fai"].read_text().splitlines()[1].split("\t")[:2] == ["chrB", "20000"]
    assert outcome.metrics == {"contigs": 2, "bases": 40_000}
    genome = tmp_path / "references" / FINGERPRINT / "genome.fa"
    command = ["samtools", "faidx", genome, "chrB:59-62"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert found == [">chrB:59-62", simulation.contigs["chrB"][58:62]]
    assert list((tmp_path / "references" / ".partial").iterdir()) == []


@pytest.mark.parametrize("compress", ["gzip", "bgzip"])
def test_compression_does_not_change_what_is_prepared(prepare, simulation, references, tmp_path, compress):
    packed = tmp_path / "genome.fa.gz"
    with packed.open("wb") as stream:
        subprocess.run([compress, "-c", simulation.fasta], stdout=stream, check=True)
    prepare(packed)
    assert contents(tmp_path / "references" / FINGERPRINT) == contents(references / ("5" * 64))


def test_bwa_indexes_as_fast_as_memory_allows():
    assert prepare_reference._algorithm(63_025_520, 4096) == "is"
    assert prepare_reference._algorithm(63_025_520, 800) == "bwtsw"
    assert prepare_reference._algorithm(3_100_000_000, 65_536) == "bwtsw"


def test_what_is_there_already_is_left_alone(prepare, tmp_path):
    prepare()
    genome = tmp_path / "references" / FINGERPRINT / "genome.fa"
    before = genome.stat().st_mtime_ns
    assert prepare(attempt="job-2").outputs["fai"].is_file()
    assert genome.stat().st_mtime_ns == before


def test_leftovers_of_earlier_attempts_are_removed_and_an_incomplete_directory_is_replaced(prepare, tmp_path):
    references = tmp_path / "references"
    leftover = references / ".partial" / f"{FINGERPRINT}.job-1"
    for directory in (leftover, references / FINGERPRINT):
        directory.mkdir(parents=True)
        (directory / "genome.fa").write_text(">half\nAC")
    prepare(attempt="job-2", earlier=("job-1",))
    assert is_prepared(references / FINGERPRINT)
    assert not leftover.exists()


def test_an_attempt_that_is_overtaken_takes_the_others_result(prepare, tmp_path, monkeypatch):
    made = prepare_reference._make

    def slow(fasta: Path, directory: Path, memory_mib: int) -> None:
        made(fasta, directory, memory_mib)
        monkeypatch.setattr(prepare_reference, "_make", made)
        prepare(attempt="job-2")

    monkeypatch.setattr(prepare_reference, "_make", slow)
    assert prepare().metrics["bases"] == 40_000
    assert is_prepared(tmp_path / "references" / FINGERPRINT)
    assert list((tmp_path / "references" / ".partial").iterdir()) == []


def test_a_faulty_reference_leaves_nothing(prepare, tmp_path):
    faulty = tmp_path / "faulty.fa"
    faulty.write_text(">a\nACGT\n>a\nACGT\n")
    with pytest.raises(FastaError, match=r"^faulty.fa line 3: contig 'a' is in the file twice$"):
        prepare(faulty)
    assert [path.name for path in (tmp_path / "references").rglob("*")] == [".partial"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1: the file is empty"),
        ("ACGT\n", "line 1: expected a title that begins with '>'"),
        (">\nACGT\n", "line 1: the title has no name"),
        ("> a\nACGT\n", "line 1: the title has no name"),
        (">a,b\nACGT\n", "line 1: 'a,b' cannot be a contig's name in SAM and VCF"),
        (">a\nACGT\n>b\nACGT\n>a x\nACGT\n", "line 5: contig 'a' is in the file twice"),
        (">a\n\n>b\nACGT\n", "line 1: contig 'a' has no bases"),
        (">a\nACGT\n>b\n", "line 3: contig 'b' has no bases"),
        (">a\nACGT\nAC-T\n", "line 3: '-' is not a base"),
        (">a\nACGT\n@read\n+\nIIII\n", "line 3: '@' is not a base"),
        (">a\nMVLSP\n", "line 2: 'L' is not a base"),
    ],
)
def test_each_fault_is_named_by_its_line(tmp_path, text, problem):
    source = tmp_path / "genome.fa"
    source.write_text(text)
    with pytest.raises(FastaError) as caught:
        write_checked(source, tmp_path / "out.fa")
    assert str(caught.value) == f"genome.fa {problem}"


def test_a_truncated_gzip_is_refused(tmp_path, simulation):
    packed = gzip.compress(simulation.fasta.read_bytes())
    source = tmp_path / "genome.fa.gz"
    source.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(FastaError, match=r"^genome.fa.gz line \d+: the gzip data ends early, the file is truncated$"):
        write_checked(source, tmp_path / "out.fa")


def test_odd_line_lengths_and_line_ends_are_made_even(tmp_path):
    source = tmp_path / "genome.fa"
    source.write_bytes(b">HLA:A*01 first\r\n" + b"ACGTN\r\n" * 30 + b"\r\nac\r\n>b\r\nM\r\n")
    assert write_checked(source, tmp_path / "out.fa") == {"HLA:A*01": 152, "b": 1}
    lines = (tmp_path / "out.fa").read_text().splitlines()
    assert lines[0] == ">HLA:A*01"
    assert [len(line) for line in lines[1:]] == [60, 60, 32, 2, 1]
    assert "".join(lines[1:4]) == "ACGTN" * 30 + "ac"
