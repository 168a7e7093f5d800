"""The app in two configurations, and what cdk-nag would say if nothing were acknowledged."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import late

app, app_settings = late("app"), late("settings")
ROOT = Path(__file__).resolve().parents[2]

# Everything that has a choice is chosen otherwise than by default.
OTHER_SETTINGS = {
    "project": "trial-2",
    "account": "210987654321",
    "region": "eu-central-1",
    "disposable": "true",
    "partial_upload_days": "1",
    "noncurrent_days": "7",
    "trimmed_reads_days": "2",
    "access_log_days": "30",
    "query_result_days": "5",
    "log_retention_days": "14",
    "image_registry": "registry.example.org/tools",
    "landing_server": "10.0.0.5",
    "landing_path": "/runs",
    "landing_protocol": "smb",
    "landing_smb_user": "datasync",
    "landing_smb_domain": "lab.example.org",
    "datasync_agent_arns": "arn:aws:datasync:eu-central-1:210987654321:agent/agent-0123456789abcdef0",
    "transfer_storage_class": "STANDARD",
    "transfer_excludes": "*/Images,*.tmp",
    "transfer_mib_per_second": "100",
    "transfer_schedule": "cron(0 2 * * ? *)",
    "tracker_trust_anchor": "-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----",
    "tracker_certificate_name": "lab-tracker",
    "alarm_email": "lab@example.org",
    "usd_per_vcpu_hour": "0.05",
    "file_gateway_arn": "arn:aws:storagegateway:eu-central-1:210987654321:gateway/sgw-12A3456B",
    "file_gateway_nfs_clients": "10.1.0.0/16",
    "file_gateway_smb": "true",
    "lustre_gib": "1200",
    "windows_gib": "64",
    "windows_directory_id": "d-0123456789",
    "analysis_instance_type": "m7i.4xlarge",
    "notebook_instance_type": "ml.t3.large",
    "notebook_idle_minutes": "30",
    "vpc_cidr": "10.99.0.0/16",
    "availability_zones": "4",
    "nat_gateways": "1",
    "instance_types": "optimal,c6i.8xlarge,m6i",
    "max_vcpus": "48",
    "spot_bid_percentage": "60",
    "samples_at_once": "500",
    "scratch_gib": "200",
    "references_lustre_gib": "2400",
    "vep": "true",
    "tools.align.vcpus": "8",
    "tools.align.memory_mib": "14336",
    "tools.align.timeout_minutes": "90",
    "sign_off_hours": "24",
    "lims.url": "https://lims.lab.example/api/samples",
    "lims.secret": "lab/lims",
    "lims.key_arn": "arn:aws:kms:eu-central-1:210987654321:key/0123abcd-0000-4000-8000-0123456789ab",
    "tickets.url": "https://tickets.lab.example/api/tickets",
    "tickets.secret": "arn:aws:secretsmanager:eu-central-1:210987654321:secret:lab/tickets-a1B2c3",
    "archive_after_days": "30",
    "vcf_copy_days": "100",
    "archive_tar_gib": "64",
    "archive_part_mib": "16",
    "archive_job.memory_mib": "2048",
    "restore_tier": "Standard",
    "restored_days": "3",
    "study_owner_email": "owner@lab.example",
    "file_share_arns": "arn:aws:storagegateway:eu-central-1:210987654321:share/share-0A1B2C3D",
    "lake_engine": "hail",
    "query_scan_limit_gib": "7",
    "lake_analysts": "arn:aws:iam::210987654321:role/Researchers,arn:aws:iam::210987654321:user/ada",
    "lake_administrators": "arn:aws:iam::210987654321:role/DataStewards",
    "redshift_rpus": "16",
    "spark_worker_type": "G.2X",
    "spark_workers": "3",
    "spark_timeout_minutes": "33",
    "load_limits.most_rejects": "0.02",
    "load_limits.most_duplicates": "0.5",
    "load_limits.least_ti_tv": "1.5",
    "load_limits.most_ti_tv": "4",
    "load_limits.least_het_hom": "0.5",
    "load_limits.most_het_hom": "5",
    "load_limits.least_for_ratios": "500",
    "load_limits.reference_build": "GRCh38",
    "load_limits.least_of_previous": "0.5",
    "clinvar_url": "s3://mirror/clinvar.vcf.gz",
    "clinvar_assembly": "GRCh37",
    "clinvar_schedule": "cron(0 3 ? * MON *)",
    "tenant_crawl_schedule": "cron(0 4 * * ? *)",
}


@dataclass(frozen=True)
class Assembly:
    """A cdk.out."""

    directory: Path
    project: str

    def resources(self, stack: str | None = None, kind: str | None = None) -> dict[str, dict[str, Any]]:
        """Resources by "stack/logical id", of one stack and one type if asked for."""
        return {
            f"{name}/{logical_id}": resource
            for name, template in self.templates.items()
            for logical_id, resource in template["Resources"].items()
            if stack in (None, name) and kind in (None, resource["Type"])
        }

    @property
    def templates(self) -> dict[str, dict[str, Any]]:
        """Templates by the stack's short name."""
        paths = sorted(self.directory.glob("*.template.json"))
        return {
            path.name.removesuffix(".template.json").removeprefix(f"{self.project}-"): json.loads(path.read_text())
            for path in paths
        }

    def state_machine(self, stack: str, name: str = "") -> dict[str, Any]:
        """The one definition of a stack whose id begins with `name`; references stand as text like `<Name.Arn>`."""
        machines = self.resources(stack, "AWS::StepFunctions::StateMachine")
        (machine,) = (machine for key, machine in machines.items() if key.startswith(f"{stack}/{name}"))
        return dict(json.loads(flat(machine["Properties"]["DefinitionString"])))

    @property
    def violations(self) -> list[Mapping[str, Any]]:
        """What the report of the validation plugins holds, warnings included."""
        report = json.loads((self.directory / "validation-report.json").read_text())
        return [violation for plugin in report["pluginReports"] for violation in plugin["violations"]]


