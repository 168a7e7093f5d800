"""What goes wrong on AWS now and then, ordered from the embedded AWS: each run ends right, no finished step is redone.

Kills of the whole instance are in test_durability, events that come twice or late in test_one_upload_one_execution.
"""

import json
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from embedded_aws import faults as embedded_faults
from genomics.contracts import object_keys
from genomics_cli.demo.sequencing_run import SequencingRun, make_sequencing_run
from tests.end_to_end.conftest import Outcome
from tests.waiting import until

CONTIGS = {"chrA": 20_000}
STEPS = ("prepare_reference", "fastp", "align", "coverage", "call_variants", "gather_variants", "quality")
MOMENTS = (0.0, 0.3, 1.0)


@dataclass
class Site:
    """The shared embedded AWS, and orders for faults in it."""

    genomics: Any
    reads: SequencingRun
    directory: Path
    outputs: int = field(default=0)

    def order(self, fault: str, **order: Any) -> None:
        body = json.dumps({"fault": fault, **order}).encode()
        self._ask(body, "POST")

    def came(self) -> list[int]:
        """How often each order has come."""
        return [order["came"] for order in self._ask(None, "GET")["faults"]]

    def forget(self) -> None:
        self._ask(None, "DELETE")

    def output(self) -> Path:
        self.outputs += 1
        return self.directory / f"output-{self.outputs}"

    def run(self, *options: str) -> Outcome:
        """Analyse the reads; `options` tell one test's run from another's."""
        return self.genomics.analyse(self.reads.sheet, self.reads.reference, self.output(), *options)  # type: ignore[no-any-return]

    def executions_running(self) -> list[str]:
        states = self.genomics.client("stepfunctions")
        machine = self.genomics.deployment.run_state_machine_arn
        found = states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
        return [execution["executionArn"] for execution in found]

    def _ask(self, body: bytes | None, method: str) -> dict[str, Any]:
        url = f"{self.genomics.instance.endpoint}{embedded_faults.PATH}"
        request = urllib.request.Request(url, body, method=method)  # noqa: S310  (the instance's own address)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as response:
            answer: dict[str, Any] = json.loads(response.read())
            return answer


@pytest.fixture(scope="module")
def reads(tmp_path_factory: pytest.TempPathFactory) -> SequencingRun:
    """One sample on one lane, reads of its own."""
    made = make_sequencing_run(tmp_path_factory.mktemp("faults"), seed=23, contigs=CONTIGS)
    heading, *rows = made.sheet.read_text().splitlines()
    made.sheet.write_text("\n".join([heading, *(row for row in rows if "DEMO-2" in row)]) + "\n")
    return made


@pytest.fixture
def site(genomics: Any, reads: SequencingRun, tmp_path: Path) -> Iterator[Site]:
    made = Site(genomics, reads, tmp_path)
    yield made
    made.forget()


def succeeded_once(site: Site, outcome: Outcome) -> dict[str, dict[str, Any]]:
    """That the run succeeded and each of its tasks was done by one job only; the steps of the sample and the run."""
    assert outcome.status == 0, outcome.errors
    done = Counter(
        job["parameters"]["task"]
        for job in site.genomics.batch_jobs(outcome.summary["run_id"]).values()
        if job["status"] == "SUCCEEDED"
    )
    assert set(done.values()) <= {1}
    steps = {**outcome.steps(""), **outcome.steps("DEMO-2")}
    return {step: found for (step, _), found in steps.items()}


@pytest.mark.slow
@pytest.mark.parametrize("seconds", MOMENTS)
@pytest.mark.parametrize("step", STEPS[1:])
def test_a_machine_lost_at_any_step_and_moment_costs_one_attempt(site: Site, step: str, seconds: float) -> None:
    site.order("reclaim", job=f"{step}-*", after_seconds=seconds)
    # A parameter of its own, so that all steps have to run.
    length = 31 + len(MOMENTS) * STEPS.index(step) + MOMENTS.index(seconds)
    outcome = site.run("--study", "reclaimed", "--param", f"fastp.minimum_length={length}")
    steps = succeeded_once(site, outcome)
    assert site.came() == [1]
    # The attempt may have ended before.
    assert steps[step]["attempt"] in ((2,) if not seconds else (1, 2))
    assert {found["attempt"] for name, found in steps.items() if name in STEPS[1:] and name != step} == {1}


