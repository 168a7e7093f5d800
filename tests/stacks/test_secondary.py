"""Tools, fleet and inbox of the secondary analysis."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from genomics.contracts.environment import (
    AskSignOffEnvironment,
    KeepTokenEnvironment,
    LedgerEnvironment,
    PlanEnvironment,
    PlanLoadEnvironment,
    ServiceEnvironment,
    StartRunEnvironment,
    ToolEnvironment,
)
from genomics.contracts.steps import Step
from tests.stacks.conftest import flat


def job_definitions(assembly: Any) -> dict[Step, Mapping[str, Any]]:
    """Properties of job definitions by the step whose name their logs bear."""
    found = [r["Properties"] for r in assembly.resources("secondary", "AWS::Batch::JobDefinition").values()]
    return {Step(_logs(properties)["awslogs-stream-prefix"]): properties for properties in found}


def _logs(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    options: Mapping[str, Any] = properties["ContainerProperties"]["LogConfiguration"]["Options"]
    return options


def environment(properties: Mapping[str, Any]) -> dict[str, Any]:
    """A container's environment."""
    return {v["Name"]: v["Value"] for v in properties["ContainerProperties"]["Environment"]}


def sources(assembly: Any, identity: str) -> Path:
    """The published folder that an image is built from."""
    assets = json.loads((assembly.directory / f"{assembly.project}-secondary.assets.json").read_text())
    assert not assets.get("dockerImages")
    folder: Path = assembly.directory / assets["files"][identity]["source"]["path"]
    return folder


def image(assembly: Any, step: Step) -> str:
    """The folder that a step's image is built from: variants are annotated with VEP where the settings have it."""
    return "annotate_vep" if step is Step.ANNOTATE and assembly.project != "genomics" else step.value


def test_every_step_has_a_job_definition_of_its_own_tool(assembly: Any) -> None:
    definitions = job_definitions(assembly)
    assert set(definitions) == set(Step)
    for step, properties in definitions.items():
        identity = environment(properties)["TOOL_IMAGE"]
        assert (sources(assembly, identity) / "batch_tools" / image(assembly, step) / "Dockerfile").is_file()
        assert properties["ContainerProperties"]["Command"] == ["--task", "Ref::task"]


def test_every_tool_has_a_private_repository_whose_tags_stay_and_whose_images_are_scanned(default: Any) -> None:
    repositories = default.resources("secondary", "AWS::ECR::Repository")
    assert {r["Properties"]["RepositoryName"] for r in repositories.values()} == {f"genomics/{step}" for step in Step}
    for repository in repositories.values():
        assert repository["Properties"]["ImageTagMutability"] == "IMMUTABLE"
        assert repository["Properties"]["ImageScanningConfiguration"] == {"ScanOnPush": True}
        assert "RepositoryPolicyText" not in repository["Properties"]
    for step, properties in job_definitions(default).items():
        image = json.dumps(properties["ContainerProperties"]["Image"])
        (own,) = [name for name in repositories if f'"{name.partition("/")[2]}"' in image]
        assert repositories[own]["Properties"]["RepositoryName"] == f"genomics/{step}"
        assert f":{environment(properties)['TOOL_IMAGE']}" in image


def test_with_a_registry_of_the_labs_own_there_is_no_repository(other: Any) -> None:
    assert not other.resources("secondary", "AWS::ECR::Repository")
    for step, properties in job_definitions(other).items():
        identity = environment(properties)["TOOL_IMAGE"]
        named = f"registry.example.org/tools/{image(other, step)}:{identity}"
        assert properties["ContainerProperties"]["Image"] == named


def test_an_images_context_holds_its_tool_and_what_it_imports(default: Any) -> None:
    for step, properties in job_definitions(default).items():
        context = sources(default, environment(properties)["TOOL_IMAGE"])
        assert {path.name for path in context.iterdir()} == {"batch_tools", "genomics"}
        assert {path.name for path in (context / "genomics").iterdir()} == {"__init__.py", "contracts"}
        inside = {path.name for path in (context / "batch_tools").iterdir()}
        assert inside == {"__init__.py", "tool_runtime", step}
        assert not [path for path in context.rglob("*") if path.suffix in (".md", ".pyc")]


