from pathlib import Path

import pysam
import pytest

from genomics.contracts.regions import Region, read_bed
from genomics_cli import accuracy
from genomics_cli.accuracy import Counts, carried_alleles, compare, inside, overlap, sample_column, score
from genomics_cli.errors import UserError

#          1234567890123456789012345678901234567890
SEQUENCE = "ACGTCACACAGGGTTTTACGATCGATCCATGCAAGTACGT"
WHOLE = (Region("c", 1, len(SEQUENCE)),)


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    path = tmp_path / "ref.fa"
    path.write_text(f">c\n{SEQUENCE}\n")
    pysam.faidx(str(path))
    return path


def write_vcf(path: Path, *records: tuple[int, str, str, str, str], samples: tuple[str, ...] = ("S1",)) -> Path:
    """Records are (pos, ref, alt, filter, genotypes); sorted by position."""
    lines = [
        "##fileformat=VCFv4.2",
        f"##contig=<ID=c,length={len(SEQUENCE)}>",
        '##FILTER=<ID=LowQual,Description="low">',
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" + "\t".join(samples),
        *(f"c\t{pos}\t.\t{ref}\t{alt}\t50\t{state}\t.\tGT\t{gt}" for pos, ref, alt, state, gt in records),
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_same_indel_written_differently_is_one_allele(tmp_path: Path, reference: Path) -> None:
    right = write_vcf(tmp_path / "a.vcf", (8, "ACA", "A", "PASS", "0/1"))
    left = write_vcf(tmp_path / "b.vcf", (4, "TCA", "T", "PASS", "0/1"))
    found = [carried_alleles(vcf, sample="S1", reference=reference, regions=WHOLE) for vcf in (right, left)]
    assert found[0] == found[1] == {("c", 4, "TCA", "T"): 1}


def test_each_allele_of_a_multiallelic_record_counts_with_its_copies(tmp_path: Path, reference: Path) -> None:
    vcf = write_vcf(tmp_path / "a.vcf", (3, "G", "A,T", "PASS", "1/2"), (20, "G", "C,T", ".", "2|2"))
    assert carried_alleles(vcf, sample="S1", reference=reference, regions=WHOLE) == {
        ("c", 3, "G", "A"): 1,
        ("c", 3, "G", "T"): 1,
        ("c", 20, "G", "T"): 2,
    }


def test_filtered_records_and_alleles_not_carried_do_not_count(tmp_path: Path, reference: Path) -> None:
    vcf = write_vcf(
        tmp_path / "a.vcf",
        (3, "G", "A", "LowQual", "0/1"),
        (20, "G", "C", "PASS", "0/0"),
        (25, "A", "T", "PASS", "./."),
        (30, "T", "*", "PASS", "0/1"),
    )
    assert carried_alleles(vcf, sample="S1", reference=reference, regions=WHOLE) == {}


def test_outcomes_are_counted_by_kind(tmp_path: Path, reference: Path) -> None:
    truth = write_vcf(
        tmp_path / "t.vcf",
        (3, "G", "A", "PASS", "0|1"),
        (4, "TCA", "T", "PASS", "1|1"),
        (20, "G", "C", "PASS", "1|1"),
        (25, "A", "AGG", "PASS", "0|1"),
    )
    calls = write_vcf(
        tmp_path / "c.vcf",
        (3, "G", "A", "PASS", "0/1"),
        (6, "ACA", "A", "PASS", "1/1"),
        (20, "G", "C", "PASS", "0/1"),
        (28, "C", "T", "PASS", "0/1"),
    )
    found = score(calls=calls, truth=truth, sample="S1", reference=reference, regions=WHOLE)
    assert found.confident is None
    assert found.whole.bases == 40
    assert found.whole.snps == Counts(true_positives=2, false_positives=1, false_negatives=0, genotype_matches=1)
    assert found.whole.indels == Counts(true_positives=1, false_positives=0, false_negatives=1, genotype_matches=1)
    assert found.whole.snps.f1 == pytest.approx(0.8)
    assert found.whole.snps.precision == pytest.approx(2 / 3)
    assert found.whole.indels.recall == 0.5
    assert found.whole.snps.genotype_concordance == 0.5


def test_confident_regions_are_scored_beside_the_whole(tmp_path: Path, reference: Path) -> None:
    bed = tmp_path / "c.bed"
    # 0-based and half-open: bases 20 to 24
    bed.write_text("c\t19\t24\n")
    truth = write_vcf(tmp_path / "t.vcf", (3, "G", "A", "PASS", "0/1"), (20, "G", "C", "PASS", "0/1"))
    calls = write_vcf(tmp_path / "c.vcf", (20, "G", "C", "PASS", "0/1"), (25, "A", "T", "PASS", "0/1"))
    found = score(
        calls=calls,
        truth=truth,
        sample="S1",
        reference=reference,
        regions=WHOLE,
        confident=read_bed(bed, {"c": 40}),
    )
    assert found.confident is not None
    assert found.confident.bases == 5
    assert found.confident.snps == Counts(1, 0, 0, 1)
    assert found.fair == found.confident
    assert found.whole.snps == Counts(1, 1, 1, 1)


def test_only_the_regions_asked_for_count(tmp_path: Path, reference: Path) -> None:
    vcf = write_vcf(tmp_path / "t.vcf", *((pos, SEQUENCE[pos - 1], "N", "PASS", "1/1") for pos in (3, 4, 5, 6)))
    found = carried_alleles(vcf, sample="S1", reference=reference, regions=(Region("c", 4, 5),))
    assert [pos for _, pos, _, _ in found] == [4, 5]


def test_ratios_of_nothing_are_not_known() -> None:
    nothing = compare({}, {}, bases=10).snps
    assert (nothing.precision, nothing.recall, nothing.f1, nothing.genotype_concordance) == (None, None, None, None)


def test_regions_hold_both_of_their_ends() -> None:
    alleles = {("c", pos, "A", "C"): 1 for pos in (4, 5, 9, 10)}
    assert [pos for _, pos, _, _ in inside(alleles, (Region("c", 5, 9),))] == [5, 9]


def test_regions_overlap_where_both_are() -> None:
    left = (Region("c", 1, 10), Region("d", 5, 6))
    right = (Region("c", 8, 20), Region("d", 1, 4))
    assert overlap(left, right) == (Region("c", 8, 10),)


def test_a_truth_of_one_sample_serves_any(tmp_path: Path) -> None:
    assert sample_column(write_vcf(tmp_path / "a.vcf"), "NA12878") == "S1"


def test_a_truth_of_several_samples_has_to_name_ours(tmp_path: Path) -> None:
    vcf = write_vcf(tmp_path / "a.vcf", samples=("S1", "S2"))
    assert sample_column(vcf, "S2") == "S2"
    with pytest.raises(UserError, match=r"a\.vcf: has no column for sample S3 \(its samples: S1, S2\)"):
        sample_column(vcf, "S3")


def test_a_truth_of_another_reference_is_named(tmp_path: Path, reference: Path) -> None:
    vcf = write_vcf(tmp_path / "a.vcf", (3, "C", "A", "PASS", "0/1"))
    with pytest.raises(UserError, match=r"a\.vcf: cannot be normalised: .*REF_MISMATCH|a\.vcf: .*mismatch"):
        carried_alleles(vcf, sample="S1", reference=reference, regions=WHOLE)


def test_without_bcftools_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="bcftools is not installed"):
        accuracy.require_bcftools()


@pytest.mark.shared_data
def test_the_public_truth_has_the_variants_that_its_readme_counts(shared_data: Path) -> None:
    truth = shared_data / "secondary_truth/truth/HG001_GIAB_v3.3.2_chr20_9.999-10.050Mb.vcf.gz"
    reference = shared_data / "secondary_truth/ref/ucsc.hg19.chr20.unittest.fasta.gz"
    contigs = {"chr20": 63_025_520}
    confident = read_bed(shared_data / "secondary_truth/truth/test_nist.b37_chr20_100kbp_at_10mb.bed", contigs)
    found = score(
        calls=truth,
        truth=truth,
        sample="NA12878",
        reference=reference,
        regions=(Region("chr20", 9_999_900, 10_050_000),),
        confident=confident,
    )
    # The data set's README: 109 SNPs, and 23 + 5 indels found and missed, over the region; 45 and 4 inside the BED
    assert (found.whole.snps.true_positives, found.whole.indels.true_positives) == (109, 28)
    assert found.confident is not None
    assert (found.confident.snps.true_positives, found.confident.indels.true_positives) == (45, 4)
    assert found.confident.bases == 8999
