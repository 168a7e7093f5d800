"""Settings: where they come from, which one wins, and what a bad one says."""

import os
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from genomics.contracts.steps import Step
from tests.conftest import late
from tests.stacks.conftest import OTHER_SETTINGS

app_settings = late("settings")


@pytest.fixture(autouse=True)
def _no_settings_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("GENOMICS_"):
            monkeypatch.delenv(name)


def test_defaults_need_nothing() -> None:
    settings = app_settings.Settings.read({})
    assert settings.project == "genomics"
    assert settings.disposable is False
    assert settings.secondary().tools[Step.ALIGN].vcpus == 16


def test_context_of_others_is_left_alone() -> None:
    assert app_settings.Settings.read(
        {"@aws-cdk/aws-s3:createDefaultLoggingPolicy": True, "aws:cdk:x": 1}
    ) == app_settings.Settings.read({})


def test_context_sets_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    context = {"genomics:max_vcpus": "64", "genomics:project": "one"}
    assert app_settings.Settings.read(context).max_vcpus == 64
    monkeypatch.setenv("GENOMICS_MAX_VCPUS", "128")
    settings = app_settings.Settings.read(context)
    assert (settings.max_vcpus, settings.project) == (128, "one")


def test_a_part_of_a_tools_size_can_be_set_from_either_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENOMICS_TOOLS__ALIGN__VCPUS", "2")
    tools = app_settings.Settings.read(
        {"genomics:tools.align.memory_mib": "4096", "genomics:tools.fastp": {"vcpus": 1}}
    ).tools
    assert (tools.align.vcpus, tools.align.memory_mib, tools.align.timeout_minutes) == (2, 4096, 1440)
    assert (tools.fastp.vcpus, tools.fastp.memory_mib) == (1, 7168)


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENOMICS_ACCOUNT", "")
    assert app_settings.Settings.read({}).account is None


def test_instance_types_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENOMICS_INSTANCE_TYPES", "optimal, c6i.4xlarge,m7i")
    assert app_settings.Settings.read({}).instance_types == ("optimal", "c6i.4xlarge", "m7i")
    assert app_settings.Settings.read({"genomics:instance_types": ["m5"]}).instance_types == (
        "optimal",
        "c6i.4xlarge",
        "m7i",
    )


@pytest.mark.parametrize(
    ("context", "line"),
    [
        ({"project": "My Lab"}, "project (GENOMICS_PROJECT) cannot be 'My Lab'; allowed: lower-case letters"),
        ({"disposable": "perhaps"}, "disposable (GENOMICS_DISPOSABLE) cannot be 'perhaps'; allowed: true"),
        ({"account": "12"}, "account (GENOMICS_ACCOUNT) cannot be '12'; allowed: an account's 12 digits"),
        ({"region": "mars"}, "region (GENOMICS_REGION) cannot be 'mars'; allowed: like us-east-1"),
        (
            {"availability_zones": "9"},
            "availability_zones (GENOMICS_AVAILABILITY_ZONES) cannot be '9'; allowed: a whole",
        ),
        (
            {"availability_zones": "2", "nat_gateways": "3"},
            "nat_gateways (GENOMICS_NAT_GATEWAYS) cannot be '3' (more than one per availability zone); allowed: a",
        ),
        (
            {"redshift_rpus": "20"},
            "redshift_rpus (GENOMICS_REDSHIFT_RPUS) cannot be '20' (Redshift Serverless does not offer it); allowed",
        ),
        (
            {"availability_zones": "2", "redshift_rpus": "8"},
            "redshift_rpus (GENOMICS_REDSHIFT_RPUS) cannot be '8' (Redshift Serverless needs 3 availability_zones); al",
        ),
        (
            {"lake_analysts": "arn:aws:iam::123456789012:role/A,ada"},
            "lake_analysts (GENOMICS_LAKE_ANALYSTS) cannot be 'arn:aws:iam::123456789012:role/A,ada' ('ada' is neither",
        ),
        (
            {"log_retention_days": "8"},
            "log_retention_days (GENOMICS_LOG_RETENTION_DAYS) cannot be '8' (CloudWatch Logs",
        ),
        (
            {"vpc_cidr": "8.8.0.0/16"},
            "vpc_cidr (GENOMICS_VPC_CIDR) cannot be '8.8.0.0/16' (not such a block); allowed: a",
        ),
        (
            {"vpc_cidr": "0.0.0.0/16"},
            "vpc_cidr (GENOMICS_VPC_CIDR) cannot be '0.0.0.0/16' (not such a block); allowed: a block of size",
        ),
        (
            {"vpc_cidr": "10.0.0.1/16"},
            "vpc_cidr (GENOMICS_VPC_CIDR) cannot be '10.0.0.1/16' (10.0.0.1/16 has host bits",
        ),
        (
            {"instance_types": "c6i,c9z"},
            "instance_types (GENOMICS_INSTANCE_TYPES) cannot be 'c6i,c9z' ('c9z' is none); allowed: x86 instance",
        ),
        (
            {"instance_types": "m6g"},
            "instance_types (GENOMICS_INSTANCE_TYPES) cannot be 'm6g' ('m6g' is none); allowed: x86 instance",
        ),
        (
            {"spark_worker_type": "G.9X"},
            "spark_worker_type (GENOMICS_SPARK_WORKER_TYPE) cannot be 'G.9X'; allowed: one of",
        ),
        (
            {"tools.align.vcpus": "0"},
            "tools.align.vcpus (GENOMICS_TOOLS__ALIGN__VCPUS) cannot be '0'; allowed: a whole number, 1 to 192",
        ),
        (
            {"max_vcpus": "8"},
            "tools (GENOMICS_TOOLS) cannot be used (align asks for 16 vCPUs, and max_vcpus is 8)",
        ),
        (
            {"archive_part_mib": "5120"},
            "archive_job (GENOMICS_ARCHIVE_JOB) cannot be used (tars of 1024 GiB in parts of 5120 MiB or more take "
            "20736 MiB of memory, and its memory_mib is 4096)",
        ),
        (
            # 10,000 parts hold 1 TiB when each has 105 MiB, whatever the part's setting.
            {"archive_job.memory_mib": "600", "archive_part_mib": "5"},
            "archive_job (GENOMICS_ARCHIVE_JOB) cannot be used (tars of 1024 GiB in parts of 5 MiB or more take 676",
        ),
        (
            {"lims.url": "https://lims.lab.example/"},
            "lims.secret (GENOMICS_LIMS__SECRET) cannot be used (url needs a secret with the token); allowed: the name",
        ),
        (
            {"tickets.url": "http://tickets.lab.example/"},
            "tickets.url (GENOMICS_TICKETS__URL) cannot be 'http://tickets.lab.example/'; allowed: an address that",
        ),
        (
            {"lims.url": "https://name:password@lims.lab.example/"},
            "lims.url (GENOMICS_LIMS__URL) cannot be 'https://name:password@lims.lab.example/'; allowed: an address",
        ),
        (
            {"sign_off_hours": "241"},
            "sign_off_hours (GENOMICS_SIGN_OFF_HOURS) cannot be '241'; allowed: hours, 1 to 240",
        ),
        ({"max_vcpu": "8"}, "max_vcpu (GENOMICS_MAX_VCPU) is no setting; there are project, account, region"),
        (
            {"tools.bowtie.vcpus": "8"},
            "tools.bowtie (GENOMICS_TOOLS__BOWTIE) is no setting; there are demultiplex, prepare_reference,",
        ),
        ({"tools": "big"}, "tools (GENOMICS_TOOLS) cannot be 'big'"),
    ],
)
def test_a_bad_setting_is_named_in_one_line_with_what_is_allowed(context: dict[str, Any], line: str) -> None:
    with pytest.raises(app_settings.SettingsError) as caught:
        app_settings.Settings.read({f"genomics:{name}": value for name, value in context.items()})
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


