"""A load in many ranges leaves many small files; `genomics compact` makes few of them, and answers stay the same."""

import hashlib
import json
import time
from typing import Any

import pytest

from genomics.contracts import object_keys
from genomics.contracts.codec import dumps
from genomics.contracts.loads import LoadRequest, LoadSource
from genomics.contracts.runs import Artifact
from tests.end_to_end.conftest import CommandLine

_RECORDS = 30_000
_DATASET = "many/S1"
_HEADER = """##fileformat=VCFv4.2
##INFO=<ID=NOTE,Number=1,Type=String,Description="">
##FORMAT=<ID=GT,Number=1,Type=String,Description="">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1
"""


@pytest.fixture(scope="module")
def loaded(genomics: CommandLine) -> None:
    """A VCF of some 3 MB, loaded a MiB at a time by the deployed job."""
    content = (_HEADER + "".join(_line(number) for number in range(_RECORDS))).encode()
    digest, bucket = hashlib.sha256(content).hexdigest(), genomics.deployment.sequencing_bucket
    s3, glue, job = genomics.client("s3"), genomics.client("glue"), genomics.deployment.variants_job
    key, asked = f"steps/{digest}/many.vcf", object_keys.run_document("many", "load.json")
    s3.put_object(Bucket=bucket, Key=key, Body=content)
    source = LoadSource(_DATASET, Artifact(object_keys.uri(bucket, key), digest, len(content)))
    s3.put_object(Bucket=bucket, Key=asked, Body=dumps(LoadRequest("many", (source,))).encode())
    given = {"--request": object_keys.uri(bucket, asked), "--range_mib": "1"}
    run = glue.start_job_run(JobName=job, Arguments=given)["JobRunId"]
    deadline = time.monotonic() + 120
    while (found := glue.get_job_run(JobName=job, RunId=run)["JobRun"])["JobRunState"] in ("STARTING", "RUNNING"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert found["JobRunState"] == "SUCCEEDED", found.get("ErrorMessage")


def _line(number: int) -> str:
    genotype, note = ("0/1", "1/1", "./.")[number % 3], hashlib.sha256(str(number).encode()).hexdigest()
    return f"chr{1 + number // 20_000}\t{number + 1}\trs{number}\tA\tC\t50\tPASS\tNOTE={note}\tGT\t{genotype}\n"


def files(genomics: CommandLine) -> dict[str, int]:
    """Objects of the dataset, by table."""
    s3, bucket = genomics.client("s3"), genomics.deployment.data_lake_bucket
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=object_keys.TABLES)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", ()) if "dataset=many" in entry["Key"]]
    return {table: sum(key.split("/")[1] == table for key in keys) for table in {key.split("/")[1] for key in keys}}


def answers(genomics: CommandLine) -> Any:
    sql = (
        "select v.chrom, count(*), sum(v.pos), min(element_at(v.info_strings, 'NOTE')[1]), sum(g.dosage), count(i.id) "
        "from variants v join genotypes g using (dataset, chrom, pos) join variant_ids i using (dataset, chrom, pos) "
        f"where v.dataset = '{_DATASET}' group by v.chrom order by 1"
    )
    answer = genomics("query", sql, "--json")
    assert answer.status == 0, answer.errors
    return json.loads(answer.output)["rows"]


def test_many_files_become_few_and_answers_stay(genomics: CommandLine, loaded: None) -> None:
    before, said = files(genomics), answers(genomics)
    assert before["variants"] > 3
    assert sum(row[1] for row in said) == _RECORDS
    assert sum(row[4] for row in said) == _RECORDS

    done = genomics("compact", _DATASET, "--json")
    assert done.status == 0, done.errors
    after = files(genomics)
    # chr1 and chr2 have a file each.
    assert (after["variants"], after["genotypes_by_location"]) == (2, 2)
    assert json.loads(done.output)["datasets"] == [
        {"dataset": _DATASET, "files_before": sum(before.values()), "files_after": sum(after.values())}
    ]
    assert answers(genomics) == said
