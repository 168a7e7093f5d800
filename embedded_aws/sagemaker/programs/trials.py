"""Trials: candidates that are trained one after the other, each kept in S3 and told to the service."""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd

from embedded_aws.sagemaker.programs import storage
from embedded_aws.sagemaker.programs.protocol import tell
from genomics.ml.tabular import artefact
from genomics.ml.tabular.algorithms import ALGORITHMS, HyperparameterError, Range
from genomics.ml.tabular.candidates import Candidate, Problem, train


@dataclass(frozen=True)
class Trial:
    """A candidate to be: `output` is where its model goes."""

    name: str
    algorithm: str
    output: str
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Data:
    """What trials learn from, and what they are scored on."""

    problem: Problem
    table: pd.DataFrame
    validation: pd.DataFrame


def carry_out(trials: Sequence[Trial], data: Data, goes_on: Callable[[], bool] = lambda: True) -> list[Candidate]:
    """Train each trial while `goes_on`; what could be trained. A trial that cannot be is told as failed."""
    trained = []
    for trial in trials:
        if not goes_on():
            break
        started = time.time()
        about = {"name": trial.name, "algorithm": trial.algorithm, "started": started}
        tell("trial", status="InProgress", hyperparameters=_texts(trial.hyperparameters), **about)
        try:
            candidate = train(trial.algorithm, trial.hyperparameters, data.problem, data.table, data.validation)
        except HyperparameterError as error:
            tell("trial", status="Failed", reason=str(error), hyperparameters=_texts(trial.hyperparameters), **about)
            continue
        keep(candidate, trial, started)
        trained.append(candidate)
    return trained


def keep(candidate: Candidate, trial: Trial, started: float) -> None:
    """Write a candidate's model, and tell of it."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / artefact.FILE
        artefact.save(candidate, path)
        storage.write(trial.output, path.read_bytes())
    tell(
        "trial",
        status="Completed",
        name=trial.name,
        algorithm=trial.algorithm,
        hyperparameters=_texts(candidate.hyperparameters),
        metrics=dict(candidate.metrics),
        model=trial.output,
        started=started,
    )


def drawn(
    algorithm: str, ranges: Mapping[str, Range], fixed: Mapping[str, Any], number: int, *, seed: int
) -> list[dict[str, float]]:
    """The hyperparameters of `number` trials: the defaults where the ranges hold them, then draws from the ranges."""
    random = Random(f"{seed} {algorithm}")  # noqa: S311 not for secrets
    known = ALGORITHMS[algorithm]
    for name in ranges:
        if name not in known.defaults:
            raise HyperparameterError(f"{algorithm} has no hyperparameter {name}; it has {', '.join(known.defaults)}")
    usual = {name: known.defaults[name] for name in ranges}
    first = [usual] if all(ranges[name].low <= value <= ranges[name].high for name, value in usual.items()) else []
    draws = [{name: range_.draw(random) for name, range_ in ranges.items()} for _ in range(number - len(first))]
    return [known.complete({**fixed, **values}) for values in [*first, *draws][:number]]


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Hyperparameters as the API has them: text."""
    return {name: f"{value:.10g}" if isinstance(value, float) else str(value) for name, value in values.items()}
