"""What single settings may hold: types that check a value by itself, and what a job of a tool gets."""

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from genomics.contracts.archives import is_email
from genomics.contracts.load_checks import LoadLimits
from stacks.constructs.lab_service import LabService
from stacks.constructs.tool_fleet import is_instance_type

# Private addresses, by RFC 1918.
PRIVATE_BLOCKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
# What CloudWatch Logs offers.
RETENTIONS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
_LIMITS = LoadLimits()
Share = Annotated[float, Field(ge=0, le=1, description="a share, 0 to 1")]
GlueSchedule = Annotated[str, Field(pattern=r"^cron\([^()]+\)$")]
Ratio = Annotated[float, Field(ge=0, le=100, description="a ratio, 0 to 100")]
_AGENT = re.compile(r"arn:aws[a-z-]*:datasync:[a-z0-9-]+:[0-9]{12}:agent/agent-[0-9a-z]{17}")
# Of IAM: what may be trusted with a role, and what Lake Formation knows as principals.
_PRINCIPAL = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[A-Za-z0-9+=,.@_/-]{1,512}")
_FILE_SHARE = re.compile(r"arn:[a-z-]+:storagegateway:[a-z0-9-]+:\d+:share/share-[A-Za-z0-9]+")


class Frozen(BaseModel):
    """A group of settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ToolSizeSettings(Frozen):
    """What one job of a tool gets, and how long one attempt may take."""

    vcpus: int = Field(ge=1, le=192, description="a whole number, 1 to 192")
    memory_mib: int = Field(ge=512, le=1_572_864, description="MiB, 512 to 1572864")
    timeout_minutes: int = Field(ge=1, le=14 * 24 * 60, description="minutes, 1 to 20160")


class LabServiceSettings(Frozen):
    """A service of the lab's that is told something by REST; `url` unset: there is none."""

    url: str | None = Field(
        default=None,
        pattern=r"^(https://[^\s/?#@]+|http://(localhost|127\.0\.0\.1)(:[0-9]+)?)(/[^\s#]*)?$",
        description="an address that begins with https:// (http:// on this machine only); unset: nobody is told",
    )
    secret: str | None = Field(
        default=None,
        pattern=r"^(arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:)?[A-Za-z0-9/_+=.@-]{1,512}$",
        validate_default=True,
        description="the name or ARN of the secret in Secrets Manager that holds the service's token",
    )
    key_arn: str | None = Field(
        default=None,
        pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$",
        description="the ARN of the KMS key that encrypts the secret; unset: the account's own key of Secrets Manager",
    )

    @field_validator("secret")
    @classmethod
    def _token(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("url") and not value:
            raise ValueError("url needs a secret with the token")
        return value

    def service(self) -> LabService | None:
        """None where there is none."""
        return LabService(self.url, self.secret, self.key_arn) if self.url and self.secret else None


class LoadLimitSettings(Frozen):
    """What is loaded into the lake is held against these; a load beyond them stays, and people are told."""

    most_rejects: Share = _LIMITS.most_rejects
    most_duplicates: Share = _LIMITS.most_duplicates
    least_ti_tv: Ratio = _LIMITS.least_ti_tv
    most_ti_tv: Ratio = _LIMITS.most_ti_tv
    least_het_hom: Ratio = _LIMITS.least_het_hom
    most_het_hom: Ratio = _LIMITS.most_het_hom
    least_for_ratios: int = Field(default=_LIMITS.least_for_ratios, ge=1, description="a whole number of SNVs or calls")
    reference_build: Literal["", "GRCh37", "GRCh38", "CHM13"] = Field(
        default="", description="one of GRCh37, GRCh38, CHM13; unset: any"
    )
    least_of_previous: Share = _LIMITS.least_of_previous

    @field_validator("most_ti_tv", "most_het_hom")
    @classmethod
    def _above(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get(str(info.field_name).replace("most", "least"), value):
            raise ValueError("less than the least")
        return value


def size(vcpus: int, memory_mib: int, timeout_minutes: int) -> ToolSizeSettings:
    """The three in their order."""
    return ToolSizeSettings(vcpus=vcpus, memory_mib=memory_mib, timeout_minutes=timeout_minutes)


class ToolSettings(Frozen):
    """Sizes for 30x human genomes. Memory leaves the instance a tenth of its own."""

    demultiplex: ToolSizeSettings = size(8, 28672, 1440)
    prepare_reference: ToolSizeSettings = size(2, 7168, 240)
    prepare_annotation: ToolSizeSettings = size(2, 14336, 240)
    fastp: ToolSizeSettings = size(4, 7168, 240)
    align: ToolSizeSettings = size(16, 28672, 1440)
    coverage: ToolSizeSettings = size(2, 3584, 240)
    call_variants: ToolSizeSettings = size(1, 3584, 480)
    gather_variants: ToolSizeSettings = size(1, 3584, 240)
    annotate: ToolSizeSettings = size(2, 14336, 240)
    quality: ToolSizeSettings = size(2, 3584, 240)


def _split(value: object) -> object:
    return tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value


def _instance_types(value: tuple[str, ...]) -> tuple[str, ...]:
    if wrong := [name for name in value if not is_instance_type(name)]:
        raise ValueError(f"{wrong[0]!r} is none")
    return value


def _agents(value: tuple[str, ...]) -> tuple[str, ...]:
    if wrong := [arn for arn in value if not _AGENT.fullmatch(arn)]:
        raise ValueError(f"{wrong[0]!r} is no agent's ARN")
    return value


def _file_shares(value: tuple[str, ...]) -> tuple[str, ...]:
    if wrong := [arn for arn in value if not _FILE_SHARE.fullmatch(arn)]:
        raise ValueError(f"{wrong[0]!r} is none")
    return value


def _principals(value: tuple[str, ...]) -> tuple[str, ...]:
    if wrong := [arn for arn in value if not _PRINCIPAL.fullmatch(arn)]:
        raise ValueError(f"{wrong[0]!r} is neither a role's nor a user's ARN")
    return value


def _blocks(value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(ipaddress.IPv4Network(block)) for block in value)


def _private_block(value: str) -> str:
    block = ipaddress.IPv4Network(value)
    private = (ipaddress.IPv4Network(each) for each in PRIVATE_BLOCKS)
    if block.prefixlen != 16 or not any(block.subnet_of(each) for each in private):
        raise ValueError("not such a block")
    return value


def _retention(value: int) -> int:
    if value not in RETENTIONS:
        raise ValueError("CloudWatch Logs does not offer it")
    return value


def _lustre(value: int) -> int:
    if value != 1200 and value % 2400:
        raise ValueError("FSx for Lustre does not offer it")
    return value


def _windows(value: int) -> int:
    if 0 < value < 32:
        raise ValueError("FSx for Windows does not offer it")
    return value


def _rpus(value: int) -> int:
    if value % 8:
        raise ValueError("Redshift Serverless does not offer it")
    return value


def _email(value: str) -> str:
    if not is_email(value):
        raise ValueError("not such an address")
    return value


def _line_breaks(value: object) -> object:
    # Certificates have line breaks, which files of variables cannot hold.
    return value.replace("\\n", "\n") if isinstance(value, str) else value


Days = Annotated[int, Field(ge=1, le=3650)]
# Given as names that commas separate.
Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
InstanceTypes = Annotated[Listed, AfterValidator(_instance_types)]
Agents = Annotated[Listed, AfterValidator(_agents)]
FileShares = Annotated[Listed, AfterValidator(_file_shares)]
Principals = Annotated[Listed, AfterValidator(_principals)]
Blocks = Annotated[Listed, AfterValidator(_blocks)]
PrivateBlock = Annotated[str, AfterValidator(_private_block)]
Retention = Annotated[int, AfterValidator(_retention)]
LustreGib = Annotated[int, AfterValidator(_lustre)]
WindowsGib = Annotated[int, AfterValidator(_windows)]
RedshiftRpus = Annotated[int, AfterValidator(_rpus)]
Email = Annotated[str, AfterValidator(_email)]
Certificate = Annotated[str, BeforeValidator(_line_breaks)]
