"""Training jobs: one, or all those of a tuning job, from tables in S3 to models in S3."""

import sys
import time
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.sagemaker.programs import protocol, storage, trials
from genomics.ml.tabular.algorithms import SEED, HyperparameterError, Range
from genomics.ml.tabular.candidates import Problem, TableError


def main(request: Mapping[str, Any]) -> None:
    """Train what `request["definitions"]` say, in turn, `jobs` in all; each definition has its own tables."""
    started = time.monotonic()
    searched = [(definition, _values(definition, request)) for definition in request["definitions"]]
    data = {definition["training"]: _data(definition) for definition, _ in searched}
    turns = [
        (definition, values[turn])
        for turn in range(max(len(values) for _, values in searched))
        for definition, values in searched
        if turn < len(values)
    ]
    for count, (definition, values) in enumerate(turns[: request["jobs"]], 1):
        if request["seconds"] is not None and time.monotonic() - started > request["seconds"]:
            break
        name = request["names"].format(count)
        output = f"{definition['output']}/{name}/output/model.tar.gz"
        trial = trials.Trial(name, definition["algorithm"], output, values)
        trials.carry_out([trial], data[definition["training"]])


def _values(definition: Mapping[str, Any], request: Mapping[str, Any]) -> list[dict[str, float]]:
    ranges = {name: Range(**range_) for name, range_ in definition["ranges"].items()}
    each = -(-request["jobs"] // len(request["definitions"])) if ranges else 1
    return trials.drawn(definition["algorithm"], ranges, definition["fixed"], each, seed=request.get("seed", SEED))


def _data(definition: Mapping[str, Any]) -> trials.Data:
    table = storage.read_table(definition["training"], definition["content_type"])
    validation = storage.read_table(definition["validation"], definition["content_type"])
    return trials.Data(Problem.of(table, definition["target"]), table, validation)


if __name__ == "__main__":
    sys.exit(protocol.run(main, TableError, HyperparameterError, ClientError, BotoCoreError))
