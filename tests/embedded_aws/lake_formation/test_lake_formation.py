"""Lake Formation: grants on tables hold in the catalog and where Athena reads, beside IAM's."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws import clients
from embedded_aws.iam import identity
from embedded_aws.resources import TABLE
from embedded_aws.resources.resource_type import Creation, Existing
from tests.embedded_aws.athena.conftest import Lake, parquet

DATABASE, BUCKET = "guarded", "guarded-lake"
ACTIONS = ("athena:*", "glue:*", "lakeformation:GetDataAccess")


@dataclass(frozen=True)
class Guarded:
    """A database that is not left to IAM alone, over a registered location."""

    services: Any

    def role(self, name: str, *actions: str) -> str:
        """A role that may do these, read no table's files, and write results."""
        arn: str = self.services.role(name, *actions)
        results = {"Effect": "Allow", "Action": "s3:*", "Resource": f"arn:aws:s3:::{BUCKET}/results/*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [results]})
        clients.client("iam").put_role_policy(RoleName=name, PolicyName="results", PolicyDocument=document)
        return arn

    def asks(self, role: str, service: str = "athena") -> Any:
        """A client of the role's."""
        keys = identity.credentials(role, "somebody")
        return clients.on_behalf_of(service, keys["AWS_ACCESS_KEY_ID"], keys["AWS_SESSION_TOKEN"])

    def lake(self, role: str) -> Lake:
        return Lake("guarded", self.asks(role))

    def grant(self, principal: str, *permissions: str, **resource: Any) -> Existing:
        """As a template does."""
        return make(
            self.services,
            "PrincipalPermissions",
            Principal={"DataLakePrincipalIdentifier": principal},
            Permissions=list(permissions),
            PermissionsWithGrantOption=[],
            Resource=resource or {"Table": {"DatabaseName": DATABASE, "TableWildcard": {}}},
        )


def make(services: Any, kind: str, **properties: Any) -> Existing:
    name = f"AWS::LakeFormation::{kind}"
    creation = Creation(name, kind, "stack", "id", properties, services.context)
    return Existing(name, kind, TABLE[name].create(creation), properties, services.context)


def remove(made: Existing) -> None:
    TABLE[made.type].delete(made)


@pytest.fixture(scope="module")
def guarded(services: Any) -> Iterator[Guarded]:
    s3, glue = clients.client("s3"), clients.client("glue")
    s3.create_bucket(Bucket=BUCKET)
    glue.create_database(DatabaseInput={"Name": DATABASE, "CreateTableDefaultPermissions": []})
    serde = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
    for name in ("variants", "secrets"):
        descriptor = {
            "Columns": [{"Name": "pos", "Type": "bigint"}],
            "Location": f"s3://{BUCKET}/tables/{name}/",
            "SerdeInfo": {"SerializationLibrary": serde},
        }
        table = {"Name": name, "TableType": "EXTERNAL_TABLE", "StorageDescriptor": descriptor}
        glue.create_table(DatabaseName=DATABASE, TableInput=table)
        content = parquet({"pos": "bigint"}, [{"pos": 10}, {"pos": 20}])
        s3.put_object(Bucket=BUCKET, Key=f"tables/{name}/a.parquet", Body=content)
    clients.client("athena").create_work_group(
        Name="guarded",
        Configuration={"ResultConfiguration": {"OutputLocation": f"s3://{BUCKET}/results/"}},
    )
    reads = services.role("location", "s3:GetObject", "s3:ListBucket")
    trust = {"Effect": "Allow", "Principal": {"Service": "lakeformation.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    clients.client("iam").update_assume_role_policy(RoleName="location", PolicyDocument=document)
    arn = f"arn:aws:s3:::{BUCKET}/tables"
    location = make(services, "Resource", ResourceArn=arn, RoleArn=reads, UseServiceLinkedRole=False)
    yield Guarded(services)
    remove(location)


def said(lake: Lake, sql: str) -> str:
    return lake.refusal(sql, QueryExecutionContext={"Database": DATABASE})


def rows(lake: Lake, sql: str) -> list[list[str | None]]:
    return lake.answer(sql, QueryExecutionContext={"Database": DATABASE})


def test_who_has_no_grant_is_refused_with_the_tables_name(guarded: Guarded) -> None:
    # IAM allows it, which in an account whose tables are left to IAM would be enough.
    refused = said(guarded.lake(guarded.role("ungranted", *ACTIONS)), "select pos from variants")
    assert "PERMISSION_DENIED: Insufficient Lake Formation permission(s): Required Describe on variants" in refused
    assert "AccessDeniedException" in refused


def test_select_reads_files_that_the_role_itself_may_not_read(guarded: Guarded) -> None:
    role = guarded.role("analyst", *ACTIONS)
    made = guarded.grant(role, "SELECT", "DESCRIBE")
    assert rows(guarded.lake(role), "select pos from variants order by pos") == [["10"], ["20"]]
    with pytest.raises(ClientError, match="AccessDenied"):
        guarded.asks(role, "s3").get_object(Bucket=BUCKET, Key="tables/variants/a.parquet")
    remove(made)
    assert "Required Describe on variants" in said(guarded.lake(role), "select pos from variants")


def test_a_grant_on_one_table_is_none_on_another(guarded: Guarded) -> None:
    role = guarded.role("of-one-table", *ACTIONS)
    guarded.grant(role, "SELECT", Table={"DatabaseName": DATABASE, "Name": "variants"})
    assert rows(guarded.lake(role), "select count(*) from variants") == [["2"]]
    assert "Required Describe on secrets" in said(guarded.lake(role), "select pos from secrets")


def test_to_see_a_table_is_not_to_select_from_it(guarded: Guarded) -> None:
    role = guarded.role("librarian", *ACTIONS)
    guarded.grant(role, "DESCRIBE")
    assert [row[0].split() for row in rows(guarded.lake(role), "describe variants") if row[0]] == [["pos", "bigint"]]
    assert "Required Select on variants" in said(guarded.lake(role), "select pos from variants")


def test_select_is_not_enough_to_change_a_table_or_make_one(guarded: Guarded) -> None:
    role = guarded.role("reader", *ACTIONS)
    guarded.grant(role, "SELECT")
    glue = guarded.asks(role, "glue")
    table = glue.get_table(DatabaseName=DATABASE, Name="variants")["Table"]["StorageDescriptor"]
    for needed, call in {
        "Alter": lambda: glue.batch_create_partition(
            DatabaseName=DATABASE,
            TableName="variants",
            PartitionInputList=[{"Values": ["x"], "StorageDescriptor": table}],
        ),
        "Drop": lambda: glue.delete_table(DatabaseName=DATABASE, Name="variants"),
    }.items():
        with pytest.raises(ClientError, match=rf"Insufficient Lake Formation.*Required {needed} on variants"):
            call()


def test_athena_needs_iams_get_data_access_too(guarded: Guarded) -> None:
    role = guarded.role("granted-only", "athena:*", "glue:*")
    guarded.grant(role, "SELECT")
    assert "lakeformation:GetDataAccess" in said(guarded.lake(role), "select pos from variants")


def test_what_is_handed_out_opens_the_files_of_that_table_alone(guarded: Guarded) -> None:
    role = guarded.role("curious", *ACTIONS)
    guarded.grant(role, "SELECT")
    given = guarded.asks(role, "lakeformation").get_temporary_glue_table_credentials(
        TableArn=guarded.services.context.arn("glue", f"table/{DATABASE}/variants"), Permissions=["SELECT"]
    )
    s3 = clients.on_behalf_of("s3", given["AccessKeyId"], given["SessionToken"])
    assert s3.get_object(Bucket=BUCKET, Key="tables/variants/a.parquet")["ContentLength"] > 0
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.get_object(Bucket=BUCKET, Key="tables/secrets/a.parquet")


def test_tables_of_other_databases_are_left_to_iam(guarded: Guarded) -> None:
    glue = clients.client("glue")
    glue.create_database(DatabaseInput={"Name": "open"})
    glue.create_table(DatabaseName="open", TableInput={"Name": "variants"})
    role = guarded.role("of-iam-alone", *ACTIONS)
    assert guarded.asks(role, "glue").get_table(DatabaseName="open", Name="variants")["Table"]["Name"] == "variants"
    guarded.asks(role, "glue").delete_table(DatabaseName="open", Name="variants")


def admins() -> list[str]:
    settings = clients.client("lakeformation").get_data_lake_settings()["DataLakeSettings"]
    return [each["DataLakePrincipalIdentifier"] for each in settings["DataLakeAdmins"]]


def test_appended_administrators_join_those_of_the_account(services: Any) -> None:
    def told(*names: str) -> list[dict[str, str]]:
        return [{"DataLakePrincipalIdentifier": f"arn:aws:iam::123456789012:role/{name}"} for name in names]

    lakeformation = clients.client("lakeformation")
    before = lakeformation.get_data_lake_settings()["DataLakeSettings"]
    lakeformation.put_data_lake_settings(DataLakeSettings={**before, "DataLakeAdmins": told("Stewards", "Security")})
    make(services, "DataLakeSettings", Admins=told("Deployer", "Stewards"), MutationType="APPEND")
    assert [arn.rpartition("/")[2] for arn in admins()] == ["Stewards", "Security", "Deployer"]
    kept = lakeformation.get_data_lake_settings()["DataLakeSettings"]
    assert kept["CreateTableDefaultPermissions"] == before["CreateTableDefaultPermissions"]
    # What a template says that does not append.
    make(services, "DataLakeSettings", Admins=told("Deployer"))
    assert [arn.rpartition("/")[2] for arn in admins()] == ["Deployer"]
    lakeformation.put_data_lake_settings(DataLakeSettings=before)


def test_a_permission_can_be_taken_back_after_more_were_given(guarded: Guarded) -> None:
    role = guarded.role("growing", *ACTIONS)
    first = guarded.grant(role, "SELECT")
    guarded.grant(role, "INSERT")
    remove(first)
    (found,) = [
        each
        for each in clients.client("lakeformation").list_permissions()["PrincipalResourcePermissions"]
        if each["Principal"]["DataLakePrincipalIdentifier"] == role
    ]
    assert found["Permissions"] == ["INSERT"]
