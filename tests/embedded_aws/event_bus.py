"""A bus with queues, rules, buckets and functions, for the tests of what delivers events."""

import io
import json
import time
import zipfile
from dataclasses import dataclass
from typing import Any

ACCOUNT = "123456789012"
PART_BYTES = 5 * 2**20


@dataclass
class Bus:
    """The default bus. Names are numbered, so that no test meets another's rules."""

    services: Any
    count: int = 0

    def client(self, service: str) -> Any:
        return self.services.client(service)

    def name(self) -> str:
        self.count += 1
        return f"events-{self.count}"

    def queue(self, **attributes: Any) -> "Inbox":
        name = self.name()
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in attributes.items()}
        url = self.client("sqs").create_queue(QueueName=name, Attributes=texts)["QueueUrl"]
        return Inbox(self, url, f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}")

    def rule(self, pattern: Any, target: dict[str, Any], **rule: Any) -> str:
        name = self.name()
        self.client("events").put_rule(Name=name, EventPattern=json.dumps(pattern), **rule)
        self.client("events").put_targets(Rule=name, Targets=[{"Id": "target", **target}])
        return name

    def put(self, detail: Any, detail_type: str = "Called") -> str:
        entry = {"Source": "genomics", "DetailType": detail_type, "Detail": json.dumps(detail)}
        return str(self.client("events").put_events(Entries=[entry])["Entries"][0]["EventId"])

    def bucket(self) -> str:
        name = self.name()
        self.client("s3").create_bucket(Bucket=name)
        self.client("s3").put_bucket_notification_configuration(
            Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
        return name

    def function(self, code: str, **properties: Any) -> str:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("module.py", code)
        answer = self.client("lambda").create_function(
            FunctionName=self.name(), Runtime="python3.11", Role=f"arn:aws:iam::{ACCOUNT}:role/events",
            Handler="module.handler", Code={"ZipFile": content.getvalue()}, Timeout=10, **properties,
        )  # fmt: skip
        return str(answer["FunctionArn"])


@dataclass
class Inbox:
    bus: Bus
    url: str
    arn: str

    def receive(self, number: int = 1, seconds: float = 60) -> list[dict[str, Any]]:
        """`number` messages, deleted; fewer when no more come."""
        messages: list[dict[str, Any]] = []
        deadline = time.monotonic() + seconds
        while len(messages) < number and time.monotonic() < deadline:
            answer = self.bus.client("sqs").receive_message(
                QueueUrl=self.url, WaitTimeSeconds=1, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
            )
            for message in answer.get("Messages", []):
                messages.append(message)
                self.bus.client("sqs").delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return messages

    def bodies(self, number: int = 1) -> list[Any]:
        return [json.loads(message["Body"]) for message in self.receive(number)]

    def is_empty_after(self, seconds: float = 0.3) -> bool:
        time.sleep(seconds)
        return "Messages" not in self.bus.client("sqs").receive_message(QueueUrl=self.url)

    def send(self, *bodies: Any) -> None:
        for body in bodies:
            self.bus.client("sqs").send_message(QueueUrl=self.url, MessageBody=json.dumps(body))


def batches(bus: Bus, arn: str) -> list[list[int]]:
    group = f"/aws/lambda/{arn.rpartition(':')[2]}"
    if not bus.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        return []
    lines = bus.services.log_lines(group)
    return [json.loads(line.removeprefix("BATCH ")) for line in lines if line.startswith("BATCH")]


def attach(bus: Bus, arn: str, inbox: Inbox, **mapping: Any) -> str:
    answer = bus.client("lambda").create_event_source_mapping(
        EventSourceArn=inbox.arn, FunctionName=arn, FunctionResponseTypes=["ReportBatchItemFailures"], **mapping
    )
    return str(answer["UUID"])


def left(inbox: Inbox) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = inbox.bus.client("sqs").get_queue_attributes(QueueUrl=inbox.url, AttributeNames=names)
    return sum(int(value) for value in answer["Attributes"].values())


def invocations(bus: Bus, arn: str) -> list[str]:
    """Ended ones."""
    group = f"/aws/lambda/{arn.rpartition(':')[2]}"
    if not bus.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        return []
    return [line for line in bus.services.log_lines(group) if line.startswith("REPORT")]


def put_object(client: Any, bucket: str) -> str:
    client.put_object(Bucket=bucket, Key="inbox/x", Body=b"12345", Tagging="kind=reads")
    return "PutObject"


def upload_parts(client: Any, bucket: str) -> str:
    upload = client.create_multipart_upload(Bucket=bucket, Key="inbox/x")["UploadId"]
    parts = []
    for number, body in ((1, b"x" * PART_BYTES), (2, b"end")):
        part = client.upload_part(Bucket=bucket, Key="inbox/x", UploadId=upload, PartNumber=number, Body=body)
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    client.complete_multipart_upload(Bucket=bucket, Key="inbox/x", UploadId=upload, MultipartUpload={"Parts": parts})
    return "CompleteMultipartUpload"


def copy_object(client: Any, bucket: str) -> str:
    client.put_object(Bucket=bucket, Key="elsewhere", Body=b"12345")
    client.copy_object(Bucket=bucket, Key="inbox/x", CopySource={"Bucket": bucket, "Key": "elsewhere"})
    return "CopyObject"
