"""SQS, SNS and EventBridge."""

import json
from collections.abc import Mapping
from typing import Any

from embedded_aws.resources.api_call import call, made_by_call, refuse_unknown, tag_map
from embedded_aws.resources.arguments import arguments
from embedded_aws.resources.resource_type import Created, Creation, Existing, ResourceType


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


def _create_queue_policy(creation: Creation) -> Created:
    policy = json.dumps(creation.properties["PolicyDocument"])
    for url in creation.properties["Queues"]:
        call("sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": policy})
    return Created(creation.name(), {"Id": creation.name()})


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


def _create_topic_policy(creation: Creation) -> Created:
    policy = json.dumps(creation.properties["PolicyDocument"])
    for arn in creation.properties["Topics"]:
        call("sns", "SetTopicAttributes", TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    return Created(creation.name(), {"Id": creation.name()})


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


def _delete_rule(existing: Existing) -> None:
    name, targets = existing.created.physical_id, existing.properties.get("Targets", ())
    bus = {"EventBusName": existing.properties["EventBusName"]} if existing.properties.get("EventBusName") else {}
    if targets:
        call("events", "RemoveTargets", Rule=name, Ids=[target["Id"] for target in targets], **bus)
    call("events", "DeleteRule", Name=name, **bus)


TYPES: Mapping[str, ResourceType] = {
    "AWS::SQS::Queue": ResourceType(_create_queue, "sqs:CreateQueue", delete=_delete_queue),
    "AWS::SQS::QueuePolicy": ResourceType(_create_queue_policy, "sqs:SetQueueAttributes"),
    "AWS::SNS::Topic": ResourceType(
        _create_topic,
        "sns:CreateTopic",
        delete=lambda existing: _delete_topic(existing.created.physical_id),
    ),
    "AWS::SNS::TopicPolicy": ResourceType(_create_topic_policy, "sns:SetTopicAttributes"),
    "AWS::SNS::Subscription": made_by_call(
        "sns",
        "Subscribe",
        ref="SubscriptionArn",
        attributes={"Arn": "SubscriptionArn"},
        delete=("Unsubscribe", "SubscriptionArn"),
    ),
    "AWS::Events::Rule": ResourceType(_create_rule, "events:PutRule", delete=_delete_rule),
    "AWS::Events::EventBus": made_by_call(
        "events",
        "CreateEventBus",
        ref="=Name",
        attributes={"Arn": "EventBusArn", "Name": "=Name"},
        delete=("DeleteEventBus", "Name"),
    ),
}


def _delete_topic(arn: str) -> None:
    call("sns", "DeleteTopic", TopicArn=arn)
