"""Tables of text. https://docs.aws.amazon.com/athena/latest/ug/supported-serdes.html and the pages it leads to."""

import bz2
import gzip
import json
from typing import Any

import pytest

CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
JSON = "org.openx.data.jsonserde.JsonSerDe"


def make(lake: Any, tables: Any, name: str, columns: str, rest: str, content: bytes, suffix: str = "") -> None:
    tables.put(f"text/{name}/part-0{suffix}", content)
    lake.answer(f"create external table {name} ({columns}) {rest.format(location=f's3://athena-lake/text/{name}/')}")


def test_delimited_text_is_null_where_it_does_not_fit(lake: Any, lake_tables: Any) -> None:
    text = b"n,t,items,m\n1,a\\,b,1|2,k:5|l:6\nx,,,\n3,\\N,3\n"
    delimited = (
        "row format delimited fields terminated by ',' escaped by '\\\\' collection items terminated by '|' "
        "map keys terminated by ':' location '{location}' tblproperties ('skip.header.line.count'='1')"
    )
    make(
        lake, lake_tables, "delimited", "n int, t string, items array<int>, m map<string,int>", delimited,
        gzip.compress(text), ".gz",
    )  # fmt: skip
    assert lake.answer("select * from delimited") == [
        ["1", "a,b", "[1, 2]", "{k=5, l=6}"],
        [None, "", "[]", "{}"],
        ["3", None, "[3]", None],
    ]


def test_the_whole_of_a_text_file_is_scanned_whichever_columns_are_asked_for(lake: Any, lake_tables: Any) -> None:
    # ug, "Top 10 performance tuning tips": only columnar formats let Athena read a part of a file
    content = bz2.compress(b"".join(b"%d\tx\n" % number for number in range(1000)))
    rest = "row format delimited fields terminated by '\\t' location '{location}'"
    make(lake, lake_tables, "whole", "n int, t string", rest, content, ".bz2")
    execution = lake.run("select n from whole where n = 5")
    assert execution["Statistics"]["DataScannedInBytes"] == len(content)


def test_quoted_csv_refuses_what_does_not_fit(lake: Any, lake_tables: Any) -> None:
    # ug, "Open CSV SerDe": dates are in days and timestamps in milliseconds since January 1, 1970
    rest = f"row format serde '{CSV}' with serdeproperties ('separatorChar' = ';') location '{{location}}'"
    make(
        lake, lake_tables, "quoted", "t string, n bigint, d date, at timestamp", rest,
        b'"a ""b""; c";7;19723;1704164645000\n"2\nlines";8;0;0\n',
    )  # fmt: skip
    assert lake.answer("select * from quoted") == [
        ['a "b"; c', "7", "2024-01-01", "2024-01-02 03:04:05.000"],
        ["2\nlines", "8", "1970-01-01", "1970-01-01 00:00:00.000"],
    ]
    lake_tables.put("text/quoted/part-1", b"a;;0;0\n")
    # https://repost.aws/knowledge-center/athena-hive-bad-data-error-csv
    assert lake.refusal("select * from quoted") == (
        "HIVE_BAD_DATA: Error parsing field value '' for field 1: For input string: \"\""
    )


def test_json_fields_are_found_by_name(lake: Any, lake_tables: Any) -> None:
    rows = [{"N": 1, "s": {"x": [1, 2]}, "other": 0}, {"n": None, "t": {"a": 1}}]
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    rest = f"row format serde '{JSON}' location '{{location}}'"
    make(lake, lake_tables, "documents", "n int, t string, s struct<x:array<int>>", rest, content)
    assert lake.answer("select * from documents") == [["1", None, "{x=[1, 2]}"], [None, '{"a": 1}', None]]
    lake_tables.put("text/documents/part-1", b"{broken\n")
    assert lake.refusal("select * from documents").startswith("HIVE_CURSOR_ERROR: Row is not a valid JSON Object")
    # ug, "OpenX JSON SerDe": ignore.malformed.json, "lets you skip malformed JSON syntax"
    lake.answer("alter table documents set tblproperties ('ignore.malformed.json' = 'true')")
    assert len(lake.answer("select * from documents")) == 3


@pytest.mark.parametrize(("format_", "serde"), [("TEXTFILE", "LazySimpleSerDe"), ("JSON", "JsonSerDe")])
def test_tables_of_text_are_made_of_queries_and_inserted_into(lake: Any, format_: str, serde: str) -> None:
    name = f"made_{format_.lower()}"
    lake.answer(
        f"create table {name} with (format = '{format_}', partitioned_by = array['p']) as "
        "select 1 a, 'x,y' b, array[1, 2] c, cast(null as double) d, 'one' p"
    )
    lake.answer(f"insert into {name} values (2, '', null, 1.5e0, 'two')")
    assert lake.answer(f"select * from {name} order by a") == [
        ["1", "x,y", "[1, 2]", None, "one"],
        ["2", "", None, "1.5", "two"],
    ]
    assert any(serde in line for [line] in lake.answer(f"show create table {name}"))


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("create external table o (a int) stored as orc location 's3://b/'", "does not read tables stored as ORC"),
        ("create table i with (table_type = 'ICEBERG') as select 1 a", "has no tables of type ICEBERG"),
        ("create table a with (format = 'AVRO') as select 1 a", "does not write AVRO"),
        ("create external table i (a int) row format serde 'com.amazon.ionhiveserde.IonHiveSerDe' "
         "location 's3://b/'", "does not read tables of com.amazon.ionhiveserde.IonHiveSerDe"),
        ("explain analyze select 1", "does not have EXPLAIN ANALYZE"),
    ],
)  # fmt: skip
def test_formats_that_are_absent_are_refused_by_name(lake: Any, statement: str, reason: str) -> None:
    assert reason in lake.refusal(statement)
