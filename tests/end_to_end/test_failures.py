"""What goes wrong is repeated where that helps, and told in one line where it does not."""

import gzip
import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from genomics_cli.demo.sequencing_run import SequencingRun, make_sequencing_run
from tests.waiting import until

CONTIGS = {"chrA": 20_000, "chrB": 12_000}


@pytest.fixture(scope="module")
def reads(tmp_path_factory: pytest.TempPathFactory) -> SequencingRun:
    """Reads of their own: what failed runs leave behind would be found again by others on the same ones."""
    return make_sequencing_run(tmp_path_factory.mktemp("reads"), seed=7, contigs=CONTIGS)


def _process_of(instance_pid: int, tool: str, *, within_seconds: float = 60) -> psutil.Process:
    """A running process of a tool's container, somewhere below the embedded AWS."""
    deadline = time.monotonic() + within_seconds
    server = psutil.Process(instance_pid)
    while time.monotonic() < deadline:
        for process in server.children(recursive=True):
            try:
                if f"batch_tools.{tool}.cli" in " ".join(process.cmdline()):
                    return process
            except psutil.Error:
                continue
        time.sleep(0.02)
    raise AssertionError(f"no process of {tool} was seen")


def test_a_killed_job_is_tried_again_and_the_run_succeeds(genomics: Any, reads: SequencingRun, output: Path) -> None:
    # A parameter of its own, so that align has to run.
    run = genomics.begin(reads.sheet, reads.reference, output, "--study", "killed", "--param", "align.minimum_score=25")
    victim = _process_of(genomics.instance.pid, "align")
    os.kill(victim.pid, signal.SIGKILL)
    outcome = genomics.finish(run, output)

    assert outcome.status == 0, outcome.errors
    assert {sample["state"] for sample in outcome.summary["samples"]} == {"SUCCEEDED"}
    aligned = [outcome.steps(sample)["align", ""] for sample in ("DEMO-1", "DEMO-2")]
    assert sorted(step["attempt"] for step in aligned) == [1, 2]
    jobs = genomics.batch_jobs(outcome.summary["run_id"])
    killed = [job for job in jobs.values() if len(job["attempts"]) == 2]
    # 128 + SIGKILL, as a container reports it
    assert [a["container"].get("exitCode") for job in killed for a in job["attempts"]] == [137, 0]


