"""PyAthena and pandas as they are, against the embedded Athena."""

from collections.abc import Iterator
from typing import Any

import pytest
from pyathena import connect
from pyathena.error import OperationalError
from pyathena.pandas.cursor import PandasCursor

from embedded_aws.context import OPERATOR_ENVIRONMENT


@pytest.fixture
def connection(lake: Any, services: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", services.context.endpoint)
    for name, value in OPERATOR_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with connect(
        region_name=services.context.region, work_group=lake.work_group, schema_name="lake_tests", poll_interval=0.02
    ) as opened:
        yield opened


def test_a_cursor_gives_python_values(connection: Any) -> None:
    cursor = connection.cursor().execute(
        "select pos, qual, alt, filters from variants where chrom = %(chrom)s order by pos", {"chrom": "chr20"}
    )
    rows = cursor.fetchall()
    assert [row[:3] for row in rows] == [(100, 50.5, "G"), (200, 10.0, "T"), (300, None, "A")]
    assert [column[:2] for column in cursor.description][:2] == [("pos", "bigint"), ("qual", "double")]
    assert cursor.data_scanned_in_bytes > 0


def test_question_marks_take_parameters(connection: Any) -> None:
    cursor = connection.cursor().execute(
        "select count(*) from variants where chrom = ? and pos < ?", ["'chr20'", "300"], paramstyle="qmark"
    )
    assert cursor.fetchone() == (2,)


def test_pandas_reads_the_results_object(connection: Any) -> None:
    frame = (
        connection.cursor(PandasCursor).execute("select chrom, pos, alt from variants order by chrom, pos").as_pandas()
    )
    assert frame["pos"].tolist() == [100, 200, 300, 100, 150]
    assert frame["alt"].isna().tolist() == [False, False, False, False, True]


def test_errors_carry_athenas_words(connection: Any) -> None:
    with pytest.raises(OperationalError, match="COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved"):
        connection.cursor().execute("select nope from variants")


def test_definitions_and_metadata_work(connection: Any) -> None:
    cursor = connection.cursor()
    assert ("variants",) in cursor.execute("show tables").fetchall()
    assert cursor.get_table_metadata("variants").columns[0].name == "pos"
    cursor.execute("create table of_pyathena with (external_location = 's3://athena-lake/pyathena/') as select 1 one")
    assert cursor.execute("select * from of_pyathena").fetchall() == [(1,)]
