"""FSx for Lustre as the file system that holds prepared references, in the place of EFS."""

from aws_cdk import aws_batch as batch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.lustre_file_system import LustreFileSystem
from stacks.constructs.reference_store import USER_ID

_MOUNTED_AT = "/mnt/lustre"
_REFERENCES = f"{_MOUNTED_AT}/references"


class LustreReferenceStore(LustreFileSystem):
    """Mounted by the instances when they start, and from there by jobs; encrypted at rest and, as FSx does, in transit.

    IAM has no say in what a client does: a job writes to it if its definition says so, and others find it read-only.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, vpc: ec2.IVpc, clients: ec2.ISecurityGroup, storage_gib: int
    ) -> None:
        super().__init__(scope, construct_id, vpc=vpc, storage_gib=storage_gib, holds="Prepared references on Lustre")
        self.let_in(clients)

    @property
    def file_system_id(self) -> str:
        """Which store it is: what was prepared on another is not here."""
        return self.file_system.ref

    @property
    def instance_commands(self) -> tuple[str, ...]:
        """What an instance runs when it starts, so that `volume` is there.

        Where the mount fails, the directory is not made either: Docker then makes an empty one that is root's, which no
        tool can write a reference to, and in which none is found.
        """
        owner = f"install -d -o {USER_ID} -g {USER_ID} -m 755 {_REFERENCES}"
        return ("set -e", *self.start_commands(_MOUNTED_AT), owner)

    def volume(self, *, container_path: str, writable: bool) -> batch.EcsVolume:
        """The store as a job's volume, on instances that have run `instance_commands`."""
        return batch.EcsVolume.host(
            name="references", container_path=container_path, host_path=_REFERENCES, readonly=not writable
        )

    def grant(self, role: iam.Role, *, writable: bool) -> None:
        """Grants nothing, as there is nothing to grant: see `volume`."""
