"""A study goes to the archive when it is old, and comes back when it is asked for: by command, by a gateway's read."""

import hashlib
import json
import random
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from embedded_aws import instance
from embedded_aws.instance import Instance
from genomics.contracts import codec, object_keys
from genomics.contracts.archives import is_archived_kind
from genomics.contracts.ledger import ARCHIVE, RESTORE, study_partition
from genomics.contracts.runs import (
    Artifact,
    LaneReads,
    Reference,
    RunRequest,
    RunResults,
    SampleReads,
    SampleResult,
    State,
)
from tests.embedded_aws.instance_clients import client, outputs
from tests.end_to_end.conftest import CommandLine
from tests.waiting import until

STUDY, RUN_FOLDER, OWNER = "heart", "240101_A00001_0001_AHXXXXXXX", "owner@lab.example"
LANE = f"{object_keys.run_folder(RUN_FOLDER)}Data/Intensities/BaseCalls/L001/"
DAY, HOUR = 86_400, 3600


@dataclass
class Lab:
    """An embedded AWS whose clock is advanced, with a generated study in it."""

    instance: Instance
    data: Path
    command_line: CommandLine
    contents: dict[str, bytes] = field(default_factory=dict)
    heads: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.s3 = client(self.instance, "s3")
        found = {**outputs(self.instance, "genomics-storage"), **outputs(self.instance, "genomics-archive")}
        self.bucket, self.ledger_table, self.outputs = found["SequencingBucket"], found["LedgerTable"], found

    def advance(self, seconds: float) -> None:
        body = json.dumps({"advance_seconds": seconds}).encode()
        request = urllib.request.Request(f"{self.instance.endpoint}/_embedded/clock", data=body, method="POST")  # noqa: S310
        urllib.request.urlopen(request, timeout=150).read()  # noqa: S310

    def put(self, key: str, content: bytes, **more: Any) -> Artifact:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content, **more)
        self.contents[key] = content
        return Artifact(object_keys.uri(self.bucket, key), hashlib.sha256(content).hexdigest(), len(content))

    def make_study(self) -> None:
        """Two lanes of BCL in a run folder; a run's reads and its variants, which name the study."""
        random_bytes = random.Random(7).randbytes  # noqa: S311
        for lane in ("L001", "L002"):
            for cycle in range(1, 6):
                self.put(f"{LANE.replace('L001', lane)}C{cycle}.1/s_1_1101.bcl.gz", random_bytes(200_000))
        self.put(f"{object_keys.run_folder(RUN_FOLDER)}RunInfo.xml", b"<RunInfo/>")
        mates = [
            self.put(
                object_keys.reads(str(mate) * 64, f"A_R{mate}.fastq.gz"),
                random_bytes(12_000_000),
                StorageClass="STANDARD_IA",
                Tagging="patient=P1",
                Metadata={"file-owner": "1000"},
                ContentType="application/gzip",
            )
            for mate in (1, 2)
        ]
        fasta = self.put(object_keys.reference_file("0" * 64, "ref.fa"), b">chr1\nACGT\n")
        vcf = self.put("steps/gather_variants/ff/A.vcf.gz", random_bytes(300_000))
        request = RunRequest(
            run_id="run-1",
            study=STUDY,
            reference=Reference("ref", fasta),
            samples=(SampleReads("A", "P1", (LaneReads("L001", mates[0], mates[1]),)),),
        )
        result = SampleResult("A", "P1", State.SUCCEEDED, vcf=vcf)
        self.put(object_keys.run_document("run-1", "request.json"), codec.dumps(request).encode())
        results = RunResults("run-1", STUDY, "ref", (result,))
        self.put(object_keys.run_results("run-1"), codec.dumps(results).encode())
        registered = {"name": STUDY, "owner": OWNER, "run_folders": [RUN_FOLDER]}
        self.put(object_keys.study(STUDY), json.dumps(registered).encode())
        self.heads = {key: self.described(key) for key in self.members}

    @property
    def members(self) -> dict[str, bytes]:
        return {key: content for key, content in self.contents.items() if is_archived_kind(key)}

    def described(self, key: str) -> dict[str, Any]:
        """What of an object a user sees, beside its content."""
        head = self.s3.head_object(Bucket=self.bucket, Key=key)
        tags = self.s3.get_object_tagging(Bucket=self.bucket, Key=key)["TagSet"]
        kept = {name: head.get(name) for name in ("ContentLength", "ContentType", "Metadata", "StorageClass")}
        return {**kept, "tags": tags}

    def entry(self, item: str) -> dict[str, str]:
        """What the ledger says of the study."""
        key = {"run_id": {"S": study_partition(STUDY)}, "item": {"S": item}}
        found = client(self.instance, "dynamodb").get_item(TableName=self.ledger_table, Key=key).get("Item", {})
        return {name: next(iter(value.values())) for name, value in found.items()}

    def keys(self, prefix: str) -> list[str]:
        return [o["Key"] for o in self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", ())]

    def mails(self, address: str) -> list[str]:
        """Subjects of the e-mails that an address has got."""
        found = sorted((self.data / "mail" / address).glob("*.eml"))
        return [str(message_from_bytes(path.read_bytes())["Subject"]) for path in found]

    def function(self, module: str) -> str:
        """Name of a function of the stack."""
        found = client(self.instance, "lambda").get_paginator("list_functions").paginate()
        (name,) = [f["FunctionName"] for page in found for f in page["Functions"] if module in f["FunctionName"]]
        return str(name)

    def executions(self, output: str) -> list[dict[str, Any]]:
        found = client(self.instance, "stepfunctions").list_executions(stateMachineArn=self.outputs[output])
        return list(found["executions"])


@pytest.fixture(scope="module")
def lab(cloud_assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Of its own: months pass in it."""
    data = tmp_path_factory.mktemp("archive")
    started = instance.start(data, 0, cloud_assembly)
    made = Lab(started, data, CommandLine(started, tmp_path_factory.mktemp("archive-user")))
    # So that the small study has several parts.
    functions, name = client(started, "lambda"), made.function("FindDueStudies")
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    variables["PART_MIB"] = "5"
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    # Other stages' schedules, some every few minutes, have nothing to do with it.
    events = client(started, "events")
    for rule in events.list_rules()["Rules"]:
        if "ScheduleExpression" in rule and "archive" not in rule["Name"]:
            events.disable_rule(Name=rule["Name"])
    made.make_study()
    yield made
    instance.stop(data)


def tool_process(lab: Lab) -> psutil.Process | None:
    for process in psutil.Process(lab.instance.pid).children(recursive=True):
        try:
            if "batch_tools.archive_study.cli" in process.cmdline():
                return process
        except psutil.NoSuchProcess:
            continue
    return None


def test_a_young_study_stays(lab: Lab) -> None:
    lab.advance(89 * DAY)
    time.sleep(2)
    assert lab.executions("ArchiveStateMachineArn") == []


def test_at_ninety_days_it_is_archived_though_the_job_is_killed_half_way(lab: Lab) -> None:
    lab.advance(2 * DAY)
    process = until(lambda: tool_process(lab), what="the archive's job")
    until(
        lambda: [key for key in lab.keys(object_keys.study_archives(STUDY)) if "/parts/00001" in key],
        what="its first part",
    )
    process.kill()
    until(lambda: lab.entry(ARCHIVE).get("state") == "SUCCEEDED", what="the archive")
    jobs = client(lab.instance, "batch")
    machine = "ArchiveStateMachineArn"
    until(lambda: [e["status"] for e in lab.executions(machine)] == ["SUCCEEDED"], what="its execution's end")
    queues = [q["jobQueueArn"] for q in jobs.describe_job_queues()["jobQueues"]]
    (job,) = (j for q in queues for j in jobs.list_jobs(jobQueue=q, jobStatus="SUCCEEDED")["jobSummaryList"])
    attempts = jobs.describe_jobs(jobs=[job["jobId"]])["jobs"][0]["attempts"]
    assert [attempt["container"]["exitCode"] for attempt in attempts] == [137, 0]


def test_placeholders_stand_where_the_originals_were(lab: Lab) -> None:
    for key in lab.members:
        versions = lab.s3.list_object_versions(Bucket=lab.bucket, Prefix=key)["Versions"]
        assert [version["StorageClass"] for version in versions] == ["GLACIER"], key
        with pytest.raises(ClientError, match="storage class"):
            lab.s3.get_object(Bucket=lab.bucket, Key=key)
    others = set(lab.contents) - set(lab.members)
    assert all(lab.s3.get_object(Bucket=lab.bucket, Key=k)["Body"].read() == lab.contents[k] for k in others)


def test_a_command_brings_it_back_byte_for_byte(lab: Lab, tmp_path: Path) -> None:
    asked = lab.command_line("restore", STUDY, "--notify", "ana@lab.example")
    assert asked.status == 0, asked.errors
    assert "ana@lab.example gets an e-mail" in asked.output
    # A second request, and one by the same person, join the restore that is under way.
    until(lambda: "task_token" in lab.entry(RESTORE), what="the restore's token")
    machine, step_functions = "RestoreStateMachineArn", client(lab.instance, "stepfunctions")
    for address in ("bob@lab.example", "ana@lab.example"):
        given = json.dumps({"study": STUDY, "email": address})
        step_functions.start_execution(stateMachineArn=lab.outputs[machine], input=given)
    until(lambda: [e["status"] for e in lab.executions(machine)].count("SUCCEEDED") == 2, what="both to join")
    # S3 User Guide, "Understanding archive retrieval options": Bulk takes 48 hours from Deep Archive.
    lab.advance(47 * HOUR)
    time.sleep(1)
    assert lab.entry(RESTORE)["state"] == "RUNNING"
    assert lab.mails("ana@lab.example") == []
    lab.advance(2 * HOUR)
    until(lambda: lab.entry(RESTORE)["state"] == "SUCCEEDED", what="the restore")
    for key, content in lab.members.items():
        assert lab.s3.get_object(Bucket=lab.bucket, Key=key)["Body"].read() == content, key
        assert lab.described(key) == lab.heads[key]
        assert len(lab.s3.list_object_versions(Bucket=lab.bucket, Prefix=key)["Versions"]) == 1


def test_each_who_asked_got_one_e_mail(lab: Lab) -> None:
    until(lambda: lab.mails("bob@lab.example"), what="the e-mails")
    assert lab.mails("ana@lab.example") == lab.mails("bob@lab.example") == [f"Study {STUDY} is back from the archive"]
    assert lab.mails(OWNER) == []
    # EventBridge delivers at least once: the event comes again, and a third time.
    (tar,) = [key for key in lab.keys(object_keys.study_archives(STUDY)) if key.endswith(".tar")]
    event = {"detail": {"object": {"key": tar}}}
    functions, name = client(lab.instance, "lambda"), lab.function("TarRestored")
    for _ in range(2):
        functions.invoke(FunctionName=name, Payload=json.dumps(event).encode())
    assert len(lab.mails("ana@lab.example")) == 1


def test_plain_tar_opens_what_was_archived(lab: Lab, tmp_path: Path) -> None:
    (tar,) = [key for key in lab.keys(object_keys.study_archives(STUDY)) if key.endswith(".tar")]
    lab.s3.download_file(lab.bucket, tar, str(tmp_path / "study.tar"))
    subprocess.run(["tar", "-xf", "study.tar"], check=True, cwd=tmp_path)
    assert all((tmp_path / key).read_bytes() == content for key, content in lab.members.items())


def test_what_was_restored_is_archived_again_and_a_gateway_s_read_brings_it_back(lab: Lab) -> None:
    first = lab.entry(ARCHIVE)["fingerprint"]
    lab.advance(92 * DAY)
    until(lambda: lab.entry(ARCHIVE)["fingerprint"] != first, what="the second archive")
    until(lambda: lab.entry(ARCHIVE)["state"] == "SUCCEEDED", what="its end")
    key = next(key for key in lab.members if key.endswith(".bcl.gz"))
    # S3 File Gateway User Guide, "Getting S3 File Gateway health logs with CloudWatch log groups".
    entry = {
        "severity": "ERROR",
        "bucket": lab.bucket,
        "roleArn": "arn:aws:iam::123456789012:role/gateway",
        "source": "share-E1A2B34C",
        "type": "InaccessibleStorageClass",
        "operation": "S3Read",
        "key": key,
        "gateway": "sgw-B1D123D4",
        "timestamp": "1565740862516",
    }
    logs, group = client(lab.instance, "logs"), lab.outputs["GatewayLogGroup"]
    logs.create_log_stream(logGroupName=group, logStreamName="sgw-B1D123D4")
    moment = int(time.time() * 1000)
    # Every file of a folder is read, and each read is logged.
    events = [{"timestamp": moment, "message": json.dumps(entry)} for _ in range(3)]
    logs.put_log_events(logGroupName=group, logStreamName="sgw-B1D123D4", logEvents=events)
    until(lambda: ":read-" in lab.entry(RESTORE)["execution_arn"], what="the restore")
    until(lambda: "task_token" in lab.entry(RESTORE), what="its token")
    lab.advance(49 * HOUR)
    until(lambda: lab.entry(RESTORE)["state"] == "SUCCEEDED", what="the restore")
    until(lambda: lab.mails(OWNER), what="the owner's e-mail")
    assert lab.mails(OWNER) == [f"Study {STUDY} is back from the archive"]
    reads = [e for e in lab.executions("RestoreStateMachineArn") if e["name"].startswith("read-")]
    assert len(reads) == 1
    assert len(lab.mails("ana@lab.example")) == 1
    assert all(lab.s3.get_object(Bucket=lab.bucket, Key=k)["Body"].read() == c for k, c in lab.members.items())


def test_the_copy_of_the_vcf_goes_after_twelve_months(lab: Lab) -> None:
    assert lab.keys(object_keys.VCF_COPIES)
    lab.advance(366 * DAY)
    assert lab.keys(object_keys.VCF_COPIES) == []


def test_an_unknown_study_is_one_line(lab: Lab) -> None:
    asked = lab.command_line("restore", "nobody", "--notify", "ana@lab.example")
    assert asked.status == 1
    assert asked.errors.strip() == (
        "error: study nobody has no archive; `genomics restore` takes a study's name as its runs give it"
    )
