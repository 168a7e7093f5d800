"""Asking an endpoint for many rows: what it answers of each, and why not, where it does not."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from genomics.ml.gene_context import Floats
from genomics.ml.workspace import client

_ROWS_A_REQUEST = 500
_ERROR = "ERROR "
# Surer than this no model of some thousand rows can be.
_SURE = 1e-6


class AnswerError(RuntimeError):
    """An endpoint answers something else than was asked for; one line that says what."""


@dataclass(frozen=True)
class Answers:
    """Probabilities of the second label, NaN for rows without an answer; `errors` says why, by the row's place."""

    probabilities: Floats
    errors: Mapping[int, str]


def ask(endpoint_name: str, features: pd.DataFrame) -> Answers:
    """Ask an endpoint whose answer is `predicted_label,probability`, some hundreds of rows a request."""
    runtime = client("sagemaker-runtime")
    found: list[float] = []
    errors: dict[int, str] = {}
    for first in range(0, len(features), _ROWS_A_REQUEST):
        asked = features.iloc[first : first + _ROWS_A_REQUEST]
        body = asked.to_csv(index=False, header=False, na_rep="")
        answer = runtime.invoke_endpoint(EndpointName=endpoint_name, ContentType="text/csv", Body=body)
        lines = list(csv.reader(io.StringIO(answer["Body"].read().decode())))
        if len(lines) != len(asked):
            raise AnswerError(f"endpoint {endpoint_name} answered {len(asked)} rows by {len(lines)} lines")
        for place, line in enumerate(lines, first):
            if line[0].startswith(_ERROR):
                errors[place] = line[0].removeprefix(_ERROR)
            found.append(np.nan if place in errors else _probability(endpoint_name, line))
    return Answers(np.array(found, np.float64), errors)


def sampled_contributions(
    endpoint_name: str, rows: pd.DataFrame, background: pd.DataFrame, *, samples: int = 4, seed: int = 0
) -> Floats:
    """What each feature adds to each row's log-odds: Shapley values by sampling, of a model that can only be asked.

    Strumbelj and Kononenko, "Explaining prediction models and individual predictions with feature contributions", 2014:
    from a random row of the background to the row itself, one feature after the other in random order.
    """
    generator = np.random.default_rng(seed)
    number, width = rows.shape
    steps, orders = [], []
    for row in rows.to_numpy(np.float64):
        for _ in range(samples):
            order = generator.permutation(width)
            step = np.tile(background.to_numpy(np.float64)[generator.integers(len(background))], (width + 1, 1))
            for place, feature in enumerate(order, 1):
                step[place:, feature] = row[feature]
            steps.append(step)
            orders.append(order)
    answered = ask(endpoint_name, pd.DataFrame(np.vstack(steps), columns=rows.columns)).probabilities
    certain = np.clip(answered, _SURE, 1 - _SURE)
    log_odds = np.log(certain / (1 - certain))
    gains = np.diff(log_odds.reshape(number * samples, width + 1), axis=1)
    contributions: npt.NDArray[np.float64] = np.zeros((number, width))
    for place, (order, gain) in enumerate(zip(orders, gains, strict=True)):
        contributions[place // samples, order] += gain / samples
    return contributions


def _probability(endpoint_name: str, line: list[str]) -> float:
    try:
        return float(line[1])
    except (IndexError, ValueError):
        said = ",".join(line)[:80]
        raise AnswerError(f"endpoint {endpoint_name} answers {said!r}; expected predicted_label,probability") from None
