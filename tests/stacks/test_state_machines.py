"""The state machines: how they go on, how they fail, and how patient they are."""

from typing import Any

import pytest

from genomics.contracts.regions import MAXIMUM_CALLING_JOBS
from genomics.contracts.sign_off import REJECTED
from genomics.contracts.steps import Step
from lambdas.secondary.room import MAXIMUM_LANES
from lambdas.secondary.upload_to_lims import UnfinishedUploadError
from tests.machine_events import EVENT_QUOTA, EVENTS_PER_RUN, events_of_sample, most_events, states

BATCH = "arn:<AWS::Partition>:states:::batch:submitJob.sync"
# Rethrows inside a Map, and what is left when even the recording of a failure fails.
NOT_RECORDED_BY_A_FUNCTION = {
    "SampleFailed",
    "LaneFailed",
    "RegionFailed",
    "RegionsFailed",
    "CoverageFailed",
    "GatherVariantsFailed",
    "AnnotateFailed",
    "NotSignedOff",
    "TokenNotKept",
    "RunFailedUnrecorded",
    "LoadFailedUnrecorded",
    "FailedUnrecorded",
}


@pytest.fixture(scope="module")
def runs(default: Any) -> dict[str, Any]:
    """Definition of the run's state machine."""
    return dict(default.state_machine("secondary", "Runs"))


@pytest.fixture(scope="module")
def loads(default: Any) -> dict[str, Any]:
    """Definition of the load's state machine."""
    return dict(default.state_machine("lake"))


@pytest.fixture(scope="module")
def demultiplexings(default: Any) -> dict[str, Any]:
    """Definition of the demultiplexing's state machine."""
    return dict(default.state_machine("secondary", "Demultiplexings"))


def test_a_thousand_samples_of_fifty_regions_stay_inside_every_history(runs: Any) -> None:
    sample = runs["States"]["Samples"]["ItemProcessor"]
    # Guide, "Service quotas": 25,000 events in a history. Samples are children, and so none of the run's events.
    assert most_events(runs, {}) <= EVENTS_PER_RUN
    # Each job has a rethrow, which one that succeeds never passes through.
    of_sample = most_events(sample, {"Lanes": 1, "Regions": 50}) - 51
    assert of_sample <= events_of_sample(lanes=1, calling_jobs=50) < EVENT_QUOTA / 10


def test_planning_counts_no_fewer_events_than_the_states_write(runs: Any) -> None:
    sample = runs["States"]["Samples"]["ItemProcessor"]
    for lanes, regions in ((0, 0), (1, 0), (0, 1), (MAXIMUM_LANES, MAXIMUM_CALLING_JOBS)):
        written = most_events(sample, {"Lanes": lanes, "Regions": regions})
        assert written - lanes - regions <= events_of_sample(lanes=lanes, calling_jobs=regions)


def test_the_largest_sample_has_room_for_as_many_refusals_as_are_tried_again(runs: Any) -> None:
    (retry,) = dict(states(runs))["CallVariants"]["Retry"]
    refusals = retry["MaxAttempts"]
    largest = events_of_sample(lanes=MAXIMUM_LANES, calling_jobs=MAXIMUM_CALLING_JOBS, refusals=refusals)
    assert largest < EVENT_QUOTA


