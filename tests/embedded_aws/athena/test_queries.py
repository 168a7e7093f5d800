"""What queries answer. Semantics after https://trino.io/docs/current/functions.html and, for how values are printed,
https://docs.aws.amazon.com/athena/latest/ug/querying-finding-output-files.html ("docs" below names a Trino page)."""

from collections.abc import Mapping
from typing import Any

import pytest

Rows = list[list[str | None]]

# Over the rows in conftest.py, so that every answer can be counted by eye.
LAKE: Mapping[str, Rows] = {
    "select chrom, pos, ref, alt from variants where chrom = 'chr20' order by pos limit 5": [
        ["chr20", "100", "A", "G"], ["chr20", "200", "C", "T"], ["chr20", "300", "AT", "A"]],
    "select count(*), count(alt), count(distinct chrom) from variants": [["5", "4", "2"]],
    "select chrom, count(*) as n, max(qual) from variants group by chrom order by 1": [
        ["chr20", "3", "50.5"], ["chr21", "2", "1.0E7"]],
    "select pos, info_integers['DP'][1] from variants where info_integers is not null order by chrom, pos": [
        ["100", "30"], ["200", "8"], ["100", "12"]],
    # docs map: element_at "Returns value for given key, or NULL if the key is not contained in the map"
    "select element_at(info_integers, 'MQ') from variants where chrom = 'chr20' order by pos": [
        ["[60, null]"], [None], [None]],
    "select filters, info_integers, info_floats, qual from variants where pos = 100 order by chrom": [
        ["[PASS]", "{DP=[30], MQ=[60, null]}", "{AF=[0.5]}", "50.5"], ["[PASS]", "{DP=[12]}", None, "1.0E7"]],
    "select qual from variants where chrom = 'chr21' order by pos": [["1.0E7"], ["1.0E-4"]],
    "select f, count(*) from variants cross join unnest(filters) as t(f) group by f order by f": [
        ["LowQual", "1"], ["PASS", "3"], ["SB", "1"]],
    # docs select: "UNNEST can optionally have a WITH ORDINALITY clause, in which case an additional ordinality column
    # is added to the end"
    "select pos, f, i from variants cross join unnest(filters) with ordinality as t(f, i) where chrom = 'chr20' "
    "order by pos, i": [["100", "PASS", "1"], ["200", "LowQual", "1"], ["200", "SB", "2"]],
    # docs select: "Maps are expanded into two columns (key, value)"
    "select pos, k, v[1] from variants, unnest(info_integers) as t(k, v) where chrom = 'chr20' order by pos, k": [
        ["100", "DP", "30"], ["100", "MQ", "60"], ["200", "DP", "8"]],
    "select pos, f from variants left join unnest(filters) as t(f) on true where chrom = 'chr20' order by pos, f": [
        ["100", "PASS"], ["200", "LowQual"], ["200", "SB"], ["300", None]],
    # docs array: any_match over an empty array is false, over null null
    "select any_match(filters, x -> x = 'PASS'), cardinality(filters), contains(filters, 'SB') from variants "
    "where chrom = 'chr20' order by pos": [["true", "1", "false"], ["false", "2", "true"], [None, None, None]],
    "select g.sample, v.pos, g.genotype from variants v join genotypes g "
    "on v.chrom = g.chrom and v.pos = g.pos and v.alt = g.alt order by 1, 2": [
        ["NA1", "100", "0/1"], ["NA1", "200", "1|1"], ["NA2", "100", "./1"]],
    "select sample, sum(dosage), avg(depth), array_agg(pos order by pos desc) from genotypes group by sample "
    "order by sample": [["NA1", "3", "19.0", "[200, 100]"], ["NA2", None, None, "[100]"]],
    "select alleles, phased, allele_depths[2] from genotypes where sample = 'NA1' order by pos": [
        ["[0, 1]", "false", "16"], ["[1, 1]", "true", "8"]],
    "with t as (select pos, count(*) c from variants group by pos) select * from t where c > 1": [["100", "2"]],
    "select dataset, pos from variants where dataset = 'study/cohort a' and chrom = 'chr21' order by pos": [
        ["study/cohort a", "100"], ["study/cohort a", "150"]],
    "select count(*) from variants where chrom in ('chr1', 'chr2')": [["0"]],
    "select (select max(pos) from variants), exists (select 1 from genotypes where dosage = 2)": [["300", "true"]],
    "select pos, rank() over (partition by chrom order by qual desc nulls last) r from variants where chrom = 'chr20' "
    "order by r": [["100", "1"], ["200", "2"], ["300", "3"]],
    # docs select: without NULLS FIRST, nulls are last whatever the direction
    "select qual from variants where chrom = 'chr20' order by qual desc": [["50.5"], ["10.0"], [None]],
    "select sum(depth), sum(depth) / count(*), count_if(depth > 10), avg(allele_frequency) from variants": [
        ["90", "18", "3", "0.5833333333333334"]],
    "select chrom, sum(case when cardinality(filters) = 1 then 1 else 0 end) from variants group by 1 order by 1": [
        ["chr20", "1"], ["chr21", "2"]],
    "select pos from variants where chrom = 'chr20' union all select pos from variants where chrom = 'chr21' "
    "order by pos offset 1 limit 3": [["100"], ["150"], ["200"]],
    "select original_alts, ids from variants where alt is null or pos = 300 order by pos": [
        [None, None], ["[A]", None]],
    "select map_keys(info_strings), info_strings['CLNSIG'] from variants where info_strings is not null": [
        ["[CLNSIG]", "[Benign]"]],
    "select v.chrom, count(*) from variants v where not exists (select 1 from genotypes g where g.chrom = v.chrom "
    "and g.pos = v.pos) group by v.chrom order by 1": [["chr20", "1"], ["chr21", "1"]],
    "select approx_distinct(chrom), max_by(pos, qual), min_by(pos, qual), arbitrary(run_id) from variants": [
        ["2", "100", "150", "r1"]],
    'select "end" - pos + 1 from variants where pos = 300': [["2"]],
    # Hidden objects and objects of no size are not data; a partition that is not in the catalog does not exist
    "select count(*) from numbers": [["0"]],
}  # fmt: skip