def test_the_image_with_vep_runs_the_code_of_annotate(other: Any) -> None:
    context = sources(other, environment(job_definitions(other)[Step.ANNOTATE])["TOOL_IMAGE"])
    assert {path.name for path in (context / "batch_tools").iterdir()} == {
        "__init__.py", "tool_runtime", "annotate", "annotate_vep",
    }  # fmt: skip
    # One Dockerfile, as the image is known by it.
    assert [path.parent.name for path in context.rglob("Dockerfile")] == ["annotate_vep"]


def test_a_tools_environment_is_the_contracts(assembly: Any) -> None:
    for step, properties in job_definitions(assembly).items():
        names = {name.upper() for name in ToolEnvironment.__annotations__}
        assert set(environment(properties)) == names | {"TMPDIR"}, step


def test_tool_sizes_are_the_settings(default: Any, other: Any) -> None:
    for assembly, vcpus, memory_mib, minutes in ((default, 16, 28672, 1440), (other, 8, 14336, 90)):
        properties = job_definitions(assembly)[Step.ALIGN]
        wanted = {(r["Type"], r["Value"]) for r in properties["ContainerProperties"]["ResourceRequirements"]}
        assert wanted == {("VCPU", str(vcpus)), ("MEMORY", str(memory_mib))}
        assert environment(properties)["VCPUS"] == str(vcpus)
        assert environment(properties)["MEMORY_MIB"] == str(memory_mib)
        assert properties["Timeout"] == {"AttemptDurationSeconds": minutes * 60}
    assert environment(job_definitions(other)[Step.FASTP])["VCPUS"] == "4"


def test_the_machines_faults_are_tried_again_and_the_tools_own_are_not(assembly: Any) -> None:
    for properties in job_definitions(assembly).values():
        assert properties["RetryStrategy"] == {
            "Attempts": 3,
            "EvaluateOnExit": [
                {"Action": "RETRY", "OnStatusReason": "Host EC2*"},
                {"Action": "EXIT", "OnReason": "OutOfMemoryError*"},
                {"Action": "RETRY", "OnExitCode": "137"},
                {"Action": "RETRY", "OnExitCode": "143"},
                {"Action": "EXIT", "OnExitCode": "*"},
            ],
        }
        # docs.aws.amazon.com/batch/latest/APIReference/API_EvaluateOnExit.html; what matches none is tried again
        assert len(properties["RetryStrategy"]["EvaluateOnExit"]) <= 5


def test_references_are_read_only_but_for_the_tool_that_prepares_them(assembly: Any) -> None:
    for step, properties in job_definitions(assembly).items():
        container = properties["ContainerProperties"]
        mounts = {mount["SourceVolume"]: mount for mount in container["MountPoints"]}
        assert mounts["references"]["ContainerPath"] == environment(properties)["REFERENCES"]
        assert mounts["references"]["ReadOnly"] is (step is not Step.PREPARE_REFERENCE)
        assert mounts["scratch"]["ContainerPath"] == environment(properties)["SCRATCH"]


def references(assembly: Any) -> list[dict[str, Any]]:
    """The volume with the references, of each job definition."""
    containers = [properties["ContainerProperties"] for properties in job_definitions(assembly).values()]
    return [volume for found in containers for volume in found["Volumes"] if volume["Name"] == "references"]


def test_references_are_on_efs_by_default_encrypted_on_their_way(default: Any) -> None:
    volumes = [volume["EfsVolumeConfiguration"] for volume in references(default)]
    assert len(volumes) == len(Step)
    for volume in volumes:
        assert volume["TransitEncryption"] == "ENABLED"
        assert volume["AuthorizationConfig"]["Iam"] == "ENABLED"
        assert "AccessPointId" in volume["AuthorizationConfig"]
    assert default.resources("secondary", "AWS::FSx::FileSystem") == {}


