"""Analysts select from the lake, by its deployed definitions, and do nothing else; who has no grant reads nothing."""

import json
import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.end_to_end.conftest import CommandLine

Clients = Callable[[str], Any]


def clients(environment: dict[str, str]) -> Clients:
    """Clients with the credentials of an environment."""
    make: Any = boto3.client
    return lambda service: make(
        service,
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=environment["AWS_SESSION_TOKEN"],
    )


@pytest.fixture(scope="module", name="ada")
def analysts_clients(analyst: dict[str, str], analysed: Any) -> Clients:
    """Of an analyst, once there is something to select."""
    return clients(analyst)


def ask(genomics: CommandLine, client: Clients, sql: str) -> tuple[str, str]:
    """How a query ends: its state, and the reason or the first value."""
    athena, deployment = client("athena"), genomics.deployment
    started = athena.start_query_execution(
        QueryString=sql,
        WorkGroup=deployment.lake_workgroup,
        QueryExecutionContext={"Database": deployment.lake_database},
    )["QueryExecutionId"]
    deadline = time.monotonic() + 60
    while (status := athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"])["State"] in (
        "QUEUED",
        "RUNNING",
    ):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    if status["State"] != "SUCCEEDED":
        return status["State"], status["StateChangeReason"]
    rows = athena.get_query_results(QueryExecutionId=started)["ResultSet"]["Rows"]
    return status["State"], rows[-1]["Data"][0].get("VarCharValue", "") if rows else ""


def test_an_analyst_selects_what_the_operator_selects(genomics: CommandLine, ada: Clients) -> None:
    sql = "select count(*) from variants where dataset like 'first/%'"
    state, count = ask(genomics, ada, sql)
    assert state == "SUCCEEDED", count
    assert int(count) > 80
    assert genomics("query", sql, "--format", "csv").output.split()[1].strip('"') == count


def test_genomics_query_works_with_an_analysts_credentials(
    genomics: CommandLine, analyst: dict[str, str], ada: Clients
) -> None:
    class Analysts(CommandLine):
        @property
        def environment(self) -> dict[str, str]:
            return {**super().environment, **analyst}

    answer = Analysts(genomics.instance, genomics.directory)("query", "select distinct sample from genotypes", "--json")
    assert answer.status == 0, answer.errors
    assert ["DEMO-1"] in json.loads(answer.output)["rows"]


def test_an_analyst_reads_no_files_himself(genomics: CommandLine, ada: Clients) -> None:
    s3, bucket = genomics.client("s3"), genomics.deployment.data_lake_bucket
    key = s3.list_objects_v2(Bucket=bucket, Prefix="tables/variants/")["Contents"][0]["Key"]
    for of_whom in (bucket, genomics.deployment.sequencing_bucket):
        with pytest.raises(ClientError, match="AccessDenied"):
            ada("s3").list_objects_v2(Bucket=of_whom, Prefix="")
    with pytest.raises(ClientError, match="AccessDenied"):
        ada("s3").get_object(Bucket=bucket, Key=key)


@pytest.mark.parametrize(
    "sql",
    [
        "insert into variant_ids (id, dataset) values ('rs1', 'first/DEMO-1')",
        "create table mine as select pos from variants limit 1",
        "alter table variants drop partition (dataset = 'first/DEMO-1', chrom = 'chrA')",
        "drop table variants",
    ],
)
def test_an_analyst_writes_nothing(genomics: CommandLine, ada: Clients, sql: str) -> None:
    state, reason = ask(genomics, ada, sql)
    assert state == "FAILED"
    assert "PERMISSION_DENIED" in reason, reason


def test_an_analyst_starts_no_load(genomics: CommandLine, ada: Clients) -> None:
    deployment = genomics.deployment
    with pytest.raises(ClientError, match=r"not authorized to perform: states:StartExecution"):
        ada("stepfunctions").start_execution(stateMachineArn=deployment.load_state_machine_arn, input="{}")
    with pytest.raises(ClientError, match=r"not authorized to perform: glue:StartJobRun"):
        ada("glue").start_job_run(JobName=deployment.variants_job)


def test_iams_permissions_are_not_enough(genomics: CommandLine, analysed: Any) -> None:
    """A role whose policies allow everything reads what Lake Formation grants it: nothing, then one table."""
    iam, name = genomics.client("iam"), "everything-by-iam"
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy)
    taken = genomics.client("sts").assume_role(RoleArn=arn, RoleSessionName="eve")["Credentials"]
    eve = clients(
        {
            **genomics.instance.environment(),
            "AWS_ACCESS_KEY_ID": taken["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": taken["SecretAccessKey"],
            "AWS_SESSION_TOKEN": taken["SessionToken"],
        }
    )

    sql = "select count(*) from {}"
    state, reason = ask(genomics, eve, sql.format("variants"))
    assert state == "FAILED"
    assert "Insufficient Lake Formation permission(s): Required Describe on variants" in reason
    assert "AccessDenied" in reason
    genomics.client("lakeformation").grant_permissions(
        Principal={"DataLakePrincipalIdentifier": arn},
        Resource={"Table": {"DatabaseName": genomics.deployment.lake_database, "Name": "variants"}},
        Permissions=["SELECT"],
    )
    assert ask(genomics, eve, sql.format("variants"))[0] == "SUCCEEDED"
    assert "Required Describe on genotypes" in ask(genomics, eve, sql.format("genotypes"))[1]
