"""What the benchmark of queries counts is what the footers say, and it says itself what is too much."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from benchmarks.queries.__main__ import misses
from benchmarks.queries.lake import Answer, Lake
from benchmarks.queries.questions import Question, questions
from benchmarks.queries.tables import Sites, make_cohort

_SAMPLES = 20


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sites]:
    directory = tmp_path_factory.mktemp("cohort")
    return directory, make_cohort(directory, samples=_SAMPLES, sites=600, ranges=2)


def size(paths: list[Path], columns: set[str]) -> int:
    total = 0
    for path in paths:
        footer: Any = pq.read_metadata(path)
        for group in range(footer.num_row_groups):
            chunks = [footer.row_group(group).column(number) for number in range(footer.num_columns)]
            total += sum(c.total_compressed_size for c in chunks if c.path_in_schema.split(".")[0] in columns)
    return total


def test_only_partitions_that_are_asked_for_are_read(cohort: tuple[Path, Sites]) -> None:
    directory, _ = cohort
    answer = Lake(directory).ask("select sum(dosage) from genotypes where sample in ('S00001', 'S00003')")
    files = list((directory / "lake/tables/genotypes").rglob("*.parquet"))
    asked = [path for path in files if "sample=S00001/" in str(path) or "sample=S00003/" in str(path)]
    assert (answer.files, answer.read) == (len(asked), size(asked, {"dosage"}))
    assert answer.whole == size(files, {"dosage"})


def test_every_question_is_answered(cohort: tuple[Path, Sites]) -> None:
    directory, sites = cohort
    lake = Lake(directory)
    answers = {each.name: lake.ask(each.sql) for each in questions(sites, _SAMPLES)}
    assert all(0 < answer.share <= 1 for answer in answers.values())
    assert answers["one variant"].rows == answers["rsid"].rows == 1
    assert answers["carriers of one variant"].rows > 0
    assert answers["100 kb: variants"].rows < 600


def test_a_question_that_reads_too_much_is_named() -> None:
    question = Question("region", "select 1", 0.01)
    assert misses({question: Answer(10, 1000, 1, 1, 1.0)}) == []
    assert misses({question: Answer(11, 1000, 1, 1, 1.0)}) == ["region: reads 1.100% of its columns, more than 1.0%"]
    assert misses({Question("any", "select 1", None): Answer(1000, 1000, 1, 1, 1.0)}) == []
