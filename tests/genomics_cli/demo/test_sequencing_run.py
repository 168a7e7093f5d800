import gzip
import subprocess
from pathlib import Path

from genomics.contracts.samples import read_sample_sheet
from genomics_cli.demo.sequencing_run import SequencingRun, make_sequencing_run


def _files(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_the_same_seed_makes_the_same_bytes(made: SequencingRun, tmp_path: Path) -> None:
    make_sequencing_run(tmp_path, contigs={"chrA": 6000, "chrB": 4000})
    assert _files(tmp_path) == _files(made.sheet.parent)


def test_another_seed_makes_other_reads(made: SequencingRun, tmp_path: Path) -> None:
    other = make_sequencing_run(tmp_path, seed=1, contigs={"chrA": 6000, "chrB": 4000})
    assert other.reference.read_bytes() != made.reference.read_bytes()


def test_the_sheet_lists_two_samples_one_of_them_on_two_lanes(made: SequencingRun) -> None:
    rows = read_sample_sheet(made.sheet)
    assert [(row.patient, row.sample, row.lane) for row in rows] == [
        ("P1", "DEMO-1", "L001"),
        ("P1", "DEMO-1", "L002"),
        ("P2", "DEMO-2", "L001"),
    ]
    assert all(Path(read).is_file() for row in rows for read in row.reads)


def test_both_mates_of_a_lane_have_the_same_names(made: SequencingRun) -> None:
    for row in read_sample_sheet(made.sheet):
        first, second = (gzip.decompress(Path(read).read_bytes()).decode().splitlines()[::4] for read in row.reads)
        assert [name.split()[0] for name in first] == [name.split()[0] for name in second]


def test_normalising_the_truth_changes_nothing(made: SequencingRun) -> None:
    for truth in made.truths.values():
        normal = ["bcftools", "norm", "--no-version", "-f", str(made.reference), "-m-any", str(truth)]
        body = ["bcftools", "view", "--no-header"]
        normalised = subprocess.run(normal, check=True, capture_output=True).stdout
        after = subprocess.run(body, check=True, capture_output=True, input=normalised).stdout
        before = subprocess.run([*body, str(truth)], check=True, capture_output=True).stdout
        assert after == before
        assert before


def test_the_truth_is_indexed(made: SequencingRun) -> None:
    for truth in made.truths.values():
        assert Path(f"{truth}.tbi").exists()
