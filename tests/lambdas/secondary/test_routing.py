"""From RunTransferred to requests for runs: what routes, what does not and says why, and what is done only once."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from genomics.contracts import codec, object_keys
from genomics.contracts.archives import Study
from genomics.contracts.demultiplexing import DemultiplexRequest, FolderFiles, demultiplexing_id, pairs_metric
from genomics.contracts.events import RunTransferred
from genomics.contracts.ledger import RUN, LedgerEntry, step_item
from genomics.contracts.parameters import DemultiplexParameters, FastpParameters, RunParameters
from genomics.contracts.runs import Artifact, Reference, RunRequest, State
from genomics.contracts.steps import Step
from genomics.contracts.transfers import (
    ManifestFile,
    ManifestHeader,
    ManifestTrailer,
    file_line,
    header_line,
    trailer_line,
)
from genomics_cli.demo import run_folder as demo
from lambdas import documents
from lambdas.secondary import route_run
from lambdas.secondary.lane_steps import RunFolderError
from lambdas.secondary.plan_lanes import plan_lanes
from lambdas.secondary.request_runs import request_runs

if TYPE_CHECKING:
    from conftest import Platform
    from mypy_boto3_stepfunctions import SFNClient

BUCKET = "sequencing"
IMAGES = {Step.DEMULTIPLEX.value: "image"}
RUN_FOLDER = demo.MISEQ.run_id
ROLE = "arn:aws:iam::123456789012:role/runs"
FASTA = Artifact(object_keys.uri(BUCKET, "references/abc/genome.fa"), "abc", 9)
HEART = Study("heart", reference=Reference("genome", FASTA))
TRIMMED = RunParameters(fastp=FastpParameters(40))
LUNG = Study(
    "lung", reference=Reference("genome", FASTA), parameters=TRIMMED, sign_off=True, tolerate="5%", urgent=True
)


@dataclass
class Lab:
    """A run folder in the bucket, and the function that hears of it."""

    platform: Platform
    step_functions: SFNClient
    state_machine: str

    def put(self, path: str, body: bytes) -> None:
        self.platform.put(object_keys.run_folder(RUN_FOLDER) + path, body)

    def register(self, *studies: Study) -> None:
        for study in studies:
            self.platform.put(object_keys.study(study.name), codec.dumps(study).encode())

    def arrive(self, generation: int = 1, *, later: dict[str, bytes] | None = None) -> str:
        """Base calls as far as planning looks at them, with a manifest; returns the event."""
        files = {
            f"Data/Intensities/BaseCalls/L00{lane}/{name}": name.encode()
            for lane in (1, 2)
            for name in ("C1.1/s_1101.bcl", "s_1101.filter")
        }
        files |= {"Data/Intensities/L001/s_1101.locs": b"locs", "Logs/x": b"", **(later or {})}
        for path, body in files.items():
            if generation == 1 or path in (later or {}):
                self.put(path, body)
        listed = [ManifestFile(len(body), f"{RUN_FOLDER}/{path}") for path, body in files.items()]
        trailer = ManifestTrailer(len(listed), sum(file.size for file in listed))
        lines = [header_line(ManifestHeader(RUN_FOLDER, generation)), *map(file_line, listed), trailer_line(trailer)]
        manifest = object_keys.transfer_manifest(RUN_FOLDER, generation)
        self.platform.put(manifest, gzip.compress("".join(f"{line}\n" for line in lines).encode()))
        uri = object_keys.uri(BUCKET, object_keys.run_folder(RUN_FOLDER))
        event = RunTransferred(RUN_FOLDER, generation, uri, object_keys.uri(BUCKET, manifest), len(listed), 1)
        return json.dumps({"detail-type": "RunTransferred", "detail": codec.to_dict(event)})

    def deliver(self, *bodies: str) -> int:
        """Hand events to the function; how many it failed."""
        records = [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]
        return len(route_run.handler({"Records": records}, None)["batchItemFailures"])

    @property
    def executions(self) -> dict[str, Any]:
        """Inputs of the executions started, by name."""
        found = self.step_functions.list_executions(stateMachineArn=self.state_machine)["executions"]
        describe = self.step_functions.describe_execution
        return {each["name"]: json.loads(describe(executionArn=each["executionArn"])["input"]) for each in found}

    def entry(self, generation: int = 1, item: str = RUN) -> LedgerEntry:
        entry = self.platform.ledger.get(demultiplexing_id(RUN_FOLDER, generation), item)
        assert entry is not None
        return entry

    def plan(self, generation: int = 1) -> dict[str, Any]:
        uri = self.executions[demultiplexing_id(RUN_FOLDER, generation)]["request"]
        platform = self.platform
        return plan_lanes(request_uri=uri, bucket=BUCKET, images=IMAGES, s3=platform.s3, ledger=platform.ledger)


@pytest.fixture
def lab(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Lab:
    step_functions = boto3.client("stepfunctions", region_name="us-east-1")
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
    arn = step_functions.create_state_machine(name="Demultiplexings", definition=definition, roleArn=ROLE)
    monkeypatch.setenv("STATE_MACHINE_ARN", arn["stateMachineArn"])
    monkeypatch.setenv("SEQUENCING_BUCKET", BUCKET)
    monkeypatch.setenv("LEDGER_TABLE", "ledger")
    lab = Lab(platform, step_functions, arn["stateMachineArn"])
    lab.put("RunInfo.xml", demo.run_info(demo.MISEQ).encode())
    lab.put("SampleSheet.csv", demo.sample_sheet(demo.SAMPLES, version=1).encode())
    return lab


def test_a_run_folder_whose_studies_are_known_is_started_once(lab: Lab) -> None:
    lab.register(HEART, LUNG)
    event = lab.arrive()
    assert lab.deliver(event, event) == 0
    assert lab.deliver(event) == 0
    own = demultiplexing_id(RUN_FOLDER, 1)
    uri = object_keys.uri(BUCKET, object_keys.demultiplex_request(own))
    assert lab.executions == {own: {"run_id": own, "request": uri}}
    assert lab.entry().state is State.RUNNING
    request = documents.read(lab.platform.s3, DemultiplexRequest, uri)
    assert request.projects == {"BCL-1": "heart", "BCL-2": "heart", "BCL-3": "lung"}
    assert request.studies == (HEART, LUNG)
    assert [(sheet.lane, sheet.read_structure) for sheet in request.lanes] == [(1, "150T8B8B150T"), (2, "150T8B8B150T")]


@pytest.mark.parametrize(
    ("studies", "sheet", "reason"),
    [
        ((HEART, LUNG), None, "SampleSheet.csv is not there; put the run's sample sheet there"),
        ((HEART, LUNG), b"[Header]\n", "SampleSheet.csv: has no section [Data]; add it"),
        ((HEART,), b"", "SampleSheet.csv:14: project lung is no registered study; write s3://seq"),
        ((HEART, Study("lung")), b"", "studies/lung.json: the study names no reference; add one"),
        ((HEART, replace(LUNG, demultiplex=DemultiplexParameters(0))), b"", "are registered with different parameters"),
    ],
)  # fmt: skip
def test_what_does_not_route_says_why_and_can_be_delivered_again(
    lab: Lab, studies: tuple[Study, ...], sheet: bytes | None, reason: str
) -> None:
    lab.register(*studies)
    event = lab.arrive()
    key = object_keys.run_folder(RUN_FOLDER) + "SampleSheet.csv"
    if sheet is None:
        lab.platform.s3.delete_object(Bucket=BUCKET, Key=key)
    elif sheet:
        lab.put("SampleSheet.csv", sheet)
    assert lab.deliver(event) == 1
    assert lab.executions == {}
    assert lab.entry().state is State.FAILED
    assert reason in (lab.entry().reason or "")
    # What a person does, and then the queue of dead letters gives the event once more.
    lab.put("SampleSheet.csv", demo.sample_sheet(demo.SAMPLES, version=1).encode())
    lab.register(HEART, LUNG)
    assert lab.deliver(event) == 0
    assert list(lab.executions) == [demultiplexing_id(RUN_FOLDER, 1)]
    assert (lab.entry().state, lab.entry().reason) == (State.RUNNING, None)


def test_what_is_no_such_event_fails_by_itself(lab: Lab) -> None:
    lab.register(HEART, LUNG)
    assert lab.deliver("{}", lab.arrive(), "no JSON") == 2
    assert len(lab.executions) == 1


def test_a_generation_that_a_later_one_has_overtaken_is_passed_over(lab: Lab) -> None:
    lab.register(HEART, LUNG)
    first = lab.arrive()
    second = lab.arrive(2, later={"Data/Intensities/BaseCalls/L002/C1.1/s_1101.bcl": b"whole"})
    assert lab.deliver(second, first) == 0
    assert list(lab.executions) == [demultiplexing_id(RUN_FOLDER, 2)]
    assert lab.entry(1).state is State.SKIPPED
    assert "generation 2" in (lab.entry(1).reason or "")


def test_only_the_lanes_that_a_later_generation_has_changed_are_made_again(lab: Lab) -> None:
    lab.register(HEART, LUNG)
    assert lab.deliver(lab.arrive()) == 0
    planned = lab.plan()
    assert [(job["part"], job["name"]) for job in planned["lanes"]] == [
        ("L001", "demultiplex-L001"), ("L002", "demultiplex-L002"),
    ]  # fmt: skip
    task = lab.platform.task(planned["lanes"][0]["task"])
    files = documents.read(lab.platform.s3, FolderFiles, task.inputs["files"][0].uri)
    assert [(file.path, file.size) for file in files.files] == [
        ("Data/Intensities/BaseCalls/L001/C1.1/s_1101.bcl", 15),
        ("Data/Intensities/BaseCalls/L001/s_1101.filter", 13),
        ("Data/Intensities/L001/s_1101.locs", 4),
    ]
    assert task.folder == object_keys.uri(BUCKET, object_keys.run_folder(RUN_FOLDER))
    for job in planned["lanes"]:
        lab.platform.complete(job["task"])

    assert lab.deliver(lab.arrive(2, later={"Data/Intensities/BaseCalls/L002/C1.1/s_1101.bcl": b"whole"})) == 0
    again = lab.plan(2)
    assert [job["part"] for job in again["lanes"]] == ["L002"]
    assert again["records"][0] == planned["records"][0]
    assert lab.entry(2, step_item("", Step.DEMULTIPLEX, "L001")).state is State.SKIPPED
    assert lab.entry(2, step_item("", Step.DEMULTIPLEX, "L002")).reason == "input files of lane L002 changed"


def test_a_file_that_is_not_as_the_manifest_lists_it_is_named(lab: Lab) -> None:
    lab.register(HEART, LUNG)
    assert lab.deliver(lab.arrive()) == 0
    lab.put("Data/Intensities/BaseCalls/L002/s_1101.filter", b"longer than it was")
    with pytest.raises(RunFolderError, match=r"L002/s_1101\.filter has 18, the manifest lists 13 bytes"):
        lab.plan()


# Of every sample on every lane.
PAIRS = {pairs_metric(f"BCL-{number}"): 1000 for number in (1, 2, 3)}


def test_a_sample_is_analysed_from_the_lanes_that_have_reads_of_it_and_named_where_none_has(lab: Lab) -> None:
    lab.register(HEART, LUNG)
    assert lab.deliver(lab.arrive()) == 0
    planned = lab.plan()
    for lane, job in enumerate(planned["lanes"]):
        empty = {pairs_metric("BCL-3"): 0} | ({pairs_metric("BCL-2"): 0} if lane else {})
        lab.platform.complete(job["task"], metrics={"matched_share": 0.5, **PAIRS, **empty})
    arguments = {"request_uri": planned["request"], "record_uris": planned["records"], "bucket": BUCKET}
    (run_id,) = request_runs(**arguments, s3=lab.platform.s3, ledger=lab.platform.ledger)["runs"]
    uri = object_keys.uri(BUCKET, object_keys.run_request(run_id))
    heart = documents.read(lab.platform.s3, RunRequest, uri)
    lanes = {sample.sample: [lane.lane for lane in sample.lanes] for sample in heart.samples}
    assert lanes == {"BCL-1": ["L001", "L002"], "BCL-2": ["L001"]}
    assert str(lab.entry().reason).endswith(f"analysed by {run_id}; without reads: BCL-3")


def test_each_study_is_asked_for_with_its_own_samples_and_parameters(lab: Lab) -> None:
    lab.register(HEART, LUNG)
    assert lab.deliver(lab.arrive()) == 0
    planned = lab.plan()
    for job in planned["lanes"]:
        lab.platform.complete(job["task"], metrics={"matched_share": 0.975, **PAIRS})
    arguments = {"request_uri": planned["request"], "record_uris": planned["records"], "bucket": BUCKET}
    for _ in range(2):
        asked = request_runs(**arguments, s3=lab.platform.s3, ledger=lab.platform.ledger)
    own = demultiplexing_id(RUN_FOLDER, 1)
    assert asked == {"run_id": own, "runs": [f"{own}-heart", f"{own}-lung"]}
    heart, lung = (
        documents.read(lab.platform.s3, RunRequest, object_keys.uri(BUCKET, object_keys.run_request(run)))
        for run in asked["runs"]
    )
    assert [sample.sample for sample in heart.samples] == ["BCL-1", "BCL-2"]
    assert [sample.sample for sample in lung.samples] == ["BCL-3"]
    assert (heart.reference, heart.parameters) == (HEART.reference, HEART.parameters)
    assert lung.parameters.fastp.minimum_length == 40
    assert [(run.sign_off, run.tolerate, run.urgent) for run in (heart, lung)] == [
        (False, "0", False),
        (True, "5%", True),
    ]
    assert [lane.lane for lane in lung.samples[0].lanes] == ["L001", "L002"]
    assert lung.samples[0].lanes[1].fastq_2.uri.endswith("/BCL-3_R2.fastq.gz")
    assert all(key.uri.startswith(f"s3://{BUCKET}/{object_keys.DEMULTIPLEXED}") for key in lung.artifacts[1:])
    assert (lab.entry().state, lab.entry().reason) == (
        State.SUCCEEDED,
        f"read pairs of known samples: L001 97.5%, L002 97.5%; analysed by {own}-heart, {own}-lung",
    )
