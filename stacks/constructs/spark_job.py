"""A Spark job of glue_jobs/<name>/job.py on Glue 5.1, with a role of its own."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from stacks.constructs.findings import acknowledge
from stacks.constructs.glue_security import GlueSecurity
from stacks.constructs.source import CONTRACTS, ROOT, only


@dataclass(frozen=True)
class SparkSize:
    """What a run gets: workers of one of Glue's types (`G.1X`), and how long it may take."""

    worker_type: str
    workers: int
    timeout_minutes: int


@dataclass(frozen=True)
class SparkExtension:
    """What Spark itself has beside its own: a jar on its class path, and `settings`."""

    jar: glue.Code
    settings: Mapping[str, str]

    def arguments(self) -> dict[str, str]:
        """The settings. Of `--conf` Glue takes one: its value holds all of them, and the further `--conf`."""
        return {"--conf": " --conf ".join(f"{name}={value}" for name, value in self.settings.items())}


class SparkJob(Construct):
    """`job` reads its arguments from `arguments`, and from those of a run; grants go to `role`.

    `packages` are installed when a run starts, in the versions that the lock file holds. Without a `job_name`
    CloudFormation makes one.
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
        size: SparkSize,
        security: GlueSecurity | None = None,
        job_name: str | None = None,
        extension: SparkExtension | None = None,
    ) -> None:
        """Without a `security` to share, its logs have a key of their own."""
        super().__init__(scope, construct_id)
        self.timeout_minutes = size.timeout_minutes
        security = security or GlueSecurity.made_in(self)
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
            job_name=job_name,
            description=description,
            role=self.role,
            glue_version=glue.GlueVersion.V5_1,
            script=_code(script),
            extra_python_files=[_code(library)],
            extra_jars=[extension.jar] if extension else None,
            default_arguments={
                **arguments,
                "--additional-python-modules": ",".join(pinned(packages)),
                **(extension.arguments() if extension else {}),
            },
            worker_configuration=glue.WorkerConfiguration(
                worker_type=glue.WorkerType[size.worker_type.replace(".", "_")], number_of_workers=size.workers
            ),
            timeout=cdk.Duration.minutes(size.timeout_minutes),
            # One run at a time; those that come meanwhile wait for their turn instead of failing.
            max_concurrent_runs=1,
            job_run_queuing_enabled=True,
            security_configuration=security.configuration,
        )
        security.grant(self.role)
        self._grant_metrics()

    def _grant_metrics(self) -> None:
        """What Glue does in the job's name, beside its logs."""
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


def pinned(packages: Sequence[str]) -> list[str]:
    """The packages with their versions in the lock file, as pip takes them."""
    locked = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    versions = {package["name"]: package.get("version") for package in locked}
    return [f"{name}=={versions[name]}" for name in packages]
