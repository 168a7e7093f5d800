"""EFS as the file system that holds prepared references, so that no job copies a genome."""

import aws_cdk as cdk
from aws_cdk import aws_batch as batch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

# The user that tools run as in their images.
USER_ID = "1000"


class ReferenceStore(Construct):
    """Encrypted at rest and in transit; mounted through one access point, by roles that were granted it."""

    def __init__(
        self, scope: Construct, construct_id: str, *, vpc: ec2.IVpc, security_group: ec2.ISecurityGroup
    ) -> None:
        super().__init__(scope, construct_id)
        # All of it can be prepared again from the FASTA files in S3.
        self.key = kms.Key(
            self,
            "Key",
            description="Prepared references",
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self._file_system = efs.FileSystem(
            self,
            "FileSystem",
            vpc=vpc,
            security_group=security_group,
            encrypted=True,
            kms_key=self.key,
            # This only keeps the library from adding its own statement, by which every role may write. A file system
            # with a policy lets nobody in anonymously: what a role may do is what `grant` says.
            allow_anonymous_access=True,
            file_system_policy=iam.PolicyDocument(statements=[_refuse_without_tls()]),
            throughput_mode=efs.ThroughputMode.ELASTIC,
            lifecycle_policy=efs.LifecyclePolicy.AFTER_30_DAYS,
            out_of_infrequent_access_policy=efs.OutOfInfrequentAccessPolicy.AFTER_1_ACCESS,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self._access_point = self._file_system.add_access_point(
            "Tools",
            path="/references",
            create_acl=efs.Acl(owner_uid=USER_ID, owner_gid=USER_ID, permissions="755"),
            posix_user=efs.PosixUser(uid=USER_ID, gid=USER_ID),
        )

    @property
    def file_system_id(self) -> str:
        """Which store it is: what was prepared on another is not here."""
        return self._file_system.file_system_id

    def volume(self, *, container_path: str, writable: bool) -> batch.EcsVolume:
        """The store as a job's volume. The job's role needs `grant`."""
        return batch.EcsVolume.efs(
            name="references",
            container_path=container_path,
            file_system=self._file_system,
            access_point_id=self._access_point.access_point_id,
            enable_transit_encryption=True,
            use_job_role=True,
            readonly=not writable,
        )

    def grant(self, role: iam.Role, *, writable: bool) -> None:
        """Let the role mount the store."""
        actions = ["elasticfilesystem:ClientMount", *(["elasticfilesystem:ClientWrite"] if writable else [])]
        self._file_system.grant(role, *actions)


def _refuse_without_tls() -> iam.PolicyStatement:
    return iam.PolicyStatement(
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=["*"],
        conditions={"Bool": {"aws:SecureTransport": "false"}},
    )
