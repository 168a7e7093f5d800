"""Models that are kept: a directory from which the same probabilities come again, row by row or many at a time.

`model.json` says what the model is, `context.parquet` holds the variants that it compares with, and each part has a
file in its library's own readable format. Nothing in it is code, so that opening a model runs none.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from genomics.contracts.annotated_variants import Row, RowError
from genomics.contracts.features import Tier
from genomics.ml.backends import Part, mixed
from genomics.ml.backends.candidates import Algorithm, Candidate
from genomics.ml.backends.estimators import Probabilities, load_estimator
from genomics.ml.encodings import LabelEncodings
from genomics.ml.preparation import ContextScope, Matrix, Preparation, Recipe
from genomics.ml.tables import Examples, examples_of, read_row

_FORMAT = 1
_MODEL, _CONTEXT = "model.json", "context.parquet"
_REASONS = 5


class ModelError(ValueError):
    """A directory that holds no model that this version can open."""


@dataclass(frozen=True)
class Reason:
    """What a feature added to the log-odds of a row, and its value there; None where it is unknown."""

    feature: str
    meaning: str
    value: float | None
    log_odds: float


@dataclass(frozen=True)
class Prediction:
    """Answer for a row: `probability` that laboratories disagree, and what weighed most."""

    probability: float
    is_conflict: bool
    tier: Tier
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Failure:
    """Answer for a row that cannot be read: one line that names the column."""

    error: str


@dataclass(frozen=True)
class Model:
    """A trained model. `threshold` is the probability from which on a variant counts as a conflict.

    `about` is what its card says: data, split, metrics.
    """

    preparation: Preparation
    parts: tuple[Part, ...]
    threshold: float
    about: Mapping[str, Any]

    @property
    def tier(self) -> Tier:
        """Which features it may use."""
        return self.preparation.recipe.tier

    def probabilities(self, examples: Examples) -> Probabilities:
        """Of each variant, that laboratories disagree."""
        return mixed(self.parts, self.preparation.matrix(examples))

    def predict(self, rows: Sequence[Row], *, reasons: int = 0) -> list[Prediction | Failure]:
        """Answer each row, of PUBLISHED_COLUMNS as text (the label is not read), with its `reasons` strongest reasons.

        A malformed row gets a Failure, the others their answers, which do not depend on what else is asked.
        """
        read, places = [], []
        answers: list[Prediction | Failure | None] = [None] * len(rows)
        for place, row in enumerate(rows):
            try:
                read.append(read_row(row))
                places.append(place)
            except RowError as error:
                answers[place] = Failure(f"row {place + 1}: {error}")
        if not read:
            return [answer for answer in answers if answer is not None]
        matrix = self.preparation.matrix(examples_of(read))
        told = self._reasons(matrix, reasons) if reasons else [()] * len(read)
        probabilities = mixed(self.parts, matrix).tolist()
        for place, probability, some in zip(places, probabilities, told, strict=True):
            answers[place] = Prediction(probability, probability >= self.threshold, self.tier, some)
        return [answer for answer in answers if answer is not None]

    def contributions(self, examples: Examples) -> tuple[tuple[str, ...], Probabilities]:
        """SHAP values: of each row what each feature adds to the log-odds, the parts' mean; and the features' names."""
        return tuple(f.name for f in self.preparation.features), self._contributions(self.preparation.matrix(examples))

    def save(self, directory: Path) -> None:
        """Write it into a directory, which is made."""
        directory.mkdir(parents=True, exist_ok=True)
        parts = []
        for number, part in enumerate(self.parts):
            file = f"part-{number}"
            part.estimator.save(directory / file)
            parts.append({"candidate": asdict(part.candidate), "weight": part.weight, "file": file})
        pq.write_table(pa.Table.from_pandas(self.preparation.reference, preserve_index=False), directory / _CONTEXT)
        description = {
            "format": _FORMAT,
            "recipe": asdict(self.preparation.recipe),
            "features": [feature.name for feature in self.preparation.features],
            "encodings": asdict(self.preparation.encodings),
            "parts": parts,
            "threshold": self.threshold,
            "about": self.about,
        }
        (directory / _MODEL).write_text(json.dumps(description, indent=1))

    def _contributions(self, matrix: Matrix) -> Probabilities:
        total = np.zeros((len(matrix), matrix.shape[1] + 1))
        for part in self.parts:
            total += part.weight * part.estimator.contributions(matrix)
        return total[:, :-1]

    def _reasons(self, matrix: Matrix, count: int) -> list[tuple[Reason, ...]]:
        features = self.preparation.features
        found = []
        for values, added in zip(matrix, self._contributions(matrix), strict=True):
            strongest = np.argsort(-np.abs(added), kind="stable")[:count]
            found.append(
                tuple(
                    Reason(
                        features[place].name,
                        features[place].meaning,
                        None if np.isnan(values[place]) else float(values[place]),
                        float(added[place]),
                    )
                    for place in strongest
                )
            )
        return found


def load_model(directory: Path) -> Model:
    """Open what `save` wrote; ModelError where it is none, or of another version."""
    try:
        kept = json.loads((directory / _MODEL).read_text())
        reference = pq.read_table(directory / _CONTEXT).to_pandas()
    except (OSError, ValueError) as error:
        raise ModelError(f"{directory}: holds no model: {error}") from error
    if kept["format"] != _FORMAT:
        raise ModelError(f"{directory}: is of format {kept['format']}, this version opens {_FORMAT}; train it again")
    recipe = kept["recipe"]
    recipe = Recipe(**{**recipe, "tier": Tier(recipe["tier"]), "scope": ContextScope(recipe["scope"])})
    preparation = Preparation(recipe, reference, LabelEncodings(**kept["encodings"]))
    if [feature.name for feature in preparation.features] != kept["features"]:
        raise ModelError(f"{directory}: was trained on other features than this version has; train it again")
    return Model(preparation, tuple(_part(directory, p) for p in kept["parts"]), kept["threshold"], kept["about"])


def _part(directory: Path, kept: Mapping[str, Any]) -> Part:
    candidate = Candidate(**{**kept["candidate"], "algorithm": Algorithm(kept["candidate"]["algorithm"])})
    return Part(candidate, load_estimator(candidate.algorithm, directory / kept["file"]), kept["weight"])
