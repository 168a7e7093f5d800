"""Settings: read here, from cdk context and environment, and nowhere else. Each stack gets a config of its own.

A setting is given as cdk context (`-c genomics:max_vcpus=64`, or in cdk.json) or as an environment variable
(`GENOMICS_MAX_VCPUS=64`), which wins. Nested ones are joined by a dot in context, by `__` in the environment:
`genomics:tools.align.vcpus`, `GENOMICS_TOOLS__ALIGN__VCPUS`.
"""

from typing import Any

import aws_cdk as cdk

from genomics.contracts.deployment import stack_name
from genomics.contracts.load_checks import LoadLimits
from genomics.contracts.steps import Step
from settings.choices import Choices
from settings.reading import SettingsError
from stacks.archive import ArchiveConfig
from stacks.constructs.annotation_refresh import ClinvarSource
from stacks.constructs.gateway_shares import Shares
from stacks.constructs.landing_task import Landing, TransferOptions
from stacks.constructs.notebook_desk import DeskConfig
from stacks.constructs.tool_image import ImageRegistry
from stacks.constructs.tool_job import ToolSize
from stacks.file_access import FileAccessConfig
from stacks.lake import LakeConfig
from stacks.machine_learning import MachineLearningConfig
from stacks.monitoring import MonitoringConfig
from stacks.network import NetworkConfig
from stacks.secondary import SecondaryConfig
from stacks.storage import StorageConfig
from stacks.transfer import TransferConfig

__all__ = ["Settings", "SettingsError"]


class Settings(Choices):
    """What each stack is given of what a deployment has chosen."""

    def every_stack(self, stage: str) -> dict[str, Any]:
        """What each stage's stack is given, as the CDK calls it."""
        return {
            "construct_id": stack_name(self.project, stage),
            "env": cdk.Environment(account=self.account, region=self.region),
            "termination_protection": not self.disposable,
            "tags": {"project": self.project, "stage": stage},
        }

    def storage(self) -> StorageConfig:
        """Of the stack storage."""
        return StorageConfig(
            disposable=self.disposable,
            partial_upload_days=self.partial_upload_days,
            noncurrent_days=self.noncurrent_days,
            trimmed_reads_days=self.trimmed_reads_days,
            access_log_days=self.access_log_days,
            query_result_days=self.query_result_days,
            vcf_copy_days=self.vcf_copy_days,
        )

    def transfer(self) -> TransferConfig | None:
        """Of the stack transfer; None without a landing folder."""
        if self.landing_server is None:
            return None
        return TransferConfig(
            landing=Landing(
                protocol=self.landing_protocol,
                server=self.landing_server,
                path=self.landing_path,
                agent_arns=self.datasync_agent_arns,
                smb_user=self.landing_smb_user,
                smb_domain=self.landing_smb_domain,
            ),
            options=TransferOptions(
                storage_class=self.transfer_storage_class,
                excludes=self.transfer_excludes,
                mib_per_second=self.transfer_mib_per_second,
                schedule=self.transfer_schedule,
            ),
            tracker_trust_anchor=self.tracker_trust_anchor,
            tracker_certificate_name=self.tracker_certificate_name,
            alarm_email=self.alarm_email,
            log_retention_days=self.log_retention_days,
        )

    def file_access(self) -> FileAccessConfig | None:
        """Of the stack file_access; None where nothing turns it on."""
        shares = None
        if self.file_gateway_arn and (self.file_gateway_nfs_clients or self.file_gateway_smb):
            shares = Shares(self.file_gateway_arn, self.file_gateway_nfs_clients, self.file_gateway_smb)
        if not (shares or self.lustre_gib or self.windows_gib or self.analysis_instance_type):
            return None
        return FileAccessConfig(
            shares=shares,
            lustre_gib=self.lustre_gib,
            windows_gib=self.windows_gib,
            windows_directory_id=self.windows_directory_id,
            analysis_instance_type=self.analysis_instance_type,
            disposable=self.disposable,
            log_retention_days=self.log_retention_days,
        )

    def network(self) -> NetworkConfig:
        """Of the stack network."""
        return NetworkConfig(
            cidr=self.vpc_cidr,
            availability_zones=self.availability_zones,
            nat_gateways=self.nat_gateways,
            log_retention_days=self.log_retention_days,
        )

    def secondary(self) -> SecondaryConfig:
        """Of the stack secondary."""
        return SecondaryConfig(
            project=self.project,
            samples_at_once=self.samples_at_once,
            tools={step: ToolSize(**getattr(self.tools, step).model_dump()) for step in Step},
            instance_types=self.instance_types,
            max_vcpus=self.max_vcpus,
            spot_bid_percentage=self.spot_bid_percentage,
            scratch_gib=self.scratch_gib,
            references_lustre_gib=self.references_lustre_gib,
            vep=self.vep,
            log_retention_days=self.log_retention_days,
            image_registry=ImageRegistry(self.project, self.image_registry),
            sign_off_hours=self.sign_off_hours,
            lims=self.lims.service(),
            tickets=self.tickets.service(),
        )

    def archive(self) -> ArchiveConfig:
        """Of the stack archive."""
        return ArchiveConfig(
            project=self.project,
            archive_after_days=self.archive_after_days,
            tar_gib=self.archive_tar_gib,
            part_mib=self.archive_part_mib,
            job=ToolSize(**self.archive_job.model_dump()),
            restore_tier=self.restore_tier,
            restored_days=self.restored_days,
            owner=self.study_owner_email,
            file_share_arns=self.file_share_arns,
            alarm_email=self.alarm_email,
            log_retention_days=self.log_retention_days,
            image_registry=ImageRegistry(self.project, self.image_registry),
        )

    def lake(self) -> LakeConfig:
        """Of the stack lake."""
        return LakeConfig(
            project=self.project,
            engine=self.lake_engine,
            spark_worker_type=self.spark_worker_type,
            spark_workers=self.spark_workers,
            spark_timeout_minutes=self.spark_timeout_minutes,
            query_scan_limit_gib=self.query_scan_limit_gib,
            analysts=self.lake_analysts,
            administrators=self.lake_administrators,
            redshift_rpus=self.redshift_rpus,
            log_retention_days=self.log_retention_days,
            disposable=self.disposable,
            limits=LoadLimits(**self.load_limits.model_dump()),
            clinvar=ClinvarSource(self.clinvar_url, self.clinvar_assembly, self.clinvar_schedule),
            tenant_crawl_schedule=self.tenant_crawl_schedule,
        )

    def machine_learning(self) -> MachineLearningConfig:
        """Of the stack machine_learning."""
        return MachineLearningConfig(
            project=self.project,
            spark_worker_type=self.spark_worker_type,
            spark_timeout_minutes=self.spark_timeout_minutes,
            desk=DeskConfig(self.notebook_instance_type, self.notebook_idle_minutes)
            if self.notebook_instance_type
            else None,
        )

    def monitoring(self) -> MonitoringConfig:
        """Of the stack monitoring."""
        return MonitoringConfig(
            project=self.project,
            alarm_email=self.alarm_email,
            usd_per_vcpu_hour=self.usd_per_vcpu_hour,
            log_retention_days=self.log_retention_days,
        )
