"""S3's events, on EventBridge and by a bucket's own notifications, as the S3 User Guide describes them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.embedded_aws.event_bus import Bus, Inbox, copy_object, invocations, put_object, upload_parts
from tests.waiting import until


@pytest.mark.parametrize("upload", [put_object, upload_parts, copy_object])
def test_one_upload_is_one_event(bus: Bus, upload: Callable[[Any, str], str]) -> None:
    # S3 User Guide, "EventBridge event message structure"
    inbox, bucket = bus.queue(), bus.bucket()
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": "inbox/"}]}},
    }
    bus.rule(pattern, {"Arn": inbox.arn})
    reason = upload(bus.client("s3"), bucket)
    head = bus.client("s3").head_object(Bucket=bucket, Key="inbox/x")
    [event] = inbox.bodies()
    assert inbox.is_empty_after()
    assert event["resources"] == [f"arn:aws:s3:::{bucket}"]
    assert event["detail"]["reason"] == reason
    thing = event["detail"]["object"]
    assert (thing["key"], thing["size"], thing["etag"]) == ("inbox/x", head["ContentLength"], head["ETag"].strip('"'))
    assert int(thing["sequencer"], 16) > 0


def test_later_changes_of_an_object_have_larger_sequencers(bus: Bus) -> None:
    inbox, bucket = bus.queue(), bus.bucket()
    bus.rule({"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}}, {"Arn": inbox.arn})
    client = bus.client("s3")
    client.put_object(Bucket=bucket, Key="k", Body=b"1")
    client.put_object(Bucket=bucket, Key="k", Body=b"2")
    client.delete_object(Bucket=bucket, Key="k")
    events = inbox.bodies(3)
    assert [event["detail-type"] for event in events] == ["Object Created", "Object Created", "Object Deleted"]
    sequencers = [event["detail"]["object"]["sequencer"] for event in events]
    assert sequencers == sorted(sequencers)
    assert events[2]["detail"]["deletion-type"] == "Permanently Deleted"


@pytest.mark.parametrize("kind", ["Queue", "Topic", "LambdaFunction"])
def test_a_bucket_s_own_notifications_reach_queues_topics_and_functions(bus: Bus, kind: str) -> None:
    # S3 User Guide, "Amazon S3 Event Notifications", "Event message structure" and "Configuring notifications by using
    # object key name filtering"
    inbox, bucket = bus.queue(), bus.name()
    arn = inbox.arn
    if kind == "Topic":
        arn = bus.client("sns").create_topic(Name=bus.name())["TopicArn"]
        bus.client("sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=inbox.arn)
    elif kind == "LambdaFunction":
        code = "import json\ndef handler(event, context): print('GOT', json.dumps(event))"
        arn = bus.function(code)
    bus.client("s3").create_bucket(Bucket=bucket)
    rules = [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".fq"}]
    wanted = {f"{kind}Arn": arn, "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": rules}}, "Id": "n"}
    bus.client("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={f"{kind}Configurations": [wanted]}
    )
    for key in ("in/a b.fq", "in/a.txt", "out/a.fq"):
        bus.client("s3").put_object(Bucket=bucket, Key=key, Body=b"12345")
    [record] = told_notifications(bus, kind, inbox, arn)
    assert (record["eventName"], record["eventSource"], record["awsRegion"]) == (
        "ObjectCreated:Put",
        "aws:s3",
        "us-east-1",
    )
    assert (record["s3"]["configurationId"], record["s3"]["bucket"]["arn"]) == ("n", f"arn:aws:s3:::{bucket}")
    # "The object keyname value is URL encoded."
    assert (record["s3"]["object"]["key"], record["s3"]["object"]["size"]) == ("in%2Fa+b.fq", 5)


def told_notifications(bus: Bus, kind: str, inbox: Inbox, arn: str) -> list[dict[str, Any]]:
    """The records that arrived, S3's test event aside."""
    if kind == "LambdaFunction":
        until(lambda: bool(invocations(bus, arn)))
        lines = bus.services.log_lines(f"/aws/lambda/{arn.rpartition(':')[2]}")
        bodies = [json.loads(line.removeprefix("GOT ")) for line in lines if line.startswith("GOT ")]
    else:
        bodies = [json.loads(message["Body"]) for message in inbox.receive(2, seconds=5)]
        bodies = [json.loads(body["Message"]) if kind == "Topic" else body for body in bodies]
    return [record for body in bodies for record in body.get("Records", [])]
