"""Who works with models: the role of the notebooks, the role of the jobs that they start, and the registry's group."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from genomics.contracts import object_keys
from stacks.constructs.findings import acknowledge, resource_finding
from stacks.constructs.object_access import grant_read, grant_write

_SERVICE = "sagemaker.amazonaws.com"
# What the notebooks call, by the kind of thing that it is about. Those of the generated notebook are among them.
_CALLS = {
    "automl-job": ("CreateAutoMLJobV2", "DescribeAutoMLJobV2", "ListCandidatesForAutoMLJob", "StopAutoMLJob"),
    "hyper-parameter-tuning-job": (
        "CreateHyperParameterTuningJob",
        "DescribeHyperParameterTuningJob",
        "ListTrainingJobsForHyperParameterTuningJob",
        "StopHyperParameterTuningJob",
    ),
    "training-job": ("CreateTrainingJob", "DescribeTrainingJob", "StopTrainingJob"),
    "transform-job": ("CreateTransformJob", "DescribeTransformJob", "StopTransformJob"),
    "model": ("CreateModel", "DescribeModel", "DeleteModel"),
    "endpoint-config": ("CreateEndpointConfig", "DescribeEndpointConfig", "DeleteEndpointConfig"),
    "endpoint": ("CreateEndpoint", "UpdateEndpoint", "DescribeEndpoint", "DeleteEndpoint", "InvokeEndpoint"),
}
# Of an endpoint's making IAM asks for its configuration too.
_ALSO = {"endpoint-config": ("CreateEndpoint", "UpdateEndpoint")}


@dataclass(frozen=True)
class Places:
    """The buckets: the lake, in which training sets lie and notebooks work, and what is installed from."""

    data_lake: s3.IBucket
    resources: s3.IBucket


class Runbook(Construct):
    """`role` may do what the notebooks do and start one Glue job; `job_role` is what its jobs and models run as.

    Whatever it makes in SageMaker has a name that begins with the project's.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, project: str, places: Places, training_set_job: str
    ) -> None:
        super().__init__(scope, construct_id)
        self._project, self._stack = project, cdk.Stack.of(self)
        self.group_name = f"{project}-disputed"
        sagemaker.CfnModelPackageGroup(
            self,
            "Models",
            model_package_group_name=self.group_name,
            model_package_group_description="Will laboratories disagree on a variant? Each version waits for approval",
        )
        self.job_role = iam.Role(self, "JobRole", assumed_by=iam.ServicePrincipal(_SERVICE))
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal(_SERVICE))
        for role in (self.job_role, self.role):
            grant_read(places.data_lake, role, object_keys.MODEL_WORK)
            grant_write(places.data_lake, role, object_keys.MODEL_WORK)
        self._let_log(self.job_role, "TrainingJobs", "TransformJobs", "Endpoints", "AutoMLJobs")
        grant_read(places.data_lake, self.role, object_keys.TRAINING_SETS)
        grant_read(places.resources, self.role, object_keys.NOTEBOOK_RESOURCES)
        self._let_learn()
        self._let_register()
        self._let_start(training_set_job)

    def _let_learn(self) -> None:
        for kind, calls in _CALLS.items():
            arn = self._stack.format_arn(service="sagemaker", resource=kind, resource_name=f"{self._project}-*")
            actions = [f"sagemaker:{call}" for call in (*calls, *_ALSO.get(kind, ()))]
            self.role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[arn]))
            self._acknowledge(self.role, arn, "Jobs, models and endpoints are named when they are made.")
        # Which endpoints there are cannot be asked of some alone.
        self.role.add_to_policy(iam.PolicyStatement(actions=["sagemaker:ListEndpoints"], resources=["*"]))
        acknowledge(
            self.role, "AwsSolutions-IAM5", "SageMaker lists endpoints without naming any of them.", "Resource::*"
        )
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["iam:PassRole"],
                resources=[self.job_role.role_arn],
                conditions={"StringEquals": {"iam:PassedToService": _SERVICE}},
            )
        )

    def _let_register(self) -> None:
        """Add versions, which wait for approval; to approve is somebody else's."""
        name = f"{self.group_name}/*"
        arns = [
            self._stack.format_arn(service="sagemaker", resource="model-package-group", resource_name=self.group_name),
            self._stack.format_arn(service="sagemaker", resource="model-package", resource_name=name),
        ]
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackage"], resources=arns
            )
        )
        self._acknowledge(self.role, arns[1], "A version has its number when it is made.")

    def _let_start(self, training_set_job: str) -> None:
        arn = self._stack.format_arn(service="glue", resource="job", resource_name=training_set_job)
        actions = ["glue:StartJobRun", "glue:GetJobRun"]
        self.role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[arn]))

    def _let_log(self, role: iam.Role, *kinds: str) -> None:
        for kind in kinds:
            arn = self._stack.format_arn(
                service="logs",
                resource="log-group",
                resource_name=f"/aws/sagemaker/{kind}*",
                arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
            )
            actions = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
            role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[arn]))
            self._acknowledge(role, arn, "SageMaker names groups and streams after its jobs.")

    def _acknowledge(self, role: iam.Role, arn: str, reason: str) -> None:
        acknowledge(role, "AwsSolutions-IAM5", reason, resource_finding(arn, seen_from=role))
