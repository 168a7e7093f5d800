"""Catalog, job, trigger and workgroup of the lake."""

import itertools
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot

from genomics.contracts.annotation_tables import ANNOTATION_TABLES, current_view
from genomics.contracts.named_queries import QUERIES
from genomics.contracts.tables import LOOKUPS, RELEASES, TABLES, Table
from glue_jobs.annotations import options as annotations
from glue_jobs.variants.options import parse
from tests.stacks.conftest import flat

ROOT = Path(__file__).resolve().parents[2]
ALL_TABLES = (*TABLES, *LOOKUPS, *RELEASES, *ANNOTATION_TABLES)
JOBS = ("variants", "annotations", "annotation_refresh", "annotation_checks")


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
def test_tables_are_the_contracts(default: Any, table: Table) -> None:
    inputs = [t["Properties"]["TableInput"] for t in default.resources("lake", "AWS::Glue::Table").values()]
    (found,) = [each for each in inputs if each["Name"] == table.name]
    columns = [(c["Name"], c["Type"]) for c in found["StorageDescriptor"]["Columns"]]
    assert columns == [(column.name, column.type) for column in table.columns]
    partitions = [(c["Name"], c["Type"]) for c in found["PartitionKeys"]]
    assert partitions == [(column.name, column.type) for column in table.partitions]
    assert found["StorageDescriptor"]["Location"]["Fn::Join"][1][-1] == f"/tables/{table.name}/"
    assert "parquet" in found["StorageDescriptor"]["InputFormat"]


def test_there_is_no_table_that_the_contracts_lack(assembly: Any) -> None:
    assert len(assembly.resources("lake", "AWS::Glue::Table")) == len(ALL_TABLES)


def jobs(assembly: Any) -> dict[str, dict[str, Any]]:
    """Properties of the jobs, by the names of their Python packages."""
    names = {
        "VCF to": "variants",
        "ClinVa": "annotations",
        "Finds ": "annotation_refresh",
        "Checks": "annotation_checks",
    }
    found = [job["Properties"] for job in assembly.resources("lake", "AWS::Glue::Job").values()]
    return {names[job["Description"][:6]]: job for job in found}


def variants_job(assembly: Any) -> dict[str, Any]:
    """Properties of the job that loads variants."""
    return jobs(assembly)["variants"]


def test_the_job_understands_the_arguments_that_the_stack_gives(default: Any) -> None:
    given = variants_job(default)["DefaultArguments"]
    told = {name: "given" if isinstance(value, dict) else value for name, value in given.items()}
    options = parse([word for pair in {**told, "--request": "s3://b/k"}.items() for word in pair])
    assert options.database == options.data_lake_bucket == "given"
    assert options.request == "s3://b/k"
    assert "--request" not in given


def test_the_annotations_job_understands_the_arguments_that_the_stack_gives(default: Any) -> None:
    given = jobs(default)["annotations"]["DefaultArguments"]
    told = {name: "given" if isinstance(value, dict) else value for name, value in given.items()}
    options = annotations.parse([word for pair in {**told, "--request": "s3://b/k"}.items() for word in pair])
    assert options.database == options.data_lake_bucket == "given"
    assert "--request" not in given


def test_the_annotations_job_defines_no_table_of_the_stacks(assembly: Any) -> None:
    (policy,) = (
        found["Properties"]["PolicyDocument"]
        for name, found in assembly.resources("lake", "AWS::IAM::Policy").items()
        if name.split("/")[1].startswith("AnnotationsJobRole")
    )
    defined = {
        flat(resource).rsplit("/", 1)[-1]
        for statement in policy["Statement"]
        if "glue:CreateTable" in statement["Action"]
        for resource in statement["Resource"]
        if ":table/" in flat(resource)
    }
    assert defined == {"clinvar_current", "clinvar_summary_current", "annotation_*"}
    written = {
        flat(resource).split("/", 1)[1]
        for statement in policy["Statement"]
        if "s3:PutObject" in statement["Action"]
        for resource in statement["Resource"]
    }
    assert written == {
        "annotations/*",
        "loads/annotations/*",
        "tables/clinvar/*",
        "tables/clinvar_summary/*",
        "tables/annotation_*",
        "tables/rejects/dataset=annotations%2F*",
    }


