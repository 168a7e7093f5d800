"""A changed template changes what is there: in place, or by a new resource to which all that refer to it turn.

Which of the two: each type's page in the AWS CloudFormation Template Reference, "Update requires".
"""

import io
import json
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.instance import Instance
from tests.embedded_aws.cloudformation.stack_operations import create, described, events, reasons, template, update
from tests.embedded_aws.instance_clients import client, outputs, physical_ids

QUEUE: dict[str, Any] = {"Type": "AWS::SQS::Queue"}
SERVICES = ["lambda.amazonaws.com", "glue.amazonaws.com"]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": SERVICES}, "Action": "sts:AssumeRole"}],
}


def of(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def allowing(action: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}


def bucket_with_code(small: Instance, name: str) -> None:
    s3 = client(small, "s3")
    s3.create_bucket(Bucket=name)
    for version in ("one", "two"):
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w") as archive:
            archive.writestr("index.py", f"def handler(event, context):\n    return '{version}'\n")
        s3.put_object(Bucket=name, Key=f"{version}.zip", Body=body.getvalue())


def function(bucket: str, key: str, **properties: Any) -> dict[str, Any]:
    code = {"S3Bucket": bucket, "S3Key": key}
    role = {"Fn::GetAtt": ["Role", "Arn"]}
    return of("Lambda::Function", Runtime="python3.11", Handler="index.handler", Role=role, Code=code, **properties)


# A type, its properties before and after. Each page says of what differs: "Update requires: No interruption".
IN_PLACE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "S3::Bucket": (
        {"LifecycleConfiguration": {"Rules": [{"Status": "Enabled", "ExpirationInDays": 3}]}},
        {"VersioningConfiguration": {"Status": "Enabled"}, "Tags": [{"Key": "a", "Value": "b"}]},
    ),
    "SQS::Queue": ({"VisibilityTimeout": 10, "DelaySeconds": 1}, {"VisibilityTimeout": 20}),
    "SNS::Topic": ({"DisplayName": "one"}, {"DisplayName": "two", "Tags": [{"Key": "a", "Value": "b"}]}),
    "Logs::LogGroup": ({"RetentionInDays": 7}, {"RetentionInDays": 30}),
    "SSM::Parameter": ({"Type": "String", "Value": "one"}, {"Type": "String", "Value": "two"}),
    "KMS::Key": (
        {"KeyPolicy": {"Version": "2012-10-17", "Statement": []}, "EnableKeyRotation": False},
        {"KeyPolicy": {"Version": "2012-10-17", "Statement": []}, "EnableKeyRotation": True},
    ),
    "DynamoDB::Table": (
        {
            "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        },
        {
            "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": n, "AttributeType": "S"} for n in ("k", "g")],
            "BillingMode": "PAY_PER_REQUEST",
            "TimeToLiveSpecification": {"AttributeName": "until", "Enabled": True},
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": "by-g",
                    "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        },
    ),
    "Events::Rule": (
        {"EventPattern": {"source": ["one"]}, "State": "ENABLED"},
        {"EventPattern": {"source": ["two"]}, "State": "DISABLED"},
    ),
    "Glue::Job": (
        {"Role": {"Fn::GetAtt": ["Trusted", "Arn"]}, "Command": {"Name": "glueetl"}, "Timeout": 10},
        {"Role": {"Fn::GetAtt": ["Trusted", "Arn"]}, "Command": {"Name": "glueetl"}, "Timeout": 20},
    ),
    "Athena::WorkGroup": (
        {"Name": "in-place", "Description": "one"},
        {"Name": "in-place", "Description": "two"},
    ),
    "Glue::Database": (
        {"CatalogId": "123456789012", "DatabaseInput": {"Name": "in_place"}},
        {"CatalogId": "123456789012", "DatabaseInput": {"Name": "in_place", "Description": "two"}},
    ),
    "IAM::Role": (
        {"AssumeRolePolicyDocument": TRUST, "Policies": [{"PolicyName": "a", "PolicyDocument": allowing("s3:*")}]},
        {"AssumeRolePolicyDocument": TRUST, "Policies": [{"PolicyName": "b", "PolicyDocument": allowing("sqs:*")}]},
    ),
    "IAM::ManagedPolicy": ({"PolicyDocument": allowing("s3:*")}, {"PolicyDocument": allowing("sqs:*")}),
    "EFS::FileSystem": ({}, {"LifecyclePolicies": [{"TransitionToIA": "AFTER_30_DAYS"}]}),
    "EC2::VPC": ({"CidrBlock": "10.0.0.0/16"}, {"CidrBlock": "10.0.0.0/16", "EnableDnsSupport": True}),
}


