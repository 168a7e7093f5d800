"""What stitches the lake's jobs: checks and notices, ClinVar's workflow, the tenants' crawler, the sessions' role."""

import json
from typing import Any

from genomics.contracts.codec import loads
from genomics.contracts.load_checks import LoadLimits
from glue_jobs.annotation_checks import options as checks
from glue_jobs.annotation_refresh import options as refresh
from tests.stacks.conftest import flat
from tests.stacks.test_lake import jobs
from tests.stacks.test_permissions import listed, statements


def triggers(assembly: Any) -> dict[str, dict[str, Any]]:
    """Properties of the triggers, by the first words of their logical ids."""
    found = assembly.resources("lake", "AWS::Glue::Trigger")
    return {
        name.split("/")[1].removeprefix("Refresh").partition("Trigger")[0]: t["Properties"] for name, t in found.items()
    }


def job_of(assembly: Any, reference: Any) -> str:
    """Which job an action or a condition names."""
    resources = assembly.resources("lake", "AWS::Glue::Job")
    job = resources[f"lake/{flat(reference).strip('<>')}"]["Properties"]
    return next(name for name, properties in jobs(assembly).items() if properties == job)


def allowed(assembly: Any, role: str) -> dict[str, set[str]]:
    """Actions that policies whose names start with `role` allow, with the resources."""
    found: dict[str, set[str]] = {}
    for name, statement in statements(assembly):
        if name.split("/")[1].startswith(role):
            for action in listed(statement["Action"]):
                found.setdefault(action, set()).update(flat(r) for r in listed(statement["Resource"]))
    return found


def test_clinvar_is_found_then_loaded_then_checked(assembly: Any) -> None:
    found = triggers(assembly)
    assert set(found) == {"Start", "Load", "Check"}
    assert len({flat(trigger["WorkflowName"]) for trigger in found.values()}) == 1
    order = {
        name: (
            [job_of(assembly, c["JobName"]) for c in trigger.get("Predicate", {}).get("Conditions", ())],
            [job_of(assembly, action["JobName"]) for action in trigger["Actions"]],
        )
        for name, trigger in found.items()
    }
    assert order == {
        "Start": ([], ["annotation_refresh"]),
        "Load": (["annotation_refresh"], ["annotations"]),
        "Check": (["annotations"], ["annotation_checks"]),
    }
    for name in ("Load", "Check"):
        assert found[name]["Type"] == "CONDITIONAL"
        assert found[name]["StartOnCreation"] is True
        (condition,) = found[name]["Predicate"]["Conditions"]
        assert (condition["State"], condition["LogicalOperator"]) == ("SUCCEEDED", "EQUALS")
    asked = flat(found["Load"]["Actions"][0]["Arguments"]["--request"])
    assert asked == flat(jobs(assembly)["annotation_refresh"]["DefaultArguments"]["--request"])


def test_clinvar_is_refreshed_on_demand_unless_a_schedule_is_set(default: Any, other: Any) -> None:
    assert triggers(default)["Start"]["Type"] == "ON_DEMAND"
    assert not {"Schedule", "StartOnCreation"} & triggers(default)["Start"].keys()
    start = triggers(other)["Start"]
    assert (start["Type"], start["Schedule"]) == ("SCHEDULED", "cron(0 3 ? * MON *)")
    assert start["StartOnCreation"] is True


def test_the_jobs_understand_the_arguments_that_the_stack_gives(other: Any) -> None:
    def told(name: str) -> list[str]:
        given = jobs(other)[name]["DefaultArguments"]
        return [word for pair in given.items() for word in (pair[0], pair[1] if isinstance(pair[1], str) else "given")]

    found = refresh.parse(told("annotation_refresh"))
    assert (found.source, found.assembly) == ("s3://mirror/clinvar.vcf.gz", "GRCh37")
    limits = loads(LoadLimits, checks.parse(told("annotation_checks")).limits)
    assert (limits.least_of_previous, limits.reference_build) == (0.5, "GRCh38")


def test_the_limits_of_loads_are_the_settings(default: Any, other: Any) -> None:
    def limits(assembly: Any) -> LoadLimits:
        functions = [f["Properties"] for f in assembly.resources("lake", "AWS::Lambda::Function").values()]
        (function,) = [f for f in functions if f["Handler"] == "lambdas.lake.check_load.handler"]
        return loads(LoadLimits, function["Environment"]["Variables"]["LIMITS"])

    assert limits(default) == LoadLimits()
    assert limits(other) == LoadLimits(0.02, 0.5, 1.5, 4, 0.5, 5, 500, "GRCh38", 0.5)


