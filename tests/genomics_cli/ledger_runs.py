"""Runs as they lie in the ledger and in S3, for the tests of what reads many of them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genomics.contracts import ledger, object_keys
from genomics.contracts.codec import dumps
from genomics.contracts.ledger import LedgerEntry
from genomics.contracts.regions import Region
from genomics.contracts.runs import Artifact, LaneReads, Reference, RunPlan, RunRequest, SampleReads, State
from genomics.contracts.steps import Scalar, Step, StepRecord, Task, TaskInput
from genomics_cli.cloud import Platform

REGIONS = (Region("chrA", 1, 3000), Region("chrB", 1, 1000))


def fastq(name: str, size: int) -> Artifact:
    return Artifact(f"s3://sequencing/inbox/reads/{name}.fastq.gz", hashlib.sha256(name.encode()).hexdigest(), size)


@dataclass
class LedgerRun:
    """One run of sample A of study s, on one lane; `day` orders runs."""

    platform: Platform
    run_id: str
    day: int = 1
    read_bytes: int = 1_000_000
    parameters: Mapping[str, Scalar] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.entry("run", State.SUCCEEDED, study="s", started_at=self.at(0))
        self.entry("sample#A", State.SUCCEEDED, study="s", order=1)
        half = self.read_bytes // 2
        lane = LaneReads("L1", fastq(f"{self.run_id}_1", half), fastq(f"{self.run_id}_2", half))
        request = RunRequest(
            run_id=self.run_id,
            study="s",
            reference=Reference("hg", Artifact("s3://sequencing/references/hg.fa", "0" * 64, 4000)),
            samples=(SampleReads("A", "P", (lane,)),),
        )
        self.put(object_keys.run_document(self.run_id, "request.json"), request)
        self.put(object_keys.run_plan(self.run_id), RunPlan("ref", REGIONS))

    def at(self, seconds: int) -> str:
        return f"2026-01-{self.day:02}T00:{seconds // 60:02}:{seconds % 60:02}.000+00:00"

    def put(self, key: str, value: Any) -> None:
        self.platform.cloud.s3.put_object(Bucket="sequencing", Key=key, Body=dumps(value).encode())

    def entry(self, item: str, state: State, **fields: Any) -> None:
        entry = LedgerEntry(run_id=self.run_id, item=item, state=state, **fields)
        self.platform.cloud.dynamodb.put_item(TableName="ledger", Item=ledger.to_item(entry))

    def step(
        self,
        step: Step,
        fingerprint: str,
        *,
        part: str = "",
        state: State = State.SUCCEEDED,
        reason: str = "no earlier result",
        inputs: Mapping[str, tuple[TaskInput, ...]] | None = None,
        seconds: float = 10.0,
        made: bool = True,
        **fields: Any,
    ) -> None:
        """An entry, and with `made` the task and the record of the job that made the outputs."""
        sample = "" if step is Step.PREPARE_REFERENCE else "A"
        told = {"fingerprint": fingerprint, "reason": reason, "order": 2}
        took = {"seconds": seconds, "started_at": self.at(0)} if state is State.SUCCEEDED else {}
        self.entry(f"step#{sample}#{step}#{part}", state, **told, **took)
        if made:
            self.put(
                object_keys.task(self.run_id, sample, step, part), self._task(step, fingerprint, part, inputs or {})
            )
            record = self._record(step, fingerprint, part, inputs or {}, seconds)
            self.put(object_keys.step_record(step, fingerprint), StepRecord(**{**record, **fields}))

    def _task(self, step: Step, fingerprint: str, part: str, inputs: Mapping[str, tuple[TaskInput, ...]]) -> Task:
        return Task(
            run_id=self.run_id,
            sample="" if step is Step.PREPARE_REFERENCE else "A",
            step=step,
            part=part,
            fingerprint=fingerprint,
            inputs=inputs,
            outputs={},
            record="",
            parameters=self.parameters,
            reference="" if step is Step.FASTP else "ref",
            lanes=("L1",) if step is Step.ALIGN else (),
        )

    def _record(
        self, step: Step, fingerprint: str, part: str, inputs: Mapping[str, tuple[TaskInput, ...]], seconds: float
    ) -> dict[str, Any]:
        return {
            "fingerprint": fingerprint,
            "run_id": self.run_id,
            "sample": "" if step is Step.PREPARE_REFERENCE else "A",
            "step": step,
            "part": part,
            "inputs": inputs,
            "outputs": {},
            "parameters": self.parameters,
            "image": "tool:1",
            "tool_versions": {"bwa": "0.7.17"},
            "started_at": self.at(0),
            "seconds": seconds,
            "staging_seconds": 0.5,
            "peak_memory_mib": 1000,
            "vcpus": 4,
            "memory_mib": 8192,
            "job_id": f"job-{self.run_id}",
            "attempt": 1,
        }
