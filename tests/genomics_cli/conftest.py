"""Small inputs that the command line's tests share."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from genomics.contracts import ledger
from genomics.contracts.deployment import Deployment
from genomics.contracts.ledger import LedgerEntry
from genomics.contracts.runs import State
from genomics_cli.cloud import Cloud, Platform
from genomics_cli.demo.sequencing_run import SequencingRun, make_sequencing_run


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> SequencingRun:
    """The demonstration's input on two contigs of a few kb. Not to be changed."""
    return make_sequencing_run(tmp_path_factory.mktemp("made"), contigs={"chrA": 6000, "chrB": 4000})


@pytest.fixture(scope="session")
def operator() -> Cloud:
    """Whose clients all tests share: every account is the same mock."""
    return Cloud(boto3.Session(aws_access_key_id="operator", aws_secret_access_key="x", region_name="us-east-1"))


@pytest.fixture
def platform(operator: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    """An emulated account with the buckets, the ledger and the dead-letter queue of a deployment."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        for bucket in ("sequencing", "lake"):
            operator.s3.create_bucket(Bucket=bucket)
        operator.dynamodb.create_table(
            TableName="ledger",
            KeySchema=[
                {"AttributeName": "run_id", "KeyType": "HASH"},
                {"AttributeName": "item", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "run_id", "AttributeType": "S"},
                {"AttributeName": "item", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        deployment = Deployment(
            sequencing_bucket="sequencing",
            data_lake_bucket="lake",
            ledger_table="ledger",
            inbox_dead_letter_queue_url=operator.sqs.create_queue(QueueName="dead")["QueueUrl"],
            run_state_machine_arn="arn:aws:states:us-east-1:123456789012:stateMachine:Runs",
            load_state_machine_arn="arn:aws:states:us-east-1:123456789012:stateMachine:Loads",
            lake_database="lake",
            lake_workgroup="lake",
            variants_job="variants",
            check_load_function="check-load",
            annotations_job="annotations",
            training_set_job="genomics-create-training-set",
            clinvar_workflow="clinvar",
            tenant_crawler="tenants",
            tenant_database="lake_tenants",
            session_role_arn="arn:aws:iam::123456789012:role/sessions",
            session_users_policy_arn="arn:aws:iam::123456789012:policy/sessions",
            logs_bucket="logs",
            archive_state_machine_arn="arn:aws:states:us-east-1:123456789012:stateMachine:Archives",
            restore_state_machine_arn="arn:aws:states:us-east-1:123456789012:stateMachine:Restores",
            restore_topic_arn="arn:aws:sns:us-east-1:123456789012:requesters",
            gateway_log_group="gateway",
            dashboard="dashboard",
            alarm_topic_arn="arn:aws:sns:us-east-1:123456789012:alarms",
        )
        yield Platform(operator, deployment)


@pytest.fixture
def record(platform: Platform) -> Callable[..., None]:
    """Writes entries into the ledger."""

    def put(item: str, state: State, **fields: Any) -> None:
        entry = LedgerEntry(run_id="run-1", item=item, state=state, **fields)
        platform.cloud.dynamodb.put_item(TableName="ledger", Item=ledger.to_item(entry))

    return put
