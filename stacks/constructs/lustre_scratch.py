"""FSx for Lustre in front of the bucket: run folders and results as files, fetched when they are first read."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_fsx as fsx
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from genomics.contracts import object_keys

# Lustre's own ports: servers to clients, and back.
_PORTS = ((988, 988), (1018, 1023))
_LINKED = (object_keys.RUN_FOLDERS, object_keys.STEPS)
_MIB_PER_SECOND_PER_TIB = 125
# Of a stack's name, which its buckets' names begin with, and which CloudFormation cuts where they would get too long.
_NAME_CHARACTERS = 20
_ONE_PART = cdk.ArnFormat.NO_RESOURCE_NAME


class LustreScratch(Construct):
    """`file_system`, mounted as `mount_name` by what `security_group` lets in. It holds copies only."""

    def __init__(
        self, scope: Construct, construct_id: str, *, vpc: ec2.IVpc, bucket: s3.IBucket, storage_gib: int
    ) -> None:
        super().__init__(scope, construct_id)
        self.security_group = ec2.SecurityGroup(
            self, "SecurityGroup", vpc=vpc, description="Lustre", allow_all_outbound=False
        )
        key = kms.Key(
            self,
            "Key",
            description="Copies of the bucket's objects on Lustre",
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
        _let_fsx_use(bucket)
        for prefix in _LINKED:
            fsx.CfnDataRepositoryAssociation(
                self,
                f"Link{prefix.rstrip('/').title().replace('_', '')}",
                file_system_id=self.file_system.ref,
                file_system_path=f"/{prefix.rstrip('/')}",
                data_repository_path=bucket.s3_url_for_object(prefix),
                batch_import_meta_data_on_create=True,
                # Nothing goes back: what is in the bucket is what was sequenced and computed.
                s3=fsx.CfnDataRepositoryAssociation.S3Property(
                    auto_import_policy=fsx.CfnDataRepositoryAssociation.AutoImportPolicyProperty(
                        events=["NEW", "CHANGED", "DELETED"]
                    )
                ),
            )
        for first, last in _PORTS:
            self.security_group.add_ingress_rule(self.security_group, ec2.Port.tcp_range(first, last), "Lustre servers")
            self.security_group.add_egress_rule(self.security_group, ec2.Port.tcp_range(first, last), "Lustre servers")

    def let_in(self, clients: ec2.ISecurityGroup) -> None:
        """Let instances of the group mount it."""
        for first, last in _PORTS:
            port = ec2.Port.tcp_range(first, last)
            self.security_group.add_ingress_rule(clients, port, "Lustre clients")
            self.security_group.add_egress_rule(clients, port, "Lustre clients")
            clients.add_egress_rule(self.security_group, port, "Lustre")
            clients.add_ingress_rule(self.security_group, port, "Lustre")

    @property
    def mount_command(self) -> str:
        """What a client runs as root to have it at /lustre."""
        source = f"{self.file_system.attr_dns_name}@tcp:/{self.file_system.attr_lustre_mount_name}"
        return f"mkdir -p /lustre && mount -t lustre -o relatime,flock {source} /lustre"


def _let_fsx_use(bucket: s3.IBucket) -> None:
    """Let FSx read what is encrypted with the bucket's own key.

    FSx for Lustre User Guide, "Working with server-side encrypted Amazon S3 buckets": it does so as a service-linked
    role, whose name ends in the file system's id. The bucket has a bucket key, so that its ARN is the encryption
    context; a key cannot refer to its own bucket, so the ARN is known by how CloudFormation begins it.
    """
    key = bucket.encryption_key
    if key is None:
        return
    stack = cdk.Stack.of(key)
    role = stack.format_arn(
        service="iam",
        region="",
        resource="role/aws-service-role/s3.data-source.lustre.fsx.amazonaws.com",
        resource_name="AWSServiceRoleForFSxS3Access_*",
    )
    named = stack.format_arn(
        service="s3", region="", account="", resource=f"{stack.stack_name[:_NAME_CHARACTERS]}*", arn_format=_ONE_PART
    )
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="FsxReadsObjects",
            principals=[iam.AnyPrincipal()],
            actions=["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
            resources=["*"],  # In a key's policy this means the key itself.
            conditions={
                "StringEquals": {
                    "kms:CallerAccount": stack.account,
                    "kms:ViaService": f"s3.{stack.region}.amazonaws.com",
                },
                "ArnLike": {"aws:PrincipalArn": role},
                "StringLike": {"kms:EncryptionContext:aws:s3:arn": named},
            },
        )
    )
