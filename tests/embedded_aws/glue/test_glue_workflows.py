"""Triggers and workflows. "dg" is the AWS Glue Developer Guide: https://docs.aws.amazon.com/glue/latest/dg/<page>.html."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws import clients, clock
from embedded_aws.glue import service as glue
from tests.waiting import until

SUCCEEDS = "import json, sys; print(json.dumps(sys.argv[1:]))"


@dataclass(frozen=True)
class Cloud:
    role: str

    @property
    def glue(self) -> Any:
        return clients.client("glue")

    def job(self, name: str, script: str = SUCCEEDS, **properties: Any) -> str:
        clients.client("s3").put_object(Bucket="workflow-code", Key=f"{name}.py", Body=script.encode())
        command = {"Name": "pythonshell", "ScriptLocation": f"s3://workflow-code/{name}.py", "PythonVersion": "3"}
        self.glue.create_job(Name=name, Role=self.role, Command=command, **properties)
        return name

    def trigger(self, name: str, kind: str, *jobs: str, **properties: Any) -> str:
        actions = properties.pop("Actions", None) or [{"JobName": job} for job in jobs]
        self.glue.create_trigger(Name=name, Type=kind, Actions=actions, **properties)
        return name

    def runs(self, job: str) -> list[dict[str, Any]]:
        runs: list[dict[str, Any]] = self.glue.get_job_runs(JobName=job)["JobRuns"]
        return runs

    def run(self, workflow: str, run_id: str) -> dict[str, Any]:
        """A workflow's run when it is over."""
        return until(
            lambda: self.glue.get_workflow_run(Name=workflow, RunId=run_id)["Run"],
            lambda run: run["Status"] in ("COMPLETED", "STOPPED"),
        )


def when(logical: str, *conditions: tuple[str, str]) -> dict[str, Any]:
    return {
        "Logical": logical,
        "Conditions": [{"LogicalOperator": "EQUALS", "JobName": job, "State": state} for job, state in conditions],
    }


@pytest.fixture(scope="module")
def cloud(services: Any) -> Cloud:
    clients.client("s3").create_bucket(Bucket="workflow-code")
    return Cloud(services.role("workflow-jobs"))


def test_a_workflow_runs_its_jobs_one_after_the_other(cloud: Cloud) -> None:
    first, second, rescue = (cloud.job(f"w-{name}") for name in ("first", "second", "rescue"))
    cloud.glue.create_workflow(Name="in-order", DefaultRunProperties={"cohort": "a", "day": "1"})
    inside = {"WorkflowName": "in-order"}
    actions = [{"JobName": first, "Arguments": {"--given": "by trigger"}}]
    cloud.trigger("w-start", "ON_DEMAND", **inside, Actions=actions)
    active = {**inside, "StartOnCreation": True}
    cloud.trigger("w-then", "CONDITIONAL", second, **active, Predicate=when("AND", (first, "SUCCEEDED")))
    cloud.trigger("w-else", "CONDITIONAL", rescue, **active, Predicate=when("AND", (first, "FAILED")))
    run_id = cloud.glue.start_workflow_run(Name="in-order", RunProperties={"day": "2"})["RunId"]
    run = cloud.run("in-order", run_id)
    assert run["Status"] == "COMPLETED"
    # dg aws-glue-api-workflow, "WorkflowRunStatistics"
    assert run["Statistics"] == {
        "TotalActions": 3, "SucceededActions": 2, "FailedActions": 0, "TimeoutActions": 0, "StoppedActions": 0,
        "RunningActions": 0, "ErroredActions": 0, "WaitingActions": 0,
    }  # fmt: skip
    # dg workflow-run-properties-code: a job learns --WORKFLOW_NAME and --WORKFLOW_RUN_ID, and asks for the properties
    [started] = cloud.runs(first)
    assert started["TriggerName"] == "w-start"
    assert started["Arguments"] == {
        "--given": "by trigger", "--WORKFLOW_NAME": "in-order", "--WORKFLOW_RUN_ID": run_id,
    }  # fmt: skip
    assert cloud.runs(second)[0]["TriggerName"] == "w-then"
    assert cloud.runs(rescue) == []
    names = {"Name": "in-order", "RunId": run_id}
    cloud.glue.put_workflow_run_properties(**names, RunProperties={"found": "7"})
    properties = cloud.glue.get_workflow_run_properties(**names)["RunProperties"]
    assert properties == {"cohort": "a", "day": "2", "found": "7"}
    assert cloud.glue.get_workflow(Name="in-order")["Workflow"]["LastRun"]["WorkflowRunId"] == run_id


