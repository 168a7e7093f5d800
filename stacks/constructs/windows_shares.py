"""FSx for Windows File Server: shares for the Windows machines of instruments and analysts."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_fsx as fsx
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

_SMB = 445
_MIB_PER_SECOND = 32
_BACKUP_DAYS = 30


class WindowsShares(Construct):
    """`file_system`, joined to the directory; who opened what is in an audit log."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        storage_gib: int,
        directory_id: str,
        disposable: bool,
        log_retention_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        removal_policy = cdk.RemovalPolicy.DESTROY if disposable else cdk.RemovalPolicy.RETAIN
        self.security_group = ec2.SecurityGroup(
            self, "SecurityGroup", vpc=vpc, description="Windows shares", allow_all_outbound=False
        )
        key = kms.Key(
            self, "Key", description="Windows shares", enable_key_rotation=True, removal_policy=removal_policy
        )
        # FSx delivers to groups of this prefix only.
        audit = logs.CfnLogGroup(
            self,
            "AuditLog",
            log_group_name=f"/aws/fsx/windows/{cdk.Stack.of(self).stack_name}",
            retention_in_days=log_retention_days,
        )
        subnets = vpc.private_subnets or vpc.isolated_subnets
        self.file_system = fsx.CfnFileSystem(
            self,
            "FileSystem",
            file_system_type="WINDOWS",
            kms_key_id=key.key_arn,
            storage_capacity=storage_gib,
            storage_type="SSD",
            subnet_ids=[subnet.subnet_id for subnet in subnets[:2]],
            security_group_ids=[self.security_group.security_group_id],
            windows_configuration=fsx.CfnFileSystem.WindowsConfigurationProperty(
                active_directory_id=directory_id,
                deployment_type="MULTI_AZ_1",
                preferred_subnet_id=subnets[0].subnet_id,
                throughput_capacity=_MIB_PER_SECOND,
                automatic_backup_retention_days=_BACKUP_DAYS,
                copy_tags_to_backups=True,
                audit_log_configuration=fsx.CfnFileSystem.AuditLogConfigurationProperty(
                    file_access_audit_log_level="SUCCESS_AND_FAILURE",
                    file_share_access_audit_log_level="SUCCESS_AND_FAILURE",
                    audit_log_destination=audit.attr_arn,
                ),
            ),
        )
        self.file_system.apply_removal_policy(removal_policy)

    def let_in(self, clients: ec2.ISecurityGroup) -> None:
        """Let instances of the group open the shares."""
        self.security_group.add_ingress_rule(clients, ec2.Port.tcp(_SMB), "Clients")
        clients.add_egress_rule(self.security_group, ec2.Port.tcp(_SMB), "Windows shares")
