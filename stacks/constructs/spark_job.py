"""A Spark job of glue_jobs/<name>/job.py on Glue 5.1, with a role of its own."""

import tomllib
from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from stacks.constructs.findings import acknowledge, resource_finding
from stacks.constructs.source import CONTRACTS, ROOT, only


class SparkJob(Construct):
    """`job` reads its arguments from `arguments`, and from those of a run; grants go to `role`.

    `packages` are installed when a run starts, in the versions that the lock file holds.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        description: str,
        arguments: Mapping[str, str],
        packages: Sequence[str],
        worker_type: str,
        workers: int,
        timeout_minutes: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self.timeout_minutes = timeout_minutes
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("glue.amazonaws.com"))
        script = s3_assets.Asset(self, "Script", path=str(ROOT / f"glue_jobs/{name}/job.py"))
        library = s3_assets.Asset(
            self,
            "Library",
            path=str(ROOT),
            exclude=only(*CONTRACTS, "glue_jobs"),
            ignore_mode=cdk.IgnoreMode.GIT,
        )
        self.job = glue.PySparkEtlJob(
            self,
            "Job",
            description=description,
            role=self.role,
            glue_version=glue.GlueVersion.V5_1,
            script=_code(script),
            extra_python_files=[_code(library)],
            default_arguments={**arguments, "--additional-python-modules": ",".join(_pinned(packages))},
            worker_configuration=glue.WorkerConfiguration(
                worker_type=glue.WorkerType[worker_type.replace(".", "_")], number_of_workers=workers
            ),
            timeout=cdk.Duration.minutes(timeout_minutes),
            # One run at a time; those that come meanwhile wait for their turn instead of failing.
            max_concurrent_runs=1,
            job_run_queuing_enabled=True,
            security_configuration=self._security_configuration(),
        )
        self._grant_runtime()

    def _security_configuration(self) -> glue.SecurityConfiguration:
        stack = cdk.Stack.of(self)
        key = kms.Key(
            self,
            "Key",
            description="Logs and bookmarks of Spark jobs",
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self._log_groups = stack.format_arn(
            service="logs",
            resource="log-group",
            # With a security configuration the groups may be "/aws-glue/jobs-<role>-<configuration>/..." instead:
            # https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-runs.html (JobRun, LogGroupName)
            resource_name="/aws-glue/jobs*",
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("logs.amazonaws.com")],
                actions=["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
                # In a key's policy this means the key itself.
                resources=["*"],
                conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": self._log_groups}},
            )
        )
        key.grant_encrypt_decrypt(self.role)
        reason = "The key's grant names both families of calls, on this one key."
        acknowledge(self.role, "AwsSolutions-IAM5", reason, "Action::kms:ReEncrypt*", "Action::kms:GenerateDataKey*")
        return glue.SecurityConfiguration(
            self,
            "Security",
            cloud_watch_encryption=glue.CloudWatchEncryption.kms(key),
            job_bookmarks_encryption=glue.JobBookmarksEncryption.client_side_kms(key),
        )

    def _grant_runtime(self) -> None:
        """What Glue does in the job's name: write its logs and its metrics."""
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=[
                    "logs:CreateLogGroup",
                    "logs:CreateLogStream",
                    "logs:PutLogEvents",
                    "logs:AssociateKmsKey",
                ],
                resources=[self._log_groups],
            )
        )
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["cloudwatch:PutMetricData"],
                # Metrics are no resources of IAM's; the namespace narrows it.
                resources=["*"],
                conditions={"StringEquals": {"cloudwatch:namespace": "Glue"}},
            )
        )
        acknowledge(
            self.role,
            "AwsSolutions-IAM5",
            "Glue makes the log groups of its jobs itself, under this prefix.",
            resource_finding(self._log_groups, seen_from=self),
        )
        acknowledge(
            self.role,
            "AwsSolutions-IAM5",
            "Metrics have no resources that a policy could name; the condition names their namespace.",
            "Resource::*",
        )
        acknowledge(
            self.role,
            "AwsSolutions-IAM5",
            "Reads the job's own code from the deployment's asset bucket.",
            "Action::s3:GetObject*",
            "Action::s3:GetBucket*",
            "Action::s3:List*",
        )


def _code(asset: s3_assets.Asset) -> glue.Code:
    # Unlike an asset's own grant, this lets the job read that object only.
    return glue.Code.from_bucket(asset.bucket, asset.s3_object_key)


def _pinned(packages: Sequence[str]) -> list[str]:
    locked = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    versions = {package["name"]: package.get("version") for package in locked}
    return [f"{name}=={versions[name]}" for name in packages]
