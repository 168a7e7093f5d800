"""DataSync: its user guide and API reference, cited in place."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws import file_servers
from embedded_aws.datasync.filters import FilterError, Filters
from tests.waiting import until

AGENT = file_servers.AGENT_ARN
RUN = "230102_M01234_0001_000000000-ABCDE"


@dataclass
class Lab:
    """A landing folder, a bucket, and tasks between them."""

    services: Any
    folder: Path
    bucket: str
    role: str
    sources: list[str] = field(default_factory=list)

    def client(self, service: str) -> Any:
        return self.services.client(service)

    def write(self, files: dict[str, bytes]) -> None:
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def task(self, **given: Any) -> str:
        sync = self.client("datasync")
        source = sync.create_location_nfs(
            ServerHostname="nas.lab", Subdirectory=f"/{self.bucket}", OnPremConfig={"AgentArns": [AGENT]}
        )["LocationArn"]
        target = sync.create_location_s3(
            S3BucketArn=f"arn:aws:s3:::{self.bucket}",
            Subdirectory="/run_folders",
            S3StorageClass="STANDARD_IA",
            S3Config={"BucketAccessRoleArn": self.role},
        )["LocationArn"]
        self.sources.append(source)
        arn: str = sync.create_task(SourceLocationArn=source, DestinationLocationArn=target, **given)["TaskArn"]
        return arn

    def start(self, task: str, **given: Any) -> str:
        arn: str = self.client("datasync").start_task_execution(TaskArn=task, **given)["TaskExecutionArn"]
        return arn

    def status(self, execution: str) -> str:
        return str(self.client("datasync").describe_task_execution(TaskExecutionArn=execution)["Status"])

    def end(self, execution: str) -> dict[str, Any]:
        """The description of the execution when it has ended, its report written."""
        until(lambda: self.status(execution) in ("SUCCESS", "ERROR"))
        described: dict[str, Any] = self.client("datasync").describe_task_execution(TaskExecutionArn=execution)
        return described

    def objects(self, prefix: str = "run_folders/") -> dict[str, str]:
        """Storage classes of the files' objects by key; not those of folders."""
        found = self.client("s3").list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", ())
        return {item["Key"]: item["StorageClass"] for item in found if not item["Key"].endswith("/")}

    def text(self, key: str) -> str:
        return str(self.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read().decode())


@pytest.fixture
def lab(services: Any, request: pytest.FixtureRequest) -> Lab:
    name = f"datasync-{abs(hash(request.node.name)):x}"[:40]
    services.client("s3").create_bucket(Bucket=name)
    role = services.role(name, "s3:*")
    return Lab(services, file_servers.export(services.context, "nas.lab", f"/{name}"), name, role)


def pattern(value: str) -> list[dict[str, str]]:
    return [{"FilterType": "SIMPLE_PATTERN", "Value": value}]


# User Guide, "Specifying what DataSync transfers by using filters": /dir and /dir/ match the folder and its contents;
# filters are case sensitive; * matches zero or more characters; patterns are delimited by |, and \ escapes.
@pytest.mark.parametrize(
    ("value", "path", "is_matched"),
    [
        ("/run", "/run", True),
        ("/run", "/run/a/b.bcl", True),
        ("/run/", "/run/a", True),
        ("/run", "/run2/a", False),
        ("/run", "/Run/a", False),
        ("run", "/run/a", False),
        ("*/Thumbnail_Images", "/run/Thumbnail_Images/L001/a.jpg", True),
        ("*/Thumbnail_Images", "/run/Thumbnail_Images_old/a", False),
        ("*.tmp|*.temp", "/run/x.temp", True),
        ("*.tmp", "/run/x.tmp2", False),
        ("/run*", "/run2/a", True),
        (r"/a\|b", "/a|b/c", True),
        (r"/a\*", "/ab", False),
        ("/run.1", "/runx1", False),
    ],
)
def test_patterns_match_as_documented(value: str, path: str, is_matched: bool) -> None:
    assert Filters.read((), pattern(value)).takes(path) is not is_matched