def flat(value: Any) -> str:
    """A template's value as text, references in angle brackets."""
    match value:
        case str() | int():
            return str(value)
        case {"Fn::Join": [delimiter, parts]}:
            return str(delimiter).join(flat(part) for part in parts)
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::ImportValue": name}:
            return f"<{flat(name)}>"
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::Select": [int() as place, {"Fn::Split": [str() as delimiter, whole]}]}:
            return f"<{flat(whole).strip('<>')} split at {delimiter}, part {place}>"
        case {"Fn::Sub": text}:
            return re.sub(r"\$\{(.*?)\}", r"<\1>", text)
    raise TypeError(f"{value!r} is not understood")


@pytest.fixture(scope="session")
def default(cloud_assembly: Path) -> Assembly:
    """Default settings."""
    return Assembly(cloud_assembly, "genomics")


@pytest.fixture(scope="session")
def other(cdk_synth: Any, tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """OTHER_SETTINGS."""
    output = tmp_path_factory.mktemp("other") / "cdk.out"
    ended = cdk_synth(output, OTHER_SETTINGS)
    assert ended.returncode == 0, ended.stderr
    return Assembly(output, OTHER_SETTINGS["project"])


@pytest.fixture(scope="session", params=["default", "other"])
def assembly(request: pytest.FixtureRequest) -> Assembly:
    """Both configurations, one after the other."""
    found: Assembly = request.getfixturevalue(request.param)
    return found


@dataclass(frozen=True)
class Compliance:
    """`findings` of cdk-nag when nothing is acknowledged, and what the app acknowledges: construct path and rule."""

    findings: frozenset[tuple[str, str]]
    acknowledged: Mapping[tuple[str, str], str]


@pytest.fixture(scope="session")
def compliance(tmp_path_factory: pytest.TempPathFactory) -> Compliance:
    """Of the configuration with the most resources. The CDK ignores identifiers that match nothing; this does not."""
    acknowledged: dict[tuple[str, str], str] = {}
    # The CDK puts another module in its own place when it is loaded, so it cannot itself come late.
    cdk = app.cdk
    of = cdk.Validations.of

    class Noted:
        def __init__(self, construct: Any) -> None:
            self._construct = construct

        def acknowledge(self, *rules: Any) -> None:
            acknowledged.update({(self._construct.node.path, rule.id): rule.reason for rule in rules})

        def add_plugins(self, *plugins: Any) -> None:
            of(self._construct).add_plugins(*plugins)

    output = tmp_path_factory.mktemp("unacknowledged") / "cdk.out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cdk.Validations, "of", Noted)
        context = json.loads((ROOT / "cdk.json").read_text())["context"]
        unacknowledged = cdk.App(analytics_reporting=False, context=context, outdir=str(output))
        given = {f"genomics:{name}": value for name, value in OTHER_SETTINGS.items()}
        app.build(unacknowledged, app_settings.Settings.read(given))
        with pytest.raises(RuntimeError):
            unacknowledged.synth()
    findings = frozenset(
        (construct["constructPath"], violation["ruleName"])
        for violation in Assembly(output, "").violations
        for construct in violation["violatingConstructs"]
    )
    return Compliance(findings, acknowledged)
