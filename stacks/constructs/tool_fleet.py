"""The machines that tools run on: Spot where it is to be had, On-Demand where not."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_batch as batch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.findings import acknowledge

OPTIMAL = "optimal"


def is_instance_type(name: str) -> bool:
    """Whether `name` is a family, a type, or `optimal`, and can run the tools' x86 images."""
    family, dot, size = name.partition(".")
    if name == OPTIMAL:
        return True
    if family.upper() not in ec2.InstanceClass.__members__ or bool(dot) != bool(size):
        return False
    return ec2.InstanceType(f"{family}.{size or 'large'}").architecture is ec2.InstanceArchitecture.X86_64


class ToolFleet(Construct):
    """`queue` tries Spot first, then On-Demand; `urgent_queue`, whose jobs go first, the other way round."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        security_group: ec2.ISecurityGroup,
        instance_types: Sequence[str],
        max_vcpus: int,
        spot_bid_percentage: int,
        scratch_gib: int,
        start_commands: Sequence[str] = (),
    ) -> None:
        """Instances run `start_commands`, as root, before their first job."""
        super().__init__(scope, construct_id)
        self._vpc, self._security_group = vpc, security_group
        self._instance_types, self._max_vcpus = instance_types, max_vcpus
        self._role = self._instance_role()
        self._template = self._launch_template(scratch_gib, start_commands)
        spot = self._environment("Spot", spot=True, spot_bid_percentage=spot_bid_percentage)
        on_demand = self._environment("OnDemand", spot=False)
        self.queue = batch.JobQueue(self, "Queue", priority=1)
        self.queue.add_compute_environment(spot, 1)
        self.queue.add_compute_environment(on_demand, 2)
        self.urgent_queue = batch.JobQueue(self, "UrgentQueue", priority=10)
        self.urgent_queue.add_compute_environment(on_demand, 1)
        self.urgent_queue.add_compute_environment(spot, 2)

    def _instance_role(self) -> iam.Role:
        role = iam.Role(
            self,
            "InstanceRole",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name("service-role/AmazonEC2ContainerServiceforEC2Role")
            ],
        )
        acknowledge(
            role,
            "AwsSolutions-IAM4",
            "The ECS agent's own policy, which AWS keeps in step with the agent; tools run under roles of their own.",
            "Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role",
        )
        return role

    def _launch_template(self, scratch_gib: int, start_commands: Sequence[str]) -> ec2.LaunchTemplate:
        disk = ec2.BlockDeviceVolume.ebs(
            scratch_gib, encrypted=True, volume_type=ec2.EbsDeviceVolumeType.GP3, delete_on_termination=True
        )
        return ec2.LaunchTemplate(
            self,
            "LaunchTemplate",
            block_devices=[ec2.BlockDevice(device_name="/dev/xvda", volume=disk)],
            require_imdsv2=True,
            # Containers get credentials from the ECS agent; one hop keeps them from the instance's.
            http_put_response_hop_limit=1,
            user_data=_user_data(start_commands) if start_commands else None,
        )

    def _environment(
        self, construct_id: str, *, spot: bool, spot_bid_percentage: int | None = None
    ) -> batch.ManagedEc2EcsComputeEnvironment:
        strategy = batch.AllocationStrategy
        environment = batch.ManagedEc2EcsComputeEnvironment(
            self,
            construct_id,
            vpc=self._vpc,
            vpc_subnets=ec2.SubnetSelection(subnets=[*self._vpc.private_subnets, *self._vpc.isolated_subnets]),
            security_groups=[self._security_group],
            spot=spot,
            spot_bid_percentage=spot_bid_percentage,
            allocation_strategy=strategy.SPOT_PRICE_CAPACITY_OPTIMIZED if spot else strategy.BEST_FIT_PROGRESSIVE,
            instance_types=[ec2.InstanceType(name) for name in self._instance_types if "." in name],
            instance_classes=[
                ec2.InstanceClass[name.upper()] for name in self._instance_types if "." not in name and name != OPTIMAL
            ],
            use_optimal_instance_classes=OPTIMAL in self._instance_types,
            minv_cpus=0,
            maxv_cpus=self._max_vcpus,
            instance_role=self._role,
            launch_template=self._template,
            terminate_on_update=False,
            update_timeout=cdk.Duration.hours(6),
            replace_compute_environment=False,
        )
        resource = environment.node.default_child
        assert isinstance(resource, batch.CfnComputeEnvironment)  # noqa: S101 - narrows a type
        # Without it Batch stays with the template's first version, whatever is changed later.
        resource.add_property_override("ComputeResources.LaunchTemplate.Version", self._template.latest_version_number)
        return environment


def _user_data(commands: Sequence[str]) -> ec2.UserData:
    """Batch adds its own part to an instance's user data, which therefore has to be a MIME archive."""
    script = ec2.UserData.for_linux()
    script.add_commands(*commands)
    parts = ec2.MultipartUserData()
    parts.add_user_data_part(script, ec2.MultipartBody.SHELL_SCRIPT)
    return parts