def test_an_include_filter_takes_a_wildcard_at_its_end_only() -> None:
    # The same page: "Include filters support the wildcard (*) character only as the rightmost character in a pattern".
    with pytest.raises(FilterError, match=r"'\*\.bcl'.*last character"):
        Filters.read(pattern("*.bcl"), ())
    assert Filters.read(pattern("/documents*|/code*"), ()).takes("/code-1/a")


def test_includes_are_entered_from_above_and_excludes_win() -> None:
    filters = Filters.read(pattern("/a/b"), pattern("*/logs"))
    assert filters.enters("/a")
    assert not filters.takes("/a/c")
    assert filters.takes("/a/b/c")
    assert not filters.enters("/a/b/logs")


def test_one_run_is_copied_without_what_is_excluded(lab: Lab) -> None:
    lab.write({
        f"{RUN}/RunInfo.xml": b"<RunInfo/>",
        f"{RUN}/Data/L001/s_1_1101.bcl": bytes(300_000),
        f"{RUN}/Thumbnail_Images/L001/s_1.jpg": b"jpg",
        "other/RunInfo.xml": b"<RunInfo/>",
    })  # fmt: skip
    task = lab.task(Excludes=pattern("*/Thumbnail_Images"), Options={"VerifyMode": "ONLY_FILES_TRANSFERRED"})
    described = lab.end(lab.start(task, Includes=pattern(f"/{RUN}"), Tags=[{"Key": "run", "Value": RUN}]))
    assert described["Status"] == "SUCCESS"
    assert lab.objects() == {
        f"run_folders/{RUN}/RunInfo.xml": "STANDARD_IA",
        f"run_folders/{RUN}/Data/L001/s_1_1101.bcl": "STANDARD_IA",
    }
    # API Reference, "DescribeTaskExecution": files, objects, and directories; here two files in three directories.
    assert (described["FilesTransferred"], described["FilesVerified"], described["BytesTransferred"]) == (5, 5, 300_010)
    assert described["Result"]["VerifyStatus"] == "SUCCESS"
    # User Guide, "How DataSync handles file and object metadata": POSIX metadata become user metadata of the object.
    path = lab.folder / RUN / "RunInfo.xml"
    head = lab.client("s3").head_object(Bucket=lab.bucket, Key=f"run_folders/{RUN}/RunInfo.xml")
    assert head["Metadata"]["file-mtime"] == f"{path.stat().st_mtime_ns}ns"
    assert head["Metadata"]["file-owner"] == str(os.getuid())


def test_a_second_execution_copies_only_what_has_changed(lab: Lab) -> None:
    lab.write({"a.txt": b"one", "b.txt": b"two"})
    task = lab.task()
    lab.end(lab.start(task))
    (lab.folder / "b.txt").write_bytes(b"new")
    lab.write({"c.txt": b"late"})
    described = lab.end(lab.start(task))
    assert (described["FilesTransferred"], described["FilesSkipped"]) == (2, 1)
    assert lab.text("run_folders/b.txt") == "new"


def test_an_object_that_is_overwritten_keeps_its_storage_class(lab: Lab) -> None:
    # User Guide, "Configuring AWS DataSync transfers with Amazon S3": "DataSync won't change the storage class of
    # existing objects in the bucket (even if that object was modified in the source location)".
    lab.client("s3").put_object(Bucket=lab.bucket, Key="run_folders/old.txt", Body=b"o", StorageClass="ONEZONE_IA")
    lab.write({"old.txt": b"other", "new.txt": b"new"})
    task = lab.task()
    for mode in ("CHANGED", "ALL"):
        assert lab.end(lab.start(task, OverrideOptions={"TransferMode": mode}))["Status"] == "SUCCESS"
        assert lab.objects() == {"run_folders/new.txt": "STANDARD_IA", "run_folders/old.txt": "ONEZONE_IA"}
    assert lab.text("run_folders/old.txt") == "other"


def test_a_role_that_does_not_trust_datasync_ends_the_execution_in_error(lab: Lab) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    lab.client("iam").update_assume_role_policy(RoleName=lab.role.rsplit("/", 1)[-1], PolicyDocument=document)
    lab.write({"run/a.bcl": b"abc"})
    described = lab.end(lab.start(lab.task()))
    assert (described["Status"], described["Result"]["ErrorCode"]) == ("ERROR", "AccessDenied")
    assert "sts:AssumeRole" in described["Result"]["ErrorDetail"]
    assert lab.objects() == {}


