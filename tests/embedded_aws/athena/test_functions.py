"""Functions whose namesakes in DuckDB differ. Expected values: https://trino.io/docs/current/functions/<page>.html."""

from collections.abc import Mapping
from typing import Any

import pytest

Values = Mapping[str, str | None]

# By the page of Trino's documentation.
PAGES: Mapping[str, Values] = {
    "array": {
        "array_max(array[1, null, 3])": None,
        "array_sort(array[3, null, 1])": "[1, 3, null]",
        "array_except(array[1, 2, 2, 3], array[1])": "[2, 3]",
        "array_union(array[1, 2], array[2, 3])": "[1, 2, 3]",
        # "Returns null if there are no non-null elements in common but either array contains null."
        "arrays_overlap(array[1, null], array[2, null])": None,
        "arrays_overlap(array[1, 2], array[2, 3])": "true",
        "contains(array[1, null], 2)": None,
        "contains(array[1, null], 1)": "true",
        # "Subsets array starting from index start (or starting from the end if start is negative) with a length"
        "slice(array[1, 2, 3, 4], 2, 2)": "[2, 3]",
        "slice(array[1, 2, 3, 4], -2, 2)": "[3, 4]",
        "reverse(array[1, 2])": "[2, 1]",
        "array[1] || 2": "[1, 2]",
        "sequence(date '2024-01-01', date '2024-01-03', interval '1' day)": "[2024-01-01, 2024-01-02, 2024-01-03]",
        "element_at(array[1, 2], 3)": None,
    },
    "map": {
        "map_entries(map(array['a'], array[1]))": "[{field0=a, field1=1}]",
        "map_concat(map(array['a'], array[1]), map(array['a', 'b'], array[2, 3]))": "{a=2, b=3}",
        "split_to_map('a=1;b=2', ';', '=')": "{a=1, b=2}",
        "transform_keys(map(array['a'], array[1]), (k, v) -> upper(k))": "{A=1}",
    },
    "json": {
        "json_extract('{\"a\": [1, 2]}', '$.a')": "[1,2]",
        # "must be a scalar value (boolean, number or string)"
        "json_extract_scalar('{\"a\": [1]}', '$.a')": None,
        "json_extract_scalar('not json', '$.a')": None,
        "json_extract_scalar('{\"a\": 1}', '$[\"a\"]')": "1",
        "json_array_length('[1, 2, 3]')": "3",
        "cast(json_parse('[1, 2]') as array(integer))": "[1, 2]",
        "cast(map(array['a'], array[1]) as json)": '{"a":1}',
    },
    "regexp": {
        "regexp_extract_all('1a 2b 14m', '(\\d+)([a-z]+)', 2)": "[a, b, m]",
        "regexp_replace('1a 2b 14m', '(\\d+)([ab]) ', '3c$2 ')": "3ca 3cb 14m",
        "regexp_split('1a 2b 14m', '\\s*[a-z]+\\s*')": "[1, 2, 14, ]",
        "regexp_position('I have 23 apples, 5 pears and 13 oranges', '\\b\\d+\\b')": "8",
        "regexp_count('1a 2b 14m', '\\s*[a-z]+\\s*')": "3",
        "regexp_extract('x', '\\d')": None,
    },
    "string": {
        # "Splits string on delimiter and returns an array of size at most limit. The last element always contains
        # everything left in the string."
        "split('a,b,c', ',', 2)": "[a, b,c]",
        "substr('hello', -3)": "llo",
        "substr('hello', 0)": "",
        "levenshtein_distance('kitten', 'sitting')": "3",
        "translate('abcd', 'ab', 'x')": "xcd",
        "format('%03d', 7)": "007",
        "concat_ws(',', 'a', null, 'b')": "a,b",
    },
    "datetime": {
        "date_diff('hour', timestamp '2024-01-01 00:59:00', timestamp '2024-01-01 01:01:00')": "0",
        "date_diff('day', timestamp '2020-03-01 00:00:00', timestamp '2020-03-02 00:00:00')": "1",
        "date_diff('second', timestamp '2020-03-01 00:00:00', timestamp '2020-03-02 00:00:00')": "86400",
        "date_diff('year', date '2020-12-31', date '2021-01-01')": "0",
        "format_datetime(timestamp '2024-01-02 03:04:05', 'EEE, d MMM yyyy HH:mm')": "Tue, 2 Jan 2024 03:04",
        "parse_datetime('2024-01-02', 'yyyy-MM-dd')": "2024-01-02 00:00:00.000 UTC",
        "to_iso8601(date '2024-01-02')": "2024-01-02",
        "to_iso8601(timestamp '2024-01-02 03:04:05')": "2024-01-02T03:04:05.000",
        # "The ISO day of the week from x ... from 1 (Monday) to 7 (Sunday)"
        "extract(dow from date '2024-02-04')": "7",
        "at_timezone(timestamp '2024-07-02 03:04:05 UTC', 'America/New_York')":
            "2024-07-01 23:04:05.000 America/New_York",
        "timestamp '2012-10-31 01:00 UTC' at time zone 'America/Los_Angeles'":
            "2012-10-30 18:00:00.000 America/Los_Angeles",
        "hour(at_timezone(timestamp '2024-07-02 03:04:05 UTC', 'America/New_York'))": "23",
        "date '2012-08-10' - date '2012-08-08'": "2 00:00:00.000",
        "interval '2' day": "2 00:00:00.000",
        "date_parse('2022/10/20/05', '%Y/%m/%d/%H')": "2022-10-20 05:00:00.000",
    },
    "conversion": {
        "try_cast('1.5' as integer)": None,
        "cast(2.5e0 as integer)": "3",
        "cast(1e0 as varchar)": "1.0E0",
        "cast('abcdef' as varchar(3))": "abc",
        "cast('ab' as char(4)) || '|'": "ab  |",
        "typeof(array[1])": "array(integer)",
        "typeof(cos(2) + 1.5e0)": "double",
        "try(array[1][5])": None,
    },
    "decimal": {
        "round(2.567, 2)": "2.570",
        "1.23 * 2.5": "3.075",
        "1.5 / 2": "0.8",
    },
    "math": {
        "to_base(255, 16)": "ff",
        "width_bucket(5, 0, 10, 5)": "3",
        "power(2, 3)": "8.0",
        "-7 % 3": "-1",
    },
    "url": {"url_encode('a b*~')": "a+b*%7E", "url_decode('a+b')": "a b"},
}  # fmt: skip