def test_a_run_comes_through_reclaimed_machines_throttling_and_crashes_all_at_once(site: Site) -> None:
    # Each tool loses its first machine; each service refuses a few calls; a planner and the results' Lambda crash.
    for step in STEPS:
        site.order("reclaim", job=f"{step}-*" if step != "prepare_reference" else f"{step}*")
    site.order("refuse", action="s3:GetObject", resource="*/steps/*", times=4, code="SlowDown")
    site.order("refuse", action="s3:PutObject", resource="*/steps/*", times=2, status=500, code="InternalError")
    site.order("refuse", action="dynamodb:UpdateItem", times=3, status=400, code="ProvisionedThroughputExceeded")
    site.order("refuse", action="batch:SubmitJob", times=2, status=429, code="TooManyRequests")
    site.order("crash", function="*PlanSample*")
    site.order("crash", function="*CollectResults*")
    outcome = site.run("--study", "faulty")
    steps = succeeded_once(site, outcome)
    assert {steps[step]["attempt"] for step in STEPS} == {2}
    assert all(site.came()), site.came()
    jobs = site.genomics.batch_jobs(outcome.summary["run_id"]).values()
    assert {job["attempts"][0]["statusReason"][:9] for job in jobs} == {"Host EC2 "}
    assert outcome.summary["rows"]["variants"] > 0


def test_a_job_that_outlasts_its_time_ends_its_sample_with_the_reason(site: Site) -> None:
    site.order("expire", job="call_variants-*", after_seconds=0.2)
    outcome = site.run("--study", "faulty", "--param", "call_variants.minimum_base_quality=15")
    assert outcome.status != 0
    assert outcome.sample("DEMO-2")["state"] == "FAILED"
    assert "DEMO-2: call_variants" in outcome.last_line
    assert "Job attempt duration exceeded timeout" in outcome.last_line
    # AWS Batch User Guide, "Job timeouts": a job that timed out is not retried.
    jobs = site.genomics.batch_jobs(outcome.summary["run_id"]).values()
    assert [len(job["attempts"]) for job in jobs if job["status"] == "FAILED"] == [1]


@pytest.mark.slow  # test_failures redrives one
def test_a_stopped_run_is_carried_on_by_the_same_command(site: Site) -> None:
    options = ("--study", "faulty", "--param", "align.minimum_score=28")
    process = site.genomics.begin(site.reads.sheet, site.reads.reference, site.output(), *options)
    (arn,) = until(site.executions_running)
    run_id = arn.rpartition(":")[2]
    until(lambda: any(j["jobName"].startswith("align-") for j in site.genomics.batch_jobs(run_id).values()))
    site.genomics.client("stepfunctions").stop_execution(executionArn=arn, cause="stopped by hand")
    stopped = site.genomics.finish(process)
    assert stopped.status != 0
    until(
        lambda: not [j for j in site.genomics.batch_jobs(run_id).values() if j["status"] not in ("SUCCEEDED", "FAILED")]
    )
    steps = succeeded_once(site, site.run(*options))
    assert (steps["fastp"]["state"], steps["align"]["state"]) == ("SKIPPED", "SUCCEEDED")


def alignments(site: Site) -> tuple[str, str]:
    """Bucket and key of the only alignments made with the parameters of the first test."""
    s3, bucket = site.genomics.client("s3"), site.genomics.deployment.sequencing_bucket
    run = site.run("--study", "faulty")
    fingerprint = run.steps("DEMO-2")["align", ""]["fingerprint"]
    prefix = object_keys.step_output(object_keys.Step.ALIGN, fingerprint, "")
    found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
    return bucket, next(item["Key"] for item in found if item["Key"].endswith(".bam"))


def test_an_intermediate_object_whose_bytes_have_changed_is_made_again(site: Site) -> None:
    bucket, key = alignments(site)
    s3 = site.genomics.client("s3")
    sound = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    middle = len(sound) // 2
    s3.put_object(Bucket=bucket, Key=key, Body=sound[:middle] + bytes([sound[middle] ^ 0xFF]) + sound[middle + 1 :])
    outcome = site.run("--study", "faulty", "--param", "call_variants.minimum_base_quality=16")
    steps = succeeded_once(site, outcome)
    assert steps["align"]["state"] == "SUCCEEDED"
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == sound
