"""What roles may do: no wildcard that is not on this list."""

import re
from collections.abc import Iterator
from typing import Any

from tests.stacks.conftest import flat

# Actions that AWS lets no policy narrow to a resource.
UNNARROWABLE = {
    "batch:DescribeJobs": "jobs cannot be named in a policy for it",
    "cloudwatch:PutMetricData": "narrowed by its namespace condition",
    "ecr:GetAuthorizationToken": "a token is for the registry",
    "lakeformation:GetDataAccess": "grants say for which tables",
    "logs:CreateLogDelivery": "log deliveries have no resources",
    "logs:DeleteLogDelivery": "",
    "logs:DescribeLogGroups": "",
    "logs:DescribeResourcePolicies": "",
    "logs:GetLogDelivery": "",
    "logs:ListLogDeliveries": "",
    "logs:PutResourcePolicy": "",
    "logs:UpdateLogDelivery": "",
    "states:SendTaskSuccess": "a task is named by its token",
    "xray:GetSamplingRules": "X-Ray has no resources for these",
    "xray:GetSamplingTargets": "",
    "xray:PutTelemetryRecords": "",
    "xray:PutTraceSegments": "",
    "sagemaker:ListEndpoints": "endpoints are listed without naming any",
}


def statements(assembly: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every Allow of every identity policy, with the policy's name."""
    for name, policy in assembly.resources(kind="AWS::IAM::Policy").items():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Allow":
                yield name, statement
    for name, role in assembly.resources(kind="AWS::IAM::Role").items():
        for policy in role["Properties"].get("Policies", ()):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_no_policy_allows_all_of_a_service(assembly: Any) -> None:
    for name, statement in statements(assembly):
        for action in listed(statement["Action"]):
            assert not action.endswith(":*"), f"{name} allows {action}"
            assert action != "*", name


def test_a_policy_names_its_resources_where_aws_lets_it(assembly: Any) -> None:
    for name, statement in statements(assembly):
        if "*" in listed(statement["Resource"]):
            broad = set(listed(statement["Action"])) - set(UNNARROWABLE)
            assert not broad, f"{name} allows {broad} on everything"


def test_every_permitted_wildcard_is_in_use(default: Any, other: Any) -> None:
    used = {
        action
        for assembly in (default, other)
        for _, statement in statements(assembly)
        if "*" in listed(statement["Resource"])
        for action in listed(statement["Action"])
    }
    assert used == set(UNNARROWABLE)


def object_patterns(assembly: Any, role: str, action: str) -> set[str]:
    """Key patterns of the sequencing bucket for which the policies whose name starts with `role` allow an action."""
    found = set()
    for name, statement in statements(assembly):
        if name.split("/")[1].startswith(role) and action in listed(statement["Action"]):
            for resource in listed(statement["Resource"]):
                if isinstance(resource, dict) and "Fn::Join" in resource:
                    found.add(resource["Fn::Join"][1][-1].removeprefix("/"))
    return found


def test_a_tool_reads_what_it_works_on_and_writes_below_steps(assembly: Any) -> None:
    read, write, delete = "s3:GetObject*", "s3:PutObject", "s3:DeleteObject*"
    shared = {"runs/*", "steps/*", "partial/*"}
    reads = {
        "PrepareReferenceRole": shared | {"references/*"},
        "FastpRole": shared | {"inbox/*"},
        "AlignRole": shared,
        "CallVariantsRole": shared,
        "GatherVariantsRole": shared,
    }
    for role, patterns in reads.items():
        assert object_patterns(assembly, role, read) == patterns, role
        assert object_patterns(assembly, role, write) == {"steps/*", "partial/*"}, role
        assert object_patterns(assembly, role, delete) == {"partial/*"}, role


def test_functions_read_what_they_decide_on(assembly: Any) -> None:
    reads = {
        "StartRunFunction": {"inbox/*", "references/*", "steps/demultiplex/*"},
        "RouteRunFunction": {"run_folders/*", "manifests/*", "studies/*"},
        "PlanLanesFunction": {"runs/*", "steps/*", "run_folders/*", "manifests/*"},
        "RequestRunsFunction": {"runs/*", "steps/demultiplex/*"},
        "PlanReferenceFunction": {"runs/*", "steps/*"},
        "PlanSamplesFunction": {"runs/*", "steps/*"},
        "PlanSampleFunction": {"runs/*", "steps/*"},
        "RecordFailureFunction": {"runs/*"},
        "CollectResultsFunction": {"runs/*", "steps/*"},
        "RecordRunFailureFunction": {"runs/*"},
        "AskSignOffFunction": set(),
        "KeepTokenFunction": set(),
        "RecordSignOffFunction": set(),
        "RecordHoldFunction": set(),
    }
    for role, patterns in reads.items():
        assert object_patterns(assembly, f"{role}Role", "s3:GetObject*") == patterns, role


def test_a_token_is_read_by_the_one_function_that_needs_it(default: Any, other: Any) -> None:
    def readers(assembly: Any, action: str) -> dict[str, str]:
        return {
            name.split("/")[1]: flat(statement["Resource"])
            for name, statement in statements(assembly)
            if action in listed(statement["Action"]) and "Secret" not in name and "Password" not in name
        }

    assert readers(default, "secretsmanager:GetSecretValue") == {}
    found = readers(other, "secretsmanager:GetSecretValue")
    lims, tickets = (next(f for name, f in found.items() if name.startswith(start)) for start in ("Upload", "OpenTi"))
    assert len(found) == 2
    # Six characters of its own end the ARN of a secret; a name is followed by no others.
    assert lims == "arn:aws:secretsmanager:eu-central-1:210987654321:secret:lab/lims-??????"
    assert tickets == "arn:aws:secretsmanager:eu-central-1:210987654321:secret:lab/tickets-a1B2c3"
    decrypts = [
        (name.split("/")[1], flat(statement["Resource"]))
        for name, statement in statements(other)
        if listed(statement["Action"]) == ["kms:Decrypt"] and "0123abcd" in flat(statement["Resource"])
    ]
    assert [name.startswith("UploadToLims") for name, _ in decrypts] == [True]


def test_no_role_of_ours_may_sign_a_run_off(assembly: Any) -> None:
    # Who signs off is for the lab's own IAM to say; restores wait for a token too, which the archive answers.
    takers = []
    for name, statement in statements(assembly):
        actions = set(listed(statement["Action"]))
        if "states:GetActivityTask" in actions:
            takers.append((name.split("/")[1], flat(statement["Resource"])))
        assert "states:SendTaskFailure" not in actions, name
        if "states:SendTaskSuccess" in actions:
            assert name.startswith("archive/"), name
    ((taker, activity),) = takers
    assert taker.startswith("KeepTokenFunction")
    assert activity.startswith("<SignOff")


def test_no_function_deletes_and_one_alone_writes_deliveries(assembly: Any) -> None:
    for name in assembly.resources("secondary", "AWS::IAM::Policy"):
        role = name.split("/")[1]
        if "Function" in role:
            assert object_patterns(assembly, role, "s3:DeleteObject*") == set()
            # Runs of what has been demultiplexed are asked for as users ask for theirs.
            own = {"inbox/*"} if role.startswith("RequestRuns") else {"runs/*", "steps/latest/*"}
            assert object_patterns(assembly, role, "s3:PutObject") <= own


def test_only_the_preparing_tool_writes_references(default: Any) -> None:
    writers = {
        name.split("/")[1].split("Role")[0]
        for name, statement in statements(default)
        if "elasticfilesystem:ClientWrite" in listed(statement["Action"])
    }
    assert writers == {"PrepareReference"}


def test_jobs_are_submitted_from_the_app_s_own_definitions_to_its_own_queue(assembly: Any) -> None:
    queues = assembly.resources(kind="AWS::Batch::JobQueue")
    ours = {name.split("/")[1] for name in (*queues, *assembly.resources(kind="AWS::Batch::JobDefinition"))}
    submitting = [s for _, s in statements(assembly) if "batch:SubmitJob" in listed(s["Action"])]
    assert len(submitting) > 2
    for statement in submitting:
        for resource in listed(statement["Resource"]):
            # The queue of another stack is imported; the export's name ends in its logical id and its attribute.
            name = re.split(r"[<>.]", flat(resource))[1]
            assert any(name == own or re.search(rf":ExportsOutput(Ref|FnGetAtt){own}", name) for own in ours), name


def test_the_runs_machine_starts_and_redrives_itself_alone(assembly: Any) -> None:
    # Step Functions Developer Guide, "IAM policies for using Distributed Map states".
    allowed = {
        action: flat(statement["Resource"])
        for name, statement in statements(assembly)
        if "DistributedMapPolicy" in name
        for action in listed(statement["Action"])
    }
    assert set(allowed) == {
        "states:StartExecution", "states:DescribeExecution", "states:StopExecution", "states:RedriveExecution"
    }  # fmt: skip
    machine = allowed["states:StartExecution"].strip("<>")
    assert all(machine in resource for resource in allowed.values())
    assert object_patterns(assembly, "RunsWorkflowRole", "s3:GetObject*") == {"runs/*"}
