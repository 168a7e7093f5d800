"""Stage file_access: the sequencing bucket as files, for those who need a path rather than a key.

Each way is off until a setting turns it on; with none, there is no such stack. docs/cost.md says what each costs.
"""

from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.analysis_instance import AnalysisInstance
from stacks.constructs.gateway_shares import GatewayShares, Shares
from stacks.constructs.lustre_scratch import LustreScratch
from stacks.constructs.windows_shares import WindowsShares


@dataclass(frozen=True)
class FileAccessConfig:
    """Which ways there are: a gateway's `shares`, GiB of Lustre or Windows storage, a type of instance; 0, None: off.

    `windows_directory_id` is the AWS Managed Microsoft AD that Windows storage joins.
    """

    shares: Shares | None
    lustre_gib: int
    windows_gib: int
    windows_directory_id: str | None
    analysis_instance_type: str | None
    disposable: bool
    log_retention_days: int


class FileAccess(cdk.Stack):
    """Gateway shares in the lab; Lustre, Windows shares and an analysis instance in the platform's network."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        sequencing: s3.IBucket,
        vpc: ec2.IVpc,
        config: FileAccessConfig,
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, **stack)
        if config.shares:
            GatewayShares(
                self,
                "Gateway",
                bucket=sequencing,
                shares=config.shares,
                log_retention_days=config.log_retention_days,
            )
        lustre = windows = None
        if config.lustre_gib:
            lustre = LustreScratch(self, "Lustre", vpc=vpc, bucket=sequencing, storage_gib=config.lustre_gib)
        if config.windows_gib:
            assert config.windows_directory_id is not None  # noqa: S101 settings have made sure
            windows = WindowsShares(
                self,
                "Windows",
                vpc=vpc,
                storage_gib=config.windows_gib,
                directory_id=config.windows_directory_id,
                disposable=config.disposable,
                log_retention_days=config.log_retention_days,
            )
        if config.analysis_instance_type:
            AnalysisInstance(
                self,
                "Analysis",
                vpc=vpc,
                instance_type=config.analysis_instance_type,
                lustre=lustre,
                windows=windows,
            )
