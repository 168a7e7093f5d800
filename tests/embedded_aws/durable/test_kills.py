"""What was acknowledged is there after `kill -9`, as it was."""

import hashlib
import json
import os
import resource
import sqlite3
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws import instance
from embedded_aws.durable.database import FILE
from embedded_aws.instance import Instance
from tests.embedded_aws import small_assembly
from tests.embedded_aws.durable.lives import Lives
from tests.embedded_aws.instance_clients import client, physical_ids

MIB = 1 << 20
# What the rules of buckets have until they are carried out: S3 does so at the next midnight UTC.
DAY = 86_400
LARGE = os.urandom(MIB)
MACHINE = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}}
QUICK = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "Result": {"n": 1}, "End": True}}}
ROLE: dict[str, Any] = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
    },
}
# A queue that is told of every execution that ends as ABORTED.
TOLD: dict[str, Any] = {
    "Told": {"Type": "AWS::SQS::Queue"},
    "ToldPolicy": {
        "Type": "AWS::SQS::QueuePolicy",
        "Properties": {
            "Queues": [{"Ref": "Told"}],
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "events.amazonaws.com"},
                        "Action": "sqs:SendMessage",
                        "Resource": {"Fn::GetAtt": ["Told", "Arn"]},
                    }
                ],
            },
        },
    },
    "Aborted": {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventPattern": {"source": ["aws.states"], "detail": {"status": ["ABORTED"]}},
            "Targets": [{"Id": "told", "Arn": {"Fn::GetAtt": ["Told", "Arn"]}}],
        },
    },
}
ITEM: dict[str, Any] = {
    "k": {"S": "every type"},
    "b": {"B": b"\x00\xff"},
    "n": {"N": "1.50"},
    "m": {"M": {"l": {"L": [{"SS": ["a", "b"]}, {"NULL": True}, {"BOOL": False}]}}},
}


@dataclass
class Kept:
    """What the first life was asked to keep, and what it answered."""

    lives: Lives
    bucket: str = ""
    table: str = ""
    queue: str = ""
    answers: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        return client(self.lives.now, service)


class Watch:
    """Looks at an instance's database all the time, as a kill would leave it."""

    def __init__(self, path: Path, queues: Sequence[str]) -> None:
        self._path, self._among = path, queues
        # How many messages there were in all, and in which queues, at any time.
        self.totals: set[int] = set()
        self.queues: set[str] = set()
        self._stop = threading.Event()

    def _look(self) -> None:
        connection = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)
        query = "select owner, count(*) from documents where kind = 'message' and owner in (?, ?) group by owner"
        while not self._stop.wait(0.0005):
            found = dict(connection.execute(query, self._among).fetchall())
            self.totals.add(sum(found.values()))
            self.queues |= found.keys()
        connection.close()

    @contextmanager
    def watching(self) -> Iterator[None]:
        thread = threading.Thread(target=self._look)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    directory = tmp_path_factory.mktemp("kills")
    storage = json.loads(json.dumps(small_assembly.STORAGE))
    for name, definition in (("Waits", MACHINE), ("Passes", QUICK)):
        role = {"Fn::GetAtt": ["WaitsRole", "Arn"]}
        properties = {"RoleArn": role, "DefinitionString": json.dumps(definition)}
        storage["Resources"][name] = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    storage["Resources"] |= {**TOLD, "WaitsRole": ROLE}
    data, assembly = directory / "data", small_assembly.write(directory / "cdk.out", storage=storage)
    found = Kept(Lives.begin(data, assembly))
    try:
        stack = physical_ids(found.lives.now, "small-storage")
        found.bucket, found.table = stack["Data"], stack["Table"]
        found.queue = physical_ids(found.lives.now, "small-work")["Queue"]
        found.answers["ids"] = _ids(found.lives.now)
        for write in (_write_objects, _write_upload, _write_items, _write_catalog, _write_messages, _write_outside):
            write(found)
        _start_executions(found, stack)
        _let_a_day_pass(found)
        found.lives.again()
        yield found
    finally:
        instance.stop(data)


def _ids(of: Instance) -> dict[str, str]:
    """Physical ids; of a queue, whose id is its URL, without the port, which is another in each life."""
    return {name: found.removeprefix(of.endpoint) for name, found in physical_ids(of, "small-storage").items()}


