"""Backends: what trains a model. One interface; each has a name that a person types."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from genomics.ml.backends.candidates import Candidate
from genomics.ml.backends.estimators import Estimator, Probabilities
from genomics.ml.preparation import Matrix
from genomics.ml.tables import Labels


@dataclass(frozen=True)
class TrainingData:
    """What a backend learns from: `matrix` has a column for each of `names`.

    `is_validation` marks the rows that candidates are ranked on, divided from the others as the test is from all.
    """

    names: tuple[str, ...]
    matrix: Matrix
    labels: Labels
    is_validation: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Trial:
    """A candidate with its ROC AUC on the validation rows, and how long it took."""

    candidate: Candidate
    auc: float
    seconds: float


@dataclass(frozen=True)
class Part:
    """One estimator of a model, with its share of the model's probability."""

    candidate: Candidate
    estimator: Estimator
    weight: float


@dataclass(frozen=True)
class Trained:
    """The model's parts, whose weights add up to 1, trained on all rows; and all trials, the best first.

    `validation` are the validation rows' probabilities while the model was trained on the others: what a threshold is
    tuned on.
    """

    parts: tuple[Part, ...]
    trials: tuple[Trial, ...]
    validation: Probabilities


def mixed(parts: Sequence[Part], matrix: Matrix) -> Probabilities:
    """Each row's probability: the parts' mean by their weights."""
    found = np.zeros(len(matrix))
    for part in parts:
        found += part.weight * part.estimator.probabilities(matrix)
    return found


class Backend(Protocol):
    """Trains a model. `on_progress` is told what is being done, a line at a time."""

    def train(self, data: TrainingData, *, on_progress: Callable[[str], None]) -> Trained:
        """Try candidates, and make the model of the best; BackendError where none can be trained."""
        ...


class BackendError(ValueError):
    """A backend that cannot train: one line that says why, and what to do."""


# The module of each, whose `from_options` makes it: a backend's own libraries are imported where it is asked for.
_MODULES = {"builtin": "genomics.ml.backends.builtin"}


def register(name: str, module: str) -> None:
    """Offer a further backend under a name. Its module's `from_options` takes options as text."""
    _MODULES[name] = module


def backend(name: str, options: Mapping[str, str]) -> Backend:
    """The backend of that name; BackendError lists those that there are, or says which option cannot be used."""
    if name not in _MODULES:
        raise BackendError(f"there is no backend {name!r}; there are {', '.join(sorted(_MODULES))}")
    made: Backend = importlib.import_module(_MODULES[name]).from_options(options)
    return made
