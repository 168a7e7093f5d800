"""Loading a source by Hail instead of our own reader: Spark's tasks write what Hail reads, each a part of it.

Hail reads files of Hadoop's. Where Hadoop has a file system for S3, as on Glue, the source is copied to the load's own
place in the data lake; elsewhere, as on one machine, to that machine's disk. Either is removed at the end.
"""

import atexit
import functools
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genomics.contracts import object_keys
from glue_jobs.hail.frames import FILE_NAMES, hail_error, read_frame, start_hail
from glue_jobs.hail.records import Said, batches
from glue_jobs.variants.commit import delete
from glue_jobs.variants.parquet import Destination, PartitionWriter
from glue_jobs.variants.plans import SourcePlan
from glue_jobs.variants.tasks import TaskResult
from glue_jobs.vcf.errors import VcfError
from glue_jobs.vcf.header import Header
from glue_jobs.vcf.sources import s3_client
from glue_jobs.vcf.text import Encoding

_COPIED_AT_ONCE = 8 << 20


def load_by_hail(plan: SourcePlan, *, range_mib: int) -> list[TaskResult]:
    """Write the rows of a source, cut into parts of at most so many MiB; what came of each, in order.

    VcfError says why Hail does not read it.
    """
    if plan.file.encoding is Encoding.BCF:
        raise VcfError("Hail does not read BCF; make it VCF, or load it by engine=native")
    with _staged(plan, _started()) as uri:
        frame = read_frame(uri, plan.file.encoding, block_mib=range_mib)
        try:
            # Executors keep what Hail reads: Spark asks for what goes to Python from another thread than the task's,
            # and Hail then ends no task. Nor has anything been written when Hail stops at a record.
            rows = frame.localCheckpoint().rdd
        # Py4J's or Hail's own, by where it is found.
        except Exception as error:
            raise hail_error(error) from error
    write = functools.partial(
        _write, header=plan.file.header, destination=plan.destination, is_only=rows.getNumPartitions() == 1
    )
    results: list[TaskResult] = rows.mapPartitionsWithIndex(write).collect()
    return results


@functools.cache
def _started() -> Any:
    """The Spark context, which Hail works on for as long as this process lasts."""
    from pyspark.sql import SparkSession  # noqa: PLC0415  (loads by our own reader mostly need no PySpark)

    context = SparkSession.builder.appName("variants").getOrCreate().sparkContext
    directory = Path(tempfile.mkdtemp(prefix="hail-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    start_hail(context, directory)
    return context


def _write(
    index: int, rows: Iterable[Said], *, header: Header, destination: Destination, is_only: bool
) -> Iterator[TaskResult]:
    """Write a part, on an executor. As in `glue_jobs.variants.tasks`, a part may be written twice, or half."""
    writer = PartitionWriter(destination, name=f"{index:015d}", is_only=is_only)
    for batch in batches(rows, header):
        writer.add(batch)
    writer.flush()
    yield TaskResult(files=tuple(writer.files), staged=tuple(writer.staged), rows=writer.rows)


@contextmanager
def _staged(plan: SourcePlan, context: Any) -> Iterator[str]:
    """URI of a file of the source's content that Hail can read, while the block lasts."""
    name = FILE_NAMES[plan.file.encoding]
    if not _has_s3(context):
        with tempfile.TemporaryDirectory(prefix="hail-") as directory:
            path = Path(directory, name)
            with path.open("wb") as file:
                for start in range(0, plan.object.size, _COPIED_AT_ONCE):
                    file.write(plan.object.read(start, start + _COPIED_AT_ONCE))
            yield path.as_uri()
        return
    bucket, key = object_keys.parse(plan.object.uri)
    target = object_keys.staged_source(plan.source.dataset, plan.load, name)
    s3_client().copy(
        {"Bucket": bucket, "Key": key}, plan.bucket, target, ExtraArgs={"CopySourceIfMatch": plan.object.etag}
    )
    try:
        yield object_keys.uri(plan.bucket, target)
    finally:
        delete(plan.bucket, {target})


def _has_s3(context: Any) -> bool:
    return context._jsc.hadoopConfiguration().get("fs.s3.impl") is not None
