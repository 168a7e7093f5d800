"""The built-in backend: LightGBM, XGBoost, logistic regression and random forest, here and without a service."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

from genomics.ml.backends import BackendError, Part, Trained, TrainingData, Trial
from genomics.ml.backends.candidates import DEFAULT_SPACES, Space, SpaceError, draw_candidates, spaces_from_json
from genomics.ml.backends.estimators import fit

# A candidate whose AUC is further than this below the best's has no part in the model.
_CLOSE = 0.01


@dataclass(frozen=True)
class Builtin:
    """Tries `count` candidates of `spaces`; the model is the mean of those that are about as good as the best.

    No weights are fitted. The same data, seed and number of threads give the same model.
    """

    spaces: Sequence[Space] = DEFAULT_SPACES
    count: int = len(DEFAULT_SPACES)
    seed: int = 0
    threads: int = 2

    def train(self, data: TrainingData, *, on_progress: Callable[[str], None]) -> Trained:
        """Rank the candidates on the validation rows, then train those that are kept on all rows."""
        trials, answers = [], []
        rest, validation = ~data.is_validation, data.is_validation
        for candidate in draw_candidates(self.spaces, count=self.count, seed=self.seed):
            started = time.monotonic()
            estimator = fit(candidate, data.matrix[rest], data.labels[rest], seed=self.seed, threads=self.threads)
            answer = estimator.probabilities(data.matrix[validation])
            auc = float(roc_auc_score(data.labels[validation], answer))
            trials.append(Trial(candidate, auc, time.monotonic() - started))
            answers.append(answer)
            on_progress(f"candidate {len(trials)} of {self.count}, {candidate.name}: validation AUC {auc:.4f}")
        order = sorted(range(len(trials)), key=lambda place: -trials[place].auc)
        kept = [place for place in order if trials[place].auc >= trials[order[0]].auc - _CLOSE]
        parts = []
        for place in kept:
            candidate = trials[place].candidate
            on_progress(f"training {candidate.name} on all {len(data.labels):,} rows")
            estimator = fit(candidate, data.matrix, data.labels, seed=self.seed, threads=self.threads)
            parts.append(Part(candidate, estimator, 1 / len(kept)))
        mean = np.mean([answers[place] for place in kept], axis=0)
        return Trained(tuple(parts), tuple(trials[place] for place in order), mean)


def from_options(options: Mapping[str, str]) -> Builtin:
    """From `spaces` (JSON), `candidates`, `seed` and `threads`; BackendError names the one that cannot be used."""
    if unknown := options.keys() - {"spaces", "candidates", "seed", "threads"}:
        raise BackendError(f"the backend builtin has no option {min(unknown)!r}")
    try:
        spaces = spaces_from_json(options["spaces"]) if "spaces" in options else DEFAULT_SPACES
    except SpaceError as error:
        raise BackendError(f"spaces: {error}") from error
    numbers = {"candidates": len(spaces), "seed": 0, "threads": 2}
    for name, text in options.items():
        if name in numbers:
            if not (text.isascii() and text.isdigit()):
                raise BackendError(f"{name} is {text[:40]!r}; expected a whole number")
            numbers[name] = int(text)
    return Builtin(spaces, count=numbers["candidates"], seed=numbers["seed"], threads=numbers["threads"])
