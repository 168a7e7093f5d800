"""What runs in the lake without a command: ClinVar's workflow, the tenants' crawler, and what people are told."""

import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from genomics.contracts import object_keys
from genomics.contracts.codec import loads
from genomics.contracts.load_checks import CheckReport, CheckState

_HEADER = """##fileformat=VCFv4.1
##fileDate={date}
##reference=GRCh37
##INFO=<ID=ALLELEID,Number=1,Type=Integer,Description="">
##INFO=<ID=CLNSIG,Number=.,Type=String,Description="">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO
"""


@pytest.fixture(scope="module")
def mails(genomics: Any) -> Callable[[str], str]:
    """The next mail of the alarms' topic that speaks of something; what else the instance does is told there too."""
    sqs, sns = genomics.client("sqs"), genomics.client("sns")
    url = sqs.create_queue(QueueName="lake-flows-mails")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = genomics.deployment.alarm_topic_arn
    allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [{**allowed, "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})

    def next_mail(of: str) -> str:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5).get("Messages", []):
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                if of in message["Body"]:
                    return str(message["Body"])
        raise AssertionError(f"nobody was told of {of}")

    return next_mail


def publish(genomics: Any, date: str, records: int) -> str:
    """Put a release where the lake's jobs may read it, with its MD5 beside it; its URI."""
    lines = "".join(f"17\t{100 + i}\t{i}\tA\tG\t.\t.\tALLELEID={i};CLNSIG=Benign\n" for i in range(records))
    content = (_HEADER.format(date=date) + lines).encode()
    bucket, key = genomics.deployment.data_lake_bucket, f"{object_keys.ANNOTATIONS}mirror/clinvar.vcf"
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    genomics.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
    genomics.client("s3").put_object(Bucket=bucket, Key=f"{key}.md5", Body=f"{md5}  clinvar.vcf\n".encode())
    return object_keys.uri(bucket, key)


def refresh(genomics: Any, source: str) -> dict[str, int]:
    """Run ClinVar's workflow as an operator does; its statistics."""
    glue, name = genomics.client("glue"), genomics.deployment.clinvar_workflow
    given = {"source": source, "assembly": "GRCh37"}
    run_id = glue.start_workflow_run(Name=name, RunProperties=given)["RunId"]
    deadline = time.monotonic() + 180
    while (run := glue.get_workflow_run(Name=name, RunId=run_id)["Run"])["Status"] == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return dict(run["Statistics"])


def report(genomics: Any, release: str) -> CheckReport:
    key = object_keys.check_report(f"annotations/clinvar/{release}/GRCh37")
    body = genomics.client("s3").get_object(Bucket=genomics.deployment.data_lake_bucket, Key=key)["Body"].read()
    return loads(CheckReport, body)


def test_clinvar_is_refreshed_checked_and_a_release_that_shrank_is_told_of(
    genomics: Any, mails: Callable[[str], str]
) -> None:
    assert refresh(genomics, publish(genomics, "2026-02-26", 20))["SucceededActions"] == 3
    sql = "select release, count(*) n from clinvar_current where assembly = 'GRCh37' group by release"
    assert json.loads(genomics("query", sql, "--json").output)["rows"] == [["2026-02-26", 20]]
    assert report(genomics, "2026-02-26").state is CheckState.PASSED

    assert refresh(genomics, publish(genomics, "2026-03-05", 10))["SucceededActions"] == 3
    assert json.loads(genomics("query", sql, "--json").output)["rows"] == [["2026-03-05", 10]]
    assert report(genomics, "2026-03-05").state is CheckState.FAILED
    mail = mails("annotations/clinvar/2026-03-05/GRCh37")
    assert "rows beside the release before 50.0% of 2026-02-26, expected 90.0% at least" in mail
    assert "Nothing was lost" in mail


def test_a_file_that_is_not_there_ends_the_workflow_and_is_told_of(genomics: Any, mails: Callable[[str], str]) -> None:
    absent = object_keys.uri(genomics.deployment.data_lake_bucket, f"{object_keys.ANNOTATIONS}mirror/no.vcf")
    statistics = refresh(genomics, absent)
    assert (statistics["SucceededActions"], statistics["FailedActions"]) == (0, 1)
    assert "FAILED" in mails("no.vcf.md5: there is no such object")


def test_what_a_tenant_brings_becomes_a_table(genomics: Any) -> None:
    bucket, glue = genomics.deployment.data_lake_bucket, genomics.client("glue")
    for number, lines in enumerate(("P1,3.5\nP2,4\n", "P3,1\n")):
        key = f"{object_keys.TENANTS}north-clinic/biomarkers/{number}.csv"
        genomics.client("s3").put_object(Bucket=bucket, Key=key, Body=f"patient,level\n{lines}".encode())
    name = genomics.deployment.tenant_crawler
    glue.start_crawler(Name=name)
    deadline = time.monotonic() + 120
    while glue.get_crawler(Name=name)["Crawler"]["State"] != "READY":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert glue.get_crawler(Name=name)["Crawler"]["LastCrawl"]["Status"] == "SUCCEEDED"
    sql = f"select patient, level from {genomics.deployment.tenant_database}.biomarkers order by patient"
    answer = genomics("query", sql, "--json")
    assert answer.status == 0, answer.errors
    assert json.loads(answer.output)["rows"] == [["P1", 3.5], ["P2", 4.0], ["P3", 1.0]]
