"""A tour with the `aws` command (version 1), as it comes, in a shell that has done `eval "$(genomics up)"`.

For SQS this version takes an endpoint from its option alone: it has names of its own for that service's endpoints.
"""

import json
from typing import Any

import pytest

from tests.embedded_aws.tours.conftest import BIN, Home


def aws(home: Home, *words: str) -> str:
    return home.run(str(BIN / "aws"), *words)


def told(home: Home, *words: str) -> Any:
    return json.loads(aws(home, *words))


@pytest.fixture(scope="module")
def stacks(home: Home) -> dict[str, dict[str, str]]:
    """The stacks' outputs by their keys."""
    return {
        stack["StackName"]: {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}
        for stack in told(home, "cloudformation", "describe-stacks")["Stacks"]
    }


def test_s3_syncs_copies_and_signs(home: Home) -> None:
    folder = home.directory / "run"
    (folder / "reads").mkdir(parents=True)
    (folder / "reads/a.fastq").write_bytes(b"@r\nACGT\n+\nIII\n" * 700_000)  # more than 8 MB: sent in parts
    (folder / "sheet.csv").write_text("sample\nNA1\n")
    aws(home, "s3", "mb", "s3://cli-tour")
    said = aws(home, "s3", "sync", str(folder), "s3://cli-tour/run", "--no-progress")
    assert said.count("upload: ") == 2
    listed = aws(home, "s3", "ls", "s3://cli-tour", "--recursive")
    assert [line.split()[2:] for line in listed.splitlines()] == [
        ["9800000", "run/reads/a.fastq"],
        ["11", "run/sheet.csv"],
    ]
    assert aws(home, "s3", "cp", "s3://cli-tour/run/sheet.csv", "-") == "sample\nNA1\n"
    link = aws(home, "s3", "presign", "s3://cli-tour/run/sheet.csv").strip()
    assert home.run("curl", "--silent", "--fail", "--noproxy", "*", link) == "sample\nNA1\n"


def test_what_is_deployed_can_be_looked_at(home: Home, stacks: dict[str, dict[str, str]]) -> None:
    assert {"genomics-storage", "genomics-secondary", "genomics-lake"} <= set(stacks)
    assert told(home, "sts", "get-caller-identity")["Account"] == "123456789012"
    database = stacks["genomics-lake"]["LakeDatabase"]
    tables = told(home, "glue", "get-tables", "--database-name", database, "--query", "TableList[].Name")
    assert {"clinvar", "consequences", "genotypes", "genotypes_by_location", "rejects", "variants"} <= set(tables)


def test_a_job_is_submitted_and_its_log_read(home: Home) -> None:
    queue = told(home, "batch", "describe-job-queues", "--query", "jobQueues[0].jobQueueName")
    query = "jobDefinitions[?contains(jobDefinitionName, 'Fastp')].jobDefinitionName | [0]"
    definition = told(home, "batch", "describe-job-definitions", "--status", "ACTIVE", "--query", query)
    job = told(
        home, "batch", "submit-job", "--job-name", "cli-tour", "--job-queue", queue, "--job-definition", definition,
        "--container-overrides", '{"command": ["--help"]}', "--query", "jobId",
    )  # fmt: skip
    found: dict[str, Any] = {"status": "SUBMITTED"}
    while found["status"] not in ("SUCCEEDED", "FAILED"):
        found = told(home, "batch", "describe-jobs", "--jobs", job, "--query", "jobs[0]")
    assert found["status"] == "SUCCEEDED"
    group = found["container"]["logConfiguration"]["options"]["awslogs-group"]
    stream = found["container"]["logStreamName"]
    printed = aws(home, "logs", "filter-log-events", "--log-group-name", group, "--log-stream-names", stream)
    assert "--task" in printed


def test_messages_and_events_are_taken(home: Home) -> None:
    sqs = ("sqs", "--endpoint-url", home.environment["AWS_ENDPOINT_URL"])
    url = told(home, *sqs, "create-queue", "--queue-name", "cli-tour", "--query", "QueueUrl")
    aws(home, *sqs, "send-message", "--queue-url", url, "--message-body", "hello")
    body = told(home, *sqs, "receive-message", "--queue-url", url, "--query", "Messages[0].Body")
    assert body == "hello"
    event = [{"Source": "cli.tour", "DetailType": "Tour", "Detail": "{}"}]
    assert told(home, "events", "put-events", "--entries", json.dumps(event))["FailedEntryCount"] == 0


def test_athena_answers(home: Home) -> None:
    started = told(
        home, "athena", "start-query-execution", "--query-string", "select 1 as one",
        "--result-configuration", "OutputLocation=s3://cli-tour/answers/", "--query", "QueryExecutionId",
    )  # fmt: skip
    state = "QUEUED"
    while state in ("QUEUED", "RUNNING"):
        state = told(
            home, "athena", "get-query-execution", "--query-execution-id", started,
            "--query", "QueryExecution.Status.State",
        )  # fmt: skip
    rows = told(home, "athena", "get-query-results", "--query-execution-id", started, "--query", "ResultSet.Rows")
    assert rows == [{"Data": [{"VarCharValue": "one"}]}, {"Data": [{"VarCharValue": "1"}]}]
