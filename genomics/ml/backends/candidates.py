"""Candidates for a model, drawn from ranges that are data: change a range, and other candidates are tried."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np


class Algorithm(StrEnum):
    """What a candidate is trained by."""

    LIGHTGBM = "lightgbm"
    XGBOOST = "xgboost"
    LOGISTIC_REGRESSION = "logistic_regression"
    RANDOM_FOREST = "random_forest"


class Scale(StrEnum):
    """How a range is drawn from: evenly, evenly in its logarithm, or whole numbers."""

    LINEAR = "linear"
    LOG = "log"
    INTEGER = "integer"


class SpaceError(ValueError):
    """A space of candidates that nothing can be drawn from."""


@dataclass(frozen=True)
class Range:
    """Values from `low` to `high`, both included; `default` is what the first candidate has."""

    low: float
    high: float
    default: float
    scale: Scale = Scale.LINEAR

    def __post_init__(self) -> None:
        if not self.low <= self.high or (self.scale is Scale.LOG and self.low <= 0):
            raise SpaceError(f"a {self.scale} range from {self.low:g} to {self.high:g} holds nothing")

    def first(self) -> float:
        """The default, or the nearest value that the range has."""
        return self._whole(min(max(self.default, self.low), self.high))

    def draw(self, generator: np.random.Generator) -> float:
        """A value by its scale."""
        if self.scale is Scale.LOG:
            return float(math.exp(generator.uniform(math.log(self.low), math.log(self.high))))
        return self._whole(float(generator.uniform(self.low, self.high)))

    def _whole(self, value: float) -> float:
        return round(value) if self.scale is Scale.INTEGER else value


@dataclass(frozen=True)
class Space:
    """The hyperparameters of an algorithm that candidates differ in."""

    algorithm: Algorithm
    ranges: Mapping[str, Range]


@dataclass(frozen=True)
class Candidate:
    """A model to try."""

    name: str
    algorithm: Algorithm
    hyperparameters: Mapping[str, float]


DEFAULT_SPACES: tuple[Space, ...] = (
    Space(
        Algorithm.LIGHTGBM,
        {
            "rounds": Range(200, 900, 500, Scale.INTEGER),
            "learning_rate": Range(0.02, 0.1, 0.04, Scale.LOG),
            "num_leaves": Range(31, 95, 63, Scale.INTEGER),
            "min_data_in_leaf": Range(30, 120, 80, Scale.INTEGER),
            "feature_fraction": Range(0.1, 0.4, 0.15),
            "lambda_l2": Range(1, 50, 20, Scale.LOG),
        },
    ),
    Space(
        Algorithm.XGBOOST,
        {
            "rounds": Range(200, 700, 350, Scale.INTEGER),
            "learning_rate": Range(0.03, 0.15, 0.06, Scale.LOG),
            "max_depth": Range(4, 9, 7, Scale.INTEGER),
            "min_child_weight": Range(5, 50, 15, Scale.LOG),
            "colsample_bynode": Range(0.1, 0.5, 0.2),
            "reg_lambda": Range(1, 50, 20, Scale.LOG),
        },
    ),
    Space(Algorithm.LOGISTIC_REGRESSION, {"C": Range(0.001, 1, 0.02, Scale.LOG)}),
    Space(
        Algorithm.RANDOM_FOREST,
        {
            "rounds": Range(50, 300, 100, Scale.INTEGER),
            "num_leaves": Range(127, 1023, 511, Scale.INTEGER),
            "min_data_in_leaf": Range(5, 40, 10, Scale.INTEGER),
            "feature_fraction": Range(0.1, 0.5, 0.25),
        },
    ),
)


def draw_candidates(spaces: Sequence[Space], *, count: int, seed: int) -> list[Candidate]:
    """`count` candidates: each space's first, then drawn ones, space by space in turn. The same seed draws the same."""
    if not spaces:
        raise SpaceError("there is no space to draw candidates from")
    generator = np.random.default_rng(seed)
    found = []
    for number in range(count):
        space = spaces[number % len(spaces)]
        is_first = number < len(spaces)
        values = {name: r.first() if is_first else r.draw(generator) for name, r in space.ranges.items()}
        found.append(Candidate(f"{space.algorithm}-{number // len(spaces) + 1}", space.algorithm, values))
    return found


def spaces_as_json(spaces: Sequence[Space]) -> str:
    """As text that a person can change."""
    return json.dumps([asdict(space) for space in spaces], indent=2)


def spaces_from_json(text: str) -> tuple[Space, ...]:
    """Spaces from such text; SpaceError says what is wrong with it."""
    try:
        return tuple(_space(entry) for entry in json.loads(text))
    except (KeyError, TypeError, ValueError) as error:
        raise SpaceError(f"not spaces of candidates: {error}") from error


def _space(entry: Mapping[str, Any]) -> Space:
    ranges = {
        name: Range(r["low"], r["high"], r["default"], Scale(r.get("scale", Scale.LINEAR)))
        for name, r in entry["ranges"].items()
    }
    return Space(Algorithm(entry["algorithm"]), ranges)
