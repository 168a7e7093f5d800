"""Puts a run's input into the sequencing bucket and then its request, which starts the run."""

import datetime
import hashlib
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from genomics.contracts import object_keys
from genomics.contracts.codec import dumps
from genomics.contracts.runs import Artifact, LaneReads, Reference, RunRequest, SampleReads
from genomics_cli.errors import UserError
from genomics_cli.inputs.fastq_files import FileFacts
from genomics_cli.inputs.run_inputs import RunInputs, is_remote

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_UPLOADS_AT_ONCE = 4
# Objects below it are named by their content.
_READS = f"{object_keys.INBOX}reads/"


def new_run_id(now: datetime.datetime | None = None) -> str:
    """A run id that sorts by time: `20260131-175900-3f9c`, in UTC."""
    moment = now or datetime.datetime.now(datetime.UTC)
    return f"{moment:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def submit(
    s3: "S3Client", bucket: str, run_id: str, inputs: RunInputs, *, uploading: Callable[[str, int], None]
) -> RunRequest:
    """Upload what the bucket has not, then put the request. `uploading` is told of each file and its size in bytes."""
    artifacts = _upload_all(s3, bucket, inputs, uploading)
    lanes: dict[str, list[LaneReads]] = {}
    patients: dict[str, str] = {}
    for row in inputs.rows:
        patients[row.sample] = row.patient
        lanes.setdefault(row.sample, []).append(LaneReads(row.lane, artifacts[row.fastq_1], artifacts[row.fastq_2]))
    request = RunRequest(
        run_id=run_id,
        study=inputs.study,
        reference=Reference(
            name=inputs.reference.name,
            fasta=artifacts[str(inputs.reference.source)],
            genes=artifacts[str(inputs.genes.path)] if inputs.genes else None,
            clinvar=artifacts[str(inputs.clinvar.path)] if inputs.clinvar else None,
        ),
        samples=tuple(SampleReads(sample, patients[sample], tuple(found)) for sample, found in lanes.items()),
        regions=inputs.regions,
        parameters=inputs.parameters,
        tolerate=inputs.tolerate,
        urgent=inputs.urgent,
        sign_off=inputs.sign_off,
    )
    s3.put_object(
        Bucket=bucket,
        Key=object_keys.run_request(run_id),
        Body=dumps(request).encode(),
        ContentType="application/json",
    )
    return request


def download_reference(s3: "S3Client", uri: str, directory: Path) -> Path:
    """Fetch a reference that is in S3, to be checked."""
    try:
        bucket, key = object_keys.parse(uri)
    except ValueError as error:
        raise UserError(f"--reference {error}") from error
    target = directory / key.rsplit("/", 1)[-1]
    directory.mkdir(parents=True, exist_ok=True)
    try:
        s3.download_file(bucket, key, str(target))
    except ClientError as error:
        raise UserError(f"{uri}: cannot be read ({_why(error)})") from error
    return target


def object_size(s3: "S3Client", uri: str) -> int:
    """Bytes of an object. Raises UserError where it is not there."""
    try:
        size = _size(s3, *object_keys.parse(uri))
    except (ClientError, ValueError) as error:
        raise UserError(f"{uri}: cannot be read ({_why(error)})") from error
    if size is None:
        raise UserError(f"{uri}: is not there")
    return size


def _upload_all(
    s3: "S3Client", bucket: str, inputs: RunInputs, uploading: Callable[[str, int], None]
) -> dict[str, Artifact]:
    """The artifact of each FASTQ, and of the reference's files, by what the user calls it."""
    local: dict[str, tuple[FileFacts, str]] = {
        path: (facts, object_keys.reads(facts.sha256, Path(path).name)) for path, facts in inputs.reads.items()
    }
    of_reference = [(inputs.reference.source, inputs.reference_facts)]
    of_reference += [(each.path, each.facts) for each in (inputs.genes, inputs.clinvar) if each]
    for path, facts in of_reference:
        local[str(path)] = (facts, object_keys.reference_file(facts.sha256, path.name))

    def upload(path: str) -> Artifact:
        facts, key = local[path]
        if _size(s3, bucket, key) != facts.size:
            uploading(path, facts.size)
            s3.upload_file(path, bucket, key)
        return Artifact(object_keys.uri(bucket, key), facts.sha256, facts.size)

    remote = dict.fromkeys(read for row in inputs.rows for read in row.reads if is_remote(read))
    with ThreadPoolExecutor(_UPLOADS_AT_ONCE) as pool:
        uploaded = dict(zip(local, pool.map(upload, local), strict=True))
        found = dict(zip(remote, pool.map(lambda uri: _remote_artifact(s3, bucket, uri), remote), strict=True))
    return uploaded | found


def _remote_artifact(s3: "S3Client", bucket: str, uri: str) -> Artifact:
    """An object that is in the sequencing bucket already; its sum is in its key, or it is read once to be summed."""
    try:
        at, key = object_keys.parse(uri)
        if at != bucket or not key.startswith(object_keys.INBOX):
            where = object_keys.uri(bucket, object_keys.INBOX)
            raise UserError(f"{uri}: is not in the inbox of the deployment's sequencing bucket; copy it below {where}")
        size = s3.head_object(Bucket=bucket, Key=key)["ContentLength"]
        if key.startswith(_READS):
            return Artifact(uri, key.removeprefix(_READS).split("/")[0], size)
        digest = hashlib.sha256()
        for chunk in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(1 << 20):
            digest.update(chunk)
    except (ClientError, ValueError) as error:
        raise UserError(f"{uri}: cannot be read ({_why(error)})") from error
    return Artifact(uri, digest.hexdigest(), size)


def _size(s3: "S3Client", bucket: str, key: str) -> int | None:
    """Bytes of an object, or None where it is absent."""
    try:
        return s3.head_object(Bucket=bucket, Key=key)["ContentLength"]
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return None
        raise


def _why(error: Exception) -> str:
    response: Mapping[str, Mapping[str, str]] = getattr(error, "response", {})
    return response.get("Error", {}).get("Message", str(error))
