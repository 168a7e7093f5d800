"""SQS, SNS, EventBridge and its Scheduler."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from moto.events.models import events_backends

from embedded_aws.resources.api_call import call, made_by_call, refuse_unknown, tag_map
from embedded_aws.resources.arguments import arguments
from embedded_aws.resources.resource_type import Created, Creation, Existing, ResourceType, changed
from embedded_aws.resources.updating import put_again, retag


def _create_queue(creation: Creation) -> Created:
    properties = dict(creation.properties)
    name = properties.pop("QueueName", None) or creation.name(longest=80)
    given = tag_map(properties)
    properties.pop("Tags", None)
    told = {"QueueName": name, "Attributes": properties, "tags": given}
    url = call("sqs", "CreateQueue", **arguments("sqs", "CreateQueue", told, resource_type=creation.type))["QueueUrl"]
    return Created(url, {"Arn": creation.arn("sqs", name), "QueueName": name, "QueueUrl": url})


def _delete_queue(existing: Existing) -> None:
    call("sqs", "DeleteQueue", QueueUrl=existing.created.physical_id)


# What SQS takes for an attribute that the template no longer has. SQS API Reference, "SetQueueAttributes".
_QUEUE_DEFAULTS: Mapping[str, Any] = {
    "DelaySeconds": "0",
    "MaximumMessageSize": "262144",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "RedrivePolicy": "",
    "RedriveAllowPolicy": "",
    "VisibilityTimeout": "30",
    "KmsMasterKeyId": "",
    "KmsDataKeyReusePeriodSeconds": "300",
}
_NO_ATTRIBUTES = ("QueueName", "FifoQueue", "Tags")


def _update_queue(existing: Existing, creation: Creation) -> Created:
    url, before, after = existing.created.physical_id, existing.properties, creation.properties
    gone = {name: default for name, default in _QUEUE_DEFAULTS.items() if name in before and name not in after}
    new = {name: value for name, value in after.items() if name not in _NO_ATTRIBUTES and before.get(name) != value}
    if told := {**gone, **new}:
        told = arguments("sqs", "SetQueueAttributes", {"Attributes": told}, resource_type=creation.type)
        call("sqs", "SetQueueAttributes", QueueUrl=url, **told)
    retag(existing, creation, "sqs", resource="QueueUrl", put=("TagQueue", "Tags"), remove=("UntagQueue", "TagKeys"))
    return existing.created


def _create_queue_policy(creation: Creation) -> Created:
    _put_queue_policies(creation.properties["Queues"], json.dumps(creation.properties["PolicyDocument"]))
    return Created(creation.name(), {"Id": creation.name()})


def _put_queue_policies(urls: Iterable[str], policy: str) -> None:
    for url in urls:
        call("sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": policy})


def _update_queue_policy(existing: Existing, creation: Creation) -> Created:
    wanted = creation.properties["Queues"]
    _put_queue_policies([url for url in existing.properties["Queues"] if url not in wanted], "")
    return _create_queue_policy(creation)


def _create_topic(creation: Creation) -> Created:
    refuse_unknown(creation, ("TopicName", "DisplayName", "KmsMasterKeyId", "FifoTopic", "Subscription", "Tags"))
    properties = creation.properties
    name = properties.get("TopicName") or creation.name(longest=256)
    wanted = ("DisplayName", "KmsMasterKeyId", "FifoTopic")
    told = {
        "Name": name,
        "Attributes": {key: properties[key] for key in wanted if key in properties},
        "Tags": properties.get("Tags", []),
    }
    arn = call("sns", "CreateTopic", **arguments("sns", "CreateTopic", told, resource_type=creation.type))["TopicArn"]
    for subscription in properties.get("Subscription", ()):
        call("sns", "Subscribe", TopicArn=arn, **subscription)
    return Created(arn, {"TopicArn": arn, "TopicName": name})


def _update_topic(existing: Existing, creation: Creation) -> Created:
    refuse_unknown(creation, ("TopicName", "DisplayName", "KmsMasterKeyId", "FifoTopic", "Subscription", "Tags"))
    arn, before, after = existing.created.physical_id, existing.properties, creation.properties
    for name in ("DisplayName", "KmsMasterKeyId"):
        if before.get(name) != after.get(name):
            value = str(after.get(name, ""))
            call("sns", "SetTopicAttributes", TopicArn=arn, AttributeName=name, AttributeValue=value)
    for subscription in before.get("Subscription", ()):
        if subscription not in after.get("Subscription", ()):
            _unsubscribe(arn, subscription)
    for subscription in after.get("Subscription", ()):
        if subscription not in before.get("Subscription", ()):
            call("sns", "Subscribe", TopicArn=arn, **subscription)
    retag(existing, creation, "sns", resource="ResourceArn")
    return existing.created


def _unsubscribe(topic: str, subscription: Mapping[str, Any]) -> None:
    for found in call("sns", "ListSubscriptionsByTopic", TopicArn=topic)["Subscriptions"]:
        if (found["Protocol"], found["Endpoint"]) == (subscription["Protocol"], subscription["Endpoint"]):
            call("sns", "Unsubscribe", SubscriptionArn=found["SubscriptionArn"])


_SUBSCRIPTION_ATTRIBUTES = (
    "DeliveryPolicy",
    "FilterPolicy",
    "FilterPolicyScope",
    "RawMessageDelivery",
    "RedrivePolicy",
    "SubscriptionRoleArn",
)


def _create_subscription(creation: Creation) -> Created:
    properties = dict(creation.properties)
    attributes = {name: properties.pop(name) for name in _SUBSCRIPTION_ATTRIBUTES if name in properties}
    told = {**properties, "Attributes": attributes, "ReturnSubscriptionArn": True}
    parameters = arguments("sns", "Subscribe", told, resource_type=creation.type)
    arn = call("sns", "Subscribe", **parameters)["SubscriptionArn"]
    return Created(arn, {"Arn": arn})


def _update_subscription(existing: Existing, creation: Creation) -> Created:
    before, after = existing.properties, creation.properties
    told = {name: after.get(name, "") for name in _SUBSCRIPTION_ATTRIBUTES if before.get(name) != after.get(name)}
    texts = arguments("sns", "Subscribe", {"Attributes": told}, resource_type=creation.type)["Attributes"]
    for name, value in texts.items():
        arn = existing.created.physical_id
        call("sns", "SetSubscriptionAttributes", SubscriptionArn=arn, AttributeName=name, AttributeValue=value)
    return existing.created


def _create_topic_policy(creation: Creation) -> Created:
    policy = json.dumps(creation.properties["PolicyDocument"])
    for arn in creation.properties["Topics"]:
        call("sns", "SetTopicAttributes", TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    return Created(creation.name(), {"Id": creation.name()})


def _delete_topic_policy(existing: Existing) -> None:
    """Leave the policy that a topic is made with. Amazon SNS Developer Guide, "Example cases for access control"."""
    for arn in existing.properties["Topics"]:
        statement = {
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": [f"SNS:{name}" for name in _OWNERS_ACTIONS],
            "Resource": arn,
            "Condition": {"StringEquals": {"AWS:SourceOwner": existing.context.account}},
        }
        policy = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
        call("sns", "SetTopicAttributes", TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(policy))


_OWNERS_ACTIONS = (
    "GetTopicAttributes",
    "SetTopicAttributes",
    "AddPermission",
    "RemovePermission",
    "DeleteTopic",
    "Subscribe",
    "ListSubscriptionsByTopic",
    "Publish",
)


def _create_rule(creation: Creation) -> Created:
    properties: dict[str, Any] = {"Name": creation.name(longest=64), **creation.properties}
    targets = properties.pop("Targets", [])
    told = arguments("events", "PutRule", properties, resource_type=creation.type)
    arn = call("events", "PutRule", **told)["RuleArn"]
    if targets:
        put: dict[str, Any] = {"Rule": told["Name"], "Targets": targets}
        if bus := told.get("EventBusName"):
            put["EventBusName"] = bus
        put = arguments("events", "PutTargets", put, resource_type=creation.type)
        call("events", "PutTargets", **put)
    return Created(told["Name"], {"Arn": arn})


def _update_rule(existing: Existing, creation: Creation) -> Created:
    named = {target["Id"] for target in creation.properties.get("Targets", ())}
    gone = [target["Id"] for target in existing.properties.get("Targets", ()) if target["Id"] not in named]
    if gone:
        call("events", "RemoveTargets", Rule=existing.created.physical_id, Ids=gone, **_bus(existing))
    retag(existing, creation, "events", resource="ResourceARN", value=existing.created.attributes["Arn"])
    return _create_rule(creation)


def _bus(existing: Existing) -> dict[str, str]:
    return {"EventBusName": existing.properties["EventBusName"]} if existing.properties.get("EventBusName") else {}


def _delete_rule(existing: Existing) -> None:
    name, targets = existing.created.physical_id, existing.properties.get("Targets", ())
    if targets:
        call("events", "RemoveTargets", Rule=name, Ids=[target["Id"] for target in targets], **_bus(existing))
    call("events", "DeleteRule", Name=name, **_bus(existing))


def _update_bus(existing: Existing, creation: Creation) -> Created:
    bus = events_backends[creation.context.account][creation.context.region].event_buses[existing.created.physical_id]
    bus.description = creation.properties.get("Description")
    retag(existing, creation, "events", resource="ResourceARN", value=existing.created.attributes["Arn"])
    return existing.created


def _schedule_by(operation: str) -> ResourceType:
    return made_by_call(
        "scheduler", operation, name="Name", longest_name=64, ref="=Name", attributes={"Arn": "ScheduleArn"}
    )


def _delete_schedule(existing: Existing) -> None:
    group = {"GroupName": existing.properties["GroupName"]} if existing.properties.get("GroupName") else {}
    call("scheduler", "DeleteSchedule", Name=existing.created.physical_id, **group)


TYPES: Mapping[str, ResourceType] = {
    "AWS::SQS::Queue": ResourceType(_create_queue, "sqs:CreateQueue", delete=_delete_queue, update=_update_queue),
    "AWS::SQS::QueuePolicy": ResourceType(
        _create_queue_policy,
        "sqs:SetQueueAttributes",
        delete=lambda existing: _put_queue_policies(existing.properties["Queues"], ""),
        update=_update_queue_policy,
    ),
    "AWS::SNS::Topic": ResourceType(
        _create_topic,
        "sns:CreateTopic",
        delete=lambda existing: _delete_topic(existing.created.physical_id),
        update=_update_topic,
    ),
    "AWS::SNS::TopicPolicy": ResourceType(
        _create_topic_policy,
        "sns:SetTopicAttributes",
        delete=_delete_topic_policy,
        update=put_again(_create_topic_policy),
    ),
    "AWS::SNS::Subscription": ResourceType(
        _create_subscription,
        "sns:Subscribe",
        delete=lambda existing: _end_subscription(existing.created.physical_id),
        update=_update_subscription,
    ),
    "AWS::Events::Rule": ResourceType(
        _create_rule,
        "events:PutRule",
        delete=_delete_rule,
        update=_update_rule,
        replaces=changed("EventBusName"),
    ),
    "AWS::Events::EventBus": made_by_call(
        "events",
        "CreateEventBus",
        ref="=Name",
        attributes={"Arn": "EventBusArn", "Name": "=Name"},
        delete=("DeleteEventBus", "Name"),
        update=_update_bus,
    ),
    "AWS::Scheduler::Schedule": ResourceType(
        _schedule_by("CreateSchedule").create,
        "scheduler:CreateSchedule",
        delete=_delete_schedule,
        update=lambda _, creation: _schedule_by("UpdateSchedule").create(creation),
        replaces=changed("GroupName"),
    ),
    "AWS::Scheduler::ScheduleGroup": made_by_call(
        "scheduler",
        "CreateScheduleGroup",
        name="Name",
        longest_name=64,
        ref="=Name",
        attributes={"Arn": "ScheduleGroupArn"},
        delete=("DeleteScheduleGroup", "Name"),
    ),
}


def _end_subscription(arn: str) -> None:
    call("sns", "Unsubscribe", SubscriptionArn=arn)


def _delete_topic(arn: str) -> None:
    call("sns", "DeleteTopic", TopicArn=arn)
