"""Stage transfer: what the task copies and how, who may start it, and what follows its end."""

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest

from genomics.contracts.transfers import DEFAULT_EXCLUDES
from tests.conftest import LANDING, late
from tests.stacks.conftest import Assembly, flat

app_settings = late("settings")


def the_only(assembly: Assembly, kind: str) -> dict[str, Any]:
    (found,) = assembly.resources("transfer", kind).values()
    properties: dict[str, Any] = found["Properties"]
    return properties


def policy(assembly: Assembly, role: str) -> list[dict[str, Any]]:
    """Statements of the policies whose name begins with the role's."""
    return [
        statement
        for name, found in assembly.resources("transfer", "AWS::IAM::Policy").items()
        if name.startswith(f"transfer/{role}")
        for statement in found["Properties"]["PolicyDocument"]["Statement"]
    ]


def actions(statement: dict[str, Any]) -> set[str]:
    found = statement["Action"]
    return {found} if isinstance(found, str) else set(found)


def test_the_task_copies_what_has_changed_verifies_it_and_deletes_nothing(default: Assembly) -> None:
    task = the_only(default, "AWS::DataSync::Task")
    assert task["Options"] == {
        "BytesPerSecond": -1,
        "LogLevel": "TRANSFER",
        "OverwriteMode": "ALWAYS",
        "PreserveDeletedFiles": "PRESERVE",
        "TaskQueueing": "ENABLED",
        "TransferMode": "CHANGED",
        "VerifyMode": "ONLY_FILES_TRANSFERRED",
    }
    assert task["Excludes"] == [{"FilterType": "SIMPLE_PATTERN", "Value": "|".join(DEFAULT_EXCLUDES)}]
    report = task["TaskReportConfig"]
    assert (report["OutputType"], report["ReportLevel"]) == ("STANDARD", "ERRORS_ONLY")
    assert report["Overrides"] == {"Verified": {"ReportLevel": "SUCCESSES_AND_ERRORS"}}
    assert "Schedule" not in task


def test_settings_choose_class_limit_filters_and_schedule(other: Assembly) -> None:
    task = the_only(other, "AWS::DataSync::Task")
    assert task["Options"]["BytesPerSecond"] == 100 * 1024 * 1024
    assert task["Excludes"][0]["Value"] == "*/Images|*.tmp"
    assert task["Schedule"] == {"ScheduleExpression": "cron(0 2 * * ? *)"}
    assert the_only(other, "AWS::DataSync::LocationS3")["S3StorageClass"] == "STANDARD"


def test_run_folders_arrive_in_infrequent_access_below_their_prefix(default: Assembly) -> None:
    location = the_only(default, "AWS::DataSync::LocationS3")
    assert (location["S3StorageClass"], location["Subdirectory"]) == ("STANDARD_IA", "run_folders")


def test_the_landing_folder_is_read_over_nfs_or_smb(default: Assembly, other: Assembly) -> None:
    nfs = the_only(default, "AWS::DataSync::LocationNFS")
    assert nfs["OnPremConfig"] == {"AgentArns": [LANDING["datasync_agent_arns"]]}
    smb = the_only(other, "AWS::DataSync::LocationSMB")
    assert (smb["User"], smb["Domain"], smb["Subdirectory"]) == ("datasync", "lab.example.org", "/runs")
    assert "Password" not in smb
    assert set(smb["CustomSecretConfig"]) == {"SecretArn", "SecretAccessRoleArn"}


def test_datasync_alone_may_delete_and_only_current_versions_of_run_folders(assembly: Assembly) -> None:
    deleting = [
        (name.partition("/")[2], action, flat(statement["Resource"]).rsplit(">", 1)[-1])
        for name, found in assembly.resources("transfer", "AWS::IAM::Policy").items()
        for statement in found["Properties"]["PolicyDocument"]["Statement"]
        for action in actions(statement)
        if "Delete" in action and action != "sqs:DeleteMessage"
    ]
    [(name, action, resource)] = deleting
    assert name.startswith("LandingTaskWriter")
    assert (action, resource) == ("s3:DeleteObject", "/run_folders/*")


def test_datasync_has_what_it_is_documented_to_need_at_its_destination(default: Assembly) -> None:
    granted = {action for statement in policy(default, "LandingTaskWriter") for action in actions(statement)}
    # DataSync User Guide, "Configuring AWS DataSync transfers with Amazon S3", "Required permissions", destination.
    for needed in (
        *("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:AbortMultipartUpload"),
        *("s3:DeleteObject", "s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion"),
        *("s3:GetObjectVersionTagging", "s3:ListMultipartUploadParts", "s3:PutObject", "s3:PutObjectTagging"),
    ):
        assert any(fnmatchcase(needed, action) for action in granted), needed


