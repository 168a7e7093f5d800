import datetime
import re
from pathlib import Path

import pytest

from genomics.contracts import codec, object_keys
from genomics.contracts.runs import RunRequest
from genomics_cli.cloud import Platform
from genomics_cli.demo.sequencing_run import SequencingRun
from genomics_cli.errors import UserError
from genomics_cli.inputs.known_files import KnownFiles
from genomics_cli.inputs.run_inputs import RunInputs, RunOptions, check_inputs
from genomics_cli.submission import download_reference, new_run_id, submit


def inputs_of(sheet: Path, reference: Path, folder: Path, **options: object) -> RunInputs:
    return check_inputs(
        RunOptions(sheet, str(reference), **options),  # type: ignore[arg-type]
        reference_file=reference,
        known=KnownFiles(folder / "known.json"),
        workspace=folder / "workspace",
    )


@pytest.fixture
def inputs(made: SequencingRun, tmp_path: Path) -> RunInputs:
    return inputs_of(made.sheet, made.reference, tmp_path, regions="chrA:1-500", parameters=("align.minimum_score=35",))


def _submit(platform: Platform, inputs: RunInputs, run_id: str = "run-1") -> tuple[RunRequest, list[str]]:
    told: list[str] = []
    request = submit(
        platform.cloud.s3, "sequencing", run_id, inputs, uploading=lambda path, _: told.append(Path(path).name)
    )
    return request, sorted(told)


def _keys(platform: Platform) -> list[str]:
    return [item["Key"] for item in platform.cloud.s3.list_objects_v2(Bucket="sequencing")["Contents"]]


def test_run_ids_sort_by_time_and_are_valid() -> None:
    early, late = (new_run_id(datetime.datetime(2026, 1, day, 7, 5, 9, tzinfo=datetime.UTC)) for day in (1, 2))
    assert re.fullmatch(r"20260101-070509-[0-9a-f]{4}", early)
    assert early < late


def test_the_request_says_what_was_uploaded(platform: Platform, inputs: RunInputs) -> None:
    request, told = _submit(platform, inputs)
    assert len(told) == 7
    body = platform.cloud.s3.get_object(Bucket="sequencing", Key="inbox/run-1/run.json")["Body"].read()
    assert codec.loads(RunRequest, body) == request
    assert [(s.sample, s.patient, [lane.lane for lane in s.lanes]) for s in request.samples] == [
        ("DEMO-1", "P1", ["L001", "L002"]),
        ("DEMO-2", "P2", ["L001"]),
    ]
    assert [str(region) for region in request.regions] == ["chrA:1-500"]
    assert request.parameters.align.minimum_score == 35
    for artifact in request.artifacts:
        bucket, key = object_keys.parse(artifact.uri)
        found = platform.cloud.s3.head_object(Bucket=bucket, Key=key)
        assert found["ContentLength"] == artifact.size
        assert artifact.sha256 in key


def test_what_is_there_is_not_uploaded_again(platform: Platform, inputs: RunInputs) -> None:
    first, _ = _submit(platform, inputs)
    before = _keys(platform)
    second, told = _submit(platform, inputs, "run-2")
    assert told == []
    assert second.samples == first.samples
    assert sorted(_keys(platform)) == sorted([*before, "inbox/run-2/run.json"])


def test_an_upload_that_broke_off_is_made_again(platform: Platform, inputs: RunInputs) -> None:
    request, _ = _submit(platform, inputs)
    _, key = object_keys.parse(request.samples[1].lanes[0].fastq_2.uri)
    platform.cloud.s3.put_object(Bucket="sequencing", Key=key, Body=b"half")
    _, told = _submit(platform, inputs, "run-2")
    assert told == ["DEMO-2_L001_R2_001.fastq.gz"]


def test_reads_in_the_bucket_are_taken_where_they_are(platform: Platform, made: SequencingRun, tmp_path: Path) -> None:
    platform.cloud.s3.put_object(Bucket="sequencing", Key="inbox/delivery/a_R1.fastq.gz", Body=b"abc")
    platform.cloud.s3.put_object(Bucket="sequencing", Key=object_keys.reads("f" * 64, "b.fq.gz"), Body=b"four")
    sheet = tmp_path / "sheet.csv"
    mates = f"s3://sequencing/inbox/delivery/a_R1.fastq.gz,s3://sequencing/inbox/reads/{'f' * 64}/b.fq.gz"
    sheet.write_text(f"patient,sample,lane,fastq_1,fastq_2\nP,S,L1,{mates}\n")
    request, told = _submit(platform, inputs_of(sheet, made.reference, tmp_path))
    lane = request.samples[0].lanes[0]
    # The first example of FIPS 180-2
    assert lane.fastq_1.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert (lane.fastq_1.size, lane.fastq_2.size) == (3, 4)
    assert lane.fastq_2.sha256 == "f" * 64
    assert told == ["reference.fa"]


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("s3://elsewhere/inbox/a.fq.gz", "is not in the inbox of the deployment's sequencing bucket"),
        ("s3://sequencing/runs/a.fq.gz", "is not in the inbox of the deployment's sequencing bucket"),
        ("s3://sequencing/inbox/nothing.fq.gz", "cannot be read"),
    ],
)
def test_reads_that_cannot_be_taken_are_named(
    platform: Platform, made: SequencingRun, tmp_path: Path, uri: str, problem: str
) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(f"patient,sample,lane,fastq_1,fastq_2\nP,S,L1,{uri},{uri}2\n")
    inputs = inputs_of(sheet, made.reference, tmp_path)
    with pytest.raises(UserError, match=f"{uri}.*: {problem}"):
        _submit(platform, inputs)


def test_a_reference_in_s3_is_fetched(platform: Platform, tmp_path: Path) -> None:
    platform.cloud.s3.put_object(Bucket="lake", Key="genomes/hg.fa", Body=b">a\nACGT\n")
    path = download_reference(platform.cloud.s3, "s3://lake/genomes/hg.fa", tmp_path / "brought")
    assert path.name == "hg.fa"
    assert path.read_text() == ">a\nACGT\n"
    with pytest.raises(UserError, match=r"s3://lake/none\.fa: cannot be read"):
        download_reference(platform.cloud.s3, "s3://lake/none.fa", tmp_path / "brought")
