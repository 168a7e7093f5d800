"""What a query reads, and who reads it. Sizes come from the Parquet footers, read by pyarrow in the test itself."""

import io
from typing import Any

import pyarrow.parquet as pq
import pytest
from moto.athena.models import athena_backends

from embedded_aws import clients

COLUMNS = {"pos": "bigint", "name": "string", "score": "double"}


@pytest.fixture(scope="module")
def measured(lake: Any, lake_tables: Any) -> Any:
    """A table of two partitions, each of 4 row groups of 1,000 rows; the footer of one file of it."""
    lake_tables.create("measured", COLUMNS, {"part": "string"})
    rows = [{"pos": n, "name": f"name-{n % 97}", "score": n / 7} for n in range(4000)]
    content = lake_tables.parquet(COLUMNS, rows, row_group_size=1000)
    for part in ("a", "b"):
        lake_tables.put(f"tables/measured/part={part}/data", content)
        lake_tables.add_partition("measured", [part], f"s3://athena-lake/tables/measured/part={part}/")
    return pq.read_metadata(io.BytesIO(content))


def size(footer: Any, columns: tuple[str, ...], groups: range = range(4)) -> int:
    found = 0
    for group in groups:
        for number in range(footer.num_columns):
            chunk = footer.row_group(group).column(number)
            found += chunk.total_compressed_size if chunk.path_in_schema in columns else 0
    return found


@pytest.mark.parametrize(
    ("sql", "columns", "groups", "files"),
    [
        ("select sum(pos) from measured where part = 'a'", ("pos",), range(4), 1),
        ("select sum(pos) from measured", ("pos",), range(4), 2),
        ("select sum(score) from measured where pos between 1500 and 1600", ("pos", "score"), range(1, 2), 2),
        ("select max(name) from measured where pos >= 3000 and part like 'a%'", ("pos", "name"), range(3, 4), 1),
        ("select name from measured where pos in (5, 3999) and part = 'a'", ("pos", "name"), range(0, 4, 3), 1),
        ("select name from measured where pos in (5, 6, 7, 8, 3999) and part in ('a', 'c', 'd', 'e', 'f')",
         ("pos", "name"), range(0, 4, 3), 1),
        ("select name from measured where pos is null", ("pos", "name"), range(0), 2),
        ("select count(*) from measured", (), range(0), 0),
        ("select count(*) from measured where part = 'none'", (), range(0), 0),
        ("select name from measured where part = 'a' limit 10", ("name",), range(1), 1),
        ("with m as (select * from measured where part = 'a') select max(pos) from m where pos > 3500",
         ("pos",), range(3, 4), 1),
    ],
)  # fmt: skip
def test_only_the_chunks_that_are_read_count_as_scanned(
    lake: Any, measured: Any, sql: str, columns: tuple[str, ...], groups: range, files: int
) -> None:
    # cost-optimization: "Athena charges ... based on the amount of data scanned"; with Parquet only the columns and
    # the row groups that are read
    assert lake.run(sql)["Statistics"]["DataScannedInBytes"] == files * size(measured, columns, groups)


def test_a_partition_that_is_not_asked_for_is_not_opened(lake: Any, measured: Any, lake_tables: Any) -> None:
    lake_tables.put("tables/measured-bad/data", b"no Parquet at all")
    lake_tables.add_partition("measured", ["broken"], "s3://athena-lake/tables/measured-bad/")
    assert lake.answer("select count(*) from measured where part in ('a', 'b')") == [["8000"]]
    assert "HIVE" in lake.refusal("select sum(pos) from measured where part = 'broken'")
    lake.answer("alter table measured drop partition (part = 'broken')")


def test_many_partitions_are_read_by_the_catalogs_values(lake: Any, lake_tables: Any) -> None:
    lake_tables.create("by_day", {"n": "bigint"}, {"year": "int", "kind": "string"})
    for number in range(12):
        kind = "__HIVE_DEFAULT_PARTITION__" if number == 11 else f"k{number % 3}"
        location = f"tables/by_day/p{number}"  # whatever its path says
        lake_tables.put(f"{location}/data", lake_tables.parquet({"n": "bigint"}, [{"n": number}]))
        lake_tables.add_partition("by_day", [str(2000 + number), kind], f"s3://athena-lake/{location}/")
    assert lake.answer("select count(*), sum(n), min(year), max(year) from by_day") == [["12", "66", "2000", "2011"]]
    assert lake.answer("select n from by_day where year between 2003 and 2005 and kind = 'k1'") == [["4"]]
    assert lake.answer("select year, kind from by_day where kind is null") == [["2011", None]]