def test_only_datasync_of_this_account_takes_its_roles(assembly: Assembly) -> None:
    roles = [
        statement
        for found in assembly.resources("transfer", "AWS::IAM::Role").values()
        for statement in found["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        if statement["Principal"] == {"Service": "datasync.amazonaws.com"}
    ]
    assert roles
    for statement in roles:
        assert "aws:SourceAccount" in statement["Condition"]["StringEquals"]
        assert ":datasync:" in flat(statement["Condition"]["ArnLike"]["aws:SourceArn"])


def test_datasync_may_write_the_tasks_log_group(default: Assembly) -> None:
    document = json.loads(flat(the_only(default, "AWS::Logs::ResourcePolicy")["PolicyDocument"]))
    [statement] = document["Statement"]
    assert statement["Principal"] == {"Service": "datasync.amazonaws.com"}
    assert set(statement["Action"]) == {"logs:CreateLogStream", "logs:PutLogEvents"}


def test_ends_of_the_task_alone_reach_the_queue_one_message_at_a_time(default: Assembly) -> None:
    patterns = [
        found["Properties"]["EventPattern"]
        for found in default.resources("transfer", "AWS::Events::Rule").values()
        if "EventPattern" in found["Properties"]
    ]
    assert len(patterns) == 1
    assert patterns[0]["detail"] == {"State": ["SUCCESS", "ERROR"]}
    # EventBridge's reference, "AWS DataSync events".
    assert (patterns[0]["source"], patterns[0]["detail-type"]) == (
        ["aws.datasync"],
        ["DataSync Task Execution State Change"],
    )
    assert flat(patterns[0]["resources"][0]["prefix"]).endswith(".TaskArn>/")
    mapping = the_only(default, "AWS::Lambda::EventSourceMapping")
    assert mapping["BatchSize"] == 1


def test_the_run_tracker_may_start_find_and_tag_executions_and_write_manifests(other: Assembly) -> None:
    statements = policy(other, "TrackerRole")
    found = {
        (action, flat(resource).rsplit(".", 1)[-1].rsplit(">", 1)[-1])
        for statement in statements
        for action in actions(statement)
        if not action.startswith("kms:")
        for resource in [statement["Resource"]]
    }
    manifests = {(f"s3:{name}", "/manifests/*") for name in (
        "Abort*", "PutObject", "PutObjectLegalHold", "PutObjectRetention", "PutObjectTagging",
        "PutObjectVersionTagging",
    )}  # fmt: skip
    assert found == manifests | {
        ("s3:GetObject", "/manifests/*"),
        ("datasync:StartTaskExecution", ""),
        ("datasync:ListTaskExecutions", ""),
        ("datasync:DescribeTaskExecution", "/execution/*"),
        ("datasync:ListTagsForResource", "/execution/*"),
        ("datasync:TagResource", "/execution/*"),
        # The alarms of its own.
        ("sns:Publish", ""),
    }


def test_the_run_tracker_gets_in_by_its_certificate_for_an_hour(other: Assembly) -> None:
    anchor = the_only(other, "AWS::RolesAnywhere::TrustAnchor")
    assert anchor["Source"]["SourceType"] == "CERTIFICATE_BUNDLE"
    assert "\nMIIB\n" in anchor["Source"]["SourceData"]["X509CertificateData"]
    assert the_only(other, "AWS::RolesAnywhere::Profile")["DurationSeconds"] == 3600
    [role] = [
        found["Properties"]
        for name, found in other.resources("transfer", "AWS::IAM::Role").items()
        if name.startswith("transfer/TrackerRole")
    ]
    entered, named = role["AssumeRolePolicyDocument"]["Statement"]
    assert actions(entered) == {"sts:AssumeRole", "sts:TagSession"}
    assert entered["Condition"]["StringEquals"] == {"aws:PrincipalTag/x509Subject/CN": "lab-tracker"}
    assert "TrustAnchorArn" in flat(entered["Condition"]["ArnEquals"]["aws:SourceArn"])
    assert actions(named) == {"sts:SetSourceIdentity"}


def test_without_a_trust_anchor_there_is_no_role_for_the_tracker(default: Assembly) -> None:
    assert policy(default, "TrackerRole") == []


def test_people_are_told_of_alarms_and_of_what_was_not_reconciled(other: Assembly) -> None:
    subscription = the_only(other, "AWS::SNS::Subscription")
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "lab@example.org")
    alarm = the_only(other, "AWS::CloudWatch::Alarm")
    assert (alarm["MetricName"], alarm["Threshold"]) == ("ApproximateNumberOfMessagesVisible", 1)
    assert len(alarm["AlarmActions"]) == 1


def test_a_sweep_comes_by_every_quarter_of_an_hour(default: Assembly) -> None:
    schedules = [
        found["Properties"]["ScheduleExpression"]
        for found in default.resources("transfer", "AWS::Events::Rule").values()
        if "ScheduleExpression" in found["Properties"]
    ]
    assert schedules == ["rate(15 minutes)"]


def test_without_a_landing_folder_there_is_no_transfer() -> None:
    settings = app_settings.Settings.read({})
    assert (settings.transfer(), settings.file_access()) == (None, None)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"datasync_agent_arns": ""}, "landing_server needs an agent that reads it"),
        ({"datasync_agent_arns": "agent-1"}, "'agent-1' is no agent's ARN"),
        ({"landing_protocol": "smb"}, "landing_protocol smb needs landing_smb_user"),
        ({"landing_server": "nas lab"}, "landing_server (GENOMICS_LANDING_SERVER) cannot be 'nas lab'"),
        ({"transfer_schedule": "daily"}, "cron(...) or rate(...)"),
        ({"tracker_trust_anchor": "secret"}, "trust anchor's ARN"),
        ({"windows_gib": "64"}, "windows_gib needs a directory to join"),
        ({"lustre_gib": "1300"}, "a multiple of 2400"),
        ({"file_gateway_nfs_clients": "lab"}, "file_gateway_nfs_clients"),
    ],
)
def test_a_bad_setting_is_named_in_one_line(given: dict[str, str], said: str) -> None:
    with pytest.raises(app_settings.SettingsError) as error:
        app_settings.Settings.read({f"genomics:{name}": value for name, value in {**LANDING, **given}.items()})
    assert said in str(error.value)
    assert "\n" not in str(error.value)
