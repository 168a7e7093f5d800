"""Everything that a deployment may choose, read from cdk context and environment."""

import os
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableSetting

from genomics.contracts.archives import tool_memory
from genomics.contracts.steps import Step
from genomics.contracts.transfers import DEFAULT_EXCLUDES
from settings.reading import ENVIRONMENT_PREFIX, SettingsError, check_variables, line, nested
from settings.values import (
    PRIVATE_BLOCKS,
    RETENTIONS,
    Agents,
    Blocks,
    Certificate,
    Days,
    Email,
    FileShares,
    GlueSchedule,
    InstanceTypes,
    LabServiceSettings,
    Listed,
    LoadLimitSettings,
    LustreGib,
    Principals,
    PrivateBlock,
    RedshiftRpus,
    Retention,
    ToolSettings,
    ToolSizeSettings,
    WindowsGib,
    size,
)

_DAYS = "days, 1 to 3650"
_CRON = "cron(minutes hours day month weekday year) in UTC; unset: on demand"
_REDSHIFT_ZONES = 3


class Choices(BaseSettings):
    """The settings by themselves; what is wrong with one, or with two together, is found here."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
        frozen=True,
        extra="forbid",
        env_ignore_empty=True,
    )

    project: str = Field(
        "genomics",
        pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
        max_length=20,
        description="lower-case letters, digits and single dashes, a letter first, 20 at most",
    )
    account: str | None = Field(
        None, pattern=r"^[0-9]{12}$", description="an account's 12 digits; unset: that of the credentials in use"
    )
    region: str | None = Field(
        None, pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$", description="like us-east-1; unset: that of the credentials in use"
    )
    disposable: bool = Field(False, description="true (data goes with its stack) or false (data stays)")

    partial_upload_days: Days = Field(3, description=_DAYS)
    noncurrent_days: Days = Field(90, description=_DAYS)
    trimmed_reads_days: Days = Field(14, description=_DAYS)
    access_log_days: Days = Field(365, description=_DAYS)
    query_result_days: Days = Field(30, description=_DAYS)
    log_retention_days: Retention = Field(365, description="one of " + ", ".join(map(str, RETENTIONS)))

    landing_server: str | None = Field(
        None, pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,254}$", description="a host name or address; unset: no transfer"
    )
    landing_path: str = Field(
        "/landing", pattern=r"^/[A-Za-z0-9_./-]{1,255}$", description="the exported folder's path, from /"
    )
    landing_protocol: Literal["nfs", "smb"] = Field("nfs", description="one of nfs, smb")
    landing_smb_user: str = Field("", max_length=104, description="the user whom DataSync reads the SMB share as")
    landing_smb_domain: str | None = Field(
        None, pattern=r"^[A-Za-z0-9.-]{1,253}$", description="the Windows domain of that user"
    )
    datasync_agent_arns: Agents = Field(
        (),
        max_length=4,
        validate_default=True,
        description="ARNs of activated DataSync agents, separated by commas, 1 to 4",
    )
    transfer_storage_class: Literal["STANDARD_IA", "STANDARD"] = Field(
        "STANDARD_IA", description="one of STANDARD_IA, STANDARD"
    )
    transfer_excludes: Listed = Field(DEFAULT_EXCLUDES, description="DataSync's patterns, separated by commas")
    transfer_mib_per_second: int = Field(0, ge=0, le=10_000, description="MiB per second, 1 to 10000; 0: no limit")
    transfer_schedule: str | None = Field(
        None,
        pattern=r"^(cron|rate)\([^()]+\)$",
        description="cron(...) or rate(...), which copies everything there is; unset: the run tracker starts each",
    )
    tracker_trust_anchor: Certificate | None = Field(
        None,
        pattern=r"^(arn:aws[a-z-]*:rolesanywhere:\S+|-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----\s*)$",
        description="an IAM Roles Anywhere trust anchor's ARN, or the authority's certificates in PEM",
    )
    tracker_certificate_name: str = Field(
        "run-tracker", pattern=r"^[A-Za-z0-9._ -]{1,64}$", description="the common name in the tracker's certificate"
    )
    alarm_email: str | None = Field(
        None, pattern=r"^[^@\s]+@[^@\s]+$", max_length=254, description="an e-mail address; unset: nobody is told"
    )
    usd_per_vcpu_hour: float = Field(
        0.024,
        gt=0,
        lt=10,
        description="what the dashboard's estimate of costs rests on, for a vCPU with 4 GiB; by default half of what an"
        " m6i costs On-Demand in us-east-1",
    )

    file_gateway_arn: str | None = Field(
        None,
        pattern=r"^arn:aws[a-z-]*:storagegateway:[a-z0-9-]+:[0-9]{12}:gateway/sgw-[0-9A-F]{8}$",
        description="an activated S3 File Gateway's ARN; unset: no shares",
    )
    file_gateway_nfs_clients: Blocks = Field(
        (), description="blocks of IPv4 addresses, separated by commas; none: no NFS share"
    )
    file_gateway_smb: bool = Field(False, description="true (an SMB share for the gateway's domain) or false")
    lustre_gib: LustreGib = Field(0, ge=0, le=1_000_800, description="GiB: 1200, or a multiple of 2400; 0: no Lustre")
    windows_gib: WindowsGib = Field(0, ge=0, le=65_536, description="GiB, 32 to 65536; 0: no Windows shares")
    windows_directory_id: str | None = Field(
        None,
        pattern=r"^d-[0-9a-f]{10}$",
        validate_default=True,
        description="the AWS Managed Microsoft AD that Windows shares join, like d-0123456789",
    )
    analysis_instance_type: str | None = Field(
        None, pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$", description="like m7i.4xlarge; unset: no analysis instance"
    )

    notebook_instance_type: str | None = Field(
        None, pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$", description="like ml.t3.large; unset: no notebook instance"
    )
    notebook_idle_minutes: int = Field(
        60, ge=5, le=1440, description="minutes without work after which the notebook instance is stopped, 5 to 1440"
    )

    vpc_cidr: PrivateBlock = Field(
        "10.40.0.0/16", description="a block of size /16 in one of " + ", ".join(PRIVATE_BLOCKS)
    )
    availability_zones: int = Field(3, ge=2, le=6, description="a whole number, 2 to 6; no more than the region has")
    nat_gateways: int = Field(0, ge=0, le=6, description="a whole number, 0 to availability_zones")

    instance_types: InstanceTypes = Field(
        ("c6i", "m6i", "r6i", "c6a", "m6a", "r6a", "c5", "m5", "r5", "c7i", "m7i", "r7i"),
        min_length=1,
        description="x86 instance families or types, separated by commas, or optimal",
    )
    max_vcpus: int = Field(256, ge=1, le=100_000, description="a whole number, 1 to 100000, enough for every tool")
    spot_bid_percentage: int = Field(100, ge=1, le=100, description="per cent of the On-Demand price, 1 to 100")
    samples_at_once: int = Field(
        100,
        ge=1,
        le=10_000,
        description="a whole number, 1 to 10000: how many samples of a run are worked on at a time",
    )
    scratch_gib: int = Field(500, ge=50, le=16_384, description="GiB, 50 to 16384")
    references_lustre_gib: LustreGib = Field(
        0,
        ge=0,
        le=1_000_800,
        description="GiB of Lustre for prepared references: 1200, or a multiple of 2400; 0: they are on EFS",
    )
    vep: bool = Field(
        False, description="true (variants may be annotated with VEP, by the image annotate_vep) or false"
    )
    tools: ToolSettings = ToolSettings()
    sign_off_hours: int = Field(72, ge=1, le=240, description="hours, 1 to 240, of a run's 14 days")
    lims: LabServiceSettings = LabServiceSettings()
    tickets: LabServiceSettings = LabServiceSettings()
    image_registry: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-][a-z0-9]+)*)*$",
        description="a registry's host, with a path or without; unset: a repository for each tool in ECR",
    )

    archive_after_days: Days = Field(90, description=_DAYS)
    vcf_copy_days: Days = Field(365, description=_DAYS)
    archive_tar_gib: int = Field(1024, ge=1, le=5119, description="GiB, 1 to 5119: an object has 5 TiB at most")
    archive_part_mib: int = Field(64, ge=5, le=5120, description="MiB, 5 to 5120")
    archive_job: ToolSizeSettings = Field(size(2, 4096, 2880), validate_default=True)
    restore_tier: Literal["Standard", "Bulk"] = Field("Bulk", description="one of Standard (12 hours), Bulk (48 hours)")
    restored_days: int = Field(7, ge=1, le=365, description="days, 1 to 365")
    study_owner_email: Email | None = Field(
        None, description="an e-mail address, told of restores of studies that name no owner"
    )
    file_share_arns: FileShares = Field(
        (),
        description="ARNs of a file gateway's shares, separated by commas",
    )

    lake_engine: Literal["native", "hail"] = Field("native", description="what reads VCFs, one of native, hail")
    query_scan_limit_gib: int = Field(100, ge=1, le=1_000_000, description="GiB, 1 to 1000000")
    lake_analysts: Principals = Field(
        (),
        description="ARNs of roles and users that may take the analysts' role, separated by commas; none: those of this"
        " account whose own policies let them",
    )
    lake_administrators: Principals = Field(
        (),
        description="ARNs of roles and users that become administrators of the account's data lake, beside those that"
        " are, separated by commas",
    )
    redshift_rpus: RedshiftRpus = Field(
        0,
        ge=0,
        le=512,
        description="Redshift processing units, a multiple of 8 up to 512; 0: no Redshift",
    )
    spark_worker_type: Literal["G.1X", "G.2X", "G.4X", "G.8X"] = Field(
        "G.1X", description="one of G.1X, G.2X, G.4X, G.8X"
    )
    spark_workers: int = Field(4, ge=2, le=299, description="a whole number, 2 to 299")
    spark_timeout_minutes: int = Field(480, ge=1, le=7 * 24 * 60, description="minutes, 1 to 10080")
    load_limits: LoadLimitSettings = LoadLimitSettings()
    clinvar_url: str = Field(
        "https://ftp.ncbi.nlm.nih.gov/pub/clinvar/vcf_GRCh38/clinvar.vcf.gz",
        pattern=r"^(https|s3)://[^\s]+$",
        description="an https:// address, or an s3:// one below annotations/ of the data lake, its MD5 at <it>.md5",
    )
    clinvar_assembly: str = Field("GRCh38", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="a name like GRCh38")
    clinvar_schedule: GlueSchedule | None = Field(None, description=_CRON)
    tenant_crawl_schedule: GlueSchedule | None = Field(None, description=_CRON)

    @classmethod
    def read(cls, context: Mapping[str, Any]) -> Self:
        """Read our part of the cdk context, and the environment; SettingsError names a bad setting."""
        check_variables(cls, os.environ)
        try:
            return cls(**nested(context))
        except ValidationError as error:
            raise SettingsError(line(cls, error)) from None
        except UnreadableSetting as error:
            raise SettingsError(f"{error}; its parts are set by {ENVIRONMENT_PREFIX}<NAME>__<PART>") from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over context over defaults."""
        return env_settings, init_settings

    @field_validator("datasync_agent_arns")
    @classmethod
    def _agents(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if info.data.get("landing_server") and not value:
            raise ValueError("landing_server needs an agent that reads it")
        if info.data.get("landing_protocol") == "smb" and not info.data.get("landing_smb_user"):
            raise ValueError("landing_protocol smb needs landing_smb_user")
        return value

    @field_validator("windows_directory_id")
    @classmethod
    def _directory(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("windows_gib") and not value:
            raise ValueError("windows_gib needs a directory to join")
        return value

    @field_validator("nat_gateways")
    @classmethod
    def _gateways(cls, value: int, info: ValidationInfo) -> int:
        if value > info.data.get("availability_zones", value):
            raise ValueError("more than one per availability zone")
        return value

    @field_validator("redshift_rpus")
    @classmethod
    def _warehouse_zones(cls, value: int, info: ValidationInfo) -> int:
        if value and info.data.get("availability_zones", _REDSHIFT_ZONES) < _REDSHIFT_ZONES:
            raise ValueError(f"Redshift Serverless needs {_REDSHIFT_ZONES} availability_zones")
        return value

    @field_validator("archive_job")
    @classmethod
    def _archive_job_fits(cls, value: ToolSizeSettings, info: ValidationInfo) -> ToolSizeSettings:
        if value.vcpus > info.data.get("max_vcpus", value.vcpus):
            raise ValueError(f"it asks for {value.vcpus} vCPUs, more than max_vcpus")
        if "archive_tar_gib" in info.data and "archive_part_mib" in info.data:
            tar_gib, part_mib = info.data["archive_tar_gib"], info.data["archive_part_mib"]
            needed = tool_memory(tar_bytes=tar_gib << 30, part_bytes=part_mib << 20) >> 20
            if value.memory_mib < needed:
                raise ValueError(
                    f"tars of {tar_gib} GiB in parts of {part_mib} MiB or more take {needed} MiB of memory, "
                    f"and its memory_mib is {value.memory_mib}"
                )
        return value

    @field_validator("tools")
    @classmethod
    def _tools_fit(cls, value: ToolSettings, info: ValidationInfo) -> ToolSettings:
        most = info.data.get("max_vcpus")
        for step in Step:
            if most is not None and (wanted := getattr(value, step).vcpus) > most:
                raise ValueError(f"{step} asks for {wanted} vCPUs, and max_vcpus is {most}")
        return value
