"""The steps of a demultiplexing, one for each lane, with the files that each reads."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from genomics.contracts import object_keys
from genomics.contracts.codec import dumps
from genomics.contracts.demultiplexing import (
    FILES,
    SHEET,
    DemultiplexRequest,
    FolderFile,
    FolderFiles,
    LaneSheet,
    lane_files,
    lane_name,
)
from genomics.contracts.steps import Recipe, Step, TaskInput
from genomics.contracts.transfers import read_files, read_header
from lambdas import documents
from lambdas.secondary.planning import PlannedStep

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_INTENSITIES = "Data/Intensities/"
# Where clusters lie on flow cells whose tiles are all alike.
_COMMON_POSITIONS = f"{_INTENSITIES}s.locs"


class RunFolderError(ValueError):
    """A run folder does not hold what its demultiplexing needs; the message names the file."""


def lane_steps(*, request: DemultiplexRequest, image: str, bucket: str, s3: S3Client) -> list[PlannedStep]:
    """The step of each lane of a request, in their order; writes the documents that their tasks name.

    RunFolderError if the bucket does not hold a file as the run folder's manifest lists it.
    """
    listed = _listed(s3, request)
    steps = []
    for sheet in request.lanes:
        files = _lane_files(s3, request, sheet, listed)
        documents_of_lane = {SHEET: sheet, FILES: files}
        inputs = {
            name: _written(s3, document, request.run_id, sheet, name, bucket)
            for name, document in documents_of_lane.items()
        }
        steps.append(lane_step(request=request, sheet=sheet, inputs=inputs, image=image, bucket=bucket))
    return steps


def lane_step(
    *, request: DemultiplexRequest, sheet: LaneSheet, inputs: Mapping[str, TaskInput], image: str, bucket: str
) -> PlannedStep:
    """The step of one lane. Its recipe holds the files' entity tags, so that an unchanged lane is not made again."""
    recipe = Recipe(
        step=Step.DEMULTIPLEX,
        image=image,
        parameters=dataclasses.asdict(request.parameters),
        contents={name: (str(document.sha256),) for name, document in inputs.items()},
    )
    keys = {
        name: object_keys.step_output(recipe.step, recipe.fingerprint, file) for name, file in lane_files(sheet).items()
    }
    return PlannedStep(
        step=recipe.step,
        part=lane_name(sheet.lane),
        sample="",
        recipe=recipe,
        inputs={name: (document,) for name, document in inputs.items()},
        outputs={name: object_keys.uri(bucket, key) for name, key in keys.items()},
        record=object_keys.uri(bucket, object_keys.step_record(recipe.step, recipe.fingerprint)),
        folder=request.folder,
    )


def _written(s3: S3Client, document: object, run_id: str, sheet: LaneSheet, name: str, bucket: str) -> TaskInput:
    uri = object_keys.uri(bucket, object_keys.lane_document(run_id, lane_name(sheet.lane), name))
    documents.write(s3, document, uri)
    body = dumps(document).encode()
    return TaskInput(uri=uri, sha256=hashlib.sha256(body).hexdigest(), size=len(body))


def _listed(s3: S3Client, request: DemultiplexRequest) -> dict[str, dict[str, int]]:
    """Size by path of what the manifest lists for demultiplexing, by the folder that it lies in."""
    wanted = {prefix for sheet in request.lanes for prefix in _prefixes(sheet)}
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for path, size in _manifest(s3, request.manifest):
        if path == _COMMON_POSITIONS:
            found[path][path] = size
        elif prefix := next((each for each in wanted if path.startswith(each)), None):
            found[prefix][path] = size
    return found


def _manifest(s3: S3Client, uri: str) -> Iterator[tuple[str, int]]:
    """Path below the run folder, and size."""
    bucket, key = object_keys.parse(uri)
    body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    lines = io.TextIOWrapper(gzip.GzipFile(fileobj=body), encoding="utf-8", newline="\n")
    read_header(next(lines, "").rstrip("\n"))
    for file in read_files(lines):
        yield file.path.partition("/")[2], file.size


def _lane_files(
    s3: S3Client, request: DemultiplexRequest, sheet: LaneSheet, listed: Mapping[str, Mapping[str, int]]
) -> FolderFiles:
    base_calls, _ = prefixes = _prefixes(sheet)
    if not listed.get(base_calls):
        raise RunFolderError(
            f"lane {sheet.lane} has samples and no base calls: {request.manifest} lists no file below {base_calls}"
        )
    files: list[FolderFile] = []
    for prefix in (*prefixes, _COMMON_POSITIONS):
        if prefix in listed:
            files += _checked(s3, request.folder, prefix, listed[prefix])
    return FolderFiles(tuple(sorted(files, key=lambda file: file.path)))


def _checked(s3: S3Client, folder: str, prefix: str, listed: Mapping[str, int]) -> Iterator[FolderFile]:
    """The listed files as the bucket has them; others that lie there are passed over."""
    bucket, root = object_keys.parse(folder)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=root + prefix)
    there = {item["Key"].removeprefix(root): item for page in pages for item in page.get("Contents", ())}
    for path, size in listed.items():
        if path not in there or there[path]["Size"] != size:
            has = f"has {there[path]['Size']}" if path in there else "is not there"
            raise RunFolderError(f"{folder}{path} {has}, the manifest lists {size} bytes; transfer the run again")
        yield FolderFile(path, size, there[path]["ETag"])


def _prefixes(sheet: LaneSheet) -> Sequence[str]:
    """Where a lane's base calls with their filters lie, and where its clusters' positions do."""
    lane = lane_name(sheet.lane)
    return f"{_INTENSITIES}BaseCalls/{lane}/", f"{_INTENSITIES}{lane}/"
