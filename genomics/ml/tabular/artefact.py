"""A model as a file: `model.tar.gz`, as SageMaker keeps models, with the fitted pipeline and what it takes.

The archive holds `model.json`, readable by anybody, and `pipeline.joblib`, which only trusted archives may be asked
for: loading it runs what is in it.
"""

import csv
import io
import json
import tarfile
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import joblib
import numpy as np
import pandas as pd

from genomics.ml.tabular.candidates import Candidate, Problem
from genomics.ml.tabular.rows import Column, read_rows, written

FILE = "model.tar.gz"
_ABOUT, _PIPELINE = "model.json", "pipeline.joblib"
_LIBRARIES = ("scikit-learn", "xgboost-cpu", "lightgbm", "numpy", "pandas")
# What an inference can answer, in SageMaker's words; Developer Guide, "Inference container definitions".
OUTPUTS = ("predicted_label", "probability", "probabilities", "labels")
DEFAULT_OUTPUTS = ("predicted_label",)


class ArtefactError(ValueError):
    """A file is no model of this kind, or cannot answer what it is asked; one line that says why."""


def save(candidate: Candidate, path: Path) -> None:
    """Write the archive. Its times and owners are fixed, so that the same model is the same file."""
    about = {
        "format": 1,
        "algorithm": candidate.algorithm,
        "hyperparameters": dict(candidate.hyperparameters),
        "problem": asdict(candidate.problem),
        "metrics": dict(candidate.metrics),
        "versions": {name: version(name) for name in _LIBRARIES},
    }
    pipeline = io.BytesIO()
    joblib.dump(candidate.pipeline, pipeline)
    with tarfile.open(path, "w:gz", compresslevel=3) as archive:
        _add(archive, _ABOUT, json.dumps(about, indent=1).encode())
        _add(archive, _PIPELINE, pipeline.getvalue())


def load(path: Path) -> Candidate:
    """Read an archive that `save` wrote; ArtefactError where it is none."""
    try:
        with tarfile.open(path) as archive:
            members = {name: archive.extractfile(name) for name in (_ABOUT, _PIPELINE)}
            content = {name: member.read() if member else b"" for name, member in members.items()}
    except (tarfile.TarError, KeyError, OSError, EOFError) as error:
        raise ArtefactError(f"{path.name} is no model that can be served here: {error}") from error
    about = json.loads(content[_ABOUT])
    told = about["problem"]
    first, second = told["labels"]
    problem = Problem(told["target"], (first, second), tuple(Column(**column) for column in told["columns"]))
    pipeline = joblib.load(io.BytesIO(content[_PIPELINE]))
    return Candidate(about["algorithm"], about["hyperparameters"], problem, pipeline, about["metrics"])


def outputs_of(text: str | None) -> tuple[str, ...]:
    """What SAGEMAKER_INFERENCE_OUTPUT asks for; ArtefactError for what there is not."""
    wanted = tuple(word.strip() for word in (text or "").split(",") if word.strip()) or DEFAULT_OUTPUTS
    if unknown := [word for word in wanted if word not in OUTPUTS]:
        raise ArtefactError(f"an inference has no {unknown[0]}; it has {', '.join(OUTPUTS)}")
    return wanted


def answer_csv(candidate: Candidate, text: str, outputs: Sequence[str] = DEFAULT_OUTPUTS) -> str:
    """Answer rows of CSV without header or target; a row that cannot be read gets a line that says why.

    `probability` is that of the second label.
    """
    rows = read_rows(text, candidate.problem.columns)
    found = candidate.probabilities(rows.frame)
    return written(rows, ([_output(candidate, name, p) for name in outputs] for p in found), len(outputs))


def probabilities(candidate: Candidate, table: pd.DataFrame) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """The second label's probability for each row of a table with the model's columns."""
    return candidate.probabilities(candidate.problem.inputs(table))


def _output(candidate: Candidate, name: str, probability: float) -> str:
    labels = candidate.problem.labels
    match name:
        case "predicted_label":
            return labels[int(probability >= 0.5)]
        case "probability":
            return repr(float(probability))
        case "probabilities":
            return json.dumps([1.0 - float(probability), float(probability)])
        case _:
            return json.dumps(list(labels))


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def rows_of(table: pd.DataFrame, candidate: Candidate) -> str:
    """A table's rows as CSV that the model can be asked."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    for row in candidate.problem.inputs(table).itertuples(index=False):
        writer.writerow(["" if value is None or value != value else value for value in row])  # noqa: PLR0124 NaN
    return lines.getvalue()