def logical(kind: str) -> str:
    return kind.replace("::", "")


@pytest.fixture(scope="module")
def changed_in_place(small: Instance) -> dict[str, str]:
    """Physical ids after an update that changed one resource of each type."""
    trusted = {"Trusted": of("IAM::Role", AssumeRolePolicyDocument=TRUST)}
    create(small, "in-place", trusted | {logical(kind): of(kind, **before) for kind, (before, _) in IN_PLACE.items()})
    assert described(small, "in-place")["StackStatus"] == "CREATE_COMPLETE", events(small, "in-place")
    before = physical_ids(small, "in-place")
    changed = trusted | {logical(kind): of(kind, **after) for kind, (_, after) in IN_PLACE.items()}
    stack = update(small, "in-place", changed)
    assert stack["StackStatus"] == "UPDATE_COMPLETE", reasons(small, "in-place", "UPDATE_FAILED")
    assert physical_ids(small, "in-place") == before
    return before


def test_what_needs_no_replacement_is_changed_where_it_is(small: Instance, changed_in_place: dict[str, str]) -> None:
    updated = set(reasons(small, "in-place", "UPDATE_COMPLETE")) - {"in-place"}
    assert updated == {logical(kind) for kind in IN_PLACE}
    assert reasons(small, "in-place", "DELETE_IN_PROGRESS") == {}


def test_what_was_changed_in_place_is_what_the_services_then_hold(
    small: Instance, changed_in_place: dict[str, str]
) -> None:
    ids = changed_in_place
    s3, bucket = client(small, "s3"), ids["S3Bucket"]
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "a", "Value": "b"}]
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    queue = client(small, "sqs").get_queue_attributes(QueueUrl=ids["SQSQueue"], AttributeNames=["All"])["Attributes"]
    # A property that is taken out goes back to its default: Amazon SQS API Reference, "SetQueueAttributes".
    assert (queue["VisibilityTimeout"], queue["DelaySeconds"]) == ("20", "0")
    sns = client(small, "sns")
    assert sns.get_topic_attributes(TopicArn=ids["SNSTopic"])["Attributes"]["DisplayName"] == "two"
    assert sns.list_tags_for_resource(ResourceArn=ids["SNSTopic"])["Tags"] == [{"Key": "a", "Value": "b"}]
    (group,) = client(small, "logs").describe_log_groups(logGroupNamePrefix=ids["LogsLogGroup"])["logGroups"]
    assert group["retentionInDays"] == 30
    assert client(small, "ssm").get_parameter(Name=ids["SSMParameter"])["Parameter"]["Value"] == "two"
    assert client(small, "kms").get_key_rotation_status(KeyId=ids["KMSKey"])["KeyRotationEnabled"] is True
    table = client(small, "dynamodb").describe_table(TableName=ids["DynamoDBTable"])["Table"]
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["by-g"]
    rule = client(small, "events").describe_rule(Name=ids["EventsRule"])
    assert (json.loads(rule["EventPattern"]), rule["State"]) == ({"source": ["two"]}, "DISABLED")
    glue = client(small, "glue")
    assert glue.get_job(JobName=ids["GlueJob"])["Job"]["Timeout"] == 20
    assert glue.get_database(Name="in_place")["Database"]["Description"] == "two"
    assert client(small, "athena").get_work_group(WorkGroup="in-place")["WorkGroup"]["Description"] == "two"
    iam = client(small, "iam")
    assert iam.list_role_policies(RoleName=ids["IAMRole"])["PolicyNames"] == ["b"]
    arn = ids["IAMManagedPolicy"]
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    assert document["Statement"][0]["Action"] == "sqs:*"


