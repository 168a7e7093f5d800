"""State CollectResults: every sample has ended; write what came of them.

In `{"run_id", "study", "request"}`; out `{"run_id", "study", "results", "succeeded": n, "failures": n,
"line", "has_failed", "sign_off"}`, where `results` is the URI of the RunResults and `line` says why samples failed.
With `sign_off` the run has not ended: a person is to decide about what succeeded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genomics.contracts import object_keys
from genomics.contracts.environment import LedgerEnvironment
from genomics.contracts.ledger import REDRIVEN, LedgerEntry, sample_item, step_item
from genomics.contracts.runs import (
    Artifact,
    RunRequest,
    RunResults,
    SampleReads,
    SampleResult,
    State,
    tolerated_failures,
)
from genomics.contracts.steps import Step, StepRecord
from lambdas import documents
from lambdas.ledger_table import Ledger, open_ledger
from lambdas.secondary.decisions import final_steps
from lambdas.secondary.run_end import end_run

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# So many failures are spelled out; the others are in the results.
_LINES = 3


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the Lambda."""
    environment = LedgerEnvironment.read()
    return collect_results(
        request_uri=event["request"],
        bucket=environment.sequencing_bucket,
        s3=documents.s3_client(),
        ledger=open_ledger(environment.ledger_table),
    )


def collect_results(*, request_uri: str, bucket: str, s3: S3Client, ledger: Ledger) -> dict[str, Any]:
    """Write the run's results and end its entries in the ledger; its own not where it awaits a sign-off."""
    request = documents.read(s3, RunRequest, request_uri)
    run_id = request.run_id
    entries = {entry.item: entry for entry in ledger.find(run_id, "sample#")}
    collector = _Collector(run_id, bucket, s3, ledger, entries, final_steps(request))
    with ThreadPoolExecutor(documents.PARALLEL_REQUESTS // 4) as threads:
        samples = tuple(threads.map(collector.collect, request.samples))
    results = RunResults(run_id, request.study, request.reference.name, samples)
    results_uri = documents.write(s3, results, object_keys.uri(bucket, object_keys.run_results(run_id)))

    failed = [sample for sample in samples if sample.state is State.FAILED]
    line = failure_summary(failed, of=len(samples))
    tolerated = tolerated_failures(request.tolerate, len(samples))
    has_failed = len(failed) > tolerated
    if line and not has_failed:
        line += f" (tolerated: {request.tolerate})"
    sign_off = request.sign_off and len(failed) < len(samples)
    if not sign_off:
        end_run(run_id=run_id, line=line, has_failed=has_failed, ledger=ledger)
    return {
        "run_id": run_id,
        "study": request.study,
        "results": results_uri,
        "succeeded": len(samples) - len(failed),
        "failures": len(failed),
        "line": line,
        "has_failed": has_failed,
        "sign_off": sign_off,
    }


def failure_summary(failed: Sequence[SampleResult], *, of: int) -> str:
    """The line that ends a run of `of` samples: empty if none failed, a single sample's own line if one did."""
    reasons = [sample.reason or f"{sample.sample}: failed" for sample in failed]
    if len(reasons) <= 1:
        return "".join(reasons)
    more = f" (and {len(reasons) - _LINES} more)" if len(reasons) > _LINES else ""
    return f"{len(reasons)} of {of} samples failed: " + "; ".join(reasons[:_LINES]) + more


@dataclass(frozen=True)
class _Collector:
    run_id: str
    bucket: str
    s3: S3Client
    ledger: Ledger
    entries: Mapping[str, LedgerEntry]
    final: tuple[Step, ...]

    def collect(self, reads: SampleReads) -> SampleResult:
        """A sample's result, from its steps' records; ends its entry in the ledger."""
        entry = self.entries.get(sample_item(reads.sample))
        has_failed = entry is not None and entry.state is State.FAILED
        if entry and has_failed and not self._is_made_good(reads.sample):
            return SampleResult(reads.sample, reads.patient, State.FAILED, reason=entry.reason)
        ended = {step: self._step(reads.sample, step) for step in self.final}
        outputs = {step: self._outputs(step, entry) for step, entry in ended.items()}
        if missing := next((step for step in self.final if not outputs[step]), None):
            reason = f"{reads.sample}: {missing} left no record of its outputs"
            result = SampleResult(reads.sample, reads.patient, State.FAILED, reason=reason)
        else:
            variants = outputs.get(Step.ANNOTATE) or outputs[Step.GATHER_VARIANTS]
            result = SampleResult(
                sample=reads.sample,
                patient=reads.patient,
                state=State.SUCCEEDED,
                vcf=variants["vcf"],
                vcf_index=variants["index"],
                alignments=outputs[Step.ALIGN]["alignments"],
                quality_report=outputs[Step.QUALITY]["report"],
                gvcf=outputs[Step.GATHER_VARIANTS].get("gvcf"),
                gvcf_index=outputs[Step.GATHER_VARIANTS].get("gvcf_index"),
            )
        ends = [entry.finished_at for entry in ended.values() if entry and entry.finished_at]
        item = sample_item(reads.sample)
        finished_at = max(ends, default=None)
        told = result.reason or (REDRIVEN if has_failed else None)
        self.ledger.end(LedgerEntry(self.run_id, item, result.state, reason=told, finished_at=finished_at))
        return result

    def _is_made_good(self, sample: str) -> bool:
        """Whether what had failed, because the run was stopped, was then done by a redrive."""
        steps = self.ledger.find(self.run_id, f"step#{sample}#")
        return bool(steps) and all(step.state in (State.SUCCEEDED, State.SKIPPED) for step in steps)

    def _step(self, sample: str, step: Step) -> LedgerEntry | None:
        return self.ledger.get(self.run_id, step_item(sample, step, ""))

    def _outputs(self, step: Step, entry: LedgerEntry | None) -> dict[str, Artifact]:
        if entry is None or entry.fingerprint is None:
            return {}
        uri = object_keys.uri(self.bucket, object_keys.step_record(step, entry.fingerprint))
        record = documents.find(self.s3, StepRecord, uri)
        outputs = record.outputs if record else {}
        return {name: Artifact(file.uri, file.sha256, file.size) for name, file in outputs.items()}
