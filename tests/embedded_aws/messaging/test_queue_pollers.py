"""SQS event source mappings as the Lambda Developer Guide describes them."""

import json
import time

import pytest
from botocore.exceptions import ClientError

from tests.embedded_aws.event_bus import Bus, attach, batches, left, upload_parts
from tests.waiting import until

PROCESS = """
import json
def handler(event, context):
    print("BATCH", json.dumps(sorted(json.loads(r["body"])["n"] for r in event["Records"])))
    failed = [r["messageId"] for r in event["Records"] if json.loads(r["body"]).get("fail")]
    if any(json.loads(r["body"]).get("raise") for r in event["Records"]):
        raise RuntimeError("no")
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in failed]}
"""


def test_a_queue_s_messages_reach_its_function_in_batches(bus: Bus) -> None:
    # Lambda Developer Guide, "Using Lambda with Amazon SQS"
    inbox, arn = bus.queue(), bus.function(PROCESS)
    inbox.send(*({"n": n} for n in range(5)))
    mapping = attach(bus, arn, inbox, BatchSize=3)
    until(lambda: left(inbox) == 0)
    seen = batches(bus, arn)
    assert max(len(batch) for batch in seen) == 3
    assert sorted(n for batch in seen for n in batch) == [0, 1, 2, 3, 4]
    bus.client("lambda").delete_event_source_mapping(UUID=mapping)


def test_only_failed_items_come_back_and_end_as_dead_letters(bus: Bus) -> None:
    # Lambda Developer Guide, "Reporting batch item failures"; SQS Developer Guide, "Using dead-letter queues"
    dead = bus.queue()
    redrive = {"deadLetterTargetArn": dead.arn, "maxReceiveCount": 2}
    # Longer than the function takes on a busy machine, else what it deals with comes again as well.
    inbox, arn = bus.queue(VisibilityTimeout="10", RedrivePolicy=redrive), bus.function(PROCESS)
    inbox.send({"n": 1}, {"n": 2, "fail": True}, {"n": 3})
    mapping = attach(bus, arn, inbox)
    [message] = dead.receive()
    assert json.loads(message["Body"])["n"] == 2
    seen = [n for batch in batches(bus, arn) for n in batch]
    assert sorted(seen) == [1, 2, 2, 3]
    assert left(inbox) == 0
    bus.client("lambda").delete_event_source_mapping(UUID=mapping)


def test_a_function_that_raises_fails_its_whole_batch(bus: Bus) -> None:
    dead = bus.queue()
    redrive = {"deadLetterTargetArn": dead.arn, "maxReceiveCount": 1}
    inbox, arn = bus.queue(VisibilityTimeout="1", RedrivePolicy=redrive), bus.function(PROCESS)
    inbox.send({"n": 1}, {"n": 2, "raise": True})
    mapping = attach(bus, arn, inbox)
    assert sorted(json.loads(message["Body"])["n"] for message in dead.receive(2)) == [1, 2]
    bus.client("lambda").delete_event_source_mapping(UUID=mapping)


def test_messages_that_the_mapping_filters_out_are_deleted_unseen(bus: Bus) -> None:
    # Lambda Developer Guide, "Using event filtering with an Amazon SQS event source"
    inbox, arn = bus.queue(), bus.function(PROCESS)
    inbox.send({"n": 1, "kind": "a"}, {"n": 2, "kind": "b"})
    criteria = {"Filters": [{"Pattern": json.dumps({"body": {"kind": ["b"]}})}]}
    mapping = attach(bus, arn, inbox, FilterCriteria=criteria)
    until(lambda: left(inbox) == 0)
    assert batches(bus, arn) == [[2]]
    bus.client("lambda").delete_event_source_mapping(UUID=mapping)


def test_a_disabled_mapping_leaves_the_messages_where_they_are(bus: Bus) -> None:
    inbox, arn = bus.queue(), bus.function(PROCESS)
    mapping = attach(bus, arn, inbox, Enabled=False)
    inbox.send({"n": 1})
    time.sleep(0.5)
    assert left(inbox) == 1
    bus.client("lambda").update_event_source_mapping(UUID=mapping, Enabled=True)
    until(lambda: left(inbox) == 0)
    bus.client("lambda").delete_event_source_mapping(UUID=mapping)


def test_an_upload_reaches_a_function_through_rule_and_queue_once(bus: Bus) -> None:
    inbox, bucket = bus.queue(), bus.bucket()
    arn = bus.function(
        "import json\n"
        "def handler(event, context):\n"
        "    for record in event['Records']:\n"
        "        print('GOT', json.loads(record['body'])['detail']['object']['key'])\n"
    )
    bus.rule({"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}}, {"Arn": inbox.arn})
    mapping = attach(bus, arn, inbox)
    upload_parts(bus.client("s3"), bucket)
    group = f"/aws/lambda/{arn.rpartition(':')[2]}"
    until(lambda: bool(bus.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]))
    until(lambda: left(inbox) == 0)
    assert [line for line in bus.services.log_lines(group) if line.startswith("GOT")] == ["GOT inbox/x"]
    bus.client("lambda").delete_event_source_mapping(UUID=mapping)


def test_a_mapping_takes_a_function_whose_role_may_poll_the_queue(bus: Bus) -> None:
    # Lambda Developer Guide, "Using Lambda with Amazon SQS": sqs:ReceiveMessage, sqs:DeleteMessage and
    # sqs:GetQueueAttributes
    role = bus.services.role("half-poller", "sqs:ReceiveMessage", "sqs:DeleteMessage")
    queue, function = bus.queue(), bus.function("def handler(event, context): pass")
    bus.client("lambda").update_function_configuration(FunctionName=function, Role=role)
    with pytest.raises(ClientError, match=r"InvalidParameterValueException.* call GetQueueAttributes on SQS"):
        bus.client("lambda").create_event_source_mapping(FunctionName=function, EventSourceArn=queue.arn)
    assert bus.client("lambda").list_event_source_mappings(FunctionName=function)["EventSourceMappings"] == []
