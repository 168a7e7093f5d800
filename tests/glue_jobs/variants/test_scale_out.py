"""On a cluster of several processes the job makes the tables that it makes alone."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.lake.inputs import Input, make_inputs
from benchmarks.lake.spark_job import BUCKET, LocalCloud, local_cloud
from benchmarks.scale_out import cluster
from genomics.contracts.loads import LoadManifest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> list[Input]:
    """Some MiB each: of sites with many INFO fields, and of calls."""
    made = make_inputs(tmp_path_factory.mktemp("inputs"), scale=0.05)
    return [made["annotated"], made["cohort"]]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with local_cloud(tmp_path_factory.mktemp("cloud")) as started:
        yield started


def rows(cloud: LocalCloud, manifest: LoadManifest) -> dict[str, Counter[str]]:
    """How often each row is in the load's files, with its partition but for the load's own name, by table."""
    found: dict[str, Counter[str]] = {}
    for table, keys in manifest.files.items():
        found[table] = Counter()
        for key in keys:
            body = cloud.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
            partition = re.findall(r"/(chrom|sample)=([^/]+)", key)
            content = pq.read_table(pa.BufferReader(body)).drop_columns("run_id")
            found[table].update(f"{partition} {row}" for row in content.to_pylist())
    return found


def test_a_cluster_makes_the_same_tables_and_all_its_workers_take_part(
    cloud: LocalCloud, inputs: list[Input], tmp_path: Path
) -> None:
    with cluster.started(tmp_path, cloud.environment) as found:
        for number, given in enumerate(inputs, start=1):
            source = cloud.upload(given)
            alone = cloud.load(source, timeout=600, splits=1)
            spread = cloud.load(source, timeout=600, splits=8, settings=found.settings)
            assert found.executors() == [number, number]
            assert spread.manifest.rows == alone.manifest.rows
            assert spread.manifest.rows["variants"] >= given.content.alleles
            assert rows(cloud, spread.manifest) == rows(cloud, alone.manifest)
