"""Where the notebooks work: what the deployment tells them, and the files that go to S3 and come from there."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from genomics.contracts.object_keys import parse

# API Reference, CreateAutoMLJobV2.
_LONGEST_JOB_NAME = 32


class WorkspaceError(ValueError):
    """A notebook does not know where to work; one line that says what is missing."""


@dataclass(frozen=True)
class Workspace:
    """What a deployment tells its notebooks. URIs are s3:// prefixes without a slash at their ends.

    Names of what is made in SageMaker begin with `prefix`.
    """

    training_sets_uri: str
    work_uri: str
    job_role_arn: str
    training_set_job: str
    model_group: str
    prefix: str

    @classmethod
    def read(cls, path: Path) -> "Workspace":
        """Read the file that the instance's start has written; WorkspaceError where it lacks something."""
        try:
            return cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise WorkspaceError(
                f"{path}: does not say where to work ({error}); it is written when the notebook instance starts"
            ) from error

    def job_name(self, name: str, tier: str) -> str:
        """The job of a tier, whose endpoint has the same name; WorkspaceError where AutoML takes no such name."""
        found = f"{self.prefix}-{name}-{tier.lower()}"
        if len(found) > _LONGEST_JOB_NAME:
            raise WorkspaceError(
                f"{found}: has {len(found)} characters, {_LONGEST_JOB_NAME} are allowed; shorten the name"
            )
        return found


def client(service: str) -> Any:
    """A client, which finds AWS by its environment."""
    make: Any = boto3.client
    return make(service)


def download(uri: str, directory: Path) -> Path:
    """An object as a file of the same name below `directory`."""
    bucket, key = parse(uri)
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / key.rpartition("/")[2]
    client("s3").download_file(bucket, key, str(path))
    return path


def upload(path: Path, uri: str) -> str:
    """A file as an object; its URI."""
    bucket, key = parse(uri)
    client("s3").upload_file(str(path), bucket, key)
    return uri
