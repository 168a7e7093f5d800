"""Releases of ClinVar go in, SQL answers of the newest: with the command line, on the deployed definitions."""

import json
from pathlib import Path
from typing import Any

_HEADER = """##fileformat=VCFv4.1
##reference=GRCh38
##INFO=<ID=ALLELEID,Number=1,Type=Integer,Description="">
##INFO=<ID=CLNSIG,Number=.,Type=String,Description="">
##INFO=<ID=CLNREVSTAT,Number=.,Type=String,Description="">
##INFO=<ID=CLNSIGCONF,Number=.,Type=String,Description="">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO
"""


def _release(directory: Path, spelling: str) -> str:
    path = directory / f"clinvar_{spelling}.vcf"
    path.write_text(
        f"{_HEADER}17\t100\t1\tA\tG\t.\t.\tALLELEID=7;CLNSIG=Conflicting_{spelling}_of_pathogenicity;"
        f"CLNREVSTAT=criteria_provided,_conflicting_{spelling};CLNSIGCONF=Pathogenic(1)|Benign(2)\n"
        "17\t200\t2\tAT\tA\t.\t.\tALLELEID=8;CLNSIG=Benign\n17\tnowhere\t3\tA\tC\t.\t.\t.\n"
    )
    return str(path)


def test_the_newest_release_is_the_current_one_whatever_is_loaded_last(genomics: Any, tmp_path: Path) -> None:
    for release, spelling in (("2026-02-26", "classifications"), ("2023-12-30", "interpretations")):
        done = genomics("annotations", _release(tmp_path, spelling), "--release", release)
        assert done.status == 0, done.errors
        assert done.output == f"clinvar {release}: loaded 2 rows, 1 rejects\n"

    sql = (
        "select {}, is_conflicting, review_status, element_at(conflicting_significances, 'Benign') benign"
        " from {} where pos = 100 order by 1"
    )
    answer = genomics("query", sql.format("release", "clinvar"), "--format", "csv")
    assert answer.output.replace('"', "").splitlines()[1:] == [
        "2023-12-30,true,criteria_provided,_conflicting_interpretations,2",
        "2026-02-26,true,criteria_provided,_conflicting_classifications,2",
    ]
    current = genomics("query", sql.format("release", "clinvar_current"), "--format", "csv")
    assert current.output.replace('"', "").splitlines()[1:] == [
        "2026-02-26,true,criteria_provided,_conflicting_classifications,2"
    ]
    sql = "select dataset, line from rejects where dataset like 'annotations/%' order by dataset"
    rejected = genomics("query", sql, "--json")
    assert json.loads(rejected.output)["rows"] == [
        ["annotations/clinvar/2023-12-30/GRCh38", 10],
        ["annotations/clinvar/2026-02-26/GRCh38", 10],
    ]

    listed = json.loads(genomics("annotations", "--json").output)["releases"]
    listed = [each for each in listed if (each["table"], each["assembly"]) == ("clinvar", "GRCh38")]
    assert [(each["release"], each["is_current"]) for each in listed] == [("2023-12-30", False), ("2026-02-26", True)]


def test_a_declared_tsv_becomes_a_table(genomics: Any, tmp_path: Path) -> None:
    schema, table = tmp_path / "panel.json", tmp_path / "panel.bed"
    columns = [{"name": "chrom", "type": "string"}, *({"name": name, "type": "bigint"} for name in ("start", "end"))]
    location = {"chrom": "chrom", "start": "start", "end": "end", "base": 0}
    schema.write_text(json.dumps({"name": "panel", "columns": columns, "location": location}))
    table.write_text("chrom\tstart\tend\tgene\nchr17\t99\t200\tBRCA1\nchr17\t99\n")
    done = genomics("annotations", str(table), "--release", "2026-01-01", "--schema", str(schema))
    assert done.status == 0, done.errors
    assert done.output == "annotation_panel 2026-01-01: loaded 1 rows, 1 rejects\n"
    sql = (
        """select chromosome, "start", "end", element_at(other_columns, 'gene') gene, release"""
        " from annotation_panel_current"
    )
    answer = genomics("query", sql, "--json")
    assert json.loads(answer.output)["rows"] == [["17", 100, 200, "BRCA1", "2026-01-01"]]
