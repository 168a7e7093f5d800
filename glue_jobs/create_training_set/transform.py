"""Makes a training set of a release of ClinVar: labelled variants with their consequences and engineered features."""

import csv
import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from genomics.contracts import object_keys
from genomics.contracts.annotated_variants import LABEL, PUBLISHED_COLUMNS, AnnotatedVariant, RowError
from genomics.contracts.annotation_tables import CLINVAR
from genomics.contracts.annotations import AnnotationManifest
from genomics.contracts.codec import dumps, loads
from genomics.contracts.features import values_of
from genomics.contracts.runs import Artifact
from genomics.contracts.submission_features import SUBMISSION_FEATURES
from genomics.contracts.training_sets import TrainingSetError, TrainingSetManifest, label_of
from genomics.contracts.variant_features import VARIANT_FEATURES
from glue_jobs.create_training_set.consequences import Consequences, find_consequences
from glue_jobs.create_training_set.layout import Key, LakeRow, clinvar_columns, key_of
from glue_jobs.create_training_set.options import CreateTrainingSetOptions
from glue_jobs.vcf.sources import s3_client

TABLE, PUBLISHED, MANIFEST = "training_set.parquet", "training_set.csv", "manifest.json"
FEATURES = (*VARIANT_FEATURES, *SUBMISSION_FEATURES)
_ROWS_AT_ONCE = 20_000
_NEWEST = "newest"
_COLUMNS = (
    "chromosome pos ref alt alt_index original_pos original_ref original_alts info_integers info_strings "
    "variation_id gene_symbols review_status conflicting_significances diseases disease_ids hgvs variant_type "
    "consequence_terms consequences origins af_esp af_exac af_tgp"
)


@dataclass
class _Labelled:
    """Rows of the lake that have a label, and how many were left out and why."""

    rows: list[tuple[LakeRow, bool]] = field(default_factory=list)
    keys: set[Key] = field(default_factory=set)
    left_out: Counter[str] = field(default_factory=Counter)

    def take(self, row: LakeRow) -> None:
        """Take a row that is to be learned from."""
        label = label_of(row["review_status"], dict(row["conflicting_significances"] or ()))
        if label is None:
            self.left_out["no criteria of several submitters"] += 1
        elif row["alt"] is None:
            self.left_out["no alternate allele"] += 1
        elif key_of(row) in self.keys:
            self.left_out["the same variant again"] += 1
        else:
            self.keys.add(key_of(row))
            self.rows.append((row, label))


def create(options: CreateTrainingSetOptions) -> str:
    """Make the training set, in place of an earlier one of this release; returns a line that says what it holds.

    TrainingSetError where the lake has no such release, or the release no variant that submitters disagree on.
    """
    manifest = _release(options)
    labelled = _Labelled()
    for row in _lake_rows(options.data_lake_bucket, manifest):
        labelled.take(row)
    release, assembly = (manifest.partition[column.name] for column in CLINVAR.partitions)
    name = f"clinvar {release} {assembly}"
    if not any(label for _, label in labelled.rows):
        raise TrainingSetError(
            f"{name}: no variant is in conflict, of {len(labelled.rows):,} with criteria of several submitters; does"
            " ClinVar spell its review status in another way now?"
        )
    consequences = find_consequences(options, manifest.source.uri, labelled.keys)
    with tempfile.TemporaryDirectory() as directory:
        table, published = Path(directory) / TABLE, Path(directory) / PUBLISHED
        kept = _write(labelled, consequences, table=table, published=published)
        artifacts = [_upload(options.data_lake_bucket, release, assembly, path) for path in (table, published)]
    written = TrainingSetManifest(
        release=release,
        assembly=assembly,
        source=manifest.source,
        consequences=consequences.name,
        table=artifacts[0],
        published=artifacts[1],
        conflicting=kept[True],
        agreeing=kept[False],
        left_out=dict(sorted(labelled.left_out.items())),
    )
    s3_client().put_object(
        Bucket=options.data_lake_bucket,
        Key=object_keys.training_set(release, assembly, MANIFEST),
        Body=dumps(written).encode(),
        ContentType="application/json",
    )
    return (
        f"{name}: {kept[True]:,} variants in conflict, {kept[False]:,} not; consequences by {consequences.name}; "
        f"{artifacts[0].uri}"
    )


def _release(options: CreateTrainingSetOptions) -> AnnotationManifest:
    prefix = object_keys.annotation_loads(CLINVAR.name)
    pages = s3_client().get_paginator("list_objects_v2").paginate(Bucket=options.data_lake_bucket, Prefix=prefix)
    found = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
    ending = f"/{options.assembly}.json"
    # <prefix><release>/<assembly>.json; what waits of other loads lies deeper.
    releases = sorted(key for key in found if key.endswith(ending) and key.removeprefix(prefix).count("/") == 1)
    if options.release != _NEWEST:
        releases = [key for key in releases if key == f"{prefix}{options.release}{ending}"]
    if not releases:
        raise TrainingSetError(
            f"the lake has no release {options.release} of ClinVar for {options.assembly}; load one with"
            " `genomics annotations`"
        )
    body = s3_client().get_object(Bucket=options.data_lake_bucket, Key=releases[-1])["Body"].read()
    return loads(AnnotationManifest, body, where=releases[-1])


def _lake_rows(bucket: str, manifest: AnnotationManifest) -> Iterator[LakeRow]:
    for key in manifest.files:
        body = s3_client().get_object(Bucket=bucket, Key=key)["Body"].read()
        for batch in pq.ParquetFile(pa.BufferReader(body)).iter_batches(_ROWS_AT_ONCE, columns=_COLUMNS.split()):
            yield from batch.to_pylist()


def _write(labelled: _Labelled, consequences: Consequences, *, table: Path, published: Path) -> Counter[bool]:
    """Write both files; returns how many rows they hold by label."""
    kept: Counter[bool] = Counter()
    schema = _schema()
    with published.open("w", newline="") as file, pq.ParquetWriter(table, schema, compression="zstd") as writer:
        lines = csv.DictWriter(file, PUBLISHED_COLUMNS)
        lines.writeheader()
        waiting: list[dict[str, Any]] = []
        for row, label in labelled.rows:
            text = {**clinvar_columns(row), LABEL: str(int(label)), **consequences.columns(row)}
            try:
                values = values_of(AnnotatedVariant(text), FEATURES)
            except RowError:
                labelled.left_out["alleles that are not spelled out"] += 1
                continue
            kept[label] += 1
            lines.writerow({name: text[name] for name in PUBLISHED_COLUMNS})
            named = dict(zip((feature.name for feature in FEATURES), values, strict=True))
            waiting.append({"variation_id": row["variation_id"], **text, **named})
            if len(waiting) == _ROWS_AT_ONCE:
                writer.write_table(pa.Table.from_pylist(waiting, schema))
                waiting = []
        writer.write_table(pa.Table.from_pylist(waiting, schema))
    return kept


def _schema() -> pa.Schema:
    texts = [(name, pa.string()) for name in PUBLISHED_COLUMNS]
    numbers = [(feature.name, pa.float32()) for feature in FEATURES]
    return pa.schema([("variation_id", pa.int64()), *texts, *numbers])


def _upload(bucket: str, release: str, assembly: str, path: Path) -> Artifact:
    key = object_keys.training_set(release, assembly, path.name)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    s3_client().upload_file(str(path), bucket, key)
    return Artifact(object_keys.uri(bucket, key), digest, path.stat().st_size)
