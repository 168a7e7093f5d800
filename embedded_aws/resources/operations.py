"""CloudWatch, CloudWatch Logs, Systems Manager, and what CDK adds of its own."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from embedded_aws.resources.api_call import call, made_by_call, made_or_adopted, refuse_unknown, tag_map
from embedded_aws.resources.arguments import arguments
from embedded_aws.resources.resource_type import Created, Creation, Existing, ResourceType, changed, recorded
from embedded_aws.resources.storage import notify
from embedded_aws.resources.updating import put_again, retag


def _create_log_group(creation: Creation) -> Created:
    refuse_unknown(
        creation, ("LogGroupName", "RetentionInDays", "KmsKeyId", "LogGroupClass", "DataProtectionPolicy", "Tags")
    )
    properties = creation.properties
    name = properties.get("LogGroupName") or creation.name(longest=512)
    told = {"logGroupName": name, "tags": tag_map(properties)}
    told |= {key: properties[key] for key in ("KmsKeyId", "LogGroupClass") if key in properties}
    parameters = arguments("logs", "CreateLogGroup", told, resource_type=creation.type)
    made_or_adopted(creation, lambda: call("logs", "CreateLogGroup", **parameters))
    if days := properties.get("RetentionInDays"):
        call("logs", "PutRetentionPolicy", logGroupName=name, retentionInDays=int(days))
    return Created(name, {"Arn": creation.arn("logs", f"log-group:{name}:*")})


def _update_log_group(existing: Existing, creation: Creation) -> Created:
    """The key encrypts nothing here; moto has no call that changes it."""
    name, before, after = existing.created.physical_id, existing.properties, creation.properties
    if days := after.get("RetentionInDays"):
        call("logs", "PutRetentionPolicy", logGroupName=name, retentionInDays=int(days))
    elif "RetentionInDays" in before:
        call("logs", "DeleteRetentionPolicy", logGroupName=name)
    retag(
        existing,
        creation,
        "logs",
        resource="resourceArn",
        value=existing.created.attributes["Arn"].removesuffix(":*"),
        put=("TagResource", "tags"),
        remove=("UntagResource", "tagKeys"),
    )
    return existing.created


def _delete_log_group(existing: Existing) -> None:
    call("logs", "DeleteLogGroup", logGroupName=existing.created.physical_id)


def _create_log_policy(creation: Creation) -> Created:
    name = creation.properties.get("PolicyName") or creation.name()
    document = creation.properties["PolicyDocument"]
    text = document if isinstance(document, str) else json.dumps(document)
    call("logs", "PutResourcePolicy", policyName=name, policyDocument=text)
    return Created(name)


def _delete_log_policy(existing: Existing) -> None:
    call("logs", "DeleteResourcePolicy", policyName=existing.created.physical_id)


def _create_parameter(creation: Creation) -> Created:
    properties = {"Name": creation.name(longest=1011), **creation.properties}
    properties.pop("Tags", None)
    return _put_parameter(creation, properties)


def _put_parameter(creation: Creation, properties: dict[str, Any]) -> Created:
    parameters = arguments("ssm", "PutParameter", properties, resource_type=creation.type)
    made_or_adopted(creation, lambda: call("ssm", "PutParameter", **parameters))
    return Created(properties["Name"], {"Type": properties["Type"], "Value": properties["Value"]})


def _update_parameter(existing: Existing, creation: Creation) -> Created:
    properties = {name: value for name, value in creation.properties.items() if name != "Tags"}
    return _put_parameter(creation, {**properties, "Name": existing.created.physical_id, "Overwrite": True})


def _delete_parameter(existing: Existing) -> None:
    call("ssm", "DeleteParameter", Name=existing.created.physical_id)


def _create_alarm(creation: Creation) -> Created:
    properties = {"AlarmName": creation.name(longest=255), **creation.properties}
    told = arguments("cloudwatch", "PutMetricAlarm", properties, resource_type=creation.type)
    call("cloudwatch", "PutMetricAlarm", **told)
    return Created(told["AlarmName"], {"Arn": creation.arn("cloudwatch", f"alarm:{told['AlarmName']}")})


def _create_bucket_notifications(creation: Creation) -> Created:
    """What CDK's handler does with this: one call."""
    notify(creation.properties["BucketName"], creation.properties["NotificationConfiguration"])
    return Created(creation.name())


def _delete_subscription_filter(existing: Existing) -> None:
    group, name = existing.properties["LogGroupName"], existing.created.physical_id
    call("logs", "DeleteSubscriptionFilter", logGroupName=group, filterName=name)


_SUBSCRIPTION_FILTER = made_by_call(
    "logs", "PutSubscriptionFilter", name="FilterName", longest_name=512, ref="=filterName", update="again"
)


def _delete_alarm(existing: Existing) -> None:
    call("cloudwatch", "DeleteAlarms", AlarmNames=[existing.created.physical_id])


def _delete_dashboard(existing: Existing) -> None:
    call("cloudwatch", "DeleteDashboards", DashboardNames=[existing.created.physical_id])


_DASHBOARD = made_by_call(
    "cloudwatch",
    "PutDashboard",
    name="DashboardName",
    ref="=DashboardName",
    update="again",
    inert="nothing here draws it",
)


def _empty_bucket(existing: Existing) -> None:
    """What CDK's handler does on deletion."""
    bucket = existing.properties["BucketName"]
    while True:
        page = call("s3", "ListObjectVersions", Bucket=bucket)
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        if not found:
            return
        objects = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]
        call("s3", "DeleteObjects", Bucket=bucket, Delete={"Objects": objects, "Quiet": True})


TYPES: Mapping[str, ResourceType] = {
    "AWS::Logs::LogGroup": ResourceType(
        _create_log_group, "logs:CreateLogGroup", delete=_delete_log_group, update=_update_log_group
    ),
    "AWS::Logs::ResourcePolicy": ResourceType(
        _create_log_policy,
        "logs:PutResourcePolicy",
        delete=_delete_log_policy,
        update=put_again(_create_log_policy),
    ),
    "AWS::Logs::SubscriptionFilter": replace(_SUBSCRIPTION_FILTER, delete=_delete_subscription_filter),
    "AWS::SSM::Parameter": ResourceType(
        _create_parameter, "ssm:PutParameter", delete=_delete_parameter, update=_update_parameter
    ),
    "AWS::CloudWatch::Alarm": ResourceType(
        _create_alarm,
        "cloudwatch:PutMetricAlarm",
        delete=_delete_alarm,
        update=put_again(_create_alarm),
    ),
    "AWS::CloudWatch::Dashboard": replace(_DASHBOARD, delete=_delete_dashboard),
    "AWS::CDK::Metadata": recorded("counts uses of CDK constructs, for AWS"),
    "AWS::CloudFormation::WaitConditionHandle": recorded("stands for an empty stack"),
    "Custom::S3BucketNotifications": ResourceType(
        _create_bucket_notifications,
        "s3:PutBucketNotificationConfiguration, as CDK's handler does",
        delete=lambda existing: notify(existing.properties["BucketName"], {}),
        update=put_again(_create_bucket_notifications),
    ),
    "Custom::S3AutoDeleteObjects": ResourceType(
        lambda creation: Created(creation.name()),
        "s3:DeleteObjects on deletion, as CDK's handler does",
        delete=_empty_bucket,
        update=lambda existing, creation: existing.created,
        replaces=changed("BucketName"),
    ),
    "Custom::VpcRestrictDefaultSG": recorded("there is no network whose default security group could let traffic in"),
}
