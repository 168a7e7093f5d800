"""ROC AUC and more of the built-in model, by cross-validation over rows and over genes, for both tiers.

`python -m benchmarks.ml --table CSV [--folds 5] [--run N] [--tiers A,B] [--splits random,gene] [--scopes table,strict]
[--seed 101] [--threads 2] [--json FILE]`. The table is in the published layout. Each fold trains on the others, tunes
its threshold on a part of them, and is scored once on rows that nothing was fitted on. `strict` compares variants with
training rows only, `table` with the rows to be predicted too, without their labels. It ends with 1, and a line for
each, where a mean ROC AUC is below its limit.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.ml.published import PUBLISHED
from genomics.contracts.features import Tier
from genomics.ml.backends.builtin import Builtin
from genomics.ml.backends.candidates import DEFAULT_SPACES, Algorithm
from genomics.ml.evaluation import METRICS, point_metrics
from genomics.ml.splits import Split, SplitKind, folds
from genomics.ml.tables import TrainingTable, read_training_table
from genomics.ml.training import recipe_for, train

STRICT, TABLE = "strict", "table"
# What the mean ROC AUC has to be, where features may compare with all rows of the table.
LIMITS = {
    (Tier.A, SplitKind.RANDOM): 0.81,
    (Tier.A, SplitKind.GENE): 0.78,
    (Tier.B, SplitKind.RANDOM): 0.87,
    (Tier.B, SplitKind.GENE): 0.845,
}


@dataclass(frozen=True)
class Result:
    """Metrics of each fold, and how long training one took, in seconds of the clock."""

    tier: Tier
    kind: SplitKind
    scope: str
    folds: tuple[Mapping[str, float], ...]
    seconds: float

    def summary(self, metric: str) -> str:
        """Mean and standard deviation."""
        values = [fold[metric] for fold in self.folds]
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        return f"{statistics.fmean(values):.4f} ± {spread:.4f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, score, print; status 1 where a limit is missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.ml")
    parser.add_argument("--table", type=Path, required=True, help="CSV in the published layout")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--run", type=int, help="run so many of the folds; by default all")
    parser.add_argument("--tiers", default="A,B")
    parser.add_argument("--splits", default="random,gene")
    parser.add_argument("--scopes", default=f"{TABLE},{STRICT}")
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write what was measured there")
    options = parser.parse_args(arguments)
    table = read_training_table(options.table)
    print(f"{len(table):,} variants, {int(table.labels.sum()):,} in conflict; published, for the whole table:")
    for name, metrics in PUBLISHED:
        print(f"  {name}: {', '.join(f'{metric} {value}' for metric, value in metrics.items())}")
    results = []
    for kind in map(SplitKind, options.splits.split(",")):
        splits = folds(table, kind, count=options.folds, seed=options.seed)[: options.run]
        for tier in map(Tier, options.tiers.split(",")):
            for scope in options.scopes.split(","):
                results.append(measure(table, splits, tier=tier, scope=scope, threads=options.threads))
                show(results[-1])
    if options.json:
        options.json.write_text(json.dumps([asdict(result) for result in results], indent=2) + "\n")
    if missed := misses(results):
        sys.exit("\n".join(missed))


def measure(table: TrainingTable, splits: Sequence[Split], *, tier: Tier, scope: str, threads: int) -> Result:
    """Train and score each split."""
    lightgbm = [space for space in DEFAULT_SPACES if space.algorithm is Algorithm.LIGHTGBM]
    backend = Builtin(spaces=lightgbm, count=1, threads=threads)
    scored, started = [], time.monotonic()
    for split in splits:
        recipe = recipe_for(tier, split.kind, strict=scope == STRICT)
        others = None if scope == STRICT else split.test
        model = train(table, split.train, recipe=recipe, backend=backend, kind=split.kind, unlabelled=others)
        answers = model.probabilities(table.examples.take(split.test))
        scored.append(point_metrics(table.labels[split.test], answers, threshold=model.threshold))
        print(f"  tier {tier}, {split.kind}, {scope}: ROC AUC {scored[-1]['roc_auc']:.4f}", file=sys.stderr, flush=True)
    return Result(tier, splits[0].kind, scope, tuple(scored), (time.monotonic() - started) / len(splits))


def show(result: Result) -> None:
    """Print a result."""
    metrics = ", ".join(f"{metric} {result.summary(metric)}" for metric in METRICS)
    print(f"tier {result.tier}, {result.kind}, {result.scope}: {metrics}; {result.seconds:.0f} s a fold", flush=True)


def misses(results: Sequence[Result]) -> list[str]:
    """A line for each limit that is missed."""
    found = []
    for result in results:
        mean, least = statistics.fmean(fold["roc_auc"] for fold in result.folds), LIMITS[result.tier, result.kind]
        if result.scope == TABLE and mean < least:
            found.append(f"tier {result.tier}, {result.kind}: ROC AUC {mean:.4f} is below {least}")
    return found


if __name__ == "__main__":
    main()
