"""Requests to DynamoDB are atomic: a reader finds an item whole, or not at all."""

# Amazon DynamoDB Developer Guide, "Read consistency": a strongly consistent read reflects the updates from all prior
# write operations that were successful; "UpdateItem ... atomically".

import threading
from typing import Any

import pytest

UPDATES = 150


@pytest.fixture
def table(services: Any) -> Any:
    dynamodb = services.client("dynamodb")
    dynamodb.create_table(
        TableName="atomic",
        KeySchema=[{"AttributeName": "run", "KeyType": "HASH"}, {"AttributeName": "item", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "run", "AttributeType": "S"},
            {"AttributeName": "item", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    yield dynamodb
    dynamodb.delete_table(TableName="atomic")


def test_an_item_that_is_being_made_is_never_seen_without_its_attributes(table: Any) -> None:
    def write() -> None:
        for number in range(UPDATES):
            table.update_item(
                TableName="atomic",
                Key={"run": {"S": "r"}, "item": {"S": f"{number:04d}"}},
                UpdateExpression="SET #state = :state",
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues={":state": {"S": "RUNNING"}},
            )

    writer = threading.Thread(target=write)
    writer.start()
    torn = []
    while writer.is_alive():
        items = table.query(
            TableName="atomic",
            KeyConditionExpression="run = :run",
            ExpressionAttributeValues={":run": {"S": "r"}},
            ScanIndexForward=False,
            Limit=3,
        )["Items"]
        torn += [item for item in items if "state" not in item]
    writer.join()
    assert torn == []
    assert table.scan(TableName="atomic", Select="COUNT")["Count"] == UPDATES
