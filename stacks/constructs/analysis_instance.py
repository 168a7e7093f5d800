"""One instance on which an analyst works beside the data, with the shared file systems mounted."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.findings import acknowledge
from stacks.constructs.interface_endpoints import add_interfaces
from stacks.constructs.lustre_scratch import LustreScratch
from stacks.constructs.windows_shares import WindowsShares

_DISK_GIB = 100


class AnalysisInstance(Construct):
    """Reached through Session Manager only: no key, no open port. Its role reads no bucket; the mounts do."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        instance_type: str,
        lustre: LustreScratch | None,
        windows: WindowsShares | None,
    ) -> None:
        super().__init__(scope, construct_id)
        group = ec2.SecurityGroup(
            self, "SecurityGroup", vpc=vpc, description="Analysis instance", allow_all_outbound=False
        )
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "AWS services")
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name("AmazonSSMManagedInstanceCore")],
        )
        acknowledge(
            role,
            "AwsSolutions-IAM4",
            "AWS's own policy for Session Manager; it follows what the agent on the image needs.",
            "Policy::arn:<AWS::Partition>:iam::aws:policy/AmazonSSMManagedInstanceCore",
        )
        start = ec2.UserData.for_linux()
        if lustre:
            start.add_commands(*lustre.start_commands("/lustre"))
            lustre.let_in(group)
        if windows:
            # Who may open a share is for the directory to say: each analyst mounts with a ticket of his own.
            name = windows.file_system.attr_dns_name
            mount = f"//{name}/share /windows cifs sec=krb5,multiuser,noauto 0 0"
            start.add_commands("dnf install -y cifs-utils krb5-workstation", "mkdir -p /windows")
            start.add_commands(f"echo '{mount}' >> /etc/fstab")
            windows.let_in(group)
        if not vpc.private_subnets:
            self._reach_session_manager(vpc, group)
        instance = ec2.Instance(
            self,
            "Instance",
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnets=(vpc.private_subnets or vpc.isolated_subnets)[:1]),
            instance_type=ec2.InstanceType(instance_type),
            machine_image=ec2.MachineImage.latest_amazon_linux2023(),
            security_group=group,
            role=role,
            user_data=start,
            require_imdsv2=True,
            detailed_monitoring=True,
            disable_api_termination=True,
            block_devices=[
                ec2.BlockDevice(
                    device_name="/dev/xvda",
                    volume=ec2.BlockDeviceVolume.ebs(
                        _DISK_GIB, encrypted=True, volume_type=ec2.EbsDeviceVolumeType.GP3
                    ),
                )
            ],
        )
        cdk.Tags.of(instance).add("Name", f"{cdk.Stack.of(self).stack_name}-analysis")

    def _reach_session_manager(self, vpc: ec2.IVpc, clients: ec2.SecurityGroup) -> None:
        """Where no NAT gateway leads out, Session Manager needs endpoints; packages come from S3, which has one."""
        group = ec2.SecurityGroup(
            self, "Endpoints", vpc=vpc, description="Endpoints of Session Manager", allow_all_outbound=False
        )
        group.add_ingress_rule(clients, ec2.Port.tcp(443), "Analysis instance")
        services = {
            "SessionManager": ec2.InterfaceVpcEndpointAwsService.SSM,
            "SessionMessages": ec2.InterfaceVpcEndpointAwsService.SSM_MESSAGES,
        }
        add_interfaces(self, vpc, services, group)
