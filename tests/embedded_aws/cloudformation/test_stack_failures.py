"""What goes wrong with a stack is undone, and its events say what it was.

Statuses, events and reasons: AWS CloudFormation User Guide, "Stack status codes", "Choose how to handle failures when
provisioning resources", "DeletionPolicy attribute", "Troubleshooting CloudFormation", and the reasons that it quotes.
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.instance import Instance
from tests.embedded_aws.cloudformation.stack_operations import create, described, events, reasons, template, update
from tests.embedded_aws.instance_clients import client, physical_ids

QUEUE: dict[str, Any] = {"Type": "AWS::SQS::Queue"}
# A subscription to a topic that is not there: known to be impossible only when it is tried.
LOST: dict[str, Any] = {
    "Type": "AWS::SNS::Subscription",
    "Properties": {
        "TopicArn": "arn:aws:sns:us-east-1:123456789012:no-such-topic",
        "Protocol": "sqs",
        "Endpoint": "arn:aws:sqs:us-east-1:123456789012:no-such-queue",
    },
}


def after(resource: dict[str, Any], *names: str) -> dict[str, Any]:
    return {**resource, "DependsOn": list(names)}


def queue_urls(small: Instance) -> set[str]:
    return set(client(small, "sqs").list_queues().get("QueueUrls", ()))


def test_a_failed_creation_is_rolled_back_and_told_resource_by_resource(small: Instance) -> None:
    before = queue_urls(small)
    stack = create(small, "failing", {"Good": QUEUE, "Bad": after(LOST, "Good"), "Other": after(QUEUE, "Good")})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    told = events(small, "failing")
    assert [(name, status) for name, status, _ in told] == [
        ("failing", "CREATE_IN_PROGRESS"),
        ("Good", "CREATE_IN_PROGRESS"),
        ("Good", "CREATE_IN_PROGRESS"),
        ("Good", "CREATE_COMPLETE"),
        ("Bad", "CREATE_IN_PROGRESS"),
        ("Bad", "CREATE_FAILED"),
        ("Other", "CREATE_FAILED"),
        ("failing", "ROLLBACK_IN_PROGRESS"),
        ("Good", "DELETE_IN_PROGRESS"),
        ("Good", "DELETE_COMPLETE"),
        ("failing", "ROLLBACK_COMPLETE"),
    ]
    failed = reasons(small, "failing", "CREATE_FAILED")
    assert str(failed["Bad"]).startswith('Resource handler returned message: "')
    assert str(failed["Bad"]).endswith("(HandlerErrorCode: NotFound)")
    assert failed["Other"] == "Resource creation cancelled"
    assert reasons(small, "failing", "ROLLBACK_IN_PROGRESS")["failing"] == (
        "The following resource(s) failed to create: [Bad]. Rollback requested by user."
    )
    assert queue_urls(small) == before


def test_a_stack_that_was_rolled_back_can_only_be_deleted(small: Instance) -> None:
    create(small, "rolled-back", {"Bad": LOST})
    with pytest.raises(ClientError, match="is in ROLLBACK_COMPLETE state and can not be updated"):
        update(small, "rolled-back", {"Good": QUEUE})
    client(small, "cloudformation").delete_stack(StackName="rolled-back")
    with pytest.raises(ClientError, match="Stack with id rolled-back does not exist"):
        described(small, "rolled-back")


def test_what_was_made_stays_when_rolling_back_is_turned_off(small: Instance) -> None:
    cloud = client(small, "cloudformation")
    body = template({"Good": QUEUE, "Bad": after(LOST, "Good")})
    cloud.create_stack(StackName="left", TemplateBody=body, OnFailure="DO_NOTHING")
    assert described(small, "left")["StackStatus"] == "CREATE_FAILED"
    assert set(physical_ids(small, "left")) == {"Good"}
    cloud.delete_stack(StackName="left")
    gone = cloud.create_stack(StackName="gone", TemplateBody=body, OnFailure="DELETE")["StackId"]
    assert described(small, gone)["StackStatus"] == "DELETE_COMPLETE"


@pytest.mark.parametrize(("policy", "stays"), [("Delete", False), ("RetainExceptOnCreate", False), ("Retain", True)])
def test_a_deletion_policy_says_what_a_failed_creation_leaves(small: Instance, policy: str, stays: bool) -> None:
    name = f"leaves-{policy.lower()}"
    before = queue_urls(small)
    create(small, name, {"Kept": {**QUEUE, "DeletionPolicy": policy}, "Bad": after(LOST, "Kept")})
    assert ("Kept", "DELETE_SKIPPED" if stays else "DELETE_COMPLETE", None) in events(small, name)
    assert (len(queue_urls(small) - before) == 1) is stays


def test_a_snapshot_is_refused_where_there_is_none(small: Instance) -> None:
    with pytest.raises(ClientError, match="AWS::SQS::Queue does not support deletion policy Snapshot"):
        create(small, "snapshot", {"Queue": {**QUEUE, "DeletionPolicy": "Snapshot"}})


def test_a_failed_update_puts_everything_back(small: Instance) -> None:
    first = {
        "Changed": {**QUEUE, "Properties": {"VisibilityTimeout": 10}},
        "Replaced": {**QUEUE, "Properties": {"QueueName": "before"}},
        "Removed": QUEUE,
        "Follower": {**QUEUE, "Properties": {"Tags": [{"Key": "of", "Value": {"Fn::GetAtt": ["Replaced", "Arn"]}}]}},
    }
    create(small, "put-back", first)
    ids, urls = physical_ids(small, "put-back"), queue_urls(small)
    second = {
        **first,
        "Changed": {**QUEUE, "Properties": {"VisibilityTimeout": 20}},
        "Replaced": {**QUEUE, "Properties": {"QueueName": "after"}},
        "Added": QUEUE,
        "Bad": after(LOST, "Changed", "Replaced", "Follower", "Added"),
    }
    del second["Removed"]
    stack = update(small, "put-back", second)
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert physical_ids(small, "put-back") == ids
    assert queue_urls(small) == urls
    sqs = client(small, "sqs")
    timeout = sqs.get_queue_attributes(QueueUrl=ids["Changed"], AttributeNames=["VisibilityTimeout"])["Attributes"]
    assert timeout == {"VisibilityTimeout": "10"}
    assert sqs.list_queue_tags(QueueUrl=ids["Follower"])["Tags"]["of"].endswith(":before")
    statuses = [status for name, status, _ in events(small, "put-back") if name == "put-back"]
    assert statuses[2:] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]
    kept = client(small, "cloudformation").get_template(StackName="put-back")["TemplateBody"]
    assert set(kept["Resources"]) == set(first)
    assert update(small, "put-back", {**first, "More": QUEUE})["StackStatus"] == "UPDATE_COMPLETE"


def test_a_bucket_with_objects_stops_its_stacks_deletion(small: Instance) -> None:
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "not-empty-at-all"}}
    policy = {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": {"Version": "2012-10-17", "Statement": []}},
    }
    create(small, "not-empty", {"Bucket": bucket, "Policy": policy, "Queue": QUEUE})
    s3, cloud = client(small, "s3"), client(small, "cloudformation")
    s3.put_object(Bucket="not-empty-at-all", Key="k", Body=b"1")
    cloud.delete_stack(StackName="not-empty")
    stack = described(small, "not-empty")
    assert stack["StackStatus"] == "DELETE_FAILED"
    assert stack["StackStatusReason"] == "The following resource(s) failed to delete: [Bucket]. "
    # Amazon S3 API Reference, "Error responses": BucketNotEmpty.
    assert "The bucket you tried to delete is not empty" in str(reasons(small, "not-empty", "DELETE_FAILED")["Bucket"])
    assert set(physical_ids(small, "not-empty")) == {"Bucket"}
    with pytest.raises(ClientError, match="is in DELETE_FAILED state and can not be updated"):
        update(small, "not-empty", {"Queue": QUEUE})
    cloud.delete_stack(StackName="not-empty", RetainResources=["Bucket"])
    assert described(small, stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert s3.get_object(Bucket="not-empty-at-all", Key="k")["Body"].read() == b"1"


def test_a_protected_stack_is_not_deleted(small: Instance) -> None:
    cloud = client(small, "cloudformation")
    cloud.create_stack(StackName="safe", TemplateBody=template({"Queue": QUEUE}), EnableTerminationProtection=True)
    with pytest.raises(ClientError, match=r"Stack \[safe\] cannot be deleted while TerminationProtection is enabled"):
        cloud.delete_stack(StackName="safe")
    assert described(small, "safe")["EnableTerminationProtection"] is True
    cloud.update_termination_protection(StackName="safe", EnableTerminationProtection=False)
    cloud.delete_stack(StackName="safe")
    with pytest.raises(ClientError, match="does not exist"):
        described(small, "safe")


def exporting(name: str | None, value: str) -> dict[str, Any]:
    outputs = {"Value": {"Value": value, **({"Export": {"Name": name}} if name else {})}}
    return {"Outputs": outputs}


def test_an_export_in_use_is_neither_deleted_nor_changed(small: Instance) -> None:
    cloud = client(small, "cloudformation")
    create(small, "giver", {"Queue": QUEUE}, **exporting("giver:value", "one"))
    user = {**QUEUE, "Properties": {"Tags": [{"Key": "value", "Value": {"Fn::ImportValue": "giver:value"}}]}}
    create(small, "taker", {"Queue": user})
    assert cloud.list_imports(ExportName="giver:value")["Imports"] == ["taker"]

    cloud.delete_stack(StackName="giver")
    stack = described(small, "giver")
    in_use = "Export giver:value cannot be {} as it is in use by taker"
    assert (stack["StackStatus"], stack["StackStatusReason"]) == ("DELETE_FAILED", in_use.format("deleted"))
    assert "Queue" in physical_ids(small, "giver")

    create(small, "giver-2", {"Queue": QUEUE}, **exporting("giver-2:value", "one"))
    create(small, "taker-2", {"Queue": {**QUEUE, "Properties": {"QueueName": {"Fn::ImportValue": "giver-2:value"}}}})
    for changed, what in ((exporting("giver-2:value", "two"), "updated"), (exporting(None, "one"), "deleted")):
        stack = update(small, "giver-2", {"Queue": QUEUE}, **changed)
        assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
        assert stack["StackStatusReason"] == in_use.format(what).replace("giver:", "giver-2:").replace(
            "taker", "taker-2"
        )
    stack = create(small, "giver-3", {"Queue": QUEUE}, **exporting("giver-2:value", "three"))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Export with name giver-2:value is already exported by stack giver-2" in stack["StackStatusReason"]


def test_iam_resources_need_their_capability(small: Instance) -> None:
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
    }
    cloud = client(small, "cloudformation")
    with pytest.raises(
        cloud.exceptions.InsufficientCapabilitiesException, match=r"Requires capabilities : \[CAPABILITY_IAM"
    ):
        cloud.create_stack(StackName="incapable", TemplateBody=template({"Role": role}))
    role["Properties"]["RoleName"] = "named"
    with pytest.raises(cloud.exceptions.InsufficientCapabilitiesException, match="CAPABILITY_NAMED_IAM"):
        cloud.create_stack(
            StackName="incapable", TemplateBody=template({"Role": role}), Capabilities=["CAPABILITY_IAM"]
        )


def test_an_unknown_type_is_refused_by_name_wherever_it_comes_from(small: Instance) -> None:
    with pytest.raises(ClientError, match=r"unknown to the embedded AWS: AWS::Odd::Thing \(odd/Odd\)"):
        create(small, "odd", {"Odd": {"Type": "AWS::Odd::Thing"}})


@pytest.mark.parametrize(
    ("resources", "more", "refusal"),
    [
        (
            {"Queue": {**QUEUE, "Properties": {"QueueName": {"Ref": "Nothing"}}}},
            {},
            r"Unresolved resource dependencies \[Nothing\] in the Resources block of the template",
        ),
        (
            {"A": after(QUEUE, "B"), "B": after(QUEUE, "A")},
            {},
            r"Circular dependency between resources: \[A, B\]",
        ),
        ({}, {}, "At least one Resources member must be defined"),
        (
            {"Queue": QUEUE},
            {"Parameters": {"Size": {"Type": "String", "AllowedValues": ["s", "l"], "Default": "m"}}},
            r"Parameter 'Size' must be one of AllowedValues \[s, l\]",
        ),
    ],
)
def test_a_template_that_makes_no_sense_makes_no_stack(
    small: Instance, resources: dict[str, Any], more: dict[str, Any], refusal: str
) -> None:
    with pytest.raises(ClientError, match=refusal):
        create(small, "senseless", resources, **more)
    with pytest.raises(ClientError, match="does not exist"):
        described(small, "senseless")
