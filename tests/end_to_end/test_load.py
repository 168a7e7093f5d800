"""VCFs that a lab has already go into the lake: with the command line, on the deployed job."""

import json
from pathlib import Path
from typing import Any

_VCF = """##fileformat=VCFv4.3
##contig=<ID=chr7,length=1000>
##FORMAT=<ID=GT,Number=1,Type=String,Description="">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tmother\tchild
chr7\t100\t.\tA\tG,T\t30\tPASS\t.\tGT\t0/1\t1/2
chr7\tnowhere\t.\tA\tG\t30\tPASS\t.\tGT\t0/1\t0/1
"""


def test_a_file_is_loaded_once_and_a_bad_one_is_told_beside_it(genomics: Any, tmp_path: Path) -> None:
    good, bad = tmp_path / "family.vcf", tmp_path / "broken.vcf"
    good.write_text(_VCF)
    bad.write_text("no VCF\n")
    done = genomics("load", str(good), str(bad), "--study", "brought")
    assert done.status == 1
    assert done.output == "brought/family: 2 variants, 3 genotypes, 0 consequences, 1 rejects\n"
    said = done.errors.splitlines()
    assert said[-1].startswith(f"error: {bad}: line 1: ")
    assert f"uploading {good} (0.0 MB)" in said
    assert "loaded, but: brought/family: rejects 50.000% (1), expected 1.000% at most" in said

    sql = "select sample, alt, dosage from genotypes where dataset = 'brought/family' order by sample, alt"
    answer = json.loads(genomics("query", sql, "--json").output)
    assert answer["rows"] == [["child", "G", 1], ["child", "T", 1], ["mother", "G", 1]]

    again = genomics("load", str(good), "--study", "brought")
    assert (again.status, again.output) == (0, f"brought/family: is loaded already from {good}\n")