def test_a_functions_code_and_settings_are_changed_where_it_is(small: Instance) -> None:
    bucket_with_code(small, "code-of-two-versions")
    role = of("IAM::Role", AssumeRolePolicyDocument=TRUST)
    environment = {"Variables": {"LEVEL": "1"}}
    first = {"Role": role, "Function": function("code-of-two-versions", "one.zip", Timeout=9, Environment=environment)}
    assert create(small, "code", first)["StackStatus"] == "CREATE_COMPLETE", events(small, "code")
    name = physical_ids(small, "code")["Function"]
    awslambda = client(small, "lambda")
    assert json.load(awslambda.invoke(FunctionName=name)["Payload"]) == "one"
    update(small, "code", {"Role": role, "Function": function("code-of-two-versions", "two.zip", MemorySize=256)})
    assert physical_ids(small, "code")["Function"] == name
    assert json.load(awslambda.invoke(FunctionName=name)["Payload"]) == "two"
    found = awslambda.get_function_configuration(FunctionName=name)
    # Lambda's defaults for what was taken out: AWS Lambda API Reference, "CreateFunction".
    assert (found["Timeout"], found["MemorySize"]) == (3, 256)
    assert found.get("Environment", {}).get("Variables", {}) == {}


# "Update requires: Replacement" for what differs, on each type's page.
REPLACED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "S3::Bucket": ({"BucketName": "replaced-one"}, {"BucketName": "replaced-two"}),
    "SQS::Queue": ({"QueueName": "replaced-one"}, {"QueueName": "replaced-two"}),
    "Athena::NamedQuery": (
        {"Database": "d", "QueryString": "select 1"},
        {"Database": "d", "QueryString": "select 2"},
    ),
    "DynamoDB::Table": (
        {
            "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        },
        {
            "KeySchema": [{"AttributeName": "other", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "other", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        },
    ),
    "EFS::FileSystem": ({"Encrypted": False}, {"Encrypted": True}),
    "EC2::VPC": ({"CidrBlock": "10.0.0.0/16"}, {"CidrBlock": "10.1.0.0/16"}),
    "IAM::Role": (
        {"AssumeRolePolicyDocument": TRUST, "Path": "/one/"},
        {"AssumeRolePolicyDocument": TRUST, "Path": "/two/"},
    ),
}


def test_what_cannot_be_changed_is_replaced_and_its_dependents_follow(small: Instance) -> None:
    def resources(which: int) -> dict[str, Any]:
        made = {logical(kind): of(kind, **both[which]) for kind, both in REPLACED.items()}
        follower = {"Tags": [{"Key": name, "Value": {"Ref": name}} for name in made]}
        return {**made, "Follower": of("SQS::Queue", **follower)}

    export = {"Outputs": {"Queue": {"Value": {"Fn::GetAtt": ["SQSQueue", "Arn"]}}}}
    create(small, "replaced", resources(0), **export)
    before = physical_ids(small, "replaced")
    stack = update(small, "replaced", resources(1), **export)
    assert stack["StackStatus"] == "UPDATE_COMPLETE", reasons(small, "replaced", "UPDATE_FAILED")
    after = physical_ids(small, "replaced")
    assert after.pop("Follower") == before.pop("Follower")
    assert all(after[name] != before[name] for name in before)
    tags = client(small, "sqs").list_queue_tags(QueueUrl=physical_ids(small, "replaced")["Follower"])["Tags"]
    assert tags == after
    assert outputs(small, "replaced")["Queue"].endswith(":replaced-two")
    with pytest.raises(ClientError, match="404"):
        client(small, "s3").head_bucket(Bucket="replaced-one")
    told = events(small, "replaced")
    creating = "Requested update requires the creation of a new physical resource; hence creating one."
    assert ("S3Bucket", "UPDATE_IN_PROGRESS", creating) in told
    # The old ones go when all the new ones are there.
    cleaning = told.index(("replaced", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None))
    deleted = [number for number, (_, status, _) in enumerate(told) if status == "DELETE_IN_PROGRESS"]
    assert len(deleted) == len(REPLACED)
    assert min(deleted) > cleaning


def test_what_a_replacement_leaves_behind_is_kept_by_its_policy(small: Instance) -> None:
    kept = {"UpdateReplacePolicy": "Retain"}
    create(small, "kept", {"Bucket": {**of("S3::Bucket", BucketName="kept-one"), **kept}})
    update(small, "kept", {"Bucket": {**of("S3::Bucket", BucketName="kept-two"), **kept}})
    s3 = client(small, "s3")
    for name in ("kept-one", "kept-two"):
        s3.head_bucket(Bucket=name)
    assert ("Bucket", "DELETE_SKIPPED", None) in events(small, "kept")


def test_a_replacement_may_not_take_the_name_of_what_it_replaces(small: Instance) -> None:
    keys = [{"AttributeName": "k", "KeyType": "HASH"}]
    attributes = [{"AttributeName": "k", "AttributeType": "S"}]
    named = {"TableName": "custom-named", "AttributeDefinitions": attributes, "BillingMode": "PAY_PER_REQUEST"}
    create(small, "named", {"Table": of("DynamoDB::Table", KeySchema=keys, **named)})
    keys = [{"AttributeName": "j", "KeyType": "HASH"}]
    named["AttributeDefinitions"] = [{"AttributeName": "j", "AttributeType": "S"}]
    stack = update(small, "named", {"Table": of("DynamoDB::Table", KeySchema=keys, **named)})
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    # AWS re:Post, "How do I resolve the 'custom-named resource requires replacing' error in CloudFormation?"
    assert reasons(small, "named", "UPDATE_FAILED")["Table"] == (
        "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
        "Rename custom-named and update the stack again."
    )


def test_what_makes_a_key_what_it_is_cannot_be_changed(small: Instance) -> None:
    policy = {"Version": "2012-10-17", "Statement": []}
    create(small, "key", {"Key": of("KMS::Key", KeyPolicy=policy)})
    key = physical_ids(small, "key")["Key"]
    stack = update(small, "key", {"Key": of("KMS::Key", KeyPolicy=policy, KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")})
    # AWS::KMS::Key: "If you change the value of the KeySpec property on an existing KMS key, the update request fails".
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert physical_ids(small, "key")["Key"] == key


def test_a_type_is_not_changed_into_another(small: Instance) -> None:
    create(small, "typed", {"Thing": QUEUE})
    with pytest.raises(ClientError, match=r"Update of resource type is not permitted\..*: \[Thing\]"):
        update(small, "typed", {"Thing": of("SNS::Topic")})


def test_a_changed_template_adds_and_removes_and_what_is_retained_stays(small: Instance) -> None:
    cloud, s3, sqs = (client(small, name) for name in ("cloudformation", "s3", "sqs"))
    bucket = {**of("S3::Bucket", BucketName="kept-bucket"), "DeletionPolicy": "Retain"}
    create(small, "changing", {"Bucket": bucket, "Old": QUEUE})
    old = physical_ids(small, "changing")["Old"]
    update(small, "changing", {"Bucket": bucket, "New": QUEUE})
    ids = physical_ids(small, "changing")
    assert set(ids) == {"Bucket", "New"}
    queues = sqs.list_queues()["QueueUrls"]
    assert ids["New"] in queues
    assert old not in queues
    cloud.delete_stack(StackName="changing")
    assert ids["New"] not in sqs.list_queues()["QueueUrls"]
    s3.head_bucket(Bucket="kept-bucket")


def test_conditions_and_parameters_decide_what_there_is(small: Instance) -> None:
    cloud = client(small, "cloudformation")
    body = template(
        {"Always": QUEUE, "Sometimes": {**QUEUE, "Condition": "Wanted"}},
        Parameters={"Want": {"Type": "String", "AllowedValues": ["yes", "no"]}},
        Conditions={"Wanted": {"Fn::Equals": [{"Ref": "Want"}, "yes"]}},
    )

    def given(value: str) -> list[dict[str, str]]:
        return [{"ParameterKey": "Want", "ParameterValue": value}]

    cloud.create_stack(StackName="choosing", TemplateBody=body, Parameters=given("yes"))
    assert set(physical_ids(small, "choosing")) == {"Always", "Sometimes"}
    previous = [{"ParameterKey": "Want", "UsePreviousValue": True}]
    with pytest.raises(ClientError, match=r"No updates are to be performed\."):
        cloud.update_stack(StackName="choosing", UsePreviousTemplate=True, Parameters=previous)
    cloud.update_stack(StackName="choosing", UsePreviousTemplate=True, Parameters=given("no"))
    assert set(physical_ids(small, "choosing")) == {"Always"}


def change_set(small: Instance, name: str, resources: dict[str, Any], kind: str = "UPDATE") -> Any:
    cloud = client(small, "cloudformation")
    made = cloud.create_change_set(
        StackName=name, ChangeSetName="changes", ChangeSetType=kind, TemplateBody=template(resources)
    )
    return cloud.describe_change_set(ChangeSetName=made["Id"])


def test_a_change_set_says_what_it_would_change_and_then_changes_it(small: Instance) -> None:
    cloud = client(small, "cloudformation")
    first = {
        "Timed": of("SQS::Queue", VisibilityTimeout=10),
        "Named": of("SQS::Queue", QueueName="change-set-one"),
        "Gone": QUEUE,
        "Follower": of("SQS::Queue", Tags=[{"Key": "of", "Value": {"Ref": "Named"}}]),
    }
    planned = change_set(small, "planned", first, "CREATE")
    assert described(small, "planned")["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert {c["ResourceChange"]["Action"] for c in planned["Changes"]} == {"Add"}
    cloud.execute_change_set(StackName="planned", ChangeSetName="changes")
    assert described(small, "planned")["StackStatus"] == "CREATE_COMPLETE"

    second = {
        **first,
        "Timed": of("SQS::Queue", VisibilityTimeout=20),
        "Named": of("SQS::Queue", QueueName="change-set-two"),
        "New": QUEUE,
    }
    del second["Gone"]
    planned = change_set(small, "planned", second)
    found = {
        change["LogicalResourceId"]: (change["Action"], change.get("Replacement"))
        for change in (each["ResourceChange"] for each in planned["Changes"])
    }
    assert found == {
        "Timed": ("Modify", "False"),
        "Named": ("Modify", "True"),
        "Follower": ("Modify", "False"),
        "New": ("Add", None),
        "Gone": ("Remove", None),
    }
    cloud.execute_change_set(StackName="planned", ChangeSetName="changes")
    assert described(small, "planned")["StackStatus"] == "UPDATE_COMPLETE"
    assert set(physical_ids(small, "planned")) == set(second)

    empty = change_set(small, "planned", second)
    assert (empty["Status"], empty["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert empty["StatusReason"].startswith("The submitted information didn't contain changes.")
    with pytest.raises(ClientError, match="cannot be executed in its current status of"):
        cloud.execute_change_set(StackName="planned", ChangeSetName="changes")
    cloud.delete_change_set(StackName="planned", ChangeSetName="changes")
    assert cloud.list_change_sets(StackName="planned")["Summaries"] == []
