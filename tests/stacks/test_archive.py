"""Archive: who starts what, what waits for whom, who may delete, and that no rule races the job."""

import json
from collections.abc import Mapping
from typing import Any

from tests.stacks.conftest import Assembly, flat
from tests.stacks.test_permissions import listed, object_patterns


def machines(assembly: Assembly) -> dict[str, dict[str, Any]]:
    """Definitions by the name of their construct."""
    found = assembly.resources("archive", "AWS::StepFunctions::StateMachine").values()
    return {
        machine["Metadata"]["aws:cdk:path"].split("/")[1]: json.loads(flat(machine["Properties"]["DefinitionString"]))
        for machine in found
    }


def rules(assembly: Assembly) -> dict[str, Mapping[str, Any]]:
    found = assembly.resources("archive", "AWS::Events::Rule").values()
    return {rule["Metadata"]["aws:cdk:path"].split("/")[1]: rule["Properties"] for rule in found}


def variables(assembly: Assembly, function: str) -> dict[str, Any]:
    (found,) = [
        resource["Properties"]["Environment"]["Variables"]
        for name, resource in assembly.resources("archive", "AWS::Lambda::Function").items()
        if name.startswith(f"archive/{function}Function")
    ]
    return dict(found)


def test_no_lifecycle_rule_moves_originals(assembly: Assembly) -> None:
    for bucket in assembly.resources("storage", "AWS::S3::Bucket").values():
        if "Sequencing" in bucket["Metadata"]["aws:cdk:path"]:
            given = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
            assert all("Transitions" not in rule and "NoncurrentVersionTransitions" not in rule for rule in given)


def test_copies_of_vcfs_go_after_their_time(default: Assembly, other: Assembly) -> None:
    for assembly, days in ((default, 365), (other, 100)):
        given = [
            rule
            for bucket in assembly.resources("storage", "AWS::S3::Bucket").values()
            for rule in bucket["Properties"]["LifecycleConfiguration"]["Rules"]
            if rule["Id"] == "vcf-copies"
        ]
        assert [(rule["Prefix"], rule["ExpirationInDays"]) for rule in given] == [("vcf_copies/", days)]


def test_storage_class_analysis_is_exported_to_the_logs(assembly: Assembly) -> None:
    (analysis,) = [
        each
        for bucket in assembly.resources("storage", "AWS::S3::Bucket").values()
        for each in bucket["Properties"].get("AnalyticsConfigurations", ())
    ]
    assert "Prefix" not in analysis
    destination = analysis["StorageClassAnalysis"]["DataExport"]["Destination"]
    assert destination["Prefix"] == "storage_analysis/sequencing"
    assert destination["BucketArn"]["Fn::GetAtt"][0].startswith("Logs")


def test_due_studies_are_looked_for_every_day(assembly: Assembly) -> None:
    daily = rules(assembly)["Daily"]
    assert daily["ScheduleExpression"] == "cron(15 2 * * ? *)"
    assert "DeadLetterConfig" in daily["Targets"][0]


def test_settings_reach_the_functions(default: Assembly, other: Assembly) -> None:
    for assembly, days, part, tier, owner in (
        (default, "90", "64", "Bulk", ""),
        (other, "30", "16", "Standard", "owner@lab.example"),
    ):
        assert variables(assembly, "FindDueStudies")["ARCHIVE_AFTER_DAYS"] == days
        assert variables(assembly, "FindDueStudies")["PART_MIB"] == part
        assert variables(assembly, "BeginRestore")["RESTORE_TIER"] == tier
        assert variables(assembly, "BeginRestore")["OWNER"] == owner


def test_a_restore_sleeps_on_a_token_until_an_event_wakes_it(assembly: Assembly) -> None:
    states = machines(assembly)["Restores"]["States"]
    assert states["AwaitTars"]["Resource"].endswith("lambda:invoke.waitForTaskToken")
    # S3 User Guide, "Understanding archive retrieval options": Bulk takes 48 hours.
    assert states["AwaitTars"]["TimeoutSeconds"] > 48 * 3600
    assert not [state for state in states.values() if state["Type"] == "Wait"]
    pattern = rules(assembly)["TarsRestored"]["EventPattern"]
    assert pattern["detail-type"] == ["Object Restore Completed"]
    assert pattern["detail"]["object"]["key"] == [{"prefix": "archives/"}]


