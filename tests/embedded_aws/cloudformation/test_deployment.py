"""What a template says is what the services then hold."""

import io
import json
import zipfile
from pathlib import Path

import pytest

from embedded_aws.cloudformation import bootstrap
from embedded_aws.cloudformation.cloud_assembly import Assembly, DeploymentError
from embedded_aws.cloudformation.deployment import zipped
from embedded_aws.instance import Instance
from embedded_aws.resources import TABLE
from tests.embedded_aws import small_assembly
from tests.embedded_aws.instance_clients import client, outputs, physical_ids


def test_a_buckets_properties_reach_it(small: Instance) -> None:
    s3 = client(small, "s3")
    bucket = outputs(small, "small-storage")["DataBucket"]
    assert bucket.startswith("small-storage-data-")
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    default = rule["ApplyServerSideEncryptionByDefault"]
    key = physical_ids(small, "small-storage")["Key"]
    arn = f"arn:aws:kms:us-east-1:123456789012:key/{key}"
    assert (default["SSEAlgorithm"], default["KMSMasterKeyID"]) == ("aws:kms", arn)
    assert client(small, "kms").get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
    (lifecycle,) = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert (lifecycle["ID"], lifecycle["Expiration"]["Days"]) == ("old", 3)
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "stage", "Value": "storage"}]
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    assert statement["Resource"] == f"arn:aws:s3:::{bucket}/*"


def test_queues_rules_tables_and_roles_are_as_the_template_has_them(small: Instance) -> None:
    ids = physical_ids(small, "small-work")
    attributes = client(small, "sqs").get_queue_attributes(QueueUrl=ids["Queue"], AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "77"
    redrive = json.loads(attributes["RedrivePolicy"])
    assert int(redrive["maxReceiveCount"]) == 3
    assert redrive["deadLetterTargetArn"].rsplit(":", 1)[-1] == ids["DeadLetters"].rsplit("/", 1)[-1]
    events = client(small, "events")
    assert json.loads(events.describe_rule(Name=ids["Rule"])["EventPattern"]) == {"source": ["genomics"]}
    (target,) = events.list_targets_by_rule(Rule=ids["Rule"])["Targets"]
    assert (target["Id"], target["Arn"], target["InputPath"]) == ("T0", attributes["QueueArn"], "$.detail")
    ttl = client(small, "dynamodb").describe_time_to_live(TableName=outputs(small, "small-storage")["TableName"])
    assert ttl["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "until"}
    iam = client(small, "iam")
    (attached,) = iam.list_attached_role_policies(RoleName=ids["Role"])["AttachedPolicies"]
    assert attached["PolicyName"] == "AWSLambdaBasicExecutionRole"
    # Other tests of the same instance may give the role more.
    assert {"Grant", "inline"} <= set(iam.list_role_policies(RoleName=ids["Role"])["PolicyNames"])
    grant = iam.get_role_policy(RoleName=ids["Role"], PolicyName="Grant")["PolicyDocument"]
    assert grant["Statement"][0]["Resource"] == f"arn:aws:s3:::{outputs(small, 'small-storage')['DataBucket']}/*"


def test_a_functions_code_and_settings_are_the_assets_and_the_templates(small: Instance) -> None:
    name = physical_ids(small, "small-work")["Function"]
    found = client(small, "lambda").get_function_configuration(FunctionName=name)
    assert (found["Handler"], found["Timeout"], found["Role"]) == (
        "index.handler",
        21,
        outputs(small, "small-work")["RoleArn"],
    )
    bucket = outputs(small, "small-storage")["DataBucket"]
    assert found["Environment"]["Variables"] == {"BUCKET": bucket}
    assets = client(small, "s3").get_object(Bucket="cdk-hnb659fds-assets-123456789012-us-east-1", Key="code.zip")
    with zipfile.ZipFile(io.BytesIO(assets["Body"].read())) as archive:
        assert archive.namelist() == ["index.py"]


def test_the_same_files_make_the_same_archive(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name / "package"
        folder.mkdir(parents=True)
        (folder / "b.py").write_text("b")
        (folder / "a.sh").write_text("a")
        (folder / "a.sh").chmod(0o755)
    archive = zipped(tmp_path / "one")
    assert archive == zipped(tmp_path / "two")
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.namelist() == ["package/a.sh", "package/b.py"]
        assert opened.getinfo("package/a.sh").external_attr >> 16 & 0o777 == 0o755


def test_a_stack_stands_after_those_that_it_needs(tmp_path: Path) -> None:
    assembly = Assembly.read(small_assembly.write(tmp_path / "cdk.out"))
    assert [stack.name for stack in assembly.stacks] == ["small-storage", "small-work"]
    with pytest.raises(DeploymentError, match="holds no cloud assembly"):
        Assembly.read(tmp_path)


def test_every_resource_of_the_real_templates_is_there_and_counted(cloud_assembly: Path, embedded: Instance) -> None:
    templates = Assembly.read(cloud_assembly).templates()
    kinds = []
    templates["CDKToolkit"] = bootstrap.template()
    for stack, template in templates.items():
        assert set(physical_ids(embedded, stack)) == set(template["Resources"])
        kinds += [resource["Type"] for resource in template["Resources"].values()]
    answer = embedded.readiness()
    assert answer["executing"] + answer["inert"] == len(kinds)
    assert answer["inert"] == sum(TABLE[kind].inert is not None for kind in kinds)
    assert set(answer["inert_types"]) == {kind for kind in kinds if TABLE[kind].inert}


def test_nothing_on_the_main_path_is_inert() -> None:
    path = {
        "AWS::S3::Bucket",
        "AWS::Events::Rule",
        "AWS::SQS::Queue",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Function",
        "AWS::StepFunctions::StateMachine",
        "AWS::Batch::ComputeEnvironment",
        "AWS::Batch::JobQueue",
        "AWS::Batch::JobDefinition",
        "AWS::EFS::FileSystem",
        "AWS::EFS::AccessPoint",
        "AWS::DynamoDB::Table",
        "AWS::Glue::Database",
        "AWS::Glue::Table",
        "AWS::Glue::Job",
        "AWS::Athena::WorkGroup",
        "AWS::IAM::Role",
        "AWS::IAM::Policy",
        "AWS::Logs::LogGroup",
    }
    assert [kind for kind in sorted(path) if TABLE[kind].inert] == []
