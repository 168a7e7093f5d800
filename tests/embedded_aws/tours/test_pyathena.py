"""A tour with PyAthena, as it comes: its cursors, pandas and SQLAlchemy.

Its ArrowCursor is not among them: it reads results by Arrow's own S3 client, to which it gives no endpoint."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import sqlalchemy
from pyathena import connect
from pyathena.async_cursor import AsyncCursor
from pyathena.cursor import DictCursor
from pyathena.error import DatabaseError, OperationalError
from pyathena.pandas.cursor import PandasCursor

from tests.embedded_aws.tours.conftest import Home

BUCKET, SCHEMA = "pyathena-tour", "pyathena_tour"
ROWS = "(values (1, 'chr20', 50.5e0), (2, 'chr20', null), (3, 'chr21', 10.0e0)) as t (pos, chrom, qual)"


@pytest.fixture(scope="module")
def lake(home: Home) -> Home:
    session = home.session()
    session.client("s3", endpoint_url=home.environment["AWS_ENDPOINT_URL"]).create_bucket(Bucket=BUCKET)
    return home


@pytest.fixture
def connection(lake: Home, shell: Home) -> Iterator[Any]:
    with connect(s3_staging_dir=f"s3://{BUCKET}/results/", schema_name=SCHEMA, poll_interval=0.05) as opened:
        cursor = opened.cursor()
        cursor.execute(f"create database if not exists {SCHEMA}")
        location = f"s3://{BUCKET}/calls/"
        cursor.execute(
            f"create table if not exists calls with (external_location = '{location}', "
            f"partitioned_by = array['chrom']) as select pos, qual, chrom from {ROWS}"
        )
        yield opened


def test_cursors_give_rows_as_python_has_them(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("select pos, qual from calls where chrom = %(chrom)s order by pos", {"chrom": "chr20"})
    assert cursor.fetchall() == [(1, 50.5), (2, None)]
    assert [column[:2] for column in cursor.description] == [("pos", "integer"), ("qual", "double")]
    assert (cursor.state, cursor.statement_type, cursor.database) == ("SUCCEEDED", "DML", SCHEMA)
    assert cursor.output_location.startswith(f"s3://{BUCKET}/results/")
    by_name = connection.cursor(DictCursor).execute("select count(*) as n, max(qual) as best from calls")
    assert by_name.fetchone() == {"n": 3, "best": 50.5}
    marked = connection.cursor().execute(
        "select pos from calls where chrom = ? and pos > ?", ["'chr20'", "1"], paramstyle="qmark"
    )
    assert marked.fetchall() == [(2,)]
    many = connection.cursor()
    many.executemany("insert into calls values (%(pos)d, %(qual)s, 'chrX')", [{"pos": 7, "qual": 1}])
    assert connection.cursor().execute("select pos from calls where chrom = 'chrX'").fetchall() == [(7,)]
    connection.cursor().execute("alter table calls drop partition (chrom = 'chrX')")


def test_frames_and_tables_come_of_the_results_object(connection: Any) -> None:
    query = "select pos, chrom, qual from calls where chrom in ('chr20', 'chr21') order by pos"
    frame = connection.cursor(PandasCursor).execute(query).as_pandas()
    assert frame["pos"].tolist() == [1, 2, 3]
    assert frame["qual"].isna().tolist() == [False, True, False]
    unloaded = connection.cursor(PandasCursor, unload=True).execute(query).as_pandas()
    assert sorted(unloaded["chrom"].tolist()) == ["chr20", "chr20", "chr21"]


def test_queries_run_beside_each_other_and_can_be_cancelled(connection: Any) -> None:
    cursor = connection.cursor(AsyncCursor)
    waiting = [cursor.execute(f"select {number}")[1] for number in range(3)]
    assert sorted(future.result().fetchone() for future in waiting) == [(0,), (1,), (2,)]
    long = (
        "select count(*) from unnest(sequence(1, 9000)) a(x) cross join unnest(sequence(1, 9000)) b(y) "
        "cross join unnest(sequence(1, 9000)) c(z)"
    )
    query_id, future = cursor.execute(long)
    cursor.cancel(query_id).result()
    assert future.result().state == "CANCELLED"


def test_errors_are_athenas(connection: Any) -> None:
    with pytest.raises(OperationalError, match="COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved"):
        connection.cursor().execute("select nope from calls")
    with pytest.raises(DatabaseError, match="mismatched input 'selec'"):
        connection.cursor().execute("selec 1")


def test_the_catalog_is_listed(connection: Any) -> None:
    cursor = connection.cursor()
    assert [table.name for table in cursor.list_table_metadata()] == ["calls"]
    assert SCHEMA in [database.name for database in cursor.list_databases("AwsDataCatalog")]
    assert [key.name for key in cursor.get_table_metadata("calls").partition_keys] == ["chrom"]


def test_sqlalchemy_queries_and_inspects(lake: Home, connection: Any) -> None:
    region = lake.environment["AWS_REGION"]
    url = f"awsathena+rest://@athena.{region}.amazonaws.com:443/{SCHEMA}?s3_staging_dir=s3://{BUCKET}/results/"
    engine = sqlalchemy.create_engine(url, connect_args={"poll_interval": 0.05})
    connection.cursor().execute("create or replace view good as select pos from calls where qual > 20")
    inspector = sqlalchemy.inspect(engine)
    assert inspector.get_table_names() == ["calls"]
    assert inspector.get_view_names() == ["good"]
    assert "select pos from calls" in inspector.get_view_definition("good")
    assert SCHEMA in inspector.get_schema_names()
    columns = {column["name"]: str(column["type"]) for column in inspector.get_columns("calls")}
    assert columns == {"pos": "INTEGER", "qual": "DOUBLE", "chrom": "VARCHAR"}
    calls = sqlalchemy.Table("calls", sqlalchemy.MetaData(), autoload_with=engine)
    with engine.connect() as opened:
        query = sqlalchemy.select(calls.c.pos).where(calls.c.chrom == "chr20").order_by(calls.c.pos.desc()).limit(1)
        assert opened.execute(query).fetchall() == [(2,)]
        assert opened.execute(sqlalchemy.select(sqlalchemy.func.count()).select_from(calls)).scalar() == 3
    engine.dispose()


def test_boto3_beside_it_sees_the_same_executions(connection: Any, shell: Home) -> None:
    cursor = connection.cursor().execute("select 1 as one")
    client = boto3.client("athena")
    execution = client.get_query_execution(QueryExecutionId=cursor.query_id)["QueryExecution"]
    assert execution["Query"] == "select 1 as one"
    assert cursor.query_id in client.list_query_executions()["QueryExecutionIds"]