def test_file_shares_are_refreshed_where_there_are_any(default: Assembly, other: Assembly) -> None:
    assert not [name for name in machines(default)["Restores"]["States"] if name.startswith("Refresh")]
    states = machines(other)["Restores"]["States"]
    refreshes = [states[f"RefreshShare{number}"] for number in (1, 2, 3)]
    assert {refresh["Resource"].rpartition("::")[2] for refresh in refreshes} == {"aws-sdk:storagegateway:refreshCache"}
    # The gateway's own, NFS and SMB, and the one of the setting.
    *own, named = (refresh["Parameters"]["FileShareARN"] for refresh in refreshes)
    assert named.endswith("share/share-0A1B2C3D")
    assert all("FileShareARN" in arn for arn in own)
    assert own[0] != own[1]
    following = [states["RestoreStudy"]["Next"], *(refresh["Next"] for refresh in refreshes)]
    assert following == ["RefreshShare1", "RefreshShare2", "RefreshShare3", "NotifyRequesters"]
    # Without tars to wait for, too: an earlier refresh may have failed.
    assert states["TarsNeeded?"]["Default"] == "RefreshShare1"


def test_a_gateway_that_is_away_keeps_no_e_mail_back(other: Assembly) -> None:
    states = machines(other)["Restores"]["States"]
    for number in (1, 2, 3):
        refresh = states[f"RefreshShare{number}"]
        assert refresh["Retry"][0]["ErrorEquals"] == ["States.ALL"]
        (caught,) = refresh["Catch"]
        assert caught == {"ErrorEquals": ["States.ALL"], "ResultPath": "$.unrefreshed", "Next": refresh["Next"]}


def test_waiting_for_tars_survives_a_fault_of_lambda(assembly: Assembly) -> None:
    (retry,) = machines(assembly)["Restores"]["States"]["AwaitTars"]["Retry"]
    assert "Lambda.TooManyRequestsException" in retry["ErrorEquals"]


def test_executions_that_end_badly_and_lost_events_raise_alarms(default: Assembly, other: Assembly) -> None:
    for assembly, subscribers in ((default, 0), (other, 1)):
        alarms = assembly.resources("archive", "AWS::CloudWatch::Alarm").values()
        watched = sorted(
            (a["Properties"]["MetricName"], flat(a["Properties"]["Dimensions"][0]["Value"])) for a in alarms
        )
        metrics = [metric for metric, _ in watched]
        assert metrics == [
            "ApproximateNumberOfMessagesVisible",
            *["ExecutionsFailed"] * 2,
            *["ExecutionsTimedOut"] * 2,
        ]
        assert len(set(watched)) == 5
        assert all(flat(alarm["Properties"]["AlarmActions"][0]).startswith("<AlarmsTopic") for alarm in alarms)
        assert len(assembly.resources("archive", "AWS::SNS::Subscription")) == subscribers


def test_every_failure_is_recorded(assembly: Assembly) -> None:
    for definition in machines(assembly).values():
        for name, state in definition["States"].items():
            if state["Type"] == "Task" and not name.startswith("RefreshShare"):
                caught = state["Catch"][0]["Next"]
                assert caught == ("FailedUnrecorded" if name == "RecordFailure" else "RecordFailure"), name
    assert rules(assembly)["Stopped"]["EventPattern"]["detail"]["status"] == ["FAILED", "ABORTED", "TIMED_OUT"]


def test_a_gateway_s_log_starts_restores(assembly: Assembly) -> None:
    (subscription,) = assembly.resources("archive", "AWS::Logs::SubscriptionFilter").values()
    assert subscription["Properties"]["FilterPattern"] == '{ $.type = "InaccessibleStorageClass" }'


def test_only_the_tool_deletes_and_only_what_it_archives(assembly: Assembly) -> None:
    originals = {"run_folders/*", "inbox/*", "steps/*", "archives/*"}
    assert object_patterns(assembly, "ArchiveStudyRole", "s3:DeleteObject*") == originals
    for name in assembly.resources("archive", "AWS::IAM::Policy"):
        if "Function" in name:
            assert object_patterns(assembly, name.split("/")[1], "s3:DeleteObject*") == set()


def test_only_one_function_asks_for_tars_and_of_archives_only(assembly: Assembly) -> None:
    asking = [
        (name, statement)
        for name, policy in assembly.resources("archive", "AWS::IAM::Policy").items()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if "s3:RestoreObject" in listed(statement["Action"])
    ]
    ((name, statement),) = asking
    assert name.startswith("archive/BeginRestoreFunction")
    assert flat(statement["Resource"]).endswith("/archives/*")
