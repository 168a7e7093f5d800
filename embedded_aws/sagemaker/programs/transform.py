"""A transform job: every object below a prefix, answered line by line by a model, into objects with `.out` added."""

import csv
import io
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.sagemaker.programs import protocol, storage
from genomics.ml.tabular import artefact
from genomics.ml.tabular.artefact import ArtefactError
from genomics.ml.tabular.candidates import TableError


def main(request: Mapping[str, Any]) -> None:
    """Transform the objects below `request["input"]` into `request["output"]`."""
    model = artefact.load(storage.download(request["model"], Path.cwd()))
    outputs = artefact.outputs_of(request["outputs"])
    bucket, prefix = storage.split(request["input"])
    found = storage.keys(request["input"])
    if not found:
        raise TableError(f"no object begins with {request['input']}")
    for key in found:
        text = storage.read_bytes(f"s3://{bucket}/{key}").decode()
        answered = artefact.answer_csv(model, text, outputs)
        if request["joins_input"]:
            answered = _joined(text, answered)
        below = key.removeprefix(prefix if prefix.endswith("/") else prefix.rpartition("/")[0]).lstrip("/")
        storage.write(f"{request['output']}/{below}.out", answered)


def _joined(asked: str, answered: str) -> str:
    """Each row with its answer after it: JoinSource=Input."""
    lines = io.StringIO()
    rows = zip(filter(None, csv.reader(io.StringIO(asked))), csv.reader(io.StringIO(answered)), strict=True)
    csv.writer(lines, lineterminator="\n").writerows([*row, *answer] for row, answer in rows)
    return lines.getvalue()


if __name__ == "__main__":
    sys.exit(protocol.run(main, ArtefactError, TableError, ClientError, BotoCoreError))
