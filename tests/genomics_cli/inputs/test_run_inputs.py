import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from genomics.contracts.codec import ContractError
from genomics.contracts.regions import Region, RegionError
from genomics.contracts.samples import SampleSheetError
from genomics_cli.demo.sequencing_run import SequencingRun
from genomics_cli.errors import UserError
from genomics_cli.inputs.known_files import KnownFiles
from genomics_cli.inputs.run_inputs import RunInputs, RunOptions, check_inputs


@pytest.fixture
def folder(made: SequencingRun, tmp_path: Path) -> Path:
    """A copy of the demonstration's input, to be spoiled."""
    return Path(shutil.copytree(made.sheet.parent, tmp_path / "input"))


def check(folder: Path, **options: object) -> RunInputs:
    asked = RunOptions(folder / "samples.csv", str(folder / "reference.fa"), **options)  # type: ignore[arg-type]
    return check_inputs(
        asked,
        reference_file=Path(asked.reference),
        known=KnownFiles(folder / "known.json"),
        workspace=folder / "workspace",
    )


def test_a_good_input_is_described(folder: Path) -> None:
    inputs = check(folder)
    assert [row.sample for row in inputs.rows] == ["DEMO-1", "DEMO-1", "DEMO-2"]
    assert set(inputs.reads) == {read for row in inputs.rows for read in row.reads}
    assert inputs.regions == ()
    assert inputs.scored_regions == (Region("chrA", 1, 6000), Region("chrB", 1, 4000))
    assert inputs.reference.name == "reference"
    assert inputs.reference_facts.size == (folder / "reference.fa").stat().st_size


def test_reads_that_are_in_s3_are_left_alone(folder: Path) -> None:
    sheet = folder / "samples.csv"
    sheet.write_text("patient,sample,lane,fastq_1,fastq_2\nP,S,L1,s3://bucket/a.fq.gz,s3://bucket/b.fq.gz\n")
    assert check(folder).reads == {}


@pytest.mark.parametrize(
    ("text", "regions"),
    [
        ("chrA", [Region("chrA", 1, 6000)]),
        ("chrA:1,000-2,000,chrB", [Region("chrA", 1000, 2000), Region("chrB", 1, 4000)]),
        ("chrA:5-9,chrB:100-200", [Region("chrA", 5, 9), Region("chrB", 100, 200)]),
    ],
)
def test_regions_are_read_from_the_command_line(folder: Path, text: str, regions: list[Region]) -> None:
    assert list(check(folder, regions=text).regions) == regions


def test_a_list_of_regions_may_be_longer_than_a_file_name(folder: Path) -> None:
    regions = [Region("chrA", 100 * n + 1, 100 * n + 50) for n in range(30)]
    text = ",".join(map(str, regions))
    assert len(text) > 255
    assert list(check(folder, regions=text).regions) == regions


def test_regions_are_read_from_a_bed_file(folder: Path) -> None:
    bed = folder / "targets.bed"
    bed.write_text("chrA\t0\t100\nchrB\t9\t10\n")
    assert check(folder, regions=str(bed)).regions == (Region("chrA", 1, 100), Region("chrB", 10, 10))


def _remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "reads" / name).unlink()


def _cut(folder: Path) -> None:
    path = folder / "reads/DEMO-1_L002_R1_001.fastq.gz"
    path.write_bytes(path.read_bytes()[:-500])


def _copy(folder: Path) -> None:
    reads = folder / "reads"
    shutil.copy(reads / "DEMO-2_L001_R1_001.fastq.gz", reads / "DEMO-2_L001_R2_001.fastq.gz")


def _sheet(old: str, new: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        sheet = folder / "samples.csv"
        sheet.write_text(sheet.read_text().replace(old, new))

    return edit


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (_remove("DEMO-2_L001_R2_001.fastq.gz"), r"samples\.csv:4: fastq_2 /.*R2_001\.fastq\.gz does not exist"),
        (_cut, r"samples\.csv:3: fastq_1 /.*L002_R1_001\.fastq\.gz is truncated"),
        (_copy, r"samples\.csv:4: fastq_2 .*R2_001\.fastq\.gz has the same content as .*R1_001\.fastq\.gz on line 4"),
        (_sheet("reads/DEMO-1_L001_R1_001.fastq.gz", "reads"), r"samples\.csv:2: fastq_1 /.*reads is no file"),
        (_sheet("fastq_2", "mate"), r"samples\.csv:1: no column 'fastq_2'"),
        (_sheet("L002", "L001"), r"samples\.csv:3: sample DEMO-1 lane L001 is already on line 2"),
    ],
    ids=["missing", "truncated", "copied mate", "directory", "missing column", "duplicate"],
)
def test_a_bad_sheet_or_file_is_named_with_its_line(folder: Path, spoil: Callable[[Path], None], problem: str) -> None:
    spoil(folder)
    with pytest.raises((UserError, SampleSheetError), match=problem):
        check(folder)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"regions": "chrZ:1-100"}, "chrZ:1-100: the reference has no contig 'chrZ'"),
        ({"regions": "chrB:1-99999"}, "chrB:1-99999 ends after the contig's last base, 4000"),
        ({"regions": "no.bed"}, "no.bed: does not exist"),
        ({"study": "a/b"}, "--study 'a/b' may hold letters"),
        ({"parameters": ("align.speed=3",)}, "align has no parameter 'speed'"),
        ({"confident": Path("x.bed")}, "give the truth with --truth"),
        ({"truths": ("/nowhere.vcf",)}, "/nowhere.vcf: cannot be read"),
        ({"truths": ("DEMO-3=/nowhere.vcf",)}, "the sample sheet has no sample DEMO-3"),
    ],
)
def test_a_bad_option_is_named(folder: Path, options: dict[str, object], problem: str) -> None:
    with pytest.raises((UserError, RegionError, ContractError), match=problem):
        check(folder, **options)


def test_each_sample_may_have_a_truth_of_its_own(folder: Path) -> None:
    truths = {sample: folder / f"truth/{sample}.vcf.gz" for sample in ("DEMO-1", "DEMO-2")}
    inputs = check(folder, truths=tuple(f"{sample}={vcf}" for sample, vcf in truths.items()))
    assert inputs.truths == truths


def test_a_truth_on_other_contigs_is_refused(folder: Path) -> None:
    vcf = folder / "other.vcf"
    vcf.write_text("##fileformat=VCFv4.2\n##contig=<ID=20>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n")
    with pytest.raises(UserError, match=r"other\.vcf: none of its contigs \(20\) is in the reference \(chrA, chrB\)"):
        check(folder, truths=(str(vcf),))


def test_a_truth_that_is_no_vcf_is_refused(folder: Path) -> None:
    vcf = folder / "other.vcf.gz"
    vcf.write_bytes(gzip.compress(b"nothing"))
    with pytest.raises(UserError, match=r"other\.vcf\.gz: cannot be read as VCF"):
        check(folder, truths=(str(vcf),))


def test_confident_regions_may_speak_of_a_larger_genome(folder: Path) -> None:
    bed = folder / "confident.bed"
    bed.write_text("chr1\t0\t1000000\nchrA\t10\t20\n")
    truths = (f"DEMO-1={folder}/truth/DEMO-1.vcf.gz",)
    assert check(folder, truths=truths, confident=bed).confident == (Region("chrA", 11, 20),)
