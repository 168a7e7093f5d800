"""A Lambda function of lambdas/<stage>/<module>.py, with a role and a log group of its own."""

from collections.abc import Mapping
from typing import Self

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.constructs.findings import acknowledge
from stacks.constructs.log_group import log_group
from stacks.constructs.source import CONTRACTS, ROOT, only


class PythonFunction(Construct):
    """`function` runs `lambdas.<stage>.<module>.handler`; grants go to its `role`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: str,
        module: str,
        description: str,
        environment: Mapping[str, str],
        timeout_seconds: int,
        log_retention_days: int,
        memory_mib: int = 512,
    ) -> None:
        super().__init__(scope, construct_id)
        logs = log_group(self, "Logs", retention_days=log_retention_days)
        self.timeout_seconds = timeout_seconds
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        logs.grant_write(self.role)
        self.function = lambda_.Function(
            self,
            "Function",
            description=description,
            runtime=lambda_.Runtime.PYTHON_3_14,
            code=lambda_.Code.from_asset(
                str(ROOT), exclude=only(*CONTRACTS, "lambdas/*.py", f"lambdas/{stage}"), ignore_mode=cdk.IgnoreMode.GIT
            ),
            handler=f"lambdas.{stage}.{module}.handler",
            environment=dict(environment),
            timeout=cdk.Duration.seconds(timeout_seconds),
            memory_size=memory_mib,
            role=self.role,
            log_group=logs,
            logging_format=lambda_.LoggingFormat.JSON,
            tracing=lambda_.Tracing.ACTIVE,
        )
        acknowledge(self.role, "AwsSolutions-IAM5", "X-Ray has no resources that a policy could name.", "Resource::*")

    @classmethod
    def in_stack(cls, stack: cdk.Stack) -> list[Self]:
        """Those of a stack, in the order of their construction."""
        return [found for found in stack.node.find_all() if isinstance(found, cls)]
