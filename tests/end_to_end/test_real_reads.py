"""NA12878, chr20:9,999,900-10,050,000, against the Genome in a Bottle truth of the public data set."""

from pathlib import Path
from typing import Any

import pysam
import pytest

REGION = "chr20:9999900-10050000"
STEM = "NA12878.chr20_9999900_10050000"


@pytest.fixture(scope="module")
def na12878(genomics: Any, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    data = shared_data / "secondary_truth"
    folder = tmp_path_factory.mktemp("na12878")
    # The contig's head, with unchanged coordinates: what lies behind it is unknown, and takes minutes to index.
    reference = folder / "chr20.fa"
    with pysam.FastaFile(str(data / "ref/ucsc.hg19.chr20.unittest.fasta.gz")) as fasta:
        reference.write_text(f">chr20\n{fasta.fetch('chr20', 0, 11_095_000)}\n")
    sheet = folder / "samples.csv"
    mates = ",".join(str(data / f"{STEM}.R{mate}_001.fastq.gz") for mate in (1, 2))
    sheet.write_text(f"patient,sample,lane,fastq_1,fastq_2\nHG001,NA12878,L001,{mates}\n")
    return genomics.analyse(
        sheet,
        reference,
        folder / "output",
        *("--study", "giab", "--regions", REGION),
        *("--truth", str(data / "truth/HG001_GIAB_v3.3.2_chr20_9.999-10.050Mb.vcf.gz")),
        *("--confident", str(data / "truth/test_nist.b37_chr20_100kbp_at_10mb.bed")),
    )


@pytest.mark.shared_data
def test_every_confident_variant_is_called_and_none_else(na12878: Any) -> None:
    assert na12878.status == 0, na12878.errors
    confident = na12878.sample("NA12878")["accuracy"]["confident"]
    # 45 SNPs and 4 indels lie inside the BED, says the data set's README
    assert (confident["snps"]["true_positives"], confident["indels"]["true_positives"]) == (45, 4)
    assert confident["snps"]["f1"] == 1.0
    assert confident["indels"]["f1"] == 1.0


@pytest.mark.shared_data
def test_snp_recall_over_the_whole_region(na12878: Any) -> None:
    assert na12878.sample("NA12878")["accuracy"]["whole"]["snps"]["recall"] >= 0.98


@pytest.mark.shared_data
def test_the_lake_answers_about_it(genomics: Any, na12878: Any) -> None:
    sql = "select chrom, pos, ref, alt from variants where chrom = 'chr20' order by pos limit 5"
    answer = genomics("query", sql, "--format", "csv")
    assert answer.status == 0, answer.errors
    header, *rows = answer.output.replace('"', "").splitlines()
    assert header == "chrom,pos,ref,alt"
    assert len(rows) == 5
    positions = [int(row.split(",")[1]) for row in rows]
    assert positions == sorted(positions)
    assert all(9_999_900 <= position <= 10_050_000 for position in positions)
