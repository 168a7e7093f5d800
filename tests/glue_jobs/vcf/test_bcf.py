"""BCF gives the rows of the VCF it was made from; its records have no line numbers."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from glue_jobs.vcf.errors import VcfError

pytestmark = pytest.mark.skipif(not shutil.which("bcftools"), reason="bcftools is not installed")

_VCF = """##fileformat=VCFv4.2
##FILTER=<ID=PASS,Description="">
##contig=<ID=chr1>
##INFO=<ID=DP,Number=1,Type=Integer,Description="">
##INFO=<ID=AF,Number=A,Type=Float,Description="">
##FORMAT=<ID=GT,Number=1,Type=String,Description="">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="">
#CHROM	POS	ID	REF	ALT	QUAL	FILTER	INFO	FORMAT	S1	S2
chr1	5	rs1	A	C,G	9.5	PASS	DP=7;AF=0.25,.	GT:AD	1|2:0,3,4	./.:.
chr1	9	.	AT	A	.	.	.	GT:AD	0/0:5,0	0/1:2,3
"""


@pytest.fixture(params=["b", "u"], ids=["compressed", "uncompressed"])
def bcf(request: Any, tmp_path: Path) -> bytes:
    (tmp_path / "in.vcf").write_text(_VCF)
    command = ["bcftools", "view", f"-O{request.param}", str(tmp_path / "in.vcf")]
    return subprocess.run(command, check=True, capture_output=True).stdout


def test_its_rows_are_those_of_the_vcf(rows_of: Any, bcf: bytes) -> None:
    expected = rows_of(_VCF.encode())
    rows = rows_of(bcf, pieces=4)
    assert (rows.variants, rows.genotypes) == (expected.variants, expected.genotypes)
    assert (len(rows.variants), len(rows.genotypes), rows.rejects) == (3, 5, [])


def test_a_record_that_is_rejected_has_no_line(rows_of: Any, tmp_path: Path) -> None:
    (tmp_path / "in.vcf").write_text(_VCF.replace("1|2", "1|3"))
    command = ["bcftools", "view", "-Ob", str(tmp_path / "in.vcf")]
    rows = rows_of(subprocess.run(command, check=True, capture_output=True).stdout)
    assert [(r["line"], r["reason"]) for r in rows.rejects] == [
        (None, "sample S1: GT '1|3' has allele 3, ALT has only 2")
    ]


def test_a_bcf_that_is_cut_off_is_an_error(rows_of: Any, bcf: bytes) -> None:
    for end in (-1, -30, 60):
        with pytest.raises(VcfError, match=r"truncated|damaged BCF"):
            rows_of(bcf[:end])