LANGUAGE: Mapping[str, Rows] = {
    "select 1, 'a''b', null, 1.5, 0.1e0, true, varchar 'x'": [["1", "a'b", None, "1.5", "0.1", "true", "x"]],
    # docs math: "Division (integer division performs truncation)"; decimal: the scale of a quotient is the larger one
    "select 7 / 2, -7 / 2, 7 / 2.0e0, 1.0 / 3, 7 % 3, 10 / 4.00": [["3", "-3", "3.5", "0.3", "1", "2.50"]],
    "select cast(sum(x) * 1.0 / count(*) as varchar) from (values 1, 1, 0) as t(x)": [["0.7"]],
    # docs decimal: double division by zero is infinite
    "select 1e0 / 0, cast(1 as real), 1e10, 123456789.125e0, 1e-5, 0.001e0": [
        ["Infinity", "1.0", "1.0E10", "1.23456789125E8", "1.0E-5", "0.001"]],
    "select date '2024-01-31' + interval '1' month, date_trunc('month', date '2024-02-03')": [
        ["2024-02-29", "2024-02-01"]],
    "select max(d) + interval '1' day, date_trunc('year', min(d)) from (values date '2024-01-31', "
    "date '2023-12-31') as t(d)": [["2024-02-01", "2023-01-01"]],
    "select timestamp '2024-01-02 03:04:05', date_add('day', -1, date '2024-03-01'), "
    "date_diff('day', date '2024-01-01', date '2024-03-01')": [["2024-01-02 03:04:05.000", "2024-02-29", "60"]],
    "select from_unixtime(0), date_format(timestamp '2024-01-02 03:04:05', '%Y/%m'), millisecond(timestamp "
    "'2024-01-02 03:04:05.678')": [["1970-01-01 00:00:00.000 UTC", "2024/01", "678"]],
    "select reduce(array[1, 2, 3], 0, (s, x) -> s + x, s -> s * 10), transform(array[1, 2], x -> x + 1)": [
        ["60", "[2, 3]"]],
    "select filter(array[1, 2, 3], x -> x > 1), map_filter(map(array['a', 'b'], array[1, 2]), (k, v) -> v > 1)": [
        ["[2, 3]", "{b=2}"]],
    "select transform_values(map(array['a'], array[1]), (k, v) -> v + 1), zip_with(array[1, 2], array[3, 4], "
    "(x, y) -> x * y)": [["{a=2}", "[3, 8]"]],
    # docs array: array_position "0 if not found"; array_distinct keeps the order
    "select array_position(array[1, 2], 3), array_distinct(array[2, 1, 2]), element_at(array[1, 2], -1)": [
        ["0", "[2, 1]", "2"]],
    "select array_join(array['a', 'b'], '-'), split('a,b', ','), split_part('a:b', ':', 3), strpos('abc', 'c')": [
        ["a-b", "[a, b]", None, "3"]],
    # docs regexp: "$g" refers to a group; no match gives null
    "select regexp_replace('chr20', 'chr(\\d+)', '$1'), regexp_extract('chr20', '\\d+'), regexp_extract('x', '\\d'), "
    "regexp_like('chr20', '^chr')": [["20", "20", None, "true"]],
    # docs comparison: greatest and least give null if any argument is null
    "select greatest(1, 2), least(1, null), coalesce(null, 3), nullif(1, 1), if(1 > 2, 'a')": [
        ["2", None, "3", None, None]],
    "select concat('a', null), 'a' || 'b', lower('AB'), substr('hello', 2, 3), lpad('7', 3, '0')": [
        [None, "ab", "ab", "ell", "007"]],
    "select try(1 / 0), try_cast('x' as bigint), cast('12' as integer), cast(1.5 as varchar)": [
        [None, None, "12", "1.5"]],
    "select sample_id, dp from (values (array[cast(row('x', 1) as row(sample_id varchar, dp integer))])) as t(gt) "
    "cross join unnest(gt) as u(sample_id, dp)": [["x", "1"]],
    "select a, b from unnest(array[1, 2, 3], array['x', 'y']) as t(a, b)": [["1", "x"], ["2", "y"], ["3", None]],
    "select row(1, 'a'), cast(row(1, 'a') as row(x integer, y varchar))": [["{field0=1, field1=a}", "{x=1, y=a}"]],
    "select k, count(*) from (values ('a', 1), ('b', 2), ('a', 3)) as t(k, v) group by grouping sets ((k), ()) "
    "order by k": [["a", "2"], ["b", "1"], [None, "3"]],
    "select map_agg(k, v), histogram(k)['a'], sum(v) filter (where k = 'a') "
    "from (values ('a', 1), ('b', 2)) as t(k, v)": [["{a=1, b=2}", "1", "1"]],
    "select json_extract_scalar('{\"a\": {\"b\": 5}}', '$.a.b'), sequence(1, 3), format('%s-%d', 'x', 4)": [
        ["5", "[1, 2, 3]", "x-4"]],
    "select to_utf8('ab'), to_hex(to_utf8('ab')), bit_count(7, 64), round(2.5e0), truncate(2.7e0)": [
        ["61 62", "6162", "3", "3.0", "2.0"]],
    "values (1, 'a'), (2, 'b')": [["1", "a"], ["2", "b"]],
    "select count(*) from (select x, lag(x) over (order by x) p from unnest(sequence(1, 5)) as t(x)) where p is null": [
        ["1"]],
}  # fmt: skip


