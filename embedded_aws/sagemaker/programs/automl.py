"""An AutoML job: looks at the table, writes both notebooks, then trains candidates and says which is best."""

import sys
import time
from collections.abc import Mapping
from typing import Any

import pandas as pd
from botocore.exceptions import BotoCoreError, ClientError
from sklearn.model_selection import train_test_split

from embedded_aws.sagemaker.programs import generated_notebooks, protocol, storage, trials
from embedded_aws.sagemaker.programs.protocol import tell
from genomics.ml.tabular.algorithms import ALGORITHMS, SEED
from genomics.ml.tabular.candidates import Candidate, Problem, TableError, ensemble

# Where an AutoML job puts what it makes, below OutputDataConfig's path and its name; Developer Guide, "Autopilot
# notebooks generated to manage AutoML tasks".
_NOTEBOOKS = "sagemaker-automl-candidates/notebooks/SageMakerAutopilot"
_TRAINING, _VALIDATION = "preprocessed-data/tuning_data/train/", "preprocessed-data/tuning_data/validation/"
_FEWEST_ROWS = 50
_ENSEMBLED = 3


def main(request: Mapping[str, Any]) -> None:
    """Carry out one job. `request` names `output`, a URI, and what `automl.py` of the service puts beside it."""
    output, started = request["output"], time.monotonic()
    tell("phase", phase="AnalyzingData")
    data = _data(request)
    storage.write(f"{output}/{_TRAINING}chunk_0.csv", data.table.to_csv(index=False))
    storage.write(f"{output}/{_VALIDATION}chunk_0.csv", data.validation.to_csv(index=False))
    if request["mode"] == "HYPERPARAMETER_TUNING":
        _write_notebooks(request, data)
    if request["definitions_only"]:
        return
    tell("phase", phase="ModelTuning" if request["mode"] == "HYPERPARAMETER_TUNING" else "TrainingModels")
    planned = _planned(request)

    def goes_on() -> bool:
        return request["seconds"] is None or time.monotonic() - started < request["seconds"]

    trained = trials.carry_out(planned, data, goes_on)
    if not trained:
        raise TableError("no candidate could be trained")
    if request["mode"] == "ENSEMBLING" and len(trained) > 1:
        _keep_ensemble(request, trained, data)
    if not goes_on():
        tell("phase", phase="MaxAutoMLJobRuntimeReached")


def _data(request: Mapping[str, Any]) -> trials.Data:
    table = storage.read_table(request["training"], request["content_type"])
    problem = Problem.of(table, request["target"])
    if len(table) < _FEWEST_ROWS:
        raise TableError(f"the table has {len(table)} rows; at least {_FEWEST_ROWS} are needed")
    if request["validation"]:
        validation = storage.read_table(request["validation"], request["content_type"])
    else:
        table, validation = train_test_split(
            table,
            test_size=request["validation_fraction"],
            stratify=table[problem.target].astype(str),
            random_state=SEED,
        )
    if set(validation[problem.target].astype(str)) != set(problem.labels):
        raise TableError("the validation table has not both labels")
    return trials.Data(problem, table, validation)


def _planned(request: Mapping[str, Any]) -> list[trials.Trial]:
    """As many trials of each algorithm as of the others, taken in turn."""
    number, names = request["candidates"], request["algorithms"]
    each = -(-number // len(names))
    searched = {name: trials.drawn(name, ALGORITHMS[name].ranges, {}, each, seed=SEED) for name in names}
    turns = [(name, searched[name][turn]) for turn in range(each) for name in names]
    return [
        trials.Trial(name, algorithm, f"{request['output']}/tuning/{algorithm}/{name}/output/model.tar.gz", values)
        for count, (algorithm, values) in enumerate(turns[:number], 1)
        for name in (f"{request['job']}-{count:03d}-{request['suffix']}",)
    ]


def _keep_ensemble(request: Mapping[str, Any], trained: list[Candidate], data: trials.Data) -> None:
    """The mean of the best as one more candidate."""
    best = sorted(trained, key=lambda one: one.metrics[request["objective"]], reverse=True)[:_ENSEMBLED]
    started = time.time()
    name = f"{request['job']}-{len(trained) + 1:03d}-{request['suffix']}"
    trial = trials.Trial(name, "ensemble", f"{request['output']}/tuning/ensemble/{name}/output/model.tar.gz")
    trials.keep(ensemble(best, data.validation), trial, started)


def _write_notebooks(request: Mapping[str, Any], data: trials.Data) -> None:
    whole = pd.concat([data.table, data.validation], ignore_index=True)
    written = {
        "DataExploration": generated_notebooks.data_exploration(request, whole, data.problem),
        "CandidateDefinition": generated_notebooks.candidate_definition(
            {**request, "train": f"{request['output']}/{_TRAINING}", "validate": f"{request['output']}/{_VALIDATION}"}
        ),
    }
    places = {}
    for name, text in written.items():
        places[name] = f"{request['output']}/{_NOTEBOOKS}{name}Notebook.ipynb"
        storage.write(places[name], text)
    tell("notebooks", exploration=places["DataExploration"], definition=places["CandidateDefinition"])


if __name__ == "__main__":
    sys.exit(protocol.run(main, TableError, ClientError, BotoCoreError))