def test_each_sample_is_an_execution_that_may_fail_by_itself(runs: Any, other: Any) -> None:
    samples = runs["States"]["Samples"]
    assert samples["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert samples["ItemReader"]["Parameters"]["Key.$"] == "$.samples"
    assert "ItemsPath" not in samples
    assert (samples["Label"], samples["ToleratedFailurePercentage"]) == ("Samples", 100)
    assert samples["MaxConcurrency"] == 100
    assert other.state_machine("secondary", "Runs")["States"]["Samples"]["MaxConcurrency"] == 500


def test_what_ends_an_iteration_or_a_branch_passes_nothing_on(runs: Any, demultiplexings: Any) -> None:
    # Guide, "Service quotas": 256 KiB of input or result of a state; a Map's and a Parallel's are those of all inside.
    inside = [
        inner
        for machine in (runs, demultiplexings)
        for _, state in states(machine)
        for inner in (state.get("ItemProcessor"), *state.get("Branches", ()))
        if inner and inner.get("ProcessorConfig", {}).get("Mode") != "DISTRIBUTED"
    ]
    assert len(inside) == 2 + 2 + 2 + 1
    for inner in inside:
        if inner["StartAt"] in ("AwaitSignOff", "KeepToken"):
            continue  # there is one of each in a run: a short decision, and nothing
        last = {
            name: state for name, state in inner["States"].items() if state.get("End") or state["Type"] == "Succeed"
        }
        assert last
        for name, state in last.items():
            assert state.get("OutputPath", "") is None, name


def test_every_task_retries_catches_and_times_out(runs: Any, loads: Any, demultiplexings: Any) -> None:
    tasks = [(n, s) for d in (runs, loads, demultiplexings) for n, s in states(d) if s["Type"] == "Task"]
    assert len(tasks) == 23 + 6 + 4
    for name, task in tasks:
        if name == "AwaitSignOff":
            # How long is for AskSignOff to say; and a person is not asked again by herself.
            assert task["TimeoutSecondsPath"] == "$.timeout_seconds"
            assert "Retry" not in task
        else:
            assert task["TimeoutSeconds"] > 0, name
            assert task["Retry"], name
        for retry in task.get("Retry", ()):
            assert retry["MaxAttempts"] > 0, name
            assert retry["BackoffRate"] > 1, name
        if name == "HoldForSignOff":
            # An execution has to end in it, for a redrive to go on from it.
            assert "Catch" not in task
            continue
        assert [catch["ErrorEquals"] for catch in task["Catch"]] == [["States.ALL"]], name


def test_a_map_or_a_branch_that_fails_is_caught(runs: Any) -> None:
    for name, state in states(runs):
        if state["Type"] in ("Map", "Parallel"):
            assert [catch["ErrorEquals"] for catch in state["Catch"]] == [["States.ALL"]], name


def test_a_tools_own_error_is_not_tried_again(runs: Any, loads: Any, demultiplexings: Any) -> None:
    for definition in (runs, loads, demultiplexings):
        for name, state in states(definition):
            errors = {error for retry in state.get("Retry", ()) for error in retry["ErrorEquals"]}
            assert errors.isdisjoint({"States.ALL", "States.TaskFailed", "States.Timeout"}), name


def test_failures_end_in_a_function_that_records_them(runs: Any, loads: Any) -> None:
    sample = {"PlanSample", "Lanes", "Align", "Aligned", "Quality"}
    for name, state in states(runs):
        if name == "EmitSignOffAwaited":
            continue  # whose failure ends nothing
        for catch in state.get("Catch", ()):
            if catch["Next"] not in NOT_RECORDED_BY_A_FUNCTION:
                signing = ("SignedOff", "RecordSignOff")
                of_run = "RecordNoSignOff" if name in signing else "RecordRunFailure"
                assert catch["Next"] == ("RecordFailure" if name in sample else of_run), name
                assert catch["ResultPath"] == "$.error"
    for name, state in states(loads):
        for catch in state.get("Catch", ()):
            if catch["Next"] not in NOT_RECORDED_BY_A_FUNCTION:
                assert catch["Next"] == "RecordLoadFailure", name


def test_a_run_folder_goes_lane_by_lane_to_a_request_for_each_study(demultiplexings: Any) -> None:
    top = demultiplexings["States"]
    assert demultiplexings["StartAt"] == "PlanLanes"
    assert top["PlanLanes"]["Next"] == "Lanes"
    assert (top["Lanes"]["ItemsPath"], top["Lanes"]["ResultPath"]) == ("$.lanes", None)
    assert top["Lanes"]["Next"] == "RequestRuns"
    assert top["RequestRuns"]["Next"] == "Requested"
    for name in ("PlanLanes", "Lanes", "RequestRuns"):
        assert top[name]["Catch"] == [{"ErrorEquals": ["States.ALL"], "Next": "RecordFailure", "ResultPath": "$.error"}]
    assert top["RecordFailure"]["Next"] == "Failed"
    assert top["Failed"] == {"Type": "Fail", "Error": "DemultiplexingFailed", "CausePath": "$.line"}
    inside = top["Lanes"]["ItemProcessor"]["States"]
    assert inside["Demultiplex"]["Resource"] == BATCH
    assert inside["Demultiplex"]["Parameters"]["Tags"]["tool"] == "demultiplex"


def test_the_run_goes_from_its_request_to_variants_called(runs: Any) -> None:
    top = runs["States"]
    assert runs["StartAt"] == "PlanReference"
    assert top["PlanReference"]["Next"] == "ReferenceReady?"
    assert top["ReferenceReady?"]["Default"] == top["PrepareReference"]["Next"] == "AnnotationReady?"
    assert top["ReferenceReady?"]["Choices"][0]["Next"] == "PrepareReference"
    assert top["AnnotationReady?"]["Default"] == top["PrepareAnnotation"]["Next"] == "PlanSamples"
    assert top["AnnotationReady?"]["Choices"][0]["Next"] == "PrepareAnnotation"
    assert top["PlanSamples"]["Next"] == "Samples"
    assert top["Samples"]["Next"] == "CollectResults"
    assert top["CollectResults"]["Next"] == "AnyCalled?"
    assert top["AnyCalled?"]["Choices"][0] | {"Next": ""} == {
        "Variable": "$.succeeded",
        "NumericGreaterThan": 0,
        "Next": "",
    }
    assert top["AnyCalled?"]["Choices"][0]["Next"] == "SignOffAsked?"
    assert top["SignOffAsked?"]["Default"] == "EmitVariantsCalled"
    assert top["AnyCalled?"]["Default"] == top["EmitVariantsCalled"]["Next"] == "AnyFailed?"
    assert top["AnyFailed?"]["Choices"][0]["Next"] == "Failed"
    assert top["Failed"] == {"Type": "Fail", "Error": "SampleFailed", "CausePath": "$.line"}
    assert top["AnyFailed?"]["Default"] == "Succeeded"


def test_a_run_that_asks_for_it_awaits_a_person_before_anybody_is_told(runs: Any) -> None:
    top = runs["States"]
    (asked,) = top["SignOffAsked?"]["Choices"]
    assert asked == {"Variable": "$.sign_off", "BooleanEquals": True, "Next": "AskSignOff"}
    assert [top[name]["Next"] for name in ("AskSignOff", "EmitSignOffAwaited", "SignedOff", "RecordSignOff")] == [
        "EmitSignOffAwaited",
        "SignedOff",
        "RecordSignOff",
        "EmitVariantsCalled",
    ]
    # It is awaited, too, if nobody could be told.
    assert top["EmitSignOffAwaited"]["Catch"] == [
        {"ErrorEquals": ["States.ALL"], "Next": "SignedOff", "ResultPath": None}
    ]
    # Somebody has to take the activity's task for its time to count.
    wait, keep = (branch["States"][branch["StartAt"]] for branch in top["SignedOff"]["Branches"])
    assert wait["Resource"].startswith("<SignOff")
    assert set(wait["Parameters"]) == {"run_id.$", "study.$", "results.$"}
    assert "KeepTokenFunction" in keep["Parameters"]["FunctionName"]
    assert (top["SignedOff"]["ResultSelector"], top["SignedOff"]["ResultPath"]) == ({"decision.$": "$[0]"}, "$.signed")


def test_a_sign_off_that_does_not_come_leaves_the_run_where_a_redrive_asks_again(runs: Any) -> None:
    top = runs["States"]
    assert top["RecordNoSignOff"]["Next"] == "Rejected?"
    (rejected,) = top["Rejected?"]["Choices"]
    assert (rejected["Variable"], rejected["Next"]) == ("$.hold.is_final", "Rejected")
    assert top["Rejected"] == {"Type": "Fail", "Error": REJECTED, "CausePath": "$.hold.line"}
    assert top["Rejected?"]["Default"] == "HoldForSignOff"
    assert top["HoldForSignOff"]["Next"] == "AskSignOff"


def test_nobody_is_told_of_anything_unless_settings_say_whom(runs: Any) -> None:
    assert not [name for name, _ in states(runs) if "Lims" in name or "Ticket" in name or "Upload" in name]


@pytest.fixture(scope="module")
def told(other: Any) -> dict[str, Any]:
    """The states of a run in a deployment with a LIMS and a ticket system."""
    return dict(other.state_machine("secondary", "Runs")["States"])


def test_the_lims_is_told_last_and_a_redrive_tells_it_the_rest(told: Any) -> None:
    assert told["EmitVariantsCalled"]["Next"] == told["AnyCalled?"]["Default"] == "UploadToLims"
    assert told["UploadToLims"]["Next"] == "AnyFailed?"
    unfinished = told["UploadToLims"]["Retry"][-1]
    assert unfinished["ErrorEquals"] == [UnfinishedUploadError.__name__]
    (caught,) = told["UploadToLims"]["Catch"]
    assert caught["Next"] == "RecordNotUploaded"
    assert told["RecordNotUploaded"]["Next"] == "OpenTicketForLims"
    assert told["OpenTicketForLims"]["Next"] == "HoldForLims"
    assert told["HoldForLims"]["Next"] == "UploadToLims"
    assert "Catch" not in told["HoldForLims"]


@pytest.mark.parametrize(
    ("before", "ticket", "after"),
    [
        ("RecordRunFailure", "OpenTicketForRun", "RunFailed"),
        ("RecordNoSignOff", "OpenTicketForSignOff", "Rejected?"),
        ("RecordNotUploaded", "OpenTicketForLims", "HoldForLims"),
        ("AnyFailed?", "OpenTicketForSamples", "Failed"),
    ],
)
def test_every_failure_of_a_run_opens_a_ticket_that_may_fail_itself(
    told: Any, before: str, ticket: str, after: str
) -> None:
    choices = told[before].get("Choices")
    assert (choices[0] if choices else told[before])["Next"] == ticket
    assert told[ticket]["Next"] == after
    assert told[ticket]["Catch"] == [{"ErrorEquals": ["States.ALL"], "Next": after, "ResultPath": None}]
    assert told[ticket]["ResultPath"] is None


def test_a_sign_off_the_lims_and_tickets_leave_room_in_the_run_s_history(told: Any) -> None:
    assert most_events({"States": told}, {}) <= EVENTS_PER_RUN


def test_a_sample_goes_from_lanes_to_coverage_and_one_vcf(runs: Any) -> None:
    inside = runs["States"]["Samples"]["ItemProcessor"]
    assert inside["StartAt"] == "PlanSample"
    one = inside["States"]
    assert one["PlanSample"]["Next"] == "Lanes"
    assert one["Lanes"]["Next"] == "AlignNeeded?"
    assert one["AlignNeeded?"]["Default"] == one["Align"]["Next"] == "Aligned"
    coverage, variants = one["Aligned"]["Branches"]
    assert coverage["StartAt"] == "CoverageNeeded?"
    assert coverage["States"]["CoverageNeeded?"]["Choices"][0]["Next"] == "Coverage"
    assert coverage["States"]["Coverage"]["End"]
    assert variants["StartAt"] == "Regions"
    assert variants["States"]["Regions"]["Next"] == "GatherVariantsNeeded?"
    assert variants["States"]["GatherVariantsNeeded?"]["Choices"][0]["Next"] == "GatherVariants"
    assert variants["States"]["GatherVariantsNeeded?"]["Default"] == "AnnotateNeeded?"
    assert variants["States"]["GatherVariants"]["Next"] == "AnnotateNeeded?"
    assert variants["States"]["AnnotateNeeded?"]["Choices"][0]["Next"] == "Annotate"
    assert variants["States"]["Annotate"]["End"]
    assert one["Aligned"]["Next"] == "QualityNeeded?"
    assert one["QualityNeeded?"]["Default"] == one["Quality"]["Next"] == "SampleDone"
    assert one["RecordFailure"]["Next"] == "SampleFailed"


def test_a_task_that_works_leaves_the_state_as_it_was(runs: Any, loads: Any) -> None:
    kept = {
        "PrepareReference",
        "PrepareAnnotation",
        "Fastp",
        "Align",
        "Coverage",
        "CallVariants",
        "GatherVariants",
        "Annotate",
        "Quality",
        "EmitSignOffAwaited",
        "EmitVariantsCalled",
    }
    kept |= {"Samples", "Lanes", "Regions", "Aligned", "LoadVariants", "EmitVariantsLoaded"}
    found = dict(states(runs)) | dict(states(loads))
    for name in kept:
        assert found[name]["ResultPath"] is None, name


def test_jobs_get_their_task_and_nothing_else(runs: Any, default: Any) -> None:
    steps = {
        "PrepareReference": ("$.reference", Step.PREPARE_REFERENCE),
        "PrepareAnnotation": ("$.annotation", Step.PREPARE_ANNOTATION),
        "Fastp": ("$.job", Step.FASTP),
        "Align": ("$.align", Step.ALIGN),
        "Coverage": ("$.coverage", Step.COVERAGE),
        "CallVariants": ("$.job", Step.CALL_VARIANTS),
        "GatherVariants": ("$.gather", Step.GATHER_VARIANTS),
        "Annotate": ("$.annotate", Step.ANNOTATE),
        "Quality": ("$.quality", Step.QUALITY),
    }
    found = dict(states(runs))
    definitions = default.resources("secondary", "AWS::Batch::JobDefinition")
    for name, (job, step) in steps.items():
        state = found[name]
        assert state["Resource"] == BATCH
        assert set(state["Parameters"]) == {"JobDefinition", "JobQueue.$", "JobName.$", "Parameters", "Tags"}
        assert state["Parameters"]["JobQueue.$"] == "$.queue"
        assert state["Parameters"]["JobName.$"] == f"{job}.name"
        assert state["Parameters"]["Parameters"] == {"task.$": f"{job}.task"}
        definition = definitions[f"secondary/{state['Parameters']['JobDefinition'].strip('<>')}"]
        logs = definition["Properties"]["ContainerProperties"]["LogConfiguration"]["Options"]
        assert logs["awslogs-stream-prefix"] == step


def test_a_task_waits_for_all_attempts_of_its_job_and_for_a_machine(runs: Any, default: Any) -> None:
    definitions = default.resources("secondary", "AWS::Batch::JobDefinition")
    for _, state in states(runs):
        if state.get("Resource") == BATCH:
            name = state["Parameters"]["JobDefinition"].strip("<>")
            properties = definitions[f"secondary/{name}"]["Properties"]
            working = properties["RetryStrategy"]["Attempts"] * properties["Timeout"]["AttemptDurationSeconds"]
            assert state["TimeoutSeconds"] == working + 24 * 3600


def test_a_load_runs_the_job_with_its_request_and_waits(loads: Any, default: Any) -> None:
    load = loads["States"]["LoadVariants"]
    assert load["Resource"] == "arn:<AWS::Partition>:states:::glue:startJobRun.sync"
    assert set(load["Parameters"]) == {"JobName", "Arguments"}
    assert load["Parameters"]["Arguments"] == {"--request.$": "$.request"}
    (job,) = [job for job in default.resources("lake", "AWS::Glue::Job") if "VariantsJob" in job]
    assert load["Parameters"]["JobName"] == f"<{job.split('/')[1]}>"


def test_a_load_waits_for_those_before_it_if_glue_does_not_queue_it(loads: Any) -> None:
    retries = loads["States"]["LoadVariants"]["Retry"]
    (busy,) = [retry for retry in retries if "Glue.ConcurrentRunsExceededException" in retry["ErrorEquals"]]
    assert busy["ErrorEquals"] == ["Glue.ConcurrentRunsExceededException"]
    assert (busy["IntervalSeconds"], busy["MaxDelaySeconds"]) == (60, 300)
    waits = [min(60 * busy["BackoffRate"] ** attempt, 300) for attempt in range(busy["MaxAttempts"])]
    assert 24 * 3600 <= sum(waits) < 25 * 3600


def test_a_run_that_is_loaded_already_still_says_so(loads: Any) -> None:
    top = loads["States"]
    assert loads["StartAt"] == "PlanLoad"
    assert top["PlanLoad"]["Next"] == "Anything?"
    assert top["Anything?"]["Default"] == "EmitVariantsLoaded"
    assert top["LoadVariants"]["Next"] == "CheckLoad"
    assert top["CheckLoad"]["Next"] == "RecordLoad"
    assert top["RecordLoad"]["Next"] == "EmitVariantsLoaded"


@pytest.mark.parametrize(
    ("machine", "state", "detail_type", "fields"),
    [
        (("secondary", "Runs"), "EmitVariantsCalled", "VariantsCalled", {"run_id", "study", "results"}),
        (("secondary", "Runs"), "EmitSignOffAwaited", "SignOffAwaited", {"run_id", "study", "results", "until"}),
        (
            ("lake",),
            "EmitVariantsLoaded",
            "VariantsLoaded",
            {"run_id", "study", "results", "checks", "reason"},
        ),
    ],
)
def test_events_carry_what_the_contract_names(
    default: Any, machine: tuple[str, ...], state: str, detail_type: str, fields: set[str]
) -> None:
    (entry,) = default.state_machine(*machine)["States"][state]["Parameters"]["Entries"]
    assert entry["Source"] == "genomics"
    assert entry["DetailType"] == detail_type
    assert entry["Detail"] == {f"{field}.$": f"$.{field}" for field in fields}


def test_executions_are_logged_whole_and_traced(assembly: Any) -> None:
    machines = assembly.resources(kind="AWS::StepFunctions::StateMachine").values()
    assert len(machines) == 5
    for machine in machines:
        assert machine["Properties"]["LoggingConfiguration"]["Level"] == "ALL"
        assert machine["Properties"]["TracingConfiguration"] == {"Enabled": True}
        assert machine["Properties"]["StateMachineType"] == "STANDARD"
