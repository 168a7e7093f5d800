"""What `genomics compact` asks of the job, and what it says afterwards."""

from typing import Any

import pytest

from genomics.contracts import object_keys
from genomics.contracts.codec import dumps, loads
from genomics.contracts.loads import SCHEMA, LoadManifest, LoadRequest
from genomics.contracts.runs import Artifact
from genomics_cli.cloud import Platform
from genomics_cli.compaction import Compacted, compact
from genomics_cli.errors import UserError


class Job:
    """Plays Glue: leaves each dataset that it is asked for one file of calls."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.asked: list[LoadRequest] = []

    def start_job_run(self, *, JobName: str, Arguments: dict[str, str]) -> dict[str, str]:  # noqa: N803
        assert JobName == self.platform.deployment.variants_job
        bucket, key = object_keys.parse(Arguments["--request"])
        body = self.platform.cloud.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        self.asked.append(loads(LoadRequest, body))
        for dataset in self.asked[-1].compact:
            put(self.platform, dataset, files=1)
        return {"JobRunId": "jr"}

    def get_job_run(self, **_: str) -> dict[str, Any]:
        return {"JobRun": {"JobRunState": "SUCCEEDED"}}


def put(platform: Platform, dataset: str, *, files: int) -> None:
    source = Artifact("s3://in/x.vcf.gz", "0" * 64, 3)
    keys = tuple(f"tables/genotypes/{number}" for number in range(files))
    manifest = LoadManifest(dataset, source, "r", SCHEMA, {"genotypes": keys, "variants": ("v",)}, {})
    bucket = platform.deployment.data_lake_bucket
    platform.cloud.s3.put_object(Bucket=bucket, Key=object_keys.load_manifest(dataset), Body=dumps(manifest).encode())
    # What an interrupted load has left to be gathered.
    staged = object_keys.staged_part(dataset, "load", "genotypes", 1, "x.parquet")
    platform.cloud.s3.put_object(Bucket=bucket, Key=staged, Body=b"ARROW1")


@pytest.fixture
def job(platform: Platform) -> Job:
    platform.cloud.__dict__["glue"] = found = Job(platform)
    return found


def test_the_named_datasets_are_compacted(platform: Platform, job: Job) -> None:
    for dataset, files in (("study/A", 7), ("study/B", 3)):
        put(platform, dataset, files=files)
    assert compact(platform, ("study/B",)) == [Compacted("study/B", 4, 2)]
    (request,) = job.asked
    assert (request.sources, request.compact) == ((), ("study/B",))


def test_without_names_all_are(platform: Platform, job: Job) -> None:
    assert compact(platform, ()) == []
    assert job.asked == []
    for dataset in ("study/B", "study/A"):
        put(platform, dataset, files=3)
    assert [each.dataset for each in compact(platform, ())] == ["study/A", "study/B"]


def test_a_dataset_that_is_not_there_is_named(platform: Platform, job: Job) -> None:
    with pytest.raises(UserError, match="study/X: nothing is loaded under this name"):
        compact(platform, ("study/X",))
    assert job.asked == []
