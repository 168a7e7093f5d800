"""What a load will do, before it does anything: the source, recognised and cut into ranges."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from genomics.contracts.codec import dumps
from genomics.contracts.loads import SCHEMA, LoadSource
from glue_jobs.variants.parquet import Destination
from glue_jobs.variants.tasks import ChecksumTask, RangeTask, Task
from glue_jobs.vcf.errors import VcfError
from glue_jobs.vcf.reader import VcfFile, open_vcf, ranges
from glue_jobs.vcf.sources import S3Source
from glue_jobs.vcf.text import ByteRange


@dataclass(frozen=True)
class SourcePlan:
    """One source to load. `run_id` is the run that asked for it, `bucket` the data lake's.

    `engine` reads it (see the job's options). Hail takes it apart itself: there are no `parts` then.
    """

    source: LoadSource
    object: S3Source
    file: VcfFile
    parts: tuple[ByteRange, ...]
    run_id: str
    bucket: str
    engine: str = "native"

    @property
    def load(self) -> str:
        """Names this load: the same content, cut the same way, under the same schema."""
        recipe: list[object] = [self.source.vcf.sha256, SCHEMA, [part.start for part in self.parts]]
        if self.engine != "native":
            recipe.append(self.engine)
        return hashlib.sha256(dumps(recipe).encode()).hexdigest()[:16]

    @property
    def destination(self) -> Destination:
        """Where the tasks write, and what each row says of its origin."""
        return Destination(
            bucket=self.bucket,
            dataset=self.source.dataset,
            load=self.load,
            source_uri=self.source.vcf.uri,
            source_sha256=self.source.vcf.sha256,
            run_id=self.run_id,
        )

    def whole(self) -> "SourcePlan":
        """The same with the file as one range."""
        return replace(self, parts=ranges(self.object, self.file, max(1, self.object.size)))

    def tasks(self) -> Iterator[Task]:
        """The checksum first, as it takes longest; then the ranges in order."""
        yield ChecksumTask(self.object)
        yield from self.range_tasks()

    def range_tasks(self) -> Iterator[RangeTask]:
        """One for each range, in order."""
        destination, is_only = self.destination, len(self.parts) == 1
        for part in self.parts:
            yield RangeTask(self.object, self.file, part, destination, is_only)


def make_plan(source: LoadSource, *, run_id: str, bucket: str, range_bytes: int, engine: str = "native") -> SourcePlan:
    """Look at a source: that it is there, as large as it should be, and begins as a VCF does. VcfError says if not."""
    found = S3Source.head(source.vcf.uri)
    if found.size != source.vcf.size:
        raise VcfError(f"has {found.size:,} bytes, the request says {source.vcf.size:,}; upload it again")
    file = open_vcf(found)
    parts = ranges(found, file, range_bytes) if engine == "native" else ()
    return SourcePlan(source, found, file, parts, run_id, bucket, engine)