def test_any_of_two_states_fires_and_a_job_that_fails_is_counted(cloud: Cloud) -> None:
    fails, report = cloud.job("any-fails", "raise SystemExit(1)"), cloud.job("any-report")
    cloud.glue.create_workflow(Name="any")
    cloud.trigger("any-start", "ON_DEMAND", fails, WorkflowName="any")
    either = when("ANY", (fails, "SUCCEEDED"), (fails, "FAILED"))
    cloud.trigger("any-then", "CONDITIONAL", report, WorkflowName="any", Predicate=either)
    # dg about-triggers: a trigger that is not ACTIVATED does not fire
    quiet = cloud.run("any", cloud.glue.start_workflow_run(Name="any")["RunId"])
    assert (quiet["Statistics"]["FailedActions"], quiet["Statistics"]["SucceededActions"]) == (1, 0)
    cloud.glue.start_trigger(Name="any-then")
    loud = cloud.run("any", cloud.glue.start_workflow_run(Name="any")["RunId"])
    assert (loud["Statistics"]["FailedActions"], loud["Statistics"]["SucceededActions"]) == (1, 1)


def test_a_stopped_workflow_stops_what_runs_and_starts_nothing_more(cloud: Cloud) -> None:
    slow, after = cloud.job("stop-slow", "import time; time.sleep(60)"), cloud.job("stop-after")
    cloud.glue.create_workflow(Name="stopping", MaxConcurrentRuns=1)
    cloud.trigger("stop-start", "ON_DEMAND", slow, WorkflowName="stopping")
    stopped = when("AND", (slow, "STOPPED"))
    cloud.trigger("stop-then", "CONDITIONAL", after, WorkflowName="stopping", Predicate=stopped, StartOnCreation=True)
    run_id = cloud.glue.start_workflow_run(Name="stopping")["RunId"]
    with pytest.raises(cloud.glue.exceptions.ConcurrentRunsExceededException):
        cloud.glue.start_workflow_run(Name="stopping")
    until(lambda: cloud.runs(slow)[0]["JobRunState"], lambda state: state == "RUNNING")
    cloud.glue.stop_workflow_run(Name="stopping", RunId=run_id)
    run = cloud.run("stopping", run_id)
    assert (run["Status"], run["Statistics"]["StoppedActions"]) == ("STOPPED", 1)
    assert cloud.runs(after) == []
    with pytest.raises(ClientError, match="IllegalWorkflowStateException"):
        cloud.glue.stop_workflow_run(Name="stopping", RunId=run_id)


def test_only_what_a_trigger_started_fires_others(cloud: Cloud) -> None:
    # dg about-triggers: "Dependent jobs or crawlers are only started if the job or crawler that completes was started
    # by a trigger."; on-demand triggers "never enter the ACTIVATED or DEACTIVATED state"
    one, two = cloud.job("alone-one"), cloud.job("alone-two")
    cloud.trigger("alone-start", "ON_DEMAND", one)
    cloud.trigger("alone-then", "CONDITIONAL", two, Predicate=when("AND", (one, "SUCCEEDED")), StartOnCreation=True)
    by_hand = cloud.glue.start_job_run(JobName=one)["JobRunId"]
    assert glue.wait(by_hand, 20)
    assert cloud.runs(two) == []
    cloud.glue.start_trigger(Name="alone-start")
    [run] = until(lambda: cloud.runs(two), lambda runs: bool(runs) and runs[0]["JobRunState"] == "SUCCEEDED")
    assert "--WORKFLOW_NAME" not in run.get("Arguments", {})
    assert cloud.glue.get_trigger(Name="alone-start")["Trigger"]["State"] == "CREATED"