def test_the_report_lists_what_was_verified(lab: Lab) -> None:
    # User Guide, "Monitoring your transfers with task reports".
    lab.write({"run/a.bcl": b"abc"})
    report = {
        "Destination": {
            "S3": {
                "S3BucketArn": f"arn:aws:s3:::{lab.bucket}",
                "BucketAccessRoleArn": lab.role,
                "Subdirectory": "reports",
            }
        },
        "OutputType": "STANDARD",
        "ReportLevel": "ERRORS_ONLY",
        "Overrides": {"Verified": {"ReportLevel": "SUCCESSES_AND_ERRORS"}},
    }
    execution = lab.start(lab.task(TaskReportConfig=report))
    assert lab.end(execution)["ReportResult"] == {"Status": "SUCCESS"}
    task, name = execution.split("/")[1], execution.split("/")[3]
    [detailed] = lab.objects(f"reports/Detailed-Reports/{task}/{name}/")
    assert f"/{name}.files-verified-v1-00001-" in detailed
    verified = json.loads(lab.text(detailed))["Verified"]
    files = [entry for entry in verified if entry["DstMetadata"]["Type"] == "Regular"]
    assert [(e["RelativePath"], e["VerifyStatus"], e["SrcMetadata"]["ContentSize"]) for e in files] == [
        ("/run/a.bcl", "SUCCESS", 3)
    ]
    [summary] = lab.objects(f"reports/Summary-Reports/{task}/{name}/")
    assert json.loads(lab.text(summary))["Status"] == "SUCCESS"


def test_a_file_that_cannot_be_read_ends_the_execution_in_error_and_the_others_arrive(lab: Lab) -> None:
    lab.write({"run/a.bcl": b"abc"})
    os.mkfifo(lab.folder / "run" / "pipe")
    (lab.folder / "run" / "link").symlink_to("a.bcl")
    with (lab.folder / "run" / os.fsdecode(b"\xff.bcl")).open("wb"):
        pass
    described = lab.end(lab.start(lab.task()))
    assert (described["Status"], described["Result"]["ErrorDetail"]) == (
        "ERROR",
        "1 files were not transferred or not verified",
    )
    assert set(lab.objects()) == {"run_folders/run/a.bcl"}


def test_a_role_that_may_not_write_ends_the_execution_in_error(lab: Lab) -> None:
    lab.client("s3").delete_bucket(Bucket=lab.bucket)
    lab.write({"run/a.bcl": b"abc"})
    described = lab.end(lab.start(lab.task()))
    assert described["Status"] == "ERROR"
    assert "NoSuchBucket" in described["Result"]["ErrorDetail"]
    assert described["Result"]["PrepareStatus"] == "ERROR"