# Trino has them, the embedded Athena does not, and says so.
ABSENT: Mapping[str, str] = {
    "ngrams(array['a'], 1)": "line 1:8: the embedded Athena does not have the function 'ngrams'",
    "sha512(to_utf8('a'))": "line 1:8: the embedded Athena does not have the function 'sha512'",
    "array_sort(array[1], (a, b) -> 1)": "the embedded Athena cannot do this: DuckDB's LIST_SORT does not support a",
    "strpos('abab', 'b', 2)": "the embedded Athena cannot do this: STRPOS does not support",
    "regexp_like('ab', 'a(?=b)')": "the embedded Athena has RE2's regular expressions, not Java's",
    "regexp_replace('a', 'a', x -> 'b')": "the embedded Athena does not have regexp_replace with a function",
    "format_datetime(now(), 'ww')": "the embedded Athena does not have the date pattern 'ww'",
    "cast(row(1, 'x') as json)": "the embedded Athena does not cast a row without names to json",
}


@pytest.mark.parametrize("page", PAGES)
def test_functions_mean_what_trinos_documentation_says(lake: Any, page: str) -> None:
    [answer] = lake.answer(f"select {', '.join(PAGES[page])}")
    assert dict(zip(PAGES[page], answer, strict=True)) == PAGES[page]


@pytest.fixture(scope="module")
def absent(lake: Any) -> dict[str, str]:
    return {expression: lake.start(f"select {expression}") for expression in ABSENT}


@pytest.mark.parametrize("expression", ABSENT)
def test_what_is_absent_is_refused_by_name(lake: Any, absent: dict[str, str], expression: str) -> None:
    status = lake.wait(absent[expression])["Status"]
    assert status["StateChangeReason"].startswith(f"NOT_SUPPORTED: {ABSENT[expression]}")
