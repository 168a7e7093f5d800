"""What a run left in S3: its results, the records of its steps, the VCFs, the row counts of its loads."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from botocore.exceptions import ClientError

from genomics.contracts import codec, object_keys
from genomics.contracts.loads import LoadManifest
from genomics.contracts.runs import RunPlan, RunRequest, RunResults, SampleResult
from genomics.contracts.steps import Step, StepRecord, Task
from genomics.contracts.tables import TABLES
from genomics_cli.cloud import Platform
from genomics_cli.run_ledger import StepView

T = TypeVar("T")

_READS_AT_ONCE = 8


def read_results(platform: Platform, run_id: str) -> RunResults | None:
    """Every sample's outcome; None where the run did not come so far."""
    return _read(platform, platform.deployment.sequencing_bucket, object_keys.run_results(run_id), RunResults)


def read_records(platform: Platform, steps: Iterable[StepView]) -> dict[str, StepRecord]:
    """The records of those steps that have one, made by this run or an earlier one, by fingerprint."""
    wanted = {s.entry.fingerprint: s.step for s in steps if s.entry.fingerprint}
    with ThreadPoolExecutor(_READS_AT_ONCE) as pool:
        found = pool.map(lambda fingerprint: read_record(platform, wanted[fingerprint], fingerprint), wanted)
        return {fingerprint: record for fingerprint, record in zip(wanted, found, strict=True) if record}


def read_record(platform: Platform, step: Step, fingerprint: str) -> StepRecord | None:
    """The record of one step; None where its outputs are not complete, or gone. ContractError if it cannot be read."""
    bucket = platform.deployment.sequencing_bucket
    return _read(platform, bucket, object_keys.step_record(step, fingerprint), StepRecord)


def read_task(platform: Platform, run_id: str, sample: str, step: Step, part: str) -> Task | None:
    """What a run told a step's job; None where it had none."""
    key = object_keys.task(run_id, sample, step, part)
    return _read(platform, platform.deployment.sequencing_bucket, key, Task)


def read_request(platform: Platform, run_id: str) -> RunRequest | None:
    """What was asked of a run; None where it was never started."""
    key = object_keys.run_document(run_id, "request.json")
    return _read(platform, platform.deployment.sequencing_bucket, key, RunRequest)


def read_plan(platform: Platform, run_id: str) -> RunPlan | None:
    """What the samples of a run share; None where it did not come so far."""
    return _read(platform, platform.deployment.sequencing_bucket, object_keys.run_plan(run_id), RunPlan)


def read_rows(platform: Platform, study: str, samples: Iterable[str]) -> dict[str, int]:
    """Rows that the lake holds of the samples, by table: what the manifests of their latest loads say."""
    rows = {table.name: 0 for table in TABLES}
    for sample in samples:
        key = object_keys.load_manifest(dataset(study, sample))
        manifest = _read(platform, platform.deployment.data_lake_bucket, key, LoadManifest)
        for table, count in (manifest.rows if manifest else {}).items():
            rows[table] = rows.get(table, 0) + count
    return rows


def dataset(study: str, sample: str) -> str:
    """What the lake calls a study's sample."""
    return f"{study}/{sample}"


def download_calls(platform: Platform, results: RunResults, directory: Path) -> dict[str, Path]:
    """Fetch each sample's VCF and gVCF with indexes, and its quality report, into `directory`; the VCF by sample."""
    return {
        sample.sample: path
        for sample in results.samples
        if (path := _download(platform, sample, directory)) is not None
    }


def _download(platform: Platform, sample: SampleResult, directory: Path) -> Path | None:
    directory.mkdir(parents=True, exist_ok=True)
    for artifact in (sample.quality_report, sample.gvcf_index, sample.gvcf, sample.vcf_index, sample.vcf):
        if artifact:
            bucket, key = object_keys.parse(artifact.uri)
            platform.cloud.s3.download_file(bucket, key, str(directory / artifact.name))
    return directory / sample.vcf.name if sample.vcf else None


def _read(platform: Platform, bucket: str, key: str, kind: type[T]) -> T | None:
    try:
        body = platform.cloud.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
            return None
        raise
    return codec.loads(kind, body, where=key)