def test_a_bad_variable_is_named_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENOMICS_TOOLS__FASTP__MEMORY_MIB", "plenty")
    with pytest.raises(
        app_settings.SettingsError, match=r"^tools\.fastp\.memory_mib \(GENOMICS_TOOLS__FASTP__MEMORY_MIB\) cannot be"
    ):
        app_settings.Settings.read({})


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("GENOMICS_MAX_VCPU", "8", "GENOMICS_MAX_VCPU is no setting; do you mean GENOMICS_MAX_VCPUS?"),
        ("GENOMICS_TOOL__ALIGN__VCPUS", "8", "GENOMICS_TOOL__ALIGN__VCPUS is no setting; do you mean GENOMICS_TOOLS?"),
        ("GENOMICS_TOOLS", "big", 'error parsing value for field "tools" from source "EnvSettingsSource"'),
    ],
)
def test_a_misspelt_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, line: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(app_settings.SettingsError) as caught:
        app_settings.Settings.read({})
    assert str(caught.value).startswith(line)


def test_variables_of_other_programs_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENOMICS_SHARED_DATA", "/somewhere")
    monkeypatch.setenv("GENOMICS_DATA", "/elsewhere")
    assert app_settings.Settings.read({}).project == "genomics"


def test_a_setting_cannot_be_given_whole_and_in_part() -> None:
    with pytest.raises(app_settings.SettingsError, match="is set as a whole already"):
        app_settings.Settings.read({"genomics:project": "x", "genomics:project.name": "y"})


def test_every_setting_reaches_a_stack_or_the_app() -> None:
    settings = app_settings.Settings.read({f"genomics:{name}": value for name, value in OTHER_SETTINGS.items()})
    configs = (
        *(settings.storage(), settings.network(), settings.secondary(), settings.lake(), settings.archive()),
        *(settings.transfer(), settings.file_access(), settings.monitoring(), settings.machine_learning()),
    )
    carried = {name for config in configs for name in names(config)}
    renamed = {
        "vpc_cidr": "cidr",
        "landing_server": "server",
        "landing_path": "path",
        "landing_protocol": "protocol",
        "landing_smb_user": "smb_user",
        "landing_smb_domain": "smb_domain",
        "datasync_agent_arns": "agent_arns",
        "transfer_storage_class": "storage_class",
        "transfer_excludes": "excludes",
        "transfer_mib_per_second": "mib_per_second",
        "transfer_schedule": "schedule",
        "file_gateway_arn": "gateway_arn",
        "file_gateway_nfs_clients": "nfs_clients",
        "file_gateway_smb": "smb",
        "archive_tar_gib": "tar_gib",
        "archive_part_mib": "part_mib",
        "archive_job": "job",
        "study_owner_email": "owner",
        "lake_engine": "engine",
        "load_limits": "limits",
        "clinvar_url": "url",
        "clinvar_assembly": "assembly",
        "clinvar_schedule": "schedule",
        "notebook_instance_type": "instance_type",
        "notebook_idle_minutes": "idle_minutes",
        "lake_analysts": "analysts",
        "lake_administrators": "administrators",
    }
    of_the_app = {"account", "region", "project", "disposable"}
    for name in app_settings.Settings.model_fields:
        assert renamed.get(name, name) in carried | of_the_app, name


def names(config: Any) -> set[str]:
    """Fields of a config, and of what it holds."""
    assert is_dataclass(config)
    held = [value for field in fields(config) if is_dataclass(value := getattr(config, field.name))]
    return {field.name for field in fields(config)}.union(*map(names, held))