def test_a_query_beyond_the_workgroups_limit_is_cancelled(lake: Any, measured: Any, services: Any) -> None:
    # workgroups-setting-control-limits-cloudwatch: "If a query ... exceeds the limit, it is canceled"
    clients.client("athena").create_work_group(
        Name="limited", Configuration={"ResultConfiguration": {"OutputLocation": "s3://athena-lake/limited/"}}
    )
    # The API takes no limit below 10 MB: a smaller one spares the test as much data
    context = services.context
    group = athena_backends[context.account][context.region].work_groups["limited"]
    group.configuration["BytesScannedCutoffPerQuery"] = size(measured, ("pos", "score"))
    within = lake.run("select max(pos) from measured where pos > 3500 and part = 'a'", WorkGroup="limited")
    assert within["Status"]["State"] == "SUCCEEDED"
    beyond = lake.run("select max(name), sum(score) from measured", WorkGroup="limited")
    assert beyond["Status"]["State"] == "CANCELLED"
    assert "Bytes scanned limit was exceeded" in beyond["Status"]["StateChangeReason"]


def test_a_column_added_later_is_null_in_older_files(lake: Any, lake_tables: Any) -> None:
    lake_tables.create("grown", {"pos": "bigint", "note": "string"})
    lake_tables.put("tables/grown/old", lake_tables.parquet({"pos": "bigint"}, [{"pos": 1}]))
    assert lake.answer("select pos, note from grown") == [["1", None]]
    lake_tables.put(
        "tables/grown/new", lake_tables.parquet({"note": "string", "pos": "bigint"}, [{"pos": 2, "note": "x"}])
    )
    assert lake.answer("select pos, note from grown order by pos") == [["1", None], ["2", "x"]]
    lake_tables.put("tables/grown/_SUCCESS", b"")
    lake_tables.put("tables/grown/.hidden", b"not data")
    assert lake.answer("select count(*) from grown") == [["2"]]


def test_a_file_of_another_type_than_declared_is_bad_data(lake: Any, lake_tables: Any) -> None:
    lake_tables.create("mistyped", {"pos": "int"})
    lake_tables.put("tables/mistyped/data", lake_tables.parquet({"pos": "bigint"}, [{"pos": 1}]))
    # https://repost.aws/knowledge-center/athena-hive-bad-data-parsing-field-value
    assert lake.refusal("select pos from mistyped") == (
        "HIVE_BAD_DATA: Field pos's type INT64 in parquet file s3://athena-lake/tables/mistyped/data is incompatible "
        "with type integer defined in table schema"
    )


def test_an_object_that_is_written_anew_is_read_anew(lake: Any, lake_tables: Any) -> None:
    lake_tables.create("renewed", {"pos": "bigint"})
    for value in (1, 2):
        lake_tables.put("tables/renewed/data", lake_tables.parquet({"pos": "bigint"}, [{"pos": value}]))
        assert lake.answer("select pos from renewed") == [[str(value)]]


def test_the_caller_reads_and_writes(lake: Any, services: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Athena acts with the credentials of whoever asks: https://docs.aws.amazon.com/athena/latest/ug/s3-permissions.html."""
    role = services.role("athena-reader")
    used = []
    made = clients.on_behalf_of

    def recorded(name: str, access_key: str, session_token: str | None) -> Any:
        used.append((name, access_key[:4], bool(session_token)))
        return made(name, access_key, session_token)

    monkeypatch.setattr(clients, "on_behalf_of", recorded)
    caller = clients.client("athena", role_arn=role, session="reader")
    type(lake)(client=caller).answer("select count(*) from variants")
    assert set(used) >= {("s3", "ASIA", True), ("glue", "ASIA", True)}


def test_what_one_caller_has_read_another_may_not_read_from_the_cache(lake: Any, services: Any) -> None:
    # Athena User Guide, "Control access to Amazon S3 from Athena": the caller needs s3:GetObject on the data
    actions = ("athena:*", "glue:Get*", "s3:ListBucket", "s3:GetBucketLocation", "s3:PutObject")
    reader = services.role("athena-first", *actions, "s3:GetObject")
    other = services.role("athena-second", *actions)
    first, second = (type(lake)(client=clients.client("athena", role_arn=role)) for role in (reader, other))
    sql = "select count(*), sum(depth) from variants"
    assert first.run(sql)["Status"]["State"] == "SUCCEEDED"
    assert second.refusal(sql).startswith("PERMISSION_DENIED: Access denied when accessing s3://athena-lake/tables/")
