import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.execution import Execution
from batch_tools.tool_runtime.pipeline import run_pipeline
from batch_tools.tool_runtime.publication import finished
from batch_tools.tool_runtime.tool import Attempt, Job, Outcome, Tool
from genomics.contracts import object_keys
from genomics.contracts.codec import dumps
from genomics.contracts.environment import ToolEnvironment
from genomics.contracts.ledger import from_item, step_item
from genomics.contracts.runs import State
from genomics.contracts.steps import Step, StepRecord, Task, TaskInput
from tests.batch_tools.conftest import client_of

pytestmark = pytest.mark.usefixtures("aws")
BUCKET = "steps-bucket"
READS = b"what the sequencer wrote"
FINGERPRINT = "f" * 64


def uri(key: str) -> str:
    return object_keys.uri(BUCKET, key)


def put(key: str, body: bytes) -> str:
    client_of("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
    return uri(key)


def get(location: str) -> bytes:
    bucket, key = object_keys.parse(location)
    return client_of("s3").get_object(Bucket=bucket, Key=key)["Body"].read()


def keys() -> set[str]:
    return {item["Key"] for item in client_of("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])}


def entry(task: Task):
    key = {"run_id": {"S": task.run_id}, "item": {"S": step_item(task.sample, task.step, task.part)}}
    return from_item(client_of("dynamodb").get_item(TableName="ledger", Key=key)["Item"])


def two_files(job: Job) -> Outcome:
    """Makes two outputs that differ between attempts, so that a mixture would show."""
    outputs = {}
    for name in ("reads_1", "reads_2"):
        outputs[name] = job.directory / name
        outputs[name].write_bytes(job.file(name).read_bytes() + f" {name} by {job.attempt.name}".encode())
    return Outcome(outputs, {"reads_in": 2})


TOOL = Tool(Step.FASTP, two_files, ("samtools",), 2.5)
OUTPUTS = {name: object_keys.step_output(Step.FASTP, FINGERPRINT, f"{name}.gz") for name in ("reads_1", "reads_2")}
RECORD = object_keys.step_record(Step.FASTP, FINGERPRINT)
FINAL = {*OUTPUTS.values(), RECORD}


@pytest.fixture
def task() -> Task:
    checksum = hashlib.sha256(READS).hexdigest()
    inputs = {
        name: (TaskInput(put(f"inbox/{name}.fastq", READS), checksum, len(READS)),) for name in ("reads_1", "reads_2")
    }
    return Task(
        run_id="run1",
        sample="s1",
        step=Step.FASTP,
        part="L1",
        fingerprint=FINGERPRINT,
        inputs=inputs,
        outputs={name: uri(key) for name, key in OUTPUTS.items()},
        record=uri(RECORD),
        parameters={"minimum_length": 30},
        reason="no earlier result",
    )


@pytest.fixture
def execution(task: Task, tmp_path: Path) -> Callable[..., Execution]:
    """An attempt at the task; keyword arguments replace its parts."""

    def make(job_id: str = "job-a", number: int = 1, **changes) -> Execution:
        environment = ToolEnvironment(
            "image-1", 2, 512, "ledger", str(tmp_path / "references"), str(tmp_path / "scratch"), "fs-1"
        )
        s3, dynamodb = client_of("s3"), client_of("dynamodb")
        return replace(Execution(TOOL, task, environment, Attempt(job_id, number), s3, dynamodb), **changes)

    return make


def test_outputs_and_record_are_published_and_nothing_else(execution, task, tmp_path):
    record = execution().run()
    assert keys() - {"inbox/reads_1.fastq", "inbox/reads_2.fastq"} == FINAL
    assert get(task.outputs["reads_2"]) == READS + b" reads_2 by job-a-1"
    assert list((tmp_path / "scratch").iterdir()) == []
    assert finished(client_of("s3"), task) == record
    assert record.inputs == task.inputs
    assert record.outputs["reads_1"].sha256 == hashlib.sha256(READS + b" reads_1 by job-a-1").hexdigest()
    assert (record.image, record.job_id, record.attempt, record.vcpus) == ("image-1", "job-a", 1, 2)
    assert record.metrics == {"reads_in": 2}
    assert record.tool_versions["samtools"].startswith("1.")
    assert record.peak_memory_mib > 0


def test_the_ledger_is_told_of_beginning_and_end(execution, task):
    seen = []

    def look(job: Job) -> Outcome:
        seen.append(entry(task))
        return two_files(job)

    execution(tool=replace(TOOL, run=look)).run()
    (running,), ended = seen, entry(task)
    assert (running.state, running.job_id, running.attempt, running.exit_code) == (State.RUNNING, "job-a", 1, None)
    assert (ended.state, ended.exit_code, ended.reason) == (State.SUCCEEDED, 0, "no earlier result")
    assert ended.started_at == running.started_at <= ended.finished_at
    assert ended.seconds >= 0


def test_a_second_job_finds_the_outputs_and_does_nothing(execution, task):
    first = execution().run()

    def must_not_run(_job: Job) -> Outcome:
        raise AssertionError

    assert execution("job-b", tool=replace(TOOL, run=must_not_run)).run() == first
    assert entry(task).state is State.SUCCEEDED
    assert entry(task).reason == f"outputs are there already: {task.record}, made by job job-a"


@pytest.mark.parametrize("damage", ["output gone", "output replaced", "record gone", "record damaged", "other task"])
def test_outputs_that_are_not_as_recorded_are_made_again(execution, task, damage):
    first = execution().run()
    s3 = client_of("s3")
    match damage:
        case "output gone":
            s3.delete_object(Bucket=BUCKET, Key=OUTPUTS["reads_2"])
        case "output replaced":
            put(OUTPUTS["reads_2"], READS + b" reads_2 by nobody-1")
        case "record gone":
            s3.delete_object(Bucket=BUCKET, Key=RECORD)
        case "record damaged":
            put(RECORD, b'{"fingerprint":')
        case "other task":
            put(RECORD, dumps(replace(first, fingerprint="0" * 64)).encode())
    assert finished(s3, task) is None
    again = execution("job-b").run()
    assert again.job_id == "job-b"
    assert finished(s3, task) == again


def test_a_tool_whose_result_outside_s3_is_gone_runs_again(execution):
    execution().run()
    tool = replace(TOOL, is_complete=lambda _task, _environment: False)
    assert execution("job-b", tool=tool).run().job_id == "job-b"


def test_a_failure_is_recorded_in_one_line_and_leaves_no_outputs(execution, task, tmp_path):
    def fail(_job: Job) -> Outcome:
        raise ToolError("reads_R2.fastq.gz line 48213:\ntruncated record")

    with pytest.raises(ToolError):
        execution(tool=replace(TOOL, run=fail)).run()
    failed = entry(task)
    assert (failed.state, failed.exit_code) == (State.FAILED, 1)
    assert failed.reason == "reads_R2.fastq.gz line 48213: truncated record"
    assert keys() == {"inbox/reads_1.fastq", "inbox/reads_2.fastq"}
    assert list((tmp_path / "scratch").iterdir()) == []
    execution(number=2).run()
    assert (entry(task).state, entry(task).reason, entry(task).exit_code) == (State.SUCCEEDED, "no earlier result", 0)


def test_an_unexpected_error_reaches_the_ledger_too(execution, task):
    def fail(_job: Job) -> Outcome:
        raise KeyError("surprise")

    with pytest.raises(KeyError):
        execution(tool=replace(TOOL, run=fail)).run()
    assert (entry(task).state, entry(task).reason) == (State.FAILED, "KeyError: 'surprise'")


def leaves(**content: bytes) -> Tool:
    def run(job: Job) -> Outcome:
        for name, text in content.items():
            (job.directory / name).write_bytes(text)
        return Outcome({name: job.directory / name for name in content})

    return replace(TOOL, run=run)


@pytest.mark.parametrize(
    ("tool", "reason"),
    [
        (leaves(reads_1=b"x", reads_2=b""), "fastp left no reads_2 at reads_2, or an empty one"),
        (leaves(reads_1=b"x"), "fastp makes reads_1; the task asks for reads_1, reads_2"),
    ],
)
def test_incomplete_outputs_are_not_published(execution, tool, reason):
    with pytest.raises(ToolError, match=reason):
        execution(tool=tool).run()
    assert not keys() & FINAL


def test_an_input_that_was_changed_is_refused(execution):
    put("inbox/reads_2.fastq", READS[::-1])
    with pytest.raises(ToolError, match=r"^s3://steps-bucket/inbox/reads_2.fastq has SHA-256 \w{64}, expected \w{64}"):
        execution().run()


def test_an_input_of_another_size_is_refused_before_it_is_fetched(execution):
    put("inbox/reads_2.fastq", READS[:-1])
    with pytest.raises(ToolError, match=r"reads_2.fastq has 23 bytes, expected 24: it was replaced or cut short"):
        execution().run()


def test_an_input_that_is_not_there_is_named(execution):
    client_of("s3").delete_object(Bucket=BUCKET, Key="inbox/reads_1.fastq")
    with pytest.raises(ToolError, match=r"^s3://steps-bucket/inbox/reads_1.fastq is not there$"):
        execution().run()


def downstream(task: Task) -> Task:
    """A task whose inputs are what `task` makes."""
    return replace(
        task,
        fingerprint="e" * 64,
        inputs={name: (TaskInput(location),) for name, location in task.outputs.items()},
        outputs={name: uri(object_keys.step_output(Step.FASTP, "e" * 64, name)) for name in task.outputs},
        record=uri(object_keys.step_record(Step.FASTP, "e" * 64)),
    )


def test_what_a_step_made_is_checked_against_its_record(execution, task):
    made = execution().run()
    record = execution("job-b", task=downstream(task)).run()
    assert record.inputs["reads_1"][0].sha256 == made.outputs["reads_1"].sha256


def test_a_damaged_input_from_a_step_is_refused(execution, task):
    execution().run()
    put(OUTPUTS["reads_1"], get(task.outputs["reads_1"])[::-1])
    with pytest.raises(ToolError, match=r"reads_1.gz has SHA-256"):
        execution("job-b", task=downstream(task)).run()


def test_an_input_whose_step_has_not_finished_is_refused(execution, task):
    for key in OUTPUTS.values():
        put(key, b"half")
    with pytest.raises(ToolError, match=r"has no record.json beside it: the step that makes it has not finished"):
        execution("job-b", task=downstream(task)).run()


def test_too_little_scratch_is_said_before_anything_is_fetched(execution, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=100))
    with pytest.raises(
        ToolError, match=r"job-a-1-\w+ has 100 bytes free \(0.0 GiB\); fastp on 48 bytes of input needs 120 "
    ):
        execution().run()


def test_a_task_for_another_tool_is_refused(execution):
    with pytest.raises(ToolError, match=r"the task is for fastp, this tool does align"):
        execution(tool=replace(TOOL, step=Step.ALIGN)).run()


def test_what_earlier_attempts_of_the_job_left_is_removed(execution):
    for number in (1, 2, 3):
        put(object_keys.partial(OUTPUTS["reads_1"], f"job-a-{number}"), b"half")
    other = object_keys.partial(OUTPUTS["reads_1"], "job-z-1")
    put(other, b"of an attempt that may still be running")
    execution(number=3).run()
    assert {key for key in keys() if key.startswith(object_keys.PARTIAL)} == {other}


class Interposed:
    """An S3 client that does something before its n-th copy."""

    def __init__(self, at: int, action: Callable[[], object]) -> None:
        self._s3, self._at, self._action, self._copies = client_of("s3"), at, action, 0

    def __getattr__(self, name: str):
        return getattr(self._s3, name)

    def copy(self, **arguments) -> None:
        self._copies += 1
        if self._copies == self._at:
            self._action()
        self._s3.copy(**arguments)


def published(task: Task) -> StepRecord:
    record = finished(client_of("s3"), task)
    assert record is not None
    for name, file in record.outputs.items():
        assert get(file.uri) == READS + f" {name} by {record.job_id}-{record.attempt}".encode()
    return record


@pytest.mark.parametrize("at", [1, 2])
def test_an_attempt_that_overtakes_another_while_it_promotes_does_no_harm(execution, task, at):
    slow = execution("slow", s3=Interposed(at, lambda: execution("fast").run()))
    slow.run()
    assert published(task).job_id == "slow"
    assert {key for key in keys() if key.startswith(object_keys.PARTIAL)} == set()


def test_three_attempts_that_promote_at_once_end_in_agreement(execution, task):
    """Each is stopped between its two copies until the next has ended."""
    third = execution("third")
    second = execution("second", s3=Interposed(2, third.run))
    first = execution("first", s3=Interposed(2, second.run))
    first.run()
    assert published(task).job_id == "first"


def test_outputs_that_are_replaced_during_the_commit_are_promoted_again(execution, task):
    """Another attempt copies its first output over this one's after that was promoted, and then dies."""
    overtaken = execution(s3=Interposed(2, lambda: put(OUTPUTS["reads_1"], b"from an attempt that died")))
    overtaken.run()
    published(task)


def test_an_attempt_that_dies_while_promoting_is_made_good_by_the_next(execution, task):
    def die() -> None:
        raise SystemExit(143)

    with pytest.raises(SystemExit):
        execution(s3=Interposed(2, die)).run()
    assert RECORD not in keys()
    assert entry(task).state is State.RUNNING
    execution(number=2).run()
    assert published(task).attempt == 2
    assert {key for key in keys() if key.startswith(object_keys.PARTIAL)} == set()


def test_the_end_of_a_step_does_not_depend_on_the_ledger(execution, task, caplog):
    def drop_the_table(job: Job) -> Outcome:
        client_of("dynamodb").delete_table(TableName="ledger")
        return two_files(job)

    execution(tool=replace(TOOL, run=drop_the_table)).run()
    assert published(task)
    assert "the ledger could not be told that the step has SUCCEEDED" in caplog.text


@pytest.mark.parametrize("by", ["this process", "a program"])
def test_a_full_disk_is_told_with_what_was_used_and_is_free(execution, task, by):
    def fill(job: Job) -> Outcome:
        (job.directory / "kept").write_bytes(b"0" * 1000)
        if by == "a program":
            run_pipeline(["dd", "if=/dev/zero", "of=/dev/full", "bs=10", "count=1"], directory=job.directory)
        Path("/dev/full").write_bytes(b"0")
        raise AssertionError

    with pytest.raises(ToolError) as caught:
        execution(tool=replace(TOOL, run=fill)).run()
    told = str(caught.value)
    used = 1000 + 2 * len(READS)
    assert f"scratch is full: fastp has used {used} bytes and needs more, " in told
    assert "bytes are free; give the job a larger volume" in told
    assert entry(task).reason == told
    assert keys() - {"inbox/reads_1.fastq", "inbox/reads_2.fastq"} == set()
