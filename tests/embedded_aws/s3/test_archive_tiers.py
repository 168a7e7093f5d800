"""Objects in archive classes: what can be read when, what EventBridge is told, and lifecycle rules by the clock."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws import clock
from tests.embedded_aws.conftest import Services

HOUR, DAY = 3600.0, 86_400.0


@pytest.fixture
def s3(services: Services) -> Any:
    return services.client("s3")


@pytest.fixture(autouse=True)
def present() -> Iterator[None]:
    """Other tests of the process go on in the time that they were in."""
    ahead = clock._ahead
    yield
    clock._ahead = ahead


@pytest.fixture
def bucket(s3: Any) -> Iterator[str]:
    """Versioned, announcing on EventBridge."""
    name = "archive-tiers"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}})
    yield name
    found = s3.list_object_versions(Bucket=name)
    for item in [*found.get("Versions", ()), *found.get("DeleteMarkers", ())]:
        s3.delete_object(Bucket=name, Key=item["Key"], VersionId=item["VersionId"])
    s3.delete_bucket(Bucket=name)


@pytest.fixture
def told(services: Services, bucket: str) -> Iterator[Any]:
    """Events of the bucket's archived objects, as a queue's rule receives them."""
    sqs, events = services.client("sqs"), services.client("events")
    url = sqs.create_queue(QueueName="restores")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {
        "source": ["aws.s3"],
        "detail-type": [{"prefix": "Object Restore"}],
        "detail": {"bucket": {"name": [bucket]}},
    }
    events.put_rule(Name="restores", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="restores", Targets=[{"Id": "queue", "Arn": arn}])

    def receive() -> list[dict[str, Any]]:
        found = []
        while messages := sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    yield receive
    events.remove_targets(Rule="restores", Ids=["queue"])
    events.delete_rule(Name="restores")
    sqs.delete_queue(QueueUrl=url)


def restore(s3: Any, bucket: str, key: str, *, tier: str | None = None, days: int = 3) -> int:
    request: dict[str, Any] = {"Days": days}
    if tier:
        request["GlacierJobParameters"] = {"Tier": tier}
    answer = s3.restore_object(Bucket=bucket, Key=key, RestoreRequest=request)
    return int(answer["ResponseMetadata"]["HTTPStatusCode"])


def refusal(call: Any, **arguments: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"], refused.value.response["ResponseMetadata"]["HTTPStatusCode"]


# S3 API Reference, GetObject: 403 InvalidObjectState for an object in an archive class that was not restored.
@pytest.mark.parametrize("storage_class", ["GLACIER", "DEEP_ARCHIVE"])
def test_an_archived_object_can_be_looked_at_but_not_read(s3: Any, bucket: str, storage_class: str) -> None:
    s3.put_object(Bucket=bucket, Key="a.tar", Body=b"abc", StorageClass=storage_class)
    head = s3.head_object(Bucket=bucket, Key="a.tar")
    assert (head["StorageClass"], head["ContentLength"]) == (storage_class, 3)
    assert "Restore" not in head
    assert refusal(s3.get_object, Bucket=bucket, Key="a.tar") == ("InvalidObjectState", 403)


def test_glacier_instant_retrieval_is_read_at_once(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="instant", Body=b"abc", StorageClass="GLACIER_IR")
    assert s3.get_object(Bucket=bucket, Key="instant")["Body"].read() == b"abc"


# S3 User Guide, "Understanding archive retrieval options": the longest that each typically takes.
@pytest.mark.parametrize(
    ("storage_class", "tier", "hours"),
    [
        ("GLACIER", "Expedited", 5 / 60),
        ("GLACIER", "Standard", 5),
        ("GLACIER", "Bulk", 12),
        ("DEEP_ARCHIVE", "Standard", 12),
        ("DEEP_ARCHIVE", "Bulk", 48),
        ("DEEP_ARCHIVE", None, 12),
    ],
)
def test_a_restore_takes_the_hours_of_its_tier(
    s3: Any, bucket: str, storage_class: str, tier: str | None, hours: float
) -> None:
    s3.put_object(Bucket=bucket, Key="a.tar", Body=b"abc", StorageClass=storage_class)
    assert restore(s3, bucket, "a.tar", tier=tier) == 202
    clock.advance(hours * HOUR - 60)
    assert s3.head_object(Bucket=bucket, Key="a.tar")["Restore"] == 'ongoing-request="true"'
    assert refusal(s3.get_object, Bucket=bucket, Key="a.tar") == ("InvalidObjectState", 403)
    clock.advance(61)
    assert s3.get_object(Bucket=bucket, Key="a.tar")["Body"].read() == b"abc"
    assert s3.head_object(Bucket=bucket, Key="a.tar")["StorageClass"] == storage_class


def test_the_copy_goes_at_midnight_after_its_days(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="a.tar", Body=b"abc", StorageClass="DEEP_ARCHIVE")
    restore(s3, bucket, "a.tar", tier="Standard", days=2)
    clock.advance(12 * HOUR + 1)
    completed = datetime.fromtimestamp(clock.now(), UTC)
    header = s3.head_object(Bucket=bucket, Key="a.tar")["Restore"]
    # S3 API Reference, RestoreObject: the next day following the computed time, at midnight UTC.
    expires = (completed + timedelta(days=3)).strftime("%a, %d %b %Y 00:00:00 GMT")
    assert header == f'ongoing-request="false", expiry-date="{expires}"'
    clock.advance(2 * DAY - HOUR)
    assert s3.get_object(Bucket=bucket, Key="a.tar")["Body"].read() == b"abc"
    clock.advance(DAY + HOUR)
    assert refusal(s3.get_object, Bucket=bucket, Key="a.tar") == ("InvalidObjectState", 403)
    assert "Restore" not in s3.head_object(Bucket=bucket, Key="a.tar")


# S3 API Reference, RestoreObject: 409 while one is in progress, 200 where the object is restored already.
def test_asking_again_is_refused_while_it_is_on_its_way_and_prolongs_afterwards(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="a.tar", Body=b"abc", StorageClass="DEEP_ARCHIVE")
    assert restore(s3, bucket, "a.tar", tier="Bulk") == 202
    again = {"Bucket": bucket, "Key": "a.tar", "RestoreRequest": {"Days": 3, "GlacierJobParameters": {"Tier": "Bulk"}}}
    assert refusal(s3.restore_object, **again) == ("RestoreAlreadyInProgress", 409)
    assert restore(s3, bucket, "a.tar", tier="Standard") == 202
    clock.advance(12 * HOUR + 1)
    assert restore(s3, bucket, "a.tar", days=30) == 200
    clock.advance(29 * DAY)
    assert s3.get_object(Bucket=bucket, Key="a.tar")["Body"].read() == b"abc"


def test_what_cannot_be_restored_is_refused(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="plain", Body=b"abc")
    s3.put_object(Bucket=bucket, Key="a.tar", Body=b"abc", StorageClass="DEEP_ARCHIVE")
    asked = {"RestoreRequest": {"Days": 1}}
    assert refusal(s3.restore_object, Bucket=bucket, Key="plain", **asked) == ("InvalidObjectState", 403)
    fast = {"RestoreRequest": {"Days": 1, "GlacierJobParameters": {"Tier": "Expedited"}}}
    assert refusal(s3.restore_object, Bucket=bucket, Key="a.tar", **fast)[0] == "InvalidArgument"
    assert refusal(s3.restore_object, Bucket=bucket, Key="none", **asked) == ("NoSuchKey", 404)


# S3 User Guide, "EventBridge event message structure": object restore initiated, completed, expired.
def test_eventbridge_is_told_once_of_each_stage(s3: Any, bucket: str, told: Any) -> None:
    version = s3.put_object(Bucket=bucket, Key="a.tar", Body=b"abc", StorageClass="DEEP_ARCHIVE")["VersionId"]
    restore(s3, bucket, "a.tar", tier="Standard", days=1)
    clock.advance(12 * HOUR + 1)
    s3.head_object(Bucket=bucket, Key="a.tar")
    clock.advance(2 * DAY)
    heard = told()
    assert [event["detail-type"] for event in heard] == [
        "Object Restore Initiated",
        "Object Restore Completed",
        "Object Restore Expired",
    ]
    completed = heard[1]["detail"]
    assert completed["object"]["key"] == "a.tar"
    assert completed["object"]["version-id"] == version
    assert completed["source-storage-class"] == "DEEP_ARCHIVE"
    assert completed["requester"] == "s3.amazonaws.com"
    assert completed["restore-expiry-time"].endswith("T00:00:00Z")


def rules(s3: Any, bucket: str, *given: dict[str, Any]) -> None:
    named = [{"ID": f"rule-{n}", "Status": "Enabled", **rule} for n, rule in enumerate(given)]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": named})


def classes(s3: Any, bucket: str) -> dict[str, str]:
    return {found["Key"]: found["StorageClass"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", ())}


def test_objects_move_by_prefix_tag_and_size(s3: Any, bucket: str) -> None:
    big = bytes(128 * 1024)
    s3.put_object(Bucket=bucket, Key="logs/big", Body=big)
    s3.put_object(Bucket=bucket, Key="logs/small", Body=b"small")
    s3.put_object(Bucket=bucket, Key="other/tagged", Body=big, Tagging="keep=no")
    s3.put_object(Bucket=bucket, Key="other/untagged", Body=big)
    s3.put_object(Bucket=bucket, Key="sized/small", Body=b"small")
    move = {"Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}]}
    rules(
        s3,
        bucket,
        {"Filter": {"Prefix": "logs/"}, **move},
        {"Filter": {"Tag": {"Key": "keep", "Value": "no"}}, **move},
        {"Filter": {"And": {"Prefix": "sized/", "ObjectSizeLessThan": 100}}, **move},
    )
    clock.advance(29 * DAY)
    assert set(classes(s3, bucket).values()) == {"STANDARD"}
    clock.advance(2 * DAY)
    assert classes(s3, bucket) == {
        "logs/big": "STANDARD_IA",
        # S3 User Guide, "Transitioning objects using Amazon S3 Lifecycle": below 128 KB none moves by default.
        "logs/small": "STANDARD",
        "other/tagged": "STANDARD_IA",
        "other/untagged": "STANDARD",
        "sized/small": "STANDARD_IA",
    }


def test_objects_expire_versions_follow_and_the_marker_goes_last(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="tmp/a", Body=b"1")
    s3.put_object(Bucket=bucket, Key="kept", Body=b"1")
    s3.put_object(Bucket=bucket, Key="kept", Body=b"2")
    rules(
        s3,
        bucket,
        {"Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 5}},
        {
            "Filter": {"Prefix": ""},
            "Expiration": {"ExpiredObjectDeleteMarker": True},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 10},
        },
    )
    clock.advance(6 * DAY)
    found = s3.list_object_versions(Bucket=bucket)
    assert [(v["Key"], v["IsLatest"]) for v in found["Versions"]] == [("kept", True), ("kept", False), ("tmp/a", False)]
    assert [m["Key"] for m in found["DeleteMarkers"]] == ["tmp/a"]
    clock.advance(11 * DAY)
    clock.advance(DAY)
    found = s3.list_object_versions(Bucket=bucket)
    assert [(v["Key"], v["IsLatest"]) for v in found["Versions"]] == [("kept", True)]
    assert "DeleteMarkers" not in found
    assert s3.get_object(Bucket=bucket, Key="kept")["Body"].read() == b"2"


def test_unfinished_uploads_are_given_up(s3: Any, bucket: str) -> None:
    s3.create_multipart_upload(Bucket=bucket, Key="big")
    rules(s3, bucket, {"Filter": {"Prefix": ""}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3}})
    clock.advance(2 * DAY)
    assert len(s3.list_multipart_uploads(Bucket=bucket)["Uploads"]) == 1
    clock.advance(2 * DAY)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_a_deleted_configuration_does_nothing_any_more(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="tmp/a", Body=b"1")
    rules(s3, bucket, {"Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 1}})
    s3.delete_bucket_lifecycle(Bucket=bucket)
    clock.advance(9 * DAY)
    assert classes(s3, bucket) == {"tmp/a": "STANDARD"}