@pytest.fixture
def broken_mate(reads: SequencingRun, tmp_path: Path) -> Path:
    """The reads with the second sample's second mate cut in the middle of a record."""
    folder = tmp_path / "reads"
    shutil.copytree(reads.sheet.parent, folder)
    (mate,) = (folder / "reads").glob("DEMO-2_*_R2_*")
    text = gzip.decompress(mate.read_bytes())
    mate.write_bytes(gzip.compress(text[: len(text) // 2]))
    return folder / "samples.csv"


def test_a_tool_that_always_fails_ends_the_run_with_one_line_and_keeps_the_others(
    genomics: Any, reads: SequencingRun, broken_mate: Path, output: Path
) -> None:
    outcome = genomics.analyse(broken_mate, reads.reference, output, "--study", "broken")

    assert outcome.status != 0
    line = outcome.last_line
    for word in ("DEMO-2", "fastp", "exit code", "log ", "DEMO-2_L001_R2_001.fastq.gz"):
        assert word in line, line
    assert "Traceback" not in outcome.errors
    states = {sample["sample"]: sample["state"] for sample in outcome.summary["samples"]}
    assert states == {"DEMO-1": "SUCCEEDED", "DEMO-2": "FAILED"}
    assert Path(outcome.sample("DEMO-1")["vcf"]).exists()
    answer = genomics("query", "select distinct dataset from variants where dataset like 'broken/%'", "--format", "csv")
    assert answer.output.replace('"', "").split() == ["dataset", "broken/DEMO-1"]
    # A wrong file stays wrong: it is not tried again.
    jobs = genomics.batch_jobs(outcome.summary["run_id"])
    failed = [job for job in jobs.values() if job["status"] == "FAILED"]
    assert [len(job["attempts"]) for job in failed] == [1]


def test_a_run_succeeds_with_as_many_failed_samples_as_it_tolerates(
    genomics: Any, reads: SequencingRun, broken_mate: Path, output: Path
) -> None:
    outcome = genomics.analyse(broken_mate, reads.reference, output, "--study", "tolerated", "--tolerate", "50%")

    assert outcome.status == 0, outcome.errors
    assert outcome.summary["state"] == "SUCCEEDED"
    assert {s["sample"]: s["state"] for s in outcome.summary["samples"]} == {"DEMO-1": "SUCCEEDED", "DEMO-2": "FAILED"}
    shown = json.loads(genomics("status", outcome.summary["run_id"], "--json").output)["run"]
    assert shown["state"] == "SUCCEEDED"
    assert "DEMO-2" in shown["reason"]
    assert shown["reason"].endswith("(tolerated: 50%)")


def test_a_stopped_run_is_redriven_and_repeats_nothing(genomics: Any, reads: SequencingRun, output: Path) -> None:
    states = genomics.client("stepfunctions")
    run = genomics.begin(
        reads.sheet, reads.reference, output, "--study", "redriven", "--param", "fastp.minimum_length=31", "--urgent"
    )
    _process_of(genomics.instance.pid, "align")
    machine = genomics.deployment.run_state_machine_arn
    (execution,) = states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
    states.stop_execution(executionArn=execution["executionArn"], cause="a power cut is announced")
    stopped = genomics.finish(run, output)
    assert stopped.status != 0
    before = genomics.batch_jobs(stopped.summary["run_id"])

    redriven = genomics("redrive", execution["name"])
    assert redriven.status == 0, redriven.errors
    key = {"run_id": {"S": execution["name"]}, "item": {"S": "run"}}
    asked = {"TableName": genomics.deployment.ledger_table, "Key": key, "ConsistentRead": True}
    ledger = genomics.client("dynamodb")
    until(lambda: ledger.get_item(**asked)["Item"]["state"]["S"], lambda state: state == "RUNNING")
    found = until(
        lambda: states.describe_execution(executionArn=execution["executionArn"]),
        lambda found: found["status"] != "RUNNING",
    )
    assert (found["status"], found["redriveCount"]) == ("SUCCEEDED", 1), found
    shown = json.loads(genomics("status", execution["name"], "--json").output)
    assert {shown["run"]["state"], *(sample["state"] for sample in shown["samples"])} == {"SUCCEEDED"}
    jobs = genomics.batch_jobs(execution["name"])
    succeeded = [job["parameters"]["task"] for job in jobs.values() if job["status"] == "SUCCEEDED"]
    assert len(succeeded) == len(set(succeeded)), "what had succeeded was run again"
    assert {job for job, found in before.items() if found["status"] == "SUCCEEDED"} <= set(jobs)
    assert all("UrgentQueue" in job["jobQueue"] for job in jobs.values())


def _unequal(folder: Path) -> None:
    (mate,) = (folder / "reads").glob("DEMO-2_*_R2_*")
    text = gzip.decompress(mate.read_bytes()).splitlines(keepends=True)
    mate.write_bytes(gzip.compress(b"".join(text[:-400])))


def _cut_file(folder: Path) -> None:
    (mate,) = (folder / "reads").glob("DEMO-2_*_R1_*")
    mate.write_bytes(mate.read_bytes()[:-2000])


def _edit(old: str, new: str) -> Any:
    def edit(folder: Path) -> None:
        sheet = folder / "samples.csv"
        text = sheet.read_text()
        assert old in text
        sheet.write_text(text.replace(old, new))

    return edit


@pytest.mark.parametrize(
    ("spoil", "options", "words"),
    [
        (lambda folder: next((folder / "reads").glob("DEMO-2_*_R2_*")).unlink(), (), ("samples.csv:4", "R2", "exist")),
        (_edit("fastq_2", "mate_2"), (), ("samples.csv:1", "fastq_2")),
        (_edit("DEMO-1,L002", "DEMO-1,L001"), (), ("samples.csv:3", "L001", "line 2")),
        (lambda folder: None, ("--regions", "chrZ:1-100"), ("chrZ",)),
        (lambda folder: None, ("--regions", "chrB:1-99999999"), ("chrB", "12000")),
        (lambda folder: (folder / "reference.fa").write_text("not a reference\n"), (), ("reference.fa",)),
    ],
    ids=["missing mate", "missing column", "duplicate sample", "unknown contig", "beyond the contig", "no reference"],
)
def test_bad_input_stops_before_any_tool_starts(
    genomics: Any, reads: SequencingRun, tmp_path: Path, spoil: Any, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    folder = tmp_path / "input"
    shutil.copytree(reads.sheet.parent, folder)
    spoil(folder)
    before = set(genomics.batch_jobs())
    outcome = genomics.analyse(folder / "samples.csv", folder / "reference.fa", tmp_path / "output", *options)
    assert outcome.status != 0
    assert set(genomics.batch_jobs()) == before
    (line,) = outcome.errors.strip().splitlines()[-1:]
    for word in words:
        assert word in line, line
    assert "Traceback" not in outcome.errors


def test_unequal_mates_stop_that_sample_only(genomics: Any, reads: SequencingRun, tmp_path: Path) -> None:
    folder = tmp_path / "input"
    shutil.copytree(reads.sheet.parent, folder)
    _unequal(folder)
    outcome = genomics.analyse(folder / "samples.csv", reads.reference, tmp_path / "output", "--study", "unequal")
    assert outcome.status != 0
    assert "Traceback" not in outcome.errors
    states = {sample["sample"]: sample["state"] for sample in outcome.summary["samples"]}
    assert states == {"DEMO-1": "SUCCEEDED", "DEMO-2": "FAILED"}
    line = outcome.last_line
    assert "DEMO-2_L001_R2_001.fastq.gz line " in line
    assert "DEMO-2: fastp" in line


def test_a_truncated_file_stops_before_any_tool_starts(genomics: Any, reads: SequencingRun, tmp_path: Path) -> None:
    folder = tmp_path / "input"
    shutil.copytree(reads.sheet.parent, folder)
    _cut_file(folder)
    before = set(genomics.batch_jobs())
    outcome = genomics.analyse(folder / "samples.csv", reads.reference, tmp_path / "output", "--study", "truncated")
    assert outcome.status != 0
    assert set(genomics.batch_jobs()) == before
    for word in ("samples.csv:4", "DEMO-2_L001_R1_001.fastq.gz"):
        assert word in outcome.last_line
    assert "Traceback" not in outcome.errors
