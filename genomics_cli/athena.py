"""Asks the lake: SQL through Athena, in the deployment's workgroup and database."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from genomics.contracts import object_keys
from genomics_cli.cloud import Platform
from genomics_cli.errors import UserError

if TYPE_CHECKING:
    from mypy_boto3_athena.type_defs import QueryExecutionTypeDef

_FIRST_POLL_SECONDS, _LONGEST_POLL_SECONDS = 0.05, 1.0


@dataclass(frozen=True)
class Answer:
    """A finished query. `types` are Athena's; `output` is the result file in S3; `seconds` as Athena counts them."""

    query_id: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    output: str
    scanned_bytes: int
    seconds: float
    has_header_row: bool


def ask(platform: Platform, sql: str) -> Answer:
    """Run a query and wait for its end. Raises UserError with Athena's reason in one line."""
    athena, deployment = platform.cloud.athena, platform.deployment
    try:
        query_id = athena.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": deployment.lake_database},
            WorkGroup=deployment.lake_workgroup,
        )["QueryExecutionId"]
    except ClientError as error:
        raise UserError(f"query: {error.response['Error']['Message']}") from error
    execution = _wait(platform, query_id)
    state = execution["Status"]["State"]
    if state != "SUCCEEDED":
        reason = " ".join(execution["Status"].get("StateChangeReason", "no reason given").split())
        raise UserError(f"query {state.lower()}: {reason}")
    statistics = execution.get("Statistics", {})
    metadata = athena.get_query_results(QueryExecutionId=query_id, MaxResults=1)["ResultSet"]["ResultSetMetadata"]
    described = metadata.get("ColumnInfo", [])
    return Answer(
        query_id=query_id,
        columns=tuple(column["Name"] for column in described),
        types=tuple(column["Type"] for column in described),
        output=execution["ResultConfiguration"]["OutputLocation"],
        scanned_bytes=statistics.get("DataScannedInBytes", 0),
        seconds=statistics.get("TotalExecutionTimeInMillis", 0) / 1000,
        has_header_row=execution.get("StatementType") == "DML",
    )


def rows(platform: Platform, answer: Answer) -> Iterator[tuple[str | None, ...]]:
    """The answer's rows, as text; None for null."""
    pages = platform.cloud.athena.get_paginator("get_query_results").paginate(QueryExecutionId=answer.query_id)
    is_header = answer.has_header_row
    for page in pages:
        for row in page["ResultSet"]["Rows"]:
            if not is_header:
                yield tuple(datum.get("VarCharValue") for datum in row["Data"])
            is_header = False


def result_file(platform: Platform, answer: Answer) -> bytes:
    """The result file as Athena wrote it: CSV for a SELECT, every value quoted, null as nothing at all."""
    bucket, key = object_keys.parse(answer.output)
    return platform.cloud.s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def _wait(platform: Platform, query_id: str) -> "QueryExecutionTypeDef":
    pause = _FIRST_POLL_SECONDS
    while True:
        execution = platform.cloud.athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
        if execution["Status"]["State"] not in ("QUEUED", "RUNNING"):
            return execution
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_POLL_SECONDS)
