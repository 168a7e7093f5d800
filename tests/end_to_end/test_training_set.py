"""A release of ClinVar becomes a training set, by the job's name alone, as whoever starts it on AWS would do it."""

import csv
import io
import time
from pathlib import Path
from typing import Any

from genomics.contracts import object_keys
from genomics.contracts.annotated_variants import PUBLISHED_COLUMNS

_HEADER = """##fileformat=VCFv4.1
##reference=GRCh38
##INFO=<ID=ALLELEID,Number=1,Type=Integer,Description="">
##INFO=<ID=CLNREVSTAT,Number=.,Type=String,Description="">
##INFO=<ID=CLNSIGCONF,Number=.,Type=String,Description="">
##INFO=<ID=MC,Number=.,Type=String,Description="">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO
"""
# Later than any release that other tests load; these run before, as files do in alphabetical order.
_RELEASE = "2026-11-01"
_AGREE = "CLNREVSTAT=criteria_provided,_multiple_submitters,_no_conflicts;MC=SO:0001819|synonymous_variant"
_DISAGREE = "CLNREVSTAT=criteria_provided,_conflicting_classifications;CLNSIGCONF=Benign(1)|Pathogenic(1)"


def _run(genomics: Any, **arguments: str) -> dict[str, Any]:
    glue, name = genomics.client("glue"), genomics.deployment.training_set_job
    run = glue.start_job_run(JobName=name, Arguments=arguments)["JobRunId"]
    while True:
        found: dict[str, Any] = glue.get_job_run(JobName=name, RunId=run)["JobRun"]
        if found["JobRunState"] in ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR"):
            return found
        time.sleep(0.5)


def test_a_training_set_is_made_by_starting_the_job(genomics: Any, tmp_path: Path) -> None:
    release = tmp_path / "clinvar.vcf"
    release.write_text(
        f"{_HEADER}17\t100\t1\tA\tG\t.\t.\tALLELEID=7;{_DISAGREE}\n17\t200\t2\tA\tC\t.\t.\tALLELEID=8;{_AGREE}\n"
        "17\t300\t3\tA\tC\t.\t.\tALLELEID=9;CLNREVSTAT=criteria_provided,_single_submitter\n"
    )
    loaded = genomics("annotations", str(release), "--release", _RELEASE)
    assert loaded.status == 0, loaded.errors

    ended = _run(genomics)
    assert ended["JobRunState"] == "SUCCEEDED", ended
    key = object_keys.training_set(_RELEASE, "GRCh38", "training_set.csv")
    body = genomics.client("s3").get_object(Bucket=genomics.deployment.data_lake_bucket, Key=key)["Body"].read()
    rows = list(csv.DictReader(io.StringIO(body.decode())))
    assert tuple(rows[0]) == PUBLISHED_COLUMNS
    assert [(row["POS"], row["CLASS"], row["Consequence"]) for row in rows] == [
        ("100", "1", ""),
        ("200", "0", "synonymous_variant"),
    ]

    absent = _run(genomics, **{"--release": "1999-01-01"})
    assert absent["JobRunState"] == "FAILED"
    assert "the lake has no release 1999-01-01 of ClinVar for GRCh38" in absent["ErrorMessage"]
