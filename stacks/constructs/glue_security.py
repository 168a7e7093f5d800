"""How what Glue writes on its own account is encrypted: logs, and bookmarks of jobs."""

from dataclasses import dataclass
from typing import Self

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.constructs.findings import acknowledge, resource_finding


@dataclass(frozen=True)
class GlueSecurity:
    """A security `configuration` with a key of its own; those whose role has the grant may share it."""

    configuration: glue.SecurityConfiguration
    _key: kms.Key

    @classmethod
    def made_in(cls, scope: Construct) -> Self:
        """Make key and configuration right below `scope`."""
        key = kms.Key(
            scope,
            "Key",
            description="Logs and bookmarks of Glue",
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("logs.amazonaws.com")],
                actions=["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
                # In a key's policy this means the key itself.
                resources=["*"],
                conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": _log_groups(scope, "")}},
            )
        )
        configuration = glue.SecurityConfiguration(
            scope,
            "Security",
            cloud_watch_encryption=glue.CloudWatchEncryption.kms(key),
            job_bookmarks_encryption=glue.JobBookmarksEncryption.client_side_kms(key),
        )
        return cls(configuration, key)

    def grant(self, role: iam.Role, kind: str = "jobs") -> None:
        """Let Glue write its logs in the role's name, with the key; those of jobs, crawlers or sessions."""
        log_groups = _log_groups(role, kind)
        self._key.grant_encrypt_decrypt(role)
        reason = "The key's grant names both families of calls, on this one key."
        acknowledge(role, "AwsSolutions-IAM5", reason, "Action::kms:ReEncrypt*", "Action::kms:GenerateDataKey*")
        role.add_to_policy(
            iam.PolicyStatement(
                actions=[
                    "logs:CreateLogGroup",
                    "logs:CreateLogStream",
                    "logs:PutLogEvents",
                    "logs:AssociateKmsKey",
                ],
                resources=[log_groups],
            )
        )
        acknowledge(
            role,
            "AwsSolutions-IAM5",
            f"Glue makes the log groups of its {kind} itself, under this prefix.",
            resource_finding(log_groups, seen_from=role),
        )


def _log_groups(scope: Construct, kind: str) -> str:
    """Log groups that Glue writes of jobs, crawlers or sessions, or of all."""
    return cdk.Stack.of(scope).format_arn(
        service="logs",
        resource="log-group",
        # With a security configuration those of jobs may be "/aws-glue/jobs-<role>-<configuration>/..." instead:
        # https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-runs.html (JobRun, LogGroupName)
        resource_name=f"/aws-glue/{kind}*",
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )
