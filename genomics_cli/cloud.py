"""The AWS that commands talk to: sessions, clients, and the deployment found there."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from genomics.contracts import deployment
from genomics.contracts.deployment import Deployment
from genomics_cli.errors import UserError

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

# Any of these says that the user means an AWS of their own.
_SAYS_WHERE = (
    "AWS_ENDPOINT_URL",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_TASK_SECONDS = 70
_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 5}, max_pool_connections=16)


def is_configured(environment: Mapping[str, str] = os.environ) -> bool:
    """True where the environment points at an AWS."""
    return any(environment.get(name) for name in _SAYS_WHERE)


def _is_here(endpoint_url: str) -> bool:
    return urlsplit(endpoint_url).hostname in ("127.0.0.1", "localhost", "::1")


class Cloud:
    """Clients of one AWS account and region. `is_embedded` says that it is on this machine."""

    def __init__(self, session: boto3.Session, endpoint_url: str | None = None, *, is_embedded: bool = False) -> None:
        self.is_embedded = is_embedded
        self._session = session
        self._endpoint_url = endpoint_url
        # A proxy leads away from this machine, whatever `http_proxy` says.
        self._config = _CONFIG.merge(Config(proxies={})) if is_embedded else _CONFIG

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Cloud":
        """The AWS that the environment points at, or that `environment` does, as an embedded instance gives it."""
        if environment is None:
            return cls(boto3.Session(), is_embedded=_is_here(os.environ.get("AWS_ENDPOINT_URL", "")))
        session = boto3.Session(
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            region_name=environment["AWS_REGION"],
        )
        endpoint_url = environment["AWS_ENDPOINT_URL"]
        return cls(session, endpoint_url, is_embedded=_is_here(endpoint_url))

    @property
    def region(self) -> str:
        """The region that clients speak to."""
        return self.s3.meta.region_name

    @cached_property
    def athena(self) -> "AthenaClient":
        """SQL."""
        return self._session.client("athena", endpoint_url=self._endpoint_url, config=self._config)

    @cached_property
    def cloudformation(self) -> "CloudFormationClient":
        """Stacks and their outputs."""
        return self._session.client("cloudformation", endpoint_url=self._endpoint_url, config=self._config)

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        """The run ledger."""
        return self._session.client("dynamodb", endpoint_url=self._endpoint_url, config=self._config)

    @cached_property
    def ecr(self) -> Any:
        """The tools' images."""
        return self._session.client("ecr", endpoint_url=self._endpoint_url, config=self._config)

    @cached_property
    def functions(self) -> Any:
        """Lambda's."""
        return self._session.client("lambda", endpoint_url=self._endpoint_url, config=self._config)

    @cached_property
    def glue(self) -> Any:
        """Jobs of the lake."""
        return self._session.client("glue", endpoint_url=self._endpoint_url, config=self._config)

    @cached_property
    def s3(self) -> "S3Client":
        """Objects."""
        return self._session.client("s3", endpoint_url=self._endpoint_url, config=self._config)

    @cached_property
    def sqs(self) -> "SQSClient":
        """The inbox's dead letters."""
        return self._session.client("sqs", endpoint_url=self._endpoint_url, config=self._config)

    @cached_property
    def step_functions(self) -> "SFNClient":
        """Executions, and tasks that wait for a person."""
        # API Reference, "GetActivityTask": whoever asks for a task may have to wait a minute for the answer.
        config = self._config.merge(Config(read_timeout=_TASK_SECONDS))
        return self._session.client("stepfunctions", endpoint_url=self._endpoint_url, config=config)

    @cached_property
    def sts(self) -> Any:
        """Whose credentials these are."""
        return self._session.client("sts", endpoint_url=self._endpoint_url, config=self._config)


@dataclass(frozen=True)
class Platform:
    """A deployment and the cloud it is in."""

    cloud: Cloud
    deployment: Deployment


def find_deployment(cloud: Cloud, project: str) -> Deployment:
    """Read the outputs of a project's stacks. Raises UserError where they are not there."""
    outputs: dict[str, str] = {}
    for stack in deployment.STACKS:
        name = deployment.stack_name(project, stack)
        try:
            found = cloud.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                if stack in deployment.OPTIONAL_STACKS:
                    continue
                remedy = (
                    "`genomics down`, then `genomics up --project {}`" if cloud.is_embedded else "`cdk deploy --all`"
                )
                raise UserError(
                    f"project {project!r} is not deployed here: there is no stack {name}"
                    f" (deploy it with {remedy.format(project)}, or name another with --project)"
                ) from error
            raise
        except BotoCoreError as error:
            raise UserError(f"AWS cannot be reached: {error}") from error
        outputs |= {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
    try:
        return Deployment.from_outputs(outputs)
    except LookupError as error:
        raise UserError(str(error.args[0])) from error
