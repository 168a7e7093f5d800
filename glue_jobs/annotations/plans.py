"""What a load will do: which table and partition a release belongs to, and the ranges that its file is cut into."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from genomics.contracts.annotation_tables import ANNOTATION_TABLES, CLINVAR, CLINVAR_SUMMARY_SCHEMA, AnnotationSchema
from genomics.contracts.annotations import AnnotationRequest, rejects_dataset
from genomics.contracts.codec import dumps
from genomics.contracts.runs import Artifact
from genomics.contracts.tables import Table
from glue_jobs.annotations import clinvar
from glue_jobs.annotations.tasks import RangeTask, Target
from glue_jobs.annotations.tsv import TsvFile, open_tsv
from glue_jobs.variants.parquet import Destination
from glue_jobs.vcf.errors import VcfError
from glue_jobs.vcf.reader import VcfFile, open_vcf
from glue_jobs.vcf.sources import ByteSource, S3Source
from glue_jobs.vcf.text import ByteRange, Encoding, pieces, plan

# Raised when the rows made of the same file change.
_ROWS = 1
_REFERENCE = re.compile(rb"^##reference=\s*(GRCh\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Subject:
    """What is loaded: the table, its TSV's `schema` (None for ClinVar's VCF), and the partition's values by column."""

    table: Table
    schema: AnnotationSchema | None
    partition: Mapping[str, str]

    @property
    def name(self) -> str:
        """What a person calls it, e.g. `clinvar 2026-02-26 GRCh38`."""
        return " ".join((self.table.name, *self.partition.values()))

    @property
    def is_declared(self) -> bool:
        """The table is defined by the job, not by the stack."""
        return self.table not in ANNOTATION_TABLES

    @property
    def recipe(self) -> str:
        """Stands for what the rows follow from, other than the file."""
        return hashlib.sha256(dumps([_ROWS, self.table, self.schema]).encode()).hexdigest()[:16]

    @property
    def order(self) -> tuple[str, ...]:
        """The columns that rows are sorted by."""
        if self.schema is None:
            return ("chrom", "pos")
        place = self.schema.location
        return (place.chrom, place.start) if place else ()


@dataclass(frozen=True)
class ReleasePlan:
    """A release that is fetched, to be loaded: `source` as it is kept, `file` what is known of it."""

    subject: Subject
    source: Artifact
    object: S3Source
    file: VcfFile | TsvFile
    parts: tuple[ByteRange, ...]
    run_id: str
    bucket: str

    @property
    def header_lines(self) -> int:
        """Lines before the first that may be a row."""
        return self.file.header.lines if isinstance(self.file, VcfFile) else self.file.lines

    @property
    def target(self) -> Target:
        """Where the tasks write; the load is named by its content, the way it is cut, and its recipe."""
        recipe = [self.source.sha256, self.subject.recipe, [part.start for part in self.parts]]
        partition = self.subject.partition
        origin = Destination(
            bucket=self.bucket,
            dataset=rejects_dataset(self.subject.table.name, partition),
            load=hashlib.sha256(dumps(recipe).encode()).hexdigest()[:16],
            source_uri=self.source.uri,
            source_sha256=self.source.sha256,
            run_id=self.run_id,
        )
        return Target(self.subject.table, tuple(partition.items()), self.subject.order, origin)

    def tasks(self) -> Iterator[RangeTask]:
        """One for each range, in order."""
        target = self.target
        for part in self.parts:
            yield RangeTask(self.object, self.file, part, target)

    def whole(self) -> "ReleasePlan":
        """The same with the file as one range."""
        return replace(self, parts=plan(self.object, self.file.encoding, max(1, self.object.size)))


def find_subject(request: AnnotationRequest) -> Subject:
    """What a request is about; AnnotationError if it is not clear."""
    table, partition = request.table, {"release": request.release}
    if table == CLINVAR:
        return Subject(table, None, {**partition, "assembly": request.assembly})
    return Subject(table, request.schema or CLINVAR_SUMMARY_SCHEMA, partition)


def make_plan(subject: Subject, source: Artifact, *, run_id: str, bucket: str, range_bytes: int) -> ReleasePlan:
    """Look at a release: that it begins as one does. VcfError says if not."""
    found = S3Source.head(source.uri)
    file = open_tsv(found, subject.schema) if subject.schema else _open_clinvar(found, subject.partition["assembly"])
    parts = plan(found, file.encoding, range_bytes)
    return ReleasePlan(subject, source, found, file, parts, run_id, bucket)


def _open_clinvar(source: ByteSource, assembly: str) -> VcfFile:
    file = open_vcf(source)
    clinvar.check_header(file.header)
    if file.encoding is not Encoding.BCF:
        beginning = next(pieces(source, file.encoding, ByteRange(0, source.size))).data
        said = _REFERENCE.search(beginning)
        if said and said[1].decode() != assembly:
            raise VcfError(f"is of assembly {said[1].decode()}, not {assembly}; name that one")
    return file