def test_executions_of_a_task_run_one_at_a_time_and_raise_their_states(lab: Lab) -> None:
    # API Reference, StartTaskExecution: a task can be run by one execution at a time; others are queued.
    lab.write({"a.bin": bytes(400_000)})
    sqs = lab.client("sqs")
    queue = sqs.create_queue(QueueName=lab.bucket)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    task = lab.task(Options={"BytesPerSecond": 800_000})
    events = lab.client("events")
    events.put_rule(
        Name=lab.bucket,
        EventPattern=json.dumps({
            "source": ["aws.datasync"],
            "detail-type": ["DataSync Task Execution State Change"],
            "resources": [{"prefix": f"{task}/"}],
        }),
    )  # fmt: skip
    events.put_targets(Rule=lab.bucket, Targets=[{"Id": "t", "Arn": arn}])
    first, second = lab.start(task), lab.start(task)
    assert lab.status(second) == "QUEUED"
    with pytest.raises(ClientError, match="already running"):
        lab.start(task, OverrideOptions={"TaskQueueing": "DISABLED"})
    ends = [lab.end(execution) for execution in (first, second)]
    assert [end["Status"] for end in ends] == ["SUCCESS", "SUCCESS"]
    assert ends[0]["EndTime"] <= ends[1]["EndTime"]
    told: list[tuple[str, str]] = []

    def is_all() -> bool:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", ()):
            event = json.loads(message["Body"])
            told.append((event["resources"][0], event["detail"]["State"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return len(told) >= 10

    until(is_all)
    states = ["LAUNCHING", "PREPARING", "TRANSFERRING", "VERIFYING", "SUCCESS"]
    assert sorted(told) == sorted((execution, state) for execution in (first, second) for state in states)


def test_executions_are_found_by_their_tags_and_can_be_cancelled(lab: Lab) -> None:
    lab.write({"a.bin": bytes(500_000)})
    sync = lab.client("datasync")
    task = lab.task(Options={"BytesPerSecond": 50_000})
    running = lab.start(task, Tags=[{"Key": "run", "Value": "a"}])
    queued = lab.start(task, Tags=[{"Key": "run", "Value": "b"}])
    listed = [entry["TaskExecutionArn"] for entry in sync.list_task_executions(TaskArn=task)["TaskExecutions"]]
    assert listed == [running, queued]
    assert sync.list_tags_for_resource(ResourceArn=queued)["Tags"] == [{"Key": "run", "Value": "b"}]
    for execution in (queued, running):
        sync.cancel_task_execution(TaskExecutionArn=execution)
    assert {lab.end(execution)["Result"]["ErrorCode"] for execution in listed} == {"TaskExecutionCancelled"}


def test_transfers_are_logged_in_the_tasks_group_if_its_policy_lets_datasync_in(lab: Lab) -> None:
    lab.write({"run/a.bcl": b"abc"})
    logs = lab.client("logs")
    logs.create_log_group(logGroupName=lab.bucket)
    group = f"arn:aws:logs:us-east-1:123456789012:log-group:{lab.bucket}:*"
    task = lab.task(CloudWatchLogGroupArn=group, Options={"LogLevel": "TRANSFER"})
    assert lab.end(lab.start(task))["Status"] == "SUCCESS"
    assert lab.services.log_lines(lab.bucket) == []
    # User Guide, "Allowing DataSync to upload logs to a CloudWatch log group".
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "datasync.amazonaws.com"},
        "Action": ["logs:PutLogEvents", "logs:CreateLogStream"],
        "Resource": group,
        "Condition": {"ArnLike": {"aws:SourceArn": [task]}, "StringEquals": {"aws:SourceAccount": "123456789012"}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    logs.put_resource_policy(policyName=lab.bucket, policyDocument=document)
    lab.end(lab.start(task, OverrideOptions={"TransferMode": "ALL"}))
    assert "[NOTICE] Verified file /run/a.bcl, 3 bytes" in lab.services.log_lines(lab.bucket)
    logs.delete_resource_policy(policyName=lab.bucket)


def test_what_is_not_carried_out_is_refused(lab: Lab) -> None:
    sync = lab.client("datasync")
    with pytest.raises(ClientError, match="PreserveDeletedFiles REMOVE"):
        lab.task(Options={"PreserveDeletedFiles": "REMOVE"})
    with pytest.raises(ClientError, match="last character"):
        lab.start(lab.task(), Includes=pattern("*.bcl"))
    with pytest.raises(ClientError, match="names no folder"):
        sync.create_location_nfs(
            ServerHostname="nas.lab", Subdirectory="/../../etc", OnPremConfig={"AgentArns": [AGENT]}
        )
    with pytest.raises(ClientError, match="InvalidRequestException"):
        sync.describe_task(TaskArn="arn:aws:datasync:us-east-1:123456789012:task/task-00000000000000000")


def test_a_lab_s_folder_takes_an_exports_place(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"a")
    place = file_servers.mount(lab.services.context.data, "nas.lab", f"/{lab.bucket}", tmp_path)
    assert place.resolve() == tmp_path
    assert lab.end(lab.start(lab.task()))["FilesTransferred"] == 1
    file_servers.mount(lab.services.context.data, "nas.lab", f"/{lab.bucket}", tmp_path)
    occupied = file_servers.export(lab.services.context, "nas.lab", "/occupied")
    (occupied / "file").touch()
    with pytest.raises(OSError, match="not empty"):
        file_servers.mount(lab.services.context.data, "nas.lab", "/occupied", tmp_path)
