"""A file system of FSx for Lustre, which clients mount by the kernel: AWS's own is in Amazon Linux's packages."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_fsx as fsx
from aws_cdk import aws_kms as kms
from constructs import Construct

# Lustre's own ports: servers to clients, and back.
_PORTS = ((988, 988), (1018, 1023))
_MIB_PER_SECOND_PER_TIB = 125


class LustreFileSystem(Construct):
    """`file_system`, on solid-state disks in one subnet, encrypted with a key of its own; `let_in` says who mounts it.

    What it holds can be made again, and goes with it: `holds` says what that is.
    """

    def __init__(self, scope: Construct, construct_id: str, *, vpc: ec2.IVpc, storage_gib: int, holds: str) -> None:
        super().__init__(scope, construct_id)
        self.security_group = ec2.SecurityGroup(
            self, "SecurityGroup", vpc=vpc, description="Lustre", allow_all_outbound=False
        )
        key = kms.Key(
            self,
            "Key",
            description=holds,
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self.file_system = fsx.CfnFileSystem(
            self,
            "FileSystem",
            file_system_type="LUSTRE",
            file_system_type_version="2.15",
            kms_key_id=key.key_arn,
            storage_capacity=storage_gib,
            storage_type="SSD",
            subnet_ids=[(vpc.private_subnets or vpc.isolated_subnets)[0].subnet_id],
            security_group_ids=[self.security_group.security_group_id],
            lustre_configuration=fsx.CfnFileSystem.LustreConfigurationProperty(
                deployment_type="PERSISTENT_2",
                per_unit_storage_throughput=_MIB_PER_SECOND_PER_TIB,
                data_compression_type="LZ4",
            ),
        )
        for first, last in _PORTS:
            self.security_group.add_ingress_rule(self.security_group, ec2.Port.tcp_range(first, last), "Lustre servers")
            self.security_group.add_egress_rule(self.security_group, ec2.Port.tcp_range(first, last), "Lustre servers")

    def let_in(self, clients: ec2.ISecurityGroup) -> None:
        """Let instances of the group mount it. The rules are in this stack, whichever the group is in."""
        for first, last in _PORTS:
            port = ec2.Port.tcp_range(first, last)
            self.security_group.add_ingress_rule(clients, port, "Lustre clients")
            self.security_group.add_egress_rule(clients, port, "Lustre clients")
            clients.add_egress_rule(self.security_group, port, "Lustre", remote_rule=True)
            clients.add_ingress_rule(self.security_group, port, "Lustre", remote_rule=True)

    def start_commands(self, place: str) -> tuple[str, ...]:
        """What an instance with Amazon Linux 2023 runs as root when it starts, to have the file system at `place`."""
        source = f"{self.file_system.attr_dns_name}@tcp:/{self.file_system.attr_lustre_mount_name}"
        return (
            "dnf install -y lustre-client",
            f"mkdir -p {place} && mount -t lustre -o relatime,flock {source} {place}",
        )
