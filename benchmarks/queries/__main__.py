"""Bytes that a columnar engine must read, and time, for the questions that people ask of a cohort.

`python -m benchmarks.queries [--samples N] [--sites N] [--ranges N] [--json FILE]`. A generated cohort is written by
the lake's own writer, in as many ranges as a load would have. The bytes are what the embedded Athena counts: column
chunks of the columns that the plan names, in the row groups that partitions and statistics leave. The share is that of
the same columns in all files; that of one row group is the least that it can be, so that tables of few groups miss. It
ends with 1, and a line for each, where a question reads more than it may.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.queries.lake import Answer, Lake
from benchmarks.queries.questions import Question, questions
from benchmarks.queries.tables import make_cohort


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the tables, ask, print; status 1 where too much is read."""
    parser = argparse.ArgumentParser(prog="benchmarks.queries")
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--sites", type=int, default=200_000)
    parser.add_argument("--ranges", type=int, default=4)
    parser.add_argument("--json", type=Path, help="write what was measured there")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="queries-") as name:
        directory = Path(name)
        sites = make_cohort(directory, samples=options.samples, sites=options.sites, ranges=options.ranges)
        lake = Lake(directory)
        tables = lake.describe()
        answers = {each: lake.ask(each.sql) for each in questions(sites, options.samples)}
    show(tables, answers)
    if options.json:
        options.json.write_text(json.dumps(document(tables, answers), indent=2) + "\n")
    if missed := misses(answers):
        sys.exit("\n".join(missed))


def show(tables: Mapping[str, Mapping[str, int]], answers: Mapping[Question, Answer]) -> None:
    """Print the tables and what each question reads."""
    for name, about in tables.items():
        print(
            f"{name}: {about['rows']:,} rows, {about['files']:,} files, {about['row_groups']:,} row groups, "
            f"{about['bytes'] / 1e6:.1f} MB; a group has up to {about['largest_group'] / about['rows']:.3%} of the rows"
        )
    print(f"{'':26}{'kB read':>11}{'of kB':>11}{'share':>10}{'limit':>8}{'files':>8}{'rows':>8}{'ms':>8}")
    for question, answer in answers.items():
        limit = f"{question.most:.1%}" if question.most else ""
        print(
            f"{question.name:26}{answer.read / 1e3:11.1f}{answer.whole / 1e3:11.1f}{answer.share:10.3%}{limit:>8}"
            f"{answer.files:8}{answer.rows:8}{answer.milliseconds:8.0f}"
        )


def misses(answers: Mapping[Question, Answer]) -> list[str]:
    """A line for each question that reads more than it may."""
    return [
        f"{question.name}: reads {answer.share:.3%} of its columns, more than {question.most:.1%}"
        for question, answer in answers.items()
        if question.most is not None and answer.share > question.most
    ]


def document(tables: Mapping[str, Mapping[str, int]], answers: Mapping[Question, Answer]) -> dict[str, object]:
    """All of it, for JSON."""
    asked = [
        {**vars(question), **vars(answer), "share": answer.share, "is_met": not misses({question: answer})}
        for question, answer in answers.items()
    ]
    return {"tables": tables, "questions": asked}


if __name__ == "__main__":
    main()