def test_the_checks_write_reports_alone(assembly: Any) -> None:
    of_loads = allowed(assembly, "CheckLoadFunctionRole")
    assert {r.split("/", 1)[1] for r in of_loads["s3:PutObject"]} == {"loads/checks/*"}
    of_annotations = allowed(assembly, "RefreshAnnotationChecksRole")
    assert {r.split("/", 1)[1] for r in of_annotations["s3:PutObject"]} == {"loads/checks/annotations%2F*"}
    assert not [action for action in of_annotations if action.startswith("glue:") and "Get" not in action]
    (bus,) = of_annotations["events:PutEvents"]
    assert bus.endswith(":event-bus/default")


def test_people_are_told_of_failed_checks_of_this_deployment(assembly: Any) -> None:
    rules = {
        name.split("/")[1]: rule["Properties"]
        for name, rule in assembly.resources("monitoring", "AWS::Events::Rule").items()
    }
    for start, field in (("LoadChecksFailed", "results"), ("AnnotationChecksFailed", "report")):
        (rule,) = [rule for name, rule in rules.items() if name.startswith(start)]
        assert rule["EventPattern"]["detail"]["checks"] == ["FAILED"]
        (place,) = rule["EventPattern"]["detail"][field]
        assert flat(place["prefix"]).startswith("s3://<")
        (target,) = rule["Targets"]
        assert "Nothing was lost" in json.dumps(target["InputTransformer"])
    (stopped,) = [rule for name, rule in rules.items() if name.startswith("AnnotationsStopped")]
    assert stopped["EventPattern"]["detail-type"] == ["Glue Job State Change"]
    assert len(stopped["EventPattern"]["detail"]["jobName"]) == 3


def test_the_crawler_describes_what_tenants_bring_in_a_database_of_its_own(default: Any, other: Any) -> None:
    for assembly, name in ((default, "genomics_tenants"), (other, "trial_2_tenants")):
        (crawler,) = (c["Properties"] for c in assembly.resources("lake", "AWS::Glue::Crawler").values())
        (target,) = crawler["Targets"]["S3Targets"]
        assert flat(target["Path"]).endswith(">/tenants/")
        assert json.loads(crawler["Configuration"])["Grouping"] == {"TableLevelConfiguration": 4}
        assert crawler["CrawlerSecurityConfiguration"]
        database = assembly.resources("lake", "AWS::Glue::Database")[
            f"lake/{flat(crawler['DatabaseName']).strip('<>')}"
        ]
        assert database["Properties"]["DatabaseInput"]["Name"] == name
    assert "Schedule" not in next(iter(default.resources("lake", "AWS::Glue::Crawler").values()))["Properties"]
    (crawler,) = (c["Properties"] for c in other.resources("lake", "AWS::Glue::Crawler").values())
    assert crawler["Schedule"] == {"ScheduleExpression": "cron(0 4 * * ? *)"}


def test_the_crawler_reads_tenants_files_and_writes_no_object(assembly: Any) -> None:
    found = allowed(assembly, "TenantsRole")
    assert {r.split("/", 1)[1] for r in found["s3:GetObject*"] if r.endswith("*")} == {"tenants/*"}
    assert not [action for action in found if action.startswith(("s3:Put", "s3:Delete"))]
    tables = {r for r in found["glue:CreateTable"] if ":table/" in r}
    assert len(tables) == 1
    assert "TenantsDatabase" in next(iter(tables))


def test_a_session_reads_tables_and_writes_below_its_own_prefix(assembly: Any) -> None:
    (role,) = (
        found["Properties"]
        for name, found in assembly.resources("lake", "AWS::IAM::Role").items()
        if name.startswith("lake/SessionsRole")
    )
    (trusted,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trusted["Principal"] == {"Service": "glue.amazonaws.com"}
    found = allowed(assembly, "SessionsRole")
    objects = {
        action: {r.split("/", 1)[1] for r in rs if "/" in r} for action, rs in found.items() if action[:3] == "s3:"
    }
    assert objects["s3:GetObject*"] == {"tables/*", "tenants/*", "sessions/*"}
    assert objects["s3:PutObject"] == objects["s3:DeleteObject*"] == {"sessions/*"}
    changes = ("glue:Create", "glue:Update", "glue:Delete", "glue:BatchCreate", "glue:BatchUpdate", "glue:BatchDelete")
    assert not [action for action in found if action.startswith(changes)]


def test_who_may_start_sessions_passes_their_role_to_glue_alone(assembly: Any) -> None:
    (policy,) = (p["Properties"] for p in assembly.resources("lake", "AWS::IAM::ManagedPolicy").values())
    (passed,) = [s for s in policy["PolicyDocument"]["Statement"] if "iam:PassRole" in listed(s["Action"])]
    assert flat(passed["Resource"]).startswith("<SessionsRole")
    assert passed["Condition"] == {"StringEquals": {"iam:PassedToService": "glue.amazonaws.com"}}
    others = [a for s in policy["PolicyDocument"]["Statement"] for a in listed(s["Action"]) if a != "iam:PassRole"]
    assert all("Session" in action or "Statement" in action for action in others)
