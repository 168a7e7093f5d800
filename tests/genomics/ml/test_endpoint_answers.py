"""Asking an endpoint: rows in their order, errors by row, and what features add."""

import csv
import io
import math
from collections.abc import Callable
from typing import Any

import boto3
import numpy as np
import pandas as pd
import pytest

from genomics.ml.endpoint_answers import AnswerError, ask, sampled_contributions

WEIGHTS = np.array([1.5, -2.0, 0.0])
ROWS = pd.DataFrame(np.random.default_rng(0).normal(size=(7, 3)), columns=["a", "b", "c"])


def linear(row: list[str]) -> str:
    log_odds = float(np.dot(WEIGHTS, [float(value) for value in row]))
    return f"1,{1 / (1 + math.exp(-log_odds))!r}"


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[list[str]], str]], None]:
    """Have the endpoint answer each row by a function."""

    def use(answer: Callable[[list[str]], str]) -> None:
        class Runtime:
            def invoke_endpoint(self, *, Body: str, **_: Any) -> dict[str, Any]:  # noqa: N803 the API's name
                lines = [answer(row) for row in csv.reader(io.StringIO(Body))]
                return {"Body": io.BytesIO("\n".join(lines).encode())}

        monkeypatch.setattr(boto3, "client", lambda service: Runtime())

    return use


def test_rows_are_answered_in_their_order_over_several_requests(endpoint: Any) -> None:
    endpoint(lambda row: f"0,{float(row[0]) / 2000!r}")
    many = pd.DataFrame({"a": np.arange(1201.0)})
    assert ask("e", many).probabilities.tolist() == (many["a"] / 2000).tolist()


def test_a_row_that_was_not_answered_is_told_with_its_place(endpoint: Any) -> None:
    endpoint(lambda row: "ERROR row 1: b is 'x'; expected a number, or nothing," if float(row[0]) < 0 else linear(row))
    answers = ask("e", ROWS)
    refused = [place for place, value in enumerate(ROWS["a"]) if value < 0]
    assert sorted(answers.errors) == refused
    assert np.flatnonzero(np.isnan(answers.probabilities)).tolist() == refused


def test_an_answer_of_another_kind_is_an_error_that_shows_it(endpoint: Any) -> None:
    endpoint(lambda row: "conflict")
    with pytest.raises(AnswerError, match="answers 'conflict'; expected predicted_label,probability"):
        ask("e", ROWS)


def test_of_a_linear_model_each_feature_adds_its_weight_times_its_difference(endpoint: Any) -> None:
    endpoint(linear)
    background = ROWS.tail(1)
    found = sampled_contributions("e", ROWS, background, samples=2)
    assert np.allclose(found, (ROWS.to_numpy() - background.to_numpy()) * WEIGHTS, atol=1e-6)