@pytest.mark.parametrize("name", ["variants", "annotations"])
def test_the_job_is_sized_by_the_settings(default: Any, other: Any, name: str) -> None:
    for assembly, worker, workers, minutes in ((default, "G.1X", 4, 480), (other, "G.2X", 3, 33)):
        job = jobs(assembly)[name]
        assert job["GlueVersion"] == "5.1"
        assert (job["WorkerType"], job["NumberOfWorkers"], job["Timeout"]) == (worker, workers, minutes)


@pytest.mark.parametrize("name", JOBS)
def test_jobs_run_one_at_a_time_and_the_others_wait(assembly: Any, name: str) -> None:
    job = jobs(assembly)[name]
    assert job["ExecutionProperty"] == {"MaxConcurrentRuns": 1}
    assert job["JobRunQueuingEnabled"] is True


def test_vcfs_are_read_by_hail_where_the_settings_say_so(default: Any, other: Any) -> None:
    given = variants_job(default)["DefaultArguments"]
    assert given["--engine"] == "native"
    assert not {"--extra-jars", "--conf"} & set(given)
    given = variants_job(other)["DefaultArguments"]
    assert given["--engine"] == "hail"
    assert given["--additional-python-modules"].endswith(",hail==0.2.139")
    assert flat(given["--extra-jars"]).endswith("/engines/hail/0.2.139/hail-all-spark.jar")
    # https://hail.is/docs/0.2/install/other-cluster.html
    assert given["--conf"].split(" --conf ") == [
        "spark.serializer=org.apache.spark.serializer.KryoSerializer",
        "spark.kryo.registrator=is.hail.kryo.HailKryoRegistrator",
    ]
    assert "--extra-jars" not in jobs(other)["annotations"]["DefaultArguments"]


