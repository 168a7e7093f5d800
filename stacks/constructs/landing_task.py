"""The DataSync task that brings run folders from the lab's landing folder into the sequencing bucket."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_datasync as datasync
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from genomics.contracts import object_keys
from stacks.constructs.findings import acknowledge
from stacks.constructs.log_group import log_group
from stacks.constructs.object_access import grant_read, grant_write

_MIB = 1024 * 1024
_UNLIMITED = -1


@dataclass(frozen=True)
class Landing:
    """The folder that the sequencers' run folders lie in, and the agents that read it. SMB needs the user."""

    protocol: Literal["nfs", "smb"]
    server: str
    path: str
    agent_arns: tuple[str, ...]
    smb_user: str = ""
    smb_domain: str | None = None


@dataclass(frozen=True)
class TransferOptions:
    """`excludes` are patterns as DataSync has them; 0 `mib_per_second` is no limit.

    `schedule`, a cron expression, copies everything in the landing folder: unfinished runs, and those in the archive.
    """

    storage_class: str
    excludes: tuple[str, ...]
    mib_per_second: int
    schedule: str | None


class LandingTask(Construct):
    """`task_arn` copies what an execution's include filter names, verifies it, logs every file and writes a report."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        landing: Landing,
        bucket: s3.IBucket,
        options: TransferOptions,
        log_retention_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self._bucket = bucket
        source = self._smb(landing) if landing.protocol == "smb" else self._nfs(landing)
        report = datasync.CfnTask.TaskReportConfigProperty(
            destination=datasync.CfnTask.DestinationProperty(
                s3=datasync.CfnTask.S3Property(
                    s3_bucket_arn=bucket.bucket_arn,
                    bucket_access_role_arn=self._report_role().role_arn,
                    subdirectory=object_keys.TRANSFER_REPORTS.rstrip("/"),
                )
            ),
            output_type="STANDARD",
            report_level="ERRORS_ONLY",
            # What was verified is compared with the manifest; what was transferred says less than that.
            overrides=datasync.CfnTask.OverridesProperty(
                verified=datasync.CfnTask.VerifiedProperty(report_level="SUCCESSES_AND_ERRORS")
            ),
        )
        task = datasync.CfnTask(
            self,
            "Task",
            source_location_arn=source,
            destination_location_arn=self._destination(options.storage_class),
            cloud_watch_log_group_arn=self._log_group(log_retention_days).log_group_arn,
            excludes=_filter(options.excludes),
            options=_task_options(options.mib_per_second),
            schedule=datasync.CfnTask.TaskScheduleProperty(schedule_expression=options.schedule)
            if options.schedule
            else None,
            task_report_config=report,
        )
        self.task_arn = task.attr_task_arn

    @property
    def execution_arns(self) -> str:
        """Of every execution of the task."""
        return f"{self.task_arn}/execution/*"

    def _nfs(self, landing: Landing) -> str:
        location = datasync.CfnLocationNFS(
            self,
            "Landing",
            server_hostname=landing.server,
            subdirectory=landing.path,
            on_prem_config=datasync.CfnLocationNFS.OnPremConfigProperty(agent_arns=list(landing.agent_arns)),
        )
        return location.attr_location_arn

    def _smb(self, landing: Landing) -> str:
        password = secretsmanager.Secret(
            self,
            "Password",
            description=f"Password of {landing.smb_user} on {landing.server}; put the real one in after deployment",
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        acknowledge(password, "AwsSolutions-SMG4", "The lab's own directory changes this password, AWS cannot.")
        reader = self._service_role("PasswordReader")
        password.grant_read(reader)
        location = datasync.CfnLocationSMB(
            self,
            "Landing",
            server_hostname=landing.server,
            subdirectory=landing.path,
            agent_arns=list(landing.agent_arns),
            user=landing.smb_user,
            domain=landing.smb_domain,
            custom_secret_config=datasync.CfnLocationSMB.CustomSecretConfigProperty(
                secret_arn=password.secret_arn, secret_access_role_arn=reader.role_arn
            ),
        )
        location.node.add_dependency(reader)
        return location.attr_location_arn

    def _destination(self, storage_class: str) -> str:
        role = self._service_role("Writer")
        # It reads back what it has written. DataSync User Guide, "Configuring AWS DataSync transfers with Amazon S3",
        # asks for s3:DeleteObject too, though the task keeps what is gone at the source; no version is ever deleted.
        grant_read(self._bucket, role, object_keys.RUN_FOLDERS)
        grant_write(self._bucket, role, object_keys.RUN_FOLDERS)
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:DeleteObject"], resources=[self._bucket.arn_for_objects(f"{object_keys.RUN_FOLDERS}*")]
            )
        )
        location = datasync.CfnLocationS3(
            self,
            "RunFolders",
            s3_bucket_arn=self._bucket.bucket_arn,
            subdirectory=object_keys.RUN_FOLDERS.rstrip("/"),
            s3_storage_class=storage_class,
            s3_config=datasync.CfnLocationS3.S3ConfigProperty(bucket_access_role_arn=role.role_arn),
        )
        # DataSync tries the role when the location is made.
        location.node.add_dependency(role)
        return location.attr_location_arn

    def _report_role(self) -> iam.Role:
        role = self._service_role("Reporter")
        grant_write(self._bucket, role, object_keys.TRANSFER_REPORTS)
        return role

    def _service_role(self, name: str) -> iam.Role:
        stack = cdk.Stack.of(self)
        return iam.Role(
            self,
            name,
            assumed_by=iam.ServicePrincipal(
                "datasync.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": stack.account},
                    "ArnLike": {"aws:SourceArn": stack.format_arn(service="datasync", resource="*")},
                },
            ),
        )

    def _log_group(self, retention_days: int) -> logs.LogGroup:
        group = log_group(self, "Logs", retention_days=retention_days)
        stack = cdk.Stack.of(self)
        group.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("datasync.amazonaws.com")],
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[group.log_group_arn],
                conditions={
                    "StringEquals": {"aws:SourceAccount": stack.account},
                    "ArnLike": {
                        "aws:SourceArn": stack.format_arn(service="datasync", resource="task", resource_name="*")
                    },
                },
            )
        )
        return group


def _filter(patterns: Sequence[str]) -> list[datasync.CfnTask.FilterRuleProperty] | None:
    if not patterns:
        return None
    return [datasync.CfnTask.FilterRuleProperty(filter_type="SIMPLE_PATTERN", value="|".join(patterns))]


def _task_options(mib_per_second: int) -> datasync.CfnTask.OptionsProperty:
    return datasync.CfnTask.OptionsProperty(
        # All at the destination would be read again, at a price in IA, at each execution; the reconciliation compares
        # the whole run with its manifest anyhow.
        verify_mode="ONLY_FILES_TRANSFERRED",
        transfer_mode="CHANGED",
        overwrite_mode="ALWAYS",
        preserve_deleted_files="PRESERVE",
        task_queueing="ENABLED",
        log_level="TRANSFER",
        bytes_per_second=mib_per_second * _MIB if mib_per_second else _UNLIMITED,
    )