def _write_objects(kept: Kept) -> None:
    s3, bucket = kept.client("s3"), kept.bucket
    told = {"Metadata": {"run": "1"}, "Tagging": "a=b&c=d", "ContentType": "text/plain", "ChecksumAlgorithm": "SHA256"}
    kept.answers["small"] = s3.put_object(Bucket=bucket, Key="small", Body=b"first", **told)
    kept.answers["second"] = s3.put_object(Bucket=bucket, Key="small", Body=b"second", StorageClass="STANDARD_IA")
    kept.answers["large"] = s3.put_object(Bucket=bucket, Key="large", Body=LARGE)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "large"})
    s3.put_object(Bucket=bucket, Key="once", Body=b"once", IfNoneMatch="*")
    s3.put_object(Bucket=bucket, Key="gone", Body=b"gone")
    kept.answers["marker"] = s3.delete_object(Bucket=bucket, Key="gone")
    version = s3.put_object(Bucket=bucket, Key="erased", Body=LARGE)["VersionId"]
    s3.delete_object(Bucket=bucket, Key="erased", VersionId=version)
    s3.put_object_tagging(Bucket=bucket, Key="large", Tagging={"TagSet": [{"Key": "later", "Value": "yes"}]})


def _write_upload(kept: Kept) -> None:
    s3 = kept.client("s3")
    names = {"Bucket": kept.bucket, "Key": "upload"}
    upload = s3.create_multipart_upload(**names, Metadata={"m": "1"})["UploadId"]
    parts = {1: b"1" * (5 * MIB), 2: b"2" * 1000}
    etags = [s3.upload_part(**names, UploadId=upload, PartNumber=n, Body=part)["ETag"] for n, part in parts.items()]
    kept.answers["upload"] = (upload, etags)


def _write_items(kept: Kept) -> None:
    dynamodb, table = kept.client("dynamodb"), kept.table
    dynamodb.put_item(TableName=table, Item=ITEM)
    for name in ("deleted", "counted", "moved"):
        dynamodb.put_item(TableName=table, Item={"k": {"S": name}})
    dynamodb.delete_item(TableName=table, Key={"k": {"S": "deleted"}})
    for _ in range(3):
        dynamodb.update_item(
            TableName=table,
            Key={"k": {"S": "counted"}},
            UpdateExpression="ADD v :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )
    put = {"Put": {"TableName": table, "Item": {"k": {"S": "together"}}}}
    delete = {"Delete": {"TableName": table, "Key": {"k": {"S": "moved"}}}}
    dynamodb.transact_write_items(TransactItems=[put, delete])
    unmet = {"TableName": table, "Key": {"k": {"S": "counted"}}, "ConditionExpression": "attribute_not_exists(k)"}
    never = {"Put": {"TableName": table, "Item": {"k": {"S": "never"}}}}
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
        dynamodb.transact_write_items(TransactItems=[never, {"ConditionCheck": unmet}])


def _write_catalog(kept: Kept) -> None:
    glue = kept.client("glue")

    def described(kind: str) -> dict[str, Any]:
        columns = [{"Name": "c", "Type": kind}]
        keys = [{"Name": "p", "Type": "string"}]
        return {"Name": "t", "PartitionKeys": keys, "StorageDescriptor": {"Columns": columns, "Location": "s3://l/t"}}

    glue.create_database(DatabaseInput={"Name": "lake", "Description": "kept"})
    glue.create_database(DatabaseInput={"Name": "drained"})
    glue.create_table(DatabaseName="drained", TableInput=described("int"))
    glue.delete_database(Name="drained")
    glue.create_table(DatabaseName="lake", TableInput=described("int"))
    glue.update_table(DatabaseName="lake", TableInput=described("bigint"))
    of = {"DatabaseName": "lake", "TableName": "t"}
    inputs = [{"Values": [v], "StorageDescriptor": {"Location": f"s3://l/t/{v}/1/"}} for v in "abc"]
    glue.batch_create_partition(**of, PartitionInputList=inputs)
    moved = {"Values": ["a"], "StorageDescriptor": {"Location": "s3://l/t/a/2/"}}
    glue.update_partition(**of, PartitionValueList=["a"], PartitionInput=moved)
    glue.delete_partition(**of, PartitionValues=["b"])


def _write_messages(kept: Kept) -> None:
    sqs = kept.client("sqs")
    attributes = {"n": {"DataType": "String", "StringValue": "v"}}
    for body in ("deleted", "in flight", "waiting"):
        sqs.send_message(QueueUrl=kept.queue, MessageBody=body, MessageAttributes=attributes)
        if body != "waiting":
            (message,) = sqs.receive_message(QueueUrl=kept.queue)["Messages"]
        if body == "deleted":
            sqs.delete_message(QueueUrl=kept.queue, ReceiptHandle=message["ReceiptHandle"])


def _write_outside(kept: Kept) -> None:
    s3, dynamodb = kept.client("s3"), kept.client("dynamodb")
    s3.create_bucket(Bucket="outside")
    s3.put_bucket_versioning(Bucket="outside", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_tagging(Bucket="outside", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s3.put_bucket_policy(Bucket="outside", Policy='{"Version":"2012-10-17","Statement":[]}')
    s3.put_object(Bucket="outside", Key="o", Body=b"1")
    s3.create_bucket(Bucket="deleted-again")
    s3.delete_bucket(Bucket="deleted-again")
    keys = [{"AttributeName": "a", "KeyType": "HASH"}, {"AttributeName": "b", "KeyType": "RANGE"}]
    types = [{"AttributeName": "a", "AttributeType": "B"}, {"AttributeName": "b", "AttributeType": "N"}]
    for name in ("own", "deleted"):
        dynamodb.create_table(TableName=name, KeySchema=keys, AttributeDefinitions=types, BillingMode="PAY_PER_REQUEST")
        dynamodb.put_item(TableName=name, Item={"a": {"B": b"z"}, "b": {"N": "1.0"}})
    dynamodb.delete_table(TableName="deleted")
    # The same number, written otherwise, is the same key.
    dynamodb.update_item(
        TableName="own",
        Key={"a": {"B": b"z"}, "b": {"N": "1"}},
        UpdateExpression="SET c = :c",
        ExpressionAttributeValues={":c": {"S": "x"}},
    )


def _start_executions(kept: Kept, stack: dict[str, str]) -> None:
    machines = kept.client("stepfunctions")
    running = machines.start_execution(stateMachineArn=stack["Waits"], name="first", input='{"a": 1}')
    ended = machines.start_execution(stateMachineArn=stack["Passes"], name="quick")["executionArn"]
    deadline = time.monotonic() + 60
    while machines.describe_execution(executionArn=ended)["status"] == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    kept.answers["executions"] = (running["executionArn"], ended)


def _let_a_day_pass(kept: Kept) -> None:
    s3 = kept.client("s3")
    s3.create_bucket(Bucket="cooling")
    s3.put_object(Bucket="cooling", Key="o", Body=LARGE)
    rule = {"Status": "Enabled", "Filter": {"Prefix": ""}, "Transitions": [{"Days": 0, "StorageClass": "GLACIER_IR"}]}
    s3.put_bucket_lifecycle_configuration(Bucket="cooling", LifecycleConfiguration={"Rules": [rule]})
    _clock(kept.lives.now, json.dumps({"advance_seconds": DAY}).encode())


def _clock(of: Instance, asked: bytes | None = None) -> dict[str, Any]:
    with urllib.request.urlopen(f"{of.endpoint}/_embedded/clock", asked) as answer:  # noqa: S310 the instance's own
        return dict(json.load(answer))


def test_objects_come_back_with_versions_markers_metadata_tags_and_checksums(kept: Kept) -> None:
    s3, bucket, answers = kept.client("s3"), kept.bucket, kept.answers
    first = s3.get_object(Bucket=bucket, Key="small", VersionId=answers["small"]["VersionId"], ChecksumMode="ENABLED")
    assert first["Body"].read() == b"first"
    assert (first["Metadata"], first["ContentType"], first["TagCount"]) == ({"run": "1"}, "text/plain", 2)
    assert first["ChecksumSHA256"] == answers["small"]["ChecksumSHA256"]
    assert first["ServerSideEncryption"] == "aws:kms"
    second = s3.get_object(Bucket=bucket, Key="small")
    assert (second["Body"].read(), second["StorageClass"]) == (b"second", "STANDARD_IA")
    assert second["VersionId"] == answers["second"]["VersionId"]
    for key in ("large", "copy"):
        found = s3.get_object(Bucket=bucket, Key=key)
        assert found["ETag"] == answers["large"]["ETag"]
        assert hashlib.sha256(found["Body"].read()).digest() == hashlib.sha256(LARGE).digest()
    assert s3.get_object_tagging(Bucket=bucket, Key="large")["TagSet"] == [{"Key": "later", "Value": "yes"}]
    listed = s3.list_object_versions(Bucket=bucket)
    assert [marker["VersionId"] for marker in listed["DeleteMarkers"]] == [answers["marker"]["VersionId"]]
    assert [v["Key"] for v in listed["Versions"]] == ["copy", "gone", "large", "once", "small", "small"]
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=bucket, Key="once", Body=b"twice", IfNoneMatch="*")


def test_a_transition_that_a_rule_made_stays_made(kept: Kept) -> None:
    assert kept.client("s3").head_object(Bucket="cooling", Key="o")["StorageClass"] == "GLACIER_IR"


def test_the_clock_stays_as_far_ahead_as_it_was_set(kept: Kept) -> None:
    assert _clock(kept.lives.now)["ahead_seconds"] == DAY


def test_an_upload_in_progress_goes_on_and_its_bytes_are_kept_once(kept: Kept) -> None:
    s3, names = kept.client("s3"), {"Bucket": kept.bucket, "Key": "upload"}
    upload, etags = kept.answers["upload"]
    assert [part["ETag"] for part in s3.list_parts(**names, UploadId=upload)["Parts"]] == etags
    parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
    s3.complete_multipart_upload(**names, UploadId=upload, MultipartUpload={"Parts": parts})
    found = s3.get_object(**names)
    assert found["Metadata"] == {"m": "1"}
    assert found["Body"].read() == b"1" * (5 * MIB) + b"2" * 1000
    sizes = [path.stat().st_size for path in (kept.lives.data / "objects").rglob("*") if path.is_file()]
    assert [size for size in sizes if size > MIB] == [5 * MIB + 1000]


def test_items_come_back_as_the_last_update_and_whole_transactions_left_them(kept: Kept) -> None:
    dynamodb = kept.client("dynamodb")
    items = {item["k"]["S"]: item for item in dynamodb.scan(TableName=kept.table)["Items"]}
    assert items.keys() == {"every type", "counted", "together"}
    assert items["every type"] == ITEM
    assert items["counted"]["v"] == {"N": "3"}


def test_the_catalog_comes_back_with_table_versions_and_moved_partitions(kept: Kept) -> None:
    glue, of = kept.client("glue"), {"DatabaseName": "lake", "TableName": "t"}
    assert {database["Name"] for database in glue.get_databases()["DatabaseList"]} == {"lake"}
    assert glue.get_database(Name="lake")["Database"]["Description"] == "kept"
    table = glue.get_table(DatabaseName="lake", Name="t")["Table"]
    assert (table["StorageDescriptor"]["Columns"][0]["Type"], table["VersionId"]) == ("bigint", "2")
    assert len(glue.get_table_versions(**of)["TableVersions"]) == 2
    partitions = glue.get_partitions(**of)["Partitions"]
    found = {partition["Values"][0]: partition["StorageDescriptor"]["Location"] for partition in partitions}
    assert found == {"a": "s3://l/t/a/2/", "c": "s3://l/t/c/1/"}


def test_messages_come_back_until_they_are_deleted(kept: Kept) -> None:
    # SQS Developer Guide, "Amazon SQS visibility timeout": what is not deleted becomes visible again.
    answer = kept.client("sqs").receive_message(
        QueueUrl=kept.queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )
    assert {message["Body"] for message in answer["Messages"]} == {"in flight", "waiting"}
    assert answer["Messages"][0]["MessageAttributes"]["n"]["StringValue"] == "v"


def test_a_message_is_kept_in_one_queue_at_every_moment_of_its_way_to_the_dead_letters_and_back(kept: Kept) -> None:
    sqs, number = kept.client("sqs"), 40
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    dead_arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1})
    alive = sqs.create_queue(QueueName="alive", Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "0"})
    for _ in range(number // 10):
        sqs.send_message_batch(
            QueueUrl=alive["QueueUrl"], Entries=[{"Id": str(n), "MessageBody": "m"} for n in range(10)]
        )
    watch = Watch(kept.lives.data / FILE, ("alive", "dead"))
    with watch.watching():
        while sqs.receive_message(QueueUrl=alive["QueueUrl"]).get("Messages"):
            continue
        sqs.start_message_move_task(SourceArn=dead_arn)
        deadline = time.monotonic() + 60
        while sqs.list_message_move_tasks(SourceArn=dead_arn)["Results"][0]["Status"] == "RUNNING":
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert {"alive", "dead"} <= watch.queues
    assert watch.totals == {number}


def test_buckets_and_tables_outside_of_stacks_come_back_as_they_were_made(kept: Kept) -> None:
    s3, dynamodb = kept.client("s3"), kept.client("dynamodb")
    assert s3.get_bucket_versioning(Bucket="outside")["Status"] == "Enabled"
    assert s3.get_bucket_tagging(Bucket="outside")["TagSet"] == [{"Key": "a", "Value": "b"}]
    assert json.loads(s3.get_bucket_policy(Bucket="outside")["Policy"])["Statement"] == []
    assert s3.get_object(Bucket="outside", Key="o")["Body"].read() == b"1"
    assert "deleted-again" not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    assert dynamodb.scan(TableName="own")["Items"] == [{"a": {"B": b"z"}, "b": {"N": "1.0"}, "c": {"S": "x"}}]
    assert set(dynamodb.list_tables()["TableNames"]) == {"own", kept.table}


def test_an_execution_that_ran_is_aborted_and_its_name_stays_taken(kept: Kept) -> None:
    machines, (running, ended) = kept.client("stepfunctions"), kept.answers["executions"]
    found = machines.describe_execution(executionArn=running)
    assert (found["status"], found["input"]) == ("ABORTED", '{"a": 1}')
    assert found["cause"] == "the embedded AWS was stopped while the execution ran"
    assert json.loads(machines.describe_execution(executionArn=ended)["output"]) == {"n": 1}
    # Step Functions API Reference, StartExecution: names stay taken for 90 days after an execution is closed.
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        machines.start_execution(stateMachineArn=found["stateMachineArn"], name="first", input='{"a": 2}')


def test_what_a_new_life_itself_announces_arrives_once(kept: Kept) -> None:
    told, sqs = physical_ids(kept.lives.now, "small-storage")["Told"], kept.client("sqs")
    received = []
    while found := sqs.receive_message(QueueUrl=told, MaxNumberOfMessages=10, WaitTimeSeconds=2).get("Messages"):
        received += [json.loads(message["Body"])["detail"]["executionArn"] for message in found]
    running, _ = kept.answers["executions"]
    assert received == [running]


def test_physical_ids_are_the_same_in_every_life(kept: Kept) -> None:
    assert _ids(kept.lives.now) == kept.answers["ids"]


def test_what_a_full_disk_cannot_take_is_refused_in_one_line_and_not_acknowledged(kept: Kept) -> None:
    s3, pid = kept.client("s3"), kept.lives.now.pid
    resource.prlimit(pid, resource.RLIMIT_FSIZE, ((kept.lives.data / FILE).stat().st_size // 2, resource.RLIM_INFINITY))
    refused = []
    try:
        for number, size in enumerate((4 * MIB, 60_000, 60_000)):
            refused.append(_refusal(s3, f"full-{number}", size))
        assert s3.get_object(Bucket="outside", Key="o")["Body"].read() == b"1"
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    for answer in refused:
        assert answer["Error"]["Code"] == "InsufficientStorage"
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 507
        assert answer["Error"]["Message"].startswith(f"{kept.lives.data} cannot be written (")
        assert answer["Error"]["Message"].endswith("); free some space and repeat the request")
    s3.put_object(Bucket="outside", Key="full", Body=bytes(4 * MIB))
    assert s3.head_object(Bucket="outside", Key="full")["ContentLength"] == 4 * MIB


def _refusal(s3: Any, key: str, size: int) -> dict[str, Any]:
    """What the first put that does not fit any more is answered."""
    for attempt in range(200):
        try:
            s3.put_object(Bucket="outside", Key=f"{key}-{attempt}", Body=bytes(size))
        except ClientError as error:
            return dict(error.response)
    raise AssertionError("everything was taken")


def test_files_that_no_object_names_are_swept_at_the_next_start(kept: Kept) -> None:
    orphan = kept.lives.data / "objects" / "ab" / "orphan"
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"half")
    s3 = client(kept.lives.again(), "s3")
    assert not orphan.exists()
    assert s3.get_object(Bucket=kept.bucket, Key="large")["Body"].read() == LARGE