@pytest.fixture(scope="module")
def executions(lake: Any) -> dict[str, str]:
    """All queries, started at once."""
    return {sql: lake.start(sql) for sql in (*LAKE, *LANGUAGE)}


@pytest.mark.parametrize("sql", [*LAKE, *LANGUAGE])
def test_the_answer_is_known(lake: Any, executions: dict[str, str], sql: str) -> None:
    assert lake.rows(executions[sql]) == {**LAKE, **LANGUAGE}[sql]


def test_columns_without_a_name_are_called_by_their_place(lake: Any) -> None:
    # Trino's names, as in `SELECT count(*)` -> _col0
    identifier = lake.start("select count(*), max(pos) top, chrom, 1 + 1 from variants group by chrom")
    lake.wait(identifier)
    info = lake.client.get_query_results(QueryExecutionId=identifier)["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    assert [column["Name"] for column in info] == ["_col0", "top", "chrom", "_col3"]


def test_types_are_reported_as_athena_names_them(lake: Any) -> None:
    # https://docs.aws.amazon.com/athena/latest/ug/data-types.html
    identifier = lake.start(
        "select pos, alt_index, ref, qual, filters, info_integers, cast(1 as decimal(10, 2)), true, date '2024-01-01', "
        "timestamp '2024-01-01 00:00:00', cast(1 as real), row(1), sum(alt_index) over () from variants"
    )
    lake.wait(identifier)
    info = lake.client.get_query_results(QueryExecutionId=identifier)["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    assert [column["Type"] for column in info] == [
        "bigint", "integer", "varchar", "double", "array", "map", "decimal", "boolean", "date", "timestamp", "float",
        "row", "bigint",
    ]  # fmt: skip
    assert (info[6]["Precision"], info[6]["Scale"], info[0]["Precision"]) == (10, 2, 19)
