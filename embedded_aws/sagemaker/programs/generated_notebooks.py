"""The two notebooks that an AutoML job writes: what its table is like, and how its candidates are made and deployed."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd

from genomics.ml.tabular.algorithms import ALGORITHMS
from genomics.ml.tabular.candidates import Problem

_CELLS = Path(__file__).resolve().parent.parent / "notebook_cells"
_KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
_MOST_COLUMNS = 200


def data_exploration(request: Mapping[str, Any], table: pd.DataFrame, problem: Problem) -> str:
    """What the table is like: labels, gaps, values, and columns to look at; with the cells that draw it."""
    return _notebook(
        [
            f"# Data exploration: {request['job']}\n\n{len(table)} rows, {len(problem.columns)} columns, "
            f"target `{problem.target}`, read from `{request['training']}`.",
            f"## Labels\n\n{_labels(table, problem)}",
            f"## Columns\n\n{_columns(table, problem)}",
            f"## To look at\n\n{_warnings(table, problem)}",
        ],
        [_assigned(training=request["training"], target=problem.target), *_code("data_exploration")],
    )


def candidate_definition(request: Mapping[str, Any]) -> str:
    """How the candidates are made: the ranges to change, a tuning job over them, and the best one on an endpoint."""
    candidates = {
        name: {
            "image": request["images"][name],
            "ranges": {
                key: {
                    "low": span.low,
                    "high": span.high,
                    "integer": span.is_integer,
                    "scale": "Logarithmic" if span.is_logarithmic else "Linear",
                }
                for key, span in ALGORITHMS[name].ranges.items()
            },
        }
        for name in request["algorithms"]
    }
    told = {
        "job_name": request["job"],
        "role_arn": request["role_arn"],
        "target": request["target"],
        "objective": request["objective"],
        "train_uri": request["train"],
        "validation_uri": request["validate"],
        "output_uri": f"{request['output']}/tuning",
        "trainings": request["candidates"],
        "endpoint_name": request["job"],
        "instance_type": "ml.m5.large",
    }
    return _notebook(
        [
            f"# Candidate definition: {request['job']}\n\nChange what is tried in the cell `candidates` and run "
            "everything again: a tuning job trains new candidates, and the best of them is deployed."
        ],
        [_assigned(**told), f"candidates = {_written(candidates)}", *_code("candidate_definition")],
    )


def _notebook(texts: Sequence[str], code: Sequence[str]) -> str:
    v4: Any = nbformat.v4
    writes: Any = nbformat.writes
    cells = [v4.new_markdown_cell(text, id=f"text-{number}") for number, text in enumerate(texts, 1)]
    cells += [v4.new_code_cell(text, id=f"code-{number}") for number, text in enumerate(code, 1)]
    notebook = v4.new_notebook(cells=cells, metadata=_KERNEL)
    nbformat.validate(notebook)
    return str(writes(notebook))


def _code(name: str) -> list[str]:
    """The cells of a file of ours, which lines of `# %%` divide."""
    return [cell.strip() for cell in (_CELLS / f"{name}.py.txt").read_text().split("# %%\n") if cell.strip()]


def _assigned(**values: Any) -> str:
    return "\n".join(f"{name} = {_written(value)}" for name, value in values.items())


def _written(value: Any) -> str:
    text = json.dumps(value, indent=4)
    return text.replace(": true", ": True").replace(": false", ": False")


def _labels(table: pd.DataFrame, problem: Problem) -> str:
    counts = table[problem.target].astype(str).value_counts()
    return _markdown(
        ["label", "rows", "share"], [[name, rows, f"{rows / len(table):.1%}"] for name, rows in counts.items()]
    )


def _columns(table: pd.DataFrame, problem: Problem) -> str:
    rows = []
    for column in problem.columns[:_MOST_COLUMNS]:
        values = table[column.name]
        span = f"{values.min():.4g} to {values.max():.4g}" if column.is_number and values.notna().any() else ""
        kind = "number" if column.is_number else "text"
        rows.append([column.name, kind, f"{values.isna().mean():.1%}", values.nunique(), span])
    more = len(problem.columns) - _MOST_COLUMNS
    return _markdown(["column", "kind", "missing", "different values", "range"], rows) + (
        f"\n\nand {more} more columns" if more > 0 else ""
    )


def _warnings(table: pd.DataFrame, problem: Problem) -> str:
    found = []
    if repeated := int(table.duplicated().sum()):
        found.append(f"{repeated} rows are repeated whole; a random split puts some on both sides")
    for column in problem.columns:
        values = table[column.name]
        if values.nunique(dropna=False) <= 1:
            found.append(f"`{column.name}` has one value only and tells nothing")
        elif not column.is_number and values.nunique() > 0.9 * len(table):
            found.append(f"`{column.name}` is different in nearly every row: an identifier?")
    return "\n".join(f"- {line}" for line in found) or "nothing stands out"


def _markdown(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