def test_a_schedule_fires_by_the_clock(cloud: Cloud) -> None:
    # dg monitor-data-warehouse-schedule: "cron(Minutes Hours Day-of-month Month Day-of-week Year)"
    job = cloud.job("nightly")
    cloud.trigger("every-night", "SCHEDULED", job, Schedule="cron(0 2 * * ? *)", StartOnCreation=True)
    clock.advance(24 * 3600)
    [run] = until(lambda: cloud.runs(job), bool)
    assert run["TriggerName"] == "every-night"
    cloud.glue.stop_trigger(Name="every-night")
    clock.advance(24 * 3600)
    assert len(cloud.runs(job)) == 1
    with pytest.raises(ClientError, match="is not a cron expression"):
        cloud.trigger("hourly", "SCHEDULED", job, Schedule="rate(1 hour)")


def test_events_start_a_workflow_when_enough_have_come(cloud: Cloud) -> None:
    # dg starting-workflow-eventbridge: BatchSize, BatchWindow (900 s unless told), run property aws:eventIds
    job = cloud.job("of-events")
    cloud.glue.create_workflow(Name="of-events")
    batching = {"BatchSize": 2, "BatchWindow": 600}
    cloud.trigger("events", "EVENT", job, WorkflowName="of-events", EventBatchingCondition=batching)
    glue.notify_workflow("of-events", "event-1")
    assert cloud.runs(job) == []
    glue.notify_workflow("of-events", "event-2")
    [first] = cloud.glue.get_workflow_runs(Name="of-events")["Runs"]
    assert json.loads(first["WorkflowRunProperties"]["aws:eventIds"]) == ["event-1", "event-2"]
    cloud.run("of-events", first["WorkflowRunId"])
    glue.notify_workflow("of-events", "event-3")
    clock.advance(601)
    runs = cloud.glue.get_workflow_runs(Name="of-events")["Runs"]
    assert [json.loads(run["WorkflowRunProperties"]["aws:eventIds"]) for run in runs][-1] == ["event-3"]


def test_a_rule_of_eventbridge_starts_a_workflow(cloud: Cloud, services: Any) -> None:
    # dg starting-workflow-eventbridge: the rule's target is the workflow's ARN, with a role that may glue:notifyEvent
    job = cloud.job("of-rule")
    cloud.glue.create_workflow(Name="of-rule")
    cloud.trigger("on-event", "EVENT", job, WorkflowName="of-rule")
    context, events = services.context, clients.client("events")
    arn = f"arn:aws:glue:{context.region}:{context.account}:workflow/of-rule"
    events.put_rule(Name="to-workflow", EventPattern=json.dumps({"source": ["workflow.test"]}))
    role = services.role("notifies-workflows", "glue:notifyEvent")
    events.put_targets(Rule="to-workflow", Targets=[{"Id": "1", "Arn": arn, "RoleArn": role}])
    told = events.put_events(Entries=[{"Source": "workflow.test", "DetailType": "t", "Detail": "{}"}])
    [run] = until(lambda: cloud.glue.get_workflow_runs(Name="of-rule")["Runs"], bool)
    assert json.loads(run["WorkflowRunProperties"]["aws:eventIds"]) == [told["Entries"][0]["EventId"]]


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"Type": "ON_DEMAND", "Actions": [{"JobName": "absent"}]}, "EntityNotFoundException"),
        ({"Type": "ON_DEMAND", "Actions": [], "StartOnCreation": True}, "InvalidInputException"),
        ({"Type": "EVENT", "Actions": []}, "InvalidInputException"),
        ({"Type": "ON_DEMAND", "Actions": [{}]}, "InvalidInputException"),
        ({"Type": "ON_DEMAND", "Actions": [], "WorkflowName": "absent"}, "EntityNotFoundException"),
    ],
)
def test_a_trigger_that_could_not_fire_is_refused(cloud: Cloud, told: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as refused:
        cloud.glue.create_trigger(Name="never", **told)
    assert refused.value.response["Error"]["Code"] == code


def test_bookmarks_are_refused_by_name(cloud: Cloud) -> None:
    job = cloud.job("with-bookmarks", DefaultArguments={"--job-bookmark-option": "job-bookmark-enable"})
    with pytest.raises(ClientError, match="the embedded Glue keeps no job bookmarks"):
        cloud.glue.start_job_run(JobName=job)