@pytest.mark.parametrize("name", JOBS)
def test_the_job_installs_the_versions_that_the_tests_run_with(default: Any, name: str) -> None:
    packages = jobs(default)[name]["DefaultArguments"]["--additional-python-modules"].split(",")
    locked = {p["name"]: p.get("version") for p in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
    assert packages == [f"{package}=={locked[package]}" for package in ("isal", "numba", "pyarrow", "pysam")]


def test_the_jobs_library_holds_what_it_imports(default: Any) -> None:
    library = variants_job(default)["DefaultArguments"]["--extra-py-files"]
    key = library["Fn::Join"][1][-1] if isinstance(library, dict) else library
    directory = default.directory / f"asset.{key.rsplit('/', 1)[-1].removesuffix('.zip')}"
    assert {path.name for path in directory.iterdir()} == {"genomics", "glue_jobs"}
    assert (directory / "glue_jobs/variants/options.py").is_file()
    assert (directory / "genomics/contracts/tables.py").is_file()


def test_only_runs_of_this_deployment_start_a_load(assembly: Any) -> None:
    (rule,) = assembly.resources("lake", "AWS::Events::Rule").values()
    pattern = rule["Properties"]["EventPattern"]
    assert pattern["source"] == ["genomics"]
    assert pattern["detail-type"] == ["VariantsCalled"]
    (condition,) = pattern["detail"]["results"]
    before, bucket, after = condition["prefix"]["Fn::Join"][1]
    assert (before, after) == ("s3://", "/")
    assert "Sequencing" in bucket["Fn::ImportValue"]
    (target,) = rule["Properties"]["Targets"]
    assert target["InputPath"] == "$.detail"
    assert target["DeadLetterConfig"]
    assert target["RetryPolicy"]["MaximumRetryAttempts"] == 8


def test_the_workgroups_limits_bind_its_users(default: Any, other: Any) -> None:
    for assembly, gib in ((default, 100), (other, 7)):
        (workgroup,) = assembly.resources("lake", "AWS::Athena::WorkGroup").values()
        configuration = workgroup["Properties"]["WorkGroupConfiguration"]
        assert configuration["EnforceWorkGroupConfiguration"] is True
        assert configuration["BytesScannedCutoffPerQuery"] == gib * 1024**3
        result = configuration["ResultConfiguration"]
        assert result["EncryptionConfiguration"]["EncryptionOption"] == "SSE_KMS"
        assert result["OutputLocation"]["Fn::Join"][1][-1] == "/query-results/"


def test_names_carry_the_project_so_that_two_deployments_fit_one_account(other: Any) -> None:
    (workgroup,) = other.resources("lake", "AWS::Athena::WorkGroup").values()
    databases = other.resources("lake", "AWS::Glue::Database").values()
    assert workgroup["Properties"]["Name"] == "trial-2"
    assert {each["Properties"]["DatabaseInput"]["Name"] for each in databases} == {"trial_2", "trial_2_tenants"}


@pytest.mark.parametrize("title", QUERIES)
def test_named_queries_run_on_the_contracts_tables(title: str) -> None:
    database = duckdb.connect()
    views = [(current_view(table.name), table) for table in ANNOTATION_TABLES]
    for name, table in [*((table.name, table) for table in ALL_TABLES), *views]:
        columns = ", ".join(f'"{c.name}" {_duckdb(c.type)}' for c in (*table.columns, *table.partitions))
        database.execute(f"create table {name} ({columns})")
    assert database.execute(sqlglot.transpile(QUERIES[title].text(), read="athena", write="duckdb")[0]).fetchall() == []


def test_named_queries_stand_in_the_workgroup(assembly: Any) -> None:
    queries = [q["Properties"] for q in assembly.resources("lake", "AWS::Athena::NamedQuery").values()]
    assert {query["Name"]: query["QueryString"] for query in queries} == {
        title: query.text() for title, query in QUERIES.items()
    }
    (workgroup,) = assembly.resources("lake", "AWS::Athena::WorkGroup")
    assert {query["WorkGroup"]["Ref"] for query in queries} == {workgroup.split("/")[1]}


def grants(assembly: Any) -> dict[tuple[str, str], set[str]]:
    """What each role, by its logical id, is granted on a kind of resource."""
    found = assembly.resources("lake", "AWS::LakeFormation::PrincipalPermissions").values()
    return {
        (
            flat(grant["Properties"]["Principal"]["DataLakePrincipalIdentifier"]).strip("<>").removesuffix(".Arn")[:-8],
            next(iter(grant["Properties"]["Resource"])),
        ): set(grant["Properties"]["Permissions"])
        for grant in found
    }


def test_analysts_select_and_jobs_write(assembly: Any) -> None:
    write = {"ALTER", "DELETE", "DESCRIBE", "INSERT", "SELECT"}
    jobs = ("VariantsJobRole", "AnnotationsJobRole")
    found = grants(assembly)
    for reader, kind in itertools.product(("RefreshAnnotationChecksRole", "SessionsRole"), ("Database", "Table")):
        assert found.pop((reader, kind)) == ({"DESCRIBE"} if kind == "Database" else {"DESCRIBE", "SELECT"})
    for kind, permissions in {"Database": {"DESCRIBE"}, "Table": {"DESCRIBE", "SELECT"}}.items():
        assert found.pop(("WarehouseRole", kind), permissions) == permissions
    assert found == {
        ("AccessAnalysts", "Database"): {"DESCRIBE"},
        ("AccessAnalysts", "Table"): {"DESCRIBE", "SELECT"},
        **{(job, "Database"): {"CREATE_TABLE", "DESCRIBE"} for job in jobs},
        **{(job, "Table"): write for job in jobs},
        **{(job, "DataLocation"): {"DATA_LOCATION_ACCESS"} for job in jobs},
    }
    for grant in assembly.resources("lake", "AWS::LakeFormation::PrincipalPermissions").values():
        assert grant["Properties"]["PermissionsWithGrantOption"] == []
        told = grant["Properties"]["Resource"].get("Table")
        assert told is None or told["TableWildcard"] == {}


def test_no_table_is_left_to_iam_alone(assembly: Any) -> None:
    # An account that is new to Lake Formation gives IAM_ALLOWED_PRINCIPALS all on new tables, whatever is granted.
    inputs = [d["Properties"]["DatabaseInput"] for d in assembly.resources("lake", "AWS::Glue::Database").values()]
    (ours,) = (each for each in inputs if not each["Name"].endswith("_tenants"))
    assert ours["CreateTableDefaultPermissions"] == []


def test_administrators_are_added_to_those_of_the_account_and_never_removed(default: Any, other: Any) -> None:
    for assembly, named in ((default, []), (other, ["arn:aws:iam::210987654321:role/DataStewards"])):
        (settings,) = assembly.resources("lake", "AWS::LakeFormation::DataLakeSettings").values()
        assert settings["Properties"]["MutationType"] == "APPEND"
        assert settings["DeletionPolicy"] == settings["UpdateReplacePolicy"] == "Retain"
        deployer, *others = [flat(each["DataLakePrincipalIdentifier"]) for each in settings["Properties"]["Admins"]]
        assert ":role/cdk-hnb659fds-cfn-exec-role-" in deployer
        assert others == named


def test_analysts_may_do_nothing_but_ask(assembly: Any) -> None:
    (policy,) = (
        found["Properties"]["PolicyDocument"]
        for name, found in assembly.resources("lake", "AWS::IAM::Policy").items()
        if name.split("/")[1].startswith("AccessAnalysts")
    )
    objects = [s["Resource"] for s in policy["Statement"] if "s3:GetObject" in s["Action"]]
    assert [flat(resource).partition("/")[2] for resource in objects] == ["query-results/*"]
    (listing,) = (statement for statement in policy["Statement"] if statement["Action"] == "s3:ListBucket")
    assert listing["Condition"] == {"StringLike": {"s3:prefix": "query-results/*"}}
    listed = [s["Action"] if isinstance(s["Action"], list) else [s["Action"]] for s in policy["Statement"]]
    actions = {action for each in listed for action in each}
    changing = [a for a in actions if a.partition(":")[2].startswith(("Create", "Update", "Delete", "Batch", "Put"))]
    assert set(changing) == {"athena:BatchGetNamedQuery", "athena:BatchGetQueryExecution", "s3:PutObject"}


def test_who_may_take_the_analysts_role_is_a_setting(default: Any, other: Any) -> None:
    def trusted(assembly: Any) -> list[str]:
        roles = assembly.resources("lake", "AWS::IAM::Role")
        (role,) = (role for name, role in roles.items() if name.startswith("lake/AccessAnalysts"))
        (statement,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        principals = statement["Principal"]["AWS"]
        listed = principals if isinstance(principals, list) else [principals]
        return [flat(principal).rpartition(":")[2] for principal in listed]

    assert trusted(default) == ["root"]
    assert trusted(other) == ["role/Researchers", "user/ada"]


def test_there_is_a_warehouse_if_asked_for(default: Any, other: Any) -> None:
    kinds = ("AWS::RedshiftServerless::Namespace", "AWS::RedshiftServerless::Workgroup")
    assert [default.resources(kind=kind) for kind in kinds] == [{}, {}]
    (namespace,), (workgroup,) = (other.resources("lake", kind).values() for kind in kinds)
    assert namespace["Properties"]["ManageAdminPassword"] is True
    assert "AdminUserPassword" not in namespace["Properties"]
    assert namespace["Properties"]["KmsKeyId"]["Fn::GetAtt"][1] == "Arn"
    assert workgroup["Properties"]["BaseCapacity"] == 16
    assert workgroup["Properties"]["PubliclyAccessible"] is False
    subnets = {flat(subnet) for subnet in workgroup["Properties"]["SubnetIds"]}
    assert len(subnets) == 4
    assert all("VpcPrivateSubnet" in subnet for subnet in subnets)
    (group,) = (
        name for name in other.resources("lake", "AWS::EC2::SecurityGroup") if name.startswith("lake/Warehouse")
    )
    assert "SecurityGroupIngress" not in other.resources("lake")[group]["Properties"]


def test_the_external_schema_is_the_lakes_database_read_as_a_role_that_only_selects(other: Any) -> None:
    outputs = other.templates["lake"]["Outputs"]
    statement = flat(outputs["ExternalSchemaStatement"]["Value"])
    role = re.fullmatch(
        r"CREATE EXTERNAL SCHEMA IF NOT EXISTS lake FROM DATA CATALOG DATABASE '<Database\w+>' "
        r"REGION 'eu-central-1' IAM_ROLE '<(WarehouseRole\w+)\.Arn>'",
        statement,
    )
    assert role is not None, statement
    (policy,) = (
        p["Properties"]["PolicyDocument"]["Statement"]
        for name, p in other.resources("lake", "AWS::IAM::Policy").items()
        if name.startswith("lake/WarehouseRole")
    )
    actions = {a for s in policy for a in (s["Action"] if isinstance(s["Action"], list) else [s["Action"]])}
    assert all(action.startswith("glue:Get") or action == "lakeformation:GetDataAccess" for action in actions)
    assert "ExternalSchemaStatement" not in other.templates["storage"].get("Outputs", {})


def _duckdb(hive: str) -> str:
    """A Hive type as DuckDB writes it."""
    return str(sqlglot.exp.DataType.build(hive, dialect="hive").sql(dialect="duckdb"))


def test_default_arguments_hold_no_secret(assembly: Any) -> None:
    text = json.dumps(variants_job(assembly)["DefaultArguments"]).lower()
    assert not any(word in text for word in ("password", "secret", "token"))
