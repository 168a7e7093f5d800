"""Command line of the container: archive a study, or restore one, as a request in S3 says."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from batch_tools.archive_study import archive_study, restore_study
from batch_tools.archive_study.archive_study import Outcome
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.launch import RETRIES, report
from batch_tools.tool_runtime.objects import read_document
from genomics.contracts.archives import ArchiveRequest, RestoreRequest
from genomics.contracts.codec import ContractError
from genomics.contracts.environment import ArchiveToolEnvironment
from genomics.contracts.ledger import ARCHIVE, LedgerEntry, study_partition, update
from genomics.contracts.runs import State

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# As many as there are requests at once.
_CONNECTIONS = Config(max_pool_connections=64)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the request at the URI asks for; returns the exit code."""
    parser = argparse.ArgumentParser(prog="batch_tools.archive_study.cli", description="Archive or restore a study.")
    parser.add_argument("action", choices=("archive", "restore"))
    parser.add_argument("request", metavar="URI", help="s3:// URI of an ArchiveRequest's or RestoreRequest's JSON")
    options = parser.parse_args(arguments)
    action = _archive if options.action == "archive" else _restore
    return report(f"archive_study {options.action}", lambda: _in_scratch(action, options.request))


def _in_scratch(action: object, uri: str) -> None:
    s3 = boto3.client("s3", config=RETRIES.merge(_CONNECTIONS))
    with tempfile.TemporaryDirectory(prefix="archive_study-") as directory:
        try:
            action(s3, uri, Path(directory))  # type: ignore[operator]
        except (ContractError, ValueError) as error:
            raise ToolError(f"{uri}: {error}") from error


def _archive(s3: "S3Client", uri: str, directory: Path) -> None:
    request = read_document(s3, uri, ArchiveRequest)
    outcome = archive_study.run(request=request, s3=s3, directory=directory)
    reason, rows = _account(outcome)
    entry = LedgerEntry(
        run_id=study_partition(request.study),
        item=ARCHIVE,
        state=State.SUCCEEDED,
        reason=reason,
        finished_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        rows=rows,
    )
    environment = ArchiveToolEnvironment.read()
    boto3.client("dynamodb", config=RETRIES).update_item(TableName=environment.ledger_table, **update(entry))


def _account(outcome: Outcome | None) -> tuple[str, dict[str, int]]:
    if outcome is None:
        return "nothing of it was old enough", {}
    archive, exchange = outcome.archive, outcome.exchange
    numbers = {
        "replaced": exchange.replaced,
        "changed": exchange.changed,
        "unverified": archive.unverified,
        "bytes": archive.content_bytes,
    }
    return f"{archive.members} objects, {archive.content_bytes} bytes in {len(archive.tars)} tars", numbers


def _restore(s3: "S3Client", uri: str, directory: Path) -> None:
    restore_study.run(request=read_document(s3, uri, RestoreRequest), s3=s3, directory=directory)


if __name__ == "__main__":
    sys.exit(main())