def test_references_are_on_lustre_by_setting_mounted_when_an_instance_starts(other: Any) -> None:
    assert other.resources("secondary", "AWS::EFS::FileSystem") == {}
    ((name, lustre),) = other.resources("secondary", "AWS::FSx::FileSystem").items()
    assert (lustre["Properties"]["FileSystemType"], lustre["Properties"]["StorageCapacity"]) == ("LUSTRE", 2400)
    assert flat(lustre["Properties"]["KmsKeyId"]).startswith("<LustreReferencesKey")
    file_system = name.split("/")[1]
    assert [volume["Host"] for volume in references(other)] == [{"SourcePath": "/mnt/lustre/references"}] * len(Step)
    for properties in job_definitions(other).values():
        assert environment(properties)["REFERENCE_STORE"] == {"Ref": file_system}
    (template,) = other.resources("secondary", "AWS::EC2::LaunchTemplate").values()
    head, *parts = template["Properties"]["LaunchTemplateData"]["UserData"]["Fn::Base64"]["Fn::Join"][1]
    # Batch User Guide, "Amazon EC2 user data in launch templates": a MIME multi-part archive.
    assert head.startswith("Content-Type: multipart/mixed;")
    (start,) = (flat(part["Fn::Base64"]) for part in parts if isinstance(part, dict))
    # FSx for Lustre User Guide, "Mounting from an Amazon EC2 instance"; tools run as user 1000.
    mounted = f"<{file_system}.DNSName>@tcp:/<{file_system}.LustreMountName> /mnt/lustre"
    order = [start.index(words) for words in ("set -e", "install -y lustre-client", mounted, "install -d -o 1000 ")]
    assert order == sorted(order)


def test_lustre_with_references_is_reached_by_tools_alone(other: Any) -> None:
    (group,) = other.resources("secondary", "AWS::EC2::SecurityGroup")

    def named(rule: Mapping[str, Any], end: str) -> str:
        given = flat(rule[end])
        return "lustre" if group.split("/")[1] in given else "tools" if "Tools" in given else given

    for kind, far in (("Ingress", "SourceSecurityGroupId"), ("Egress", "DestinationSecurityGroupId")):
        found = other.resources("secondary", f"AWS::EC2::SecurityGroup{kind}").values()
        rules = [rule["Properties"] for rule in found]
        pairs = [(named(rule, "GroupId"), named(rule, far), rule["FromPort"], rule["ToPort"]) for rule in rules]
        # FSx for Lustre User Guide, "File system access control with Amazon VPC": 988 and 1018-1023, both ways.
        assert sorted(pairs) == sorted(
            (*ends, *ports)
            for ends in (("lustre", "lustre"), ("lustre", "tools"), ("tools", "lustre"))
            for ports in ((988, 988), (1018, 1023))
        )


def test_containers_cannot_change_their_image_and_have_no_privileges(assembly: Any) -> None:
    for properties in job_definitions(assembly).values():
        assert properties["ContainerProperties"]["ReadonlyRootFilesystem"] is True
        assert not properties["ContainerProperties"].get("Privileged", False)


def test_every_tool_has_a_role_and_a_log_group_of_its_own(assembly: Any) -> None:
    definitions = job_definitions(assembly).values()
    assert len({p["ContainerProperties"]["JobRoleArn"]["Fn::GetAtt"][0] for p in definitions}) == len(Step)
    assert len({_logs(p)["awslogs-group"]["Ref"] for p in definitions}) == len(Step)


