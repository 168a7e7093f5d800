"""NFS and SMB shares of an S3 File Gateway that runs in the lab (docs/transfer.md says how it is activated)."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_storagegateway as storagegateway
from constructs import Construct

from genomics.contracts import object_keys
from stacks.constructs.findings import acknowledge
from stacks.constructs.log_group import log_group
from stacks.constructs.object_access import grant_read

# Seconds for which a folder's listing may be old: run folders come by DataSync, behind the gateway's back.
_LISTING_SECONDS = 300


@dataclass(frozen=True)
class Shares:
    """What the gateway offers: NFS to the addresses in `nfs_clients`, SMB to its domain's users; either may be off."""

    gateway_arn: str
    nfs_clients: tuple[str, ...]
    smb: bool


class GatewayShares(Construct):
    """Read-only shares of the run folders, `share_arns`; who reads what is in the audit log `audit_log`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket,
        shares: Shares,
        log_retention_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self.share_arns: list[str] = []
        stack = cdk.Stack.of(self)
        acknowledge(
            self,
            "CloudFormation-Validate::F3006",
            "The CDK's own list of resource types is older than these two, which CloudFormation's registry has.",
        )
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "storagegateway.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": stack.account},
                    "ArnEquals": {"aws:SourceArn": shares.gateway_arn},
                },
            ),
        )
        # The shares are read only: what lies in the bucket was verified, and stays as it is.
        grant_read(bucket, role, object_keys.RUN_FOLDERS)
        location = f"{bucket.bucket_arn}/{object_keys.RUN_FOLDERS}"
        if shares.nfs_clients:
            nfs = storagegateway.CfnNFSFileShare(
                self,
                "Nfs",
                gateway_arn=shares.gateway_arn,
                location_arn=location,
                role=role.role_arn,
                client_list=list(shares.nfs_clients),
                default_storage_class="S3_STANDARD_IA",
                file_share_name="run_folders",
                guess_mime_type_enabled=False,
                read_only=True,
                squash="RootSquash",
            )
            nfs.node.add_dependency(role)
            self.share_arns.append(nfs.attr_file_share_arn)
        self.audit_log = log_group(self, "AuditLog", retention_days=log_retention_days)
        if shares.smb:
            smb = storagegateway.CfnSMBFileShare(
                self,
                "Smb",
                gateway_arn=shares.gateway_arn,
                location_arn=location,
                role=role.role_arn,
                access_based_enumeration=True,
                audit_destination_arn=self.audit_log.log_group_arn,
                authentication="ActiveDirectory",
                cache_attributes=storagegateway.CfnSMBFileShare.CacheAttributesProperty(
                    cache_stale_timeout_in_seconds=_LISTING_SECONDS
                ),
                default_storage_class="S3_STANDARD_IA",
                file_share_name="run_folders",
                read_only=True,
            )
            smb.node.add_dependency(role)
            self.share_arns.append(smb.attr_file_share_arn)

    @classmethod
    def arns_in(cls, stack: cdk.Stack) -> list[str]:
        """ARNs of all gateway shares that a stack has."""
        return [arn for each in stack.node.find_all() if isinstance(each, cls) for arn in each.share_arns]