def compute_environments(assembly: Any) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Logical id and resources of the compute environments by their type."""
    found = assembly.resources("secondary", "AWS::Batch::ComputeEnvironment").items()
    return {
        r["Properties"]["ComputeResources"]["Type"]: (name.split("/")[1], r["Properties"]["ComputeResources"])
        for name, r in found
    }


def test_spot_chooses_by_price_and_capacity_among_many_families(default: Any) -> None:
    _, spot = compute_environments(default)["SPOT"]
    assert spot["AllocationStrategy"] == "SPOT_PRICE_CAPACITY_OPTIMIZED"
    assert len(spot["InstanceTypes"]) >= 10
    assert len(spot["Subnets"]) == 3


def test_the_fleet_is_the_settings(default: Any, other: Any) -> None:
    families = {"c6i", "m6i", "r6i", "c6a", "m6a", "r6a", "c5", "m5", "r5", "c7i", "m7i", "r7i"}
    for assembly, types, vcpus, bid, disk in (
        (default, families, 256, 100, 500),
        (other, {"optimal", "c6i.8xlarge", "m6i"}, 48, 60, 200),
    ):
        for kind, (_, resources) in compute_environments(assembly).items():
            assert set(resources["InstanceTypes"]) == types
            assert resources["MaxvCpus"] == vcpus
            assert resources["MinvCpus"] == 0
            assert resources.get("BidPercentage") == (bid if kind == "SPOT" else None)
        (template,) = assembly.resources("secondary", "AWS::EC2::LaunchTemplate").values()
        data = template["Properties"]["LaunchTemplateData"]
        (device,) = data["BlockDeviceMappings"]
        assert device["Ebs"] == {
            "DeleteOnTermination": True,
            "Encrypted": True,
            "VolumeSize": disk,
            "VolumeType": "gp3",
        }
        assert data["MetadataOptions"]["HttpTokens"] == "required"


def test_a_queue_falls_back_from_spot_to_on_demand_and_the_urgent_one_the_other_way_round(assembly: Any) -> None:
    environments = compute_environments(assembly)
    spot, on_demand = environments["SPOT"][0], environments["EC2"][0]
    found = {}
    for name, resource in assembly.resources("secondary", "AWS::Batch::JobQueue").items():
        queue = resource["Properties"]
        ordered = sorted(queue["ComputeEnvironmentOrder"], key=lambda each: each["Order"])
        names = [each["ComputeEnvironment"]["Fn::GetAtt"][0] for each in ordered]
        found["Urgent" in name] = (names, queue["Priority"])
    # CreateJobQueue: "Job queues with a higher priority (or a higher integer value ...) are evaluated first".
    assert found == {False: ([spot, on_demand], 1), True: ([on_demand, spot], 10)}


def test_only_identity_policies_let_a_role_write_references(default: Any) -> None:
    (file_system,) = default.resources("secondary", "AWS::EFS::FileSystem").values()
    (statement,) = file_system["Properties"]["FileSystemPolicy"]["Statement"]
    assert statement == {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def test_arrivals_reach_their_queue_and_what_fails_thrice_is_kept(assembly: Any) -> None:
    rules = [rule["Properties"] for rule in assembly.resources("secondary", "AWS::Events::Rule").values()]
    patterns = {rule["EventPattern"]["source"][0]: rule["EventPattern"] for rule in rules}
    assert patterns["genomics"] == {"source": ["genomics"], "detail-type": ["RunTransferred"]}
    pattern = patterns["aws.s3"]
    assert pattern["detail-type"] == ["Object Created"]
    assert pattern["detail"]["object"] == {"key": [{"wildcard": "inbox/*/run.json"}]}
    assert len(pattern["detail"]["bucket"]["name"]) == 1
    queues = {
        name.split("/")[1]: q["Properties"] for name, q in assembly.resources("secondary", "AWS::SQS::Queue").items()
    }
    assert all(queue["SqsManagedSseEnabled"] is True for queue in queues.values())
    mappings = [m["Properties"] for m in assembly.resources("secondary", "AWS::Lambda::EventSourceMapping").values()]
    assert len(rules) == len(mappings) == 2
    for rule in rules:
        (target,) = rule["Targets"]
        queue = queues[target["Arn"]["Fn::GetAtt"][0]]
        assert queue["RedrivePolicy"]["maxReceiveCount"] == 3
        dead_letters = queues[queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]]
        assert dead_letters["MessageRetentionPeriod"] == 14 * 24 * 3600
        assert target["DeadLetterConfig"]["Arn"] == queue["RedrivePolicy"]["deadLetterTargetArn"]
        assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 6 * 3600, "MaximumRetryAttempts": 8}
        (mapping,) = (each for each in mappings if each["EventSourceArn"] == target["Arn"])
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize(
    ("handler", "contract"),
    [
        ("secondary.start_run", StartRunEnvironment),
        ("secondary.route_run", StartRunEnvironment),
        ("secondary.plan_lanes", PlanEnvironment),
        ("secondary.request_runs", LedgerEnvironment),
        ("secondary.plan_reference", PlanEnvironment),
        ("secondary.plan_samples", PlanEnvironment),
        ("secondary.plan_sample", PlanEnvironment),
        ("secondary.record_failure", LedgerEnvironment),
        ("secondary.collect_results", LedgerEnvironment),
        ("secondary.record_run_failure", LedgerEnvironment),
        ("secondary.ask_sign_off", AskSignOffEnvironment),
        ("secondary.keep_token", KeepTokenEnvironment),
        ("secondary.record_sign_off", LedgerEnvironment),
        ("secondary.record_hold", LedgerEnvironment),
        ("lake.plan_load", PlanLoadEnvironment),
        ("lake.record_load", PlanLoadEnvironment),
        ("lake.record_load_failure", PlanLoadEnvironment),
    ],
)
def test_functions_are_there_with_the_contracts_environment(default: Any, handler: str, contract: Any) -> None:
    stage = handler.partition(".")[0]
    functions = {
        f["Properties"]["Handler"]: f["Properties"] for f in default.resources(stage, "AWS::Lambda::Function").values()
    }
    function = functions[f"lambdas.{handler}.handler"]
    assert set(function["Environment"]["Variables"]) == {name.upper() for name in contract.__annotations__}
    code = default.directory / f"asset.{function['Code']['S3Key'].removesuffix('.zip')}"
    assert (code / "lambdas" / f"{handler.replace('.', '/')}.py").is_file()
    assert {path.name for path in code.iterdir()} == {"genomics", "lambdas"}
    assert {path.name for path in (code / "lambdas").iterdir() if path.is_dir()} == {stage}


@pytest.mark.parametrize(
    ("module", "url", "secret"),
    [
        ("upload_to_lims", "https://lims.lab.example/api/samples", "lab/lims"),
        (
            "open_ticket",
            "https://tickets.lab.example/api/tickets",
            "arn:aws:secretsmanager:eu-central-1:210987654321:secret:lab/tickets-a1B2c3",
        ),
    ],
)
def test_the_lab_s_services_are_told_where_settings_say_so(
    default: Any, other: Any, module: str, url: str, secret: str
) -> None:
    def functions(assembly: Any) -> dict[str, Any]:
        found = assembly.resources("secondary", "AWS::Lambda::Function").values()
        return {function["Properties"]["Handler"]: function["Properties"] for function in found}

    handler = f"lambdas.secondary.{module}.handler"
    assert handler not in functions(default)
    variables = functions(other)[handler]["Environment"]["Variables"]
    assert set(variables) == {name.upper() for name in ServiceEnvironment.__annotations__}
    assert (variables["URL"], variables["SECRET"]) == (url, secret)
    # In a VPC they would need its way out, of which there is none unless settings ask for NAT gateways.
    assert "VpcConfig" not in functions(other)[handler]


def test_a_sign_off_is_waited_for_as_long_as_settings_say(default: Any, other: Any) -> None:
    for assembly, hours in ((default, 72), (other, 24)):
        found = assembly.resources("secondary", "AWS::Lambda::Function").values()
        (ask,) = [f["Properties"] for f in found if f["Properties"]["Handler"].endswith("ask_sign_off.handler")]
        assert ask["Environment"]["Variables"]["SIGN_OFF_SECONDS"] == str(hours * 3600)
        (activity,) = assembly.resources("secondary", "AWS::StepFunctions::Activity")
        assert activity.startswith("secondary/SignOff")


def test_planners_know_the_image_of_every_step(default: Any) -> None:
    images = {step: environment(properties)["TOOL_IMAGE"] for step, properties in job_definitions(default).items()}
    for function in default.resources("secondary", "AWS::Lambda::Function").values():
        variables = function["Properties"].get("Environment", {"Variables": {}})["Variables"]
        if "TOOL_IMAGES" in variables:
            assert json.loads(variables["TOOL_IMAGES"]) == images
