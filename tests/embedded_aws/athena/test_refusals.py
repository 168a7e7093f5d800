"""Queries that fail, in Athena's words.

The wordings are Trino's (https://github.com/trinodb/trino, StatementAnalyzer, ExpressionAnalyzer, SqlBaseParser), with
Athena's own for columns: https://repost.aws/knowledge-center/athena-column-cannot-be-resolved-error
"""

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

NOT_RESOLVED = "cannot be resolved or requester is not authorized to access requested resources"
FAILS: Mapping[str, str] = {
    "select nope from variants": f"COLUMN_NOT_FOUND: line 1:8: Column 'nope' {NOT_RESOLVED}",
    "select pos,\n  v.nope from variants v": f"COLUMN_NOT_FOUND: line 2:3: Column 'v.nope' {NOT_RESOLVED}",
    "select z.pos from variants v": f"COLUMN_NOT_FOUND: line 1:8: Column 'z.pos' {NOT_RESOLVED}",
    # WHERE and GROUP BY do not know the names of the SELECT clause
    "select pos p from variants where p > 100": f"COLUMN_NOT_FOUND: line 1:34: Column 'p' {NOT_RESOLVED}",
    "select substr(ref, 1, 1) r, count(*) from variants group by r":
        f"COLUMN_NOT_FOUND: line 1:61: Column 'r' {NOT_RESOLVED}",
    "select * from nothere": "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.lake_tests.nothere' does not exist",
    "select * from variants join other.x on true": "SCHEMA_NOT_FOUND: line 1:29: Schema 'other' does not exist",
    "select pos from variants where pos = '100'":
        "TYPE_MISMATCH: line 1:36: Cannot apply operator: bigint = varchar(3)",
    "select pos from variants where chrom = 20": "TYPE_MISMATCH: line 1:38: Cannot apply operator: varchar = integer",
    "select pos from variants where 5 <= chrom": "TYPE_MISMATCH: line 1:34: Cannot apply operator: integer <= varchar",
    "select pos, count(*) from variants":
        "EXPRESSION_NOT_AGGREGATE: line 1:8: 'pos' must be an aggregate expression or appear in GROUP BY clause",
    "select list_filter(array[1], x -> x > 1)": "FUNCTION_NOT_FOUND: line 1:8: Function 'list_filter' not registered",
    "select pos from variants a join variants b on a.pos = b.pos":
        "AMBIGUOUS_NAME: line 1:8: Column 'pos' is ambiguous",
    "select info_integers['XX'] from variants where pos = 200":
        "INVALID_FUNCTION_ARGUMENT: Key not present in map: XX",
    "select filters[2] from variants where pos = 100":
        "INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to array length: 2 > 1",
    "select not pos from variants":
        "TYPE_MISMATCH: line 1:12: Value of logical NOT expression must evaluate to a boolean (actual: bigint)",
    "select coalesce(pos, 'x') from variants":
        "TYPE_MISMATCH: line 1:17: All COALESCE operands must be the same type or coercible to a common type. Cannot "
        "find common type between bigint and varchar(1)",
    "select pos from variants where pos in ('a')":
        "TYPE_MISMATCH: line 1:32: IN value and list items must be the same type or coercible to a common type: bigint "
        "vs varchar(1)",
    "select pos || 'a' from variants":
        "FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters (bigint, varchar(1)) for function concat",
    "select pos from variants union select chrom from variants":
        "TYPE_MISMATCH: line 1:8: column 1 in UNION query has incompatible types: bigint, varchar",
    "select distinct pos from variants order by qual":
        "EXPRESSION_NOT_IN_DISTINCT: line 1:44: For SELECT DISTINCT, ORDER BY expressions must appear in select list",
    'select "$path" from variants':
        "NOT_SUPPORTED: line 1:8: the embedded Athena does not have the hidden column '$path'",
    "select cast('1.5' as integer)": "INVALID_CAST_ARGUMENT: Cannot cast '1.5' to INT",
    "select cast(300 as tinyint)": "INVALID_CAST_ARGUMENT: Out of range for tinyint: 300",
    "select 2147483647 + 1": "NUMERIC_VALUE_OUT_OF_RANGE: integer addition overflow: 2147483647 + 1",
    "select split_part('a', ',', 0)": "INVALID_FUNCTION_ARGUMENT: Index must be greater than zero",
    "select 1 / 0": "DIVISION_BY_ZERO: Division by zero",
    "select x from unnest(5) as t(x)": "INVALID_FUNCTION_ARGUMENT: Cannot unnest type: integer",
    "select cast(ref as bigint) from variants where ref = 'A'": "INVALID_CAST_ARGUMENT: Cannot cast 'A' to BIGINT",
}  # fmt: skip
REFUSED: Mapping[str, str] = {
    "selec 1": "line 1:1: mismatched input 'selec'. Expecting: 'ALTER', 'ANALYZE', ",
    "select 1 form variants": "line 1:15: mismatched input 'variants'. Expecting: ",
    "select `pos` from variants":
        "line 1:8: backquoted identifiers are not supported; use double quotes to quote identifiers",
    "select pos::varchar from variants": "line 1:11: mismatched input '::'. Expecting: ",
    "select 1 limit 3 offset 1": "line 1:18: mismatched input 'offset'. Expecting: <EOF>",
    "select 1; select 2": "Only one sql statement is allowed. Got: select 1; select 2",
    "delete from variants": "Queries of this type are not supported",
}  # fmt: skip


@pytest.fixture(scope="module")
def executions(lake: Any) -> dict[str, str]:
    return {sql: lake.start(sql) for sql in FAILS}


@pytest.mark.parametrize("sql", FAILS)
def test_a_wrong_query_fails_for_athenas_reason(lake: Any, executions: dict[str, str], sql: str) -> None:
    status = lake.wait(executions[sql])["Status"]
    assert (status["State"], status["StateChangeReason"]) == ("FAILED", FAILS[sql])
    assert status["AthenaError"]["ErrorMessage"] == FAILS[sql]
    assert status["AthenaError"]["ErrorCategory"] == 2  # "2 - User"; AthenaError in the API reference


@pytest.mark.parametrize("sql", REFUSED)
def test_what_is_no_statement_is_not_started(lake: Any, sql: str) -> None:
    # StartQueryExecution: "InvalidRequestException: ... For example, a required parameter may be missing or out of
    # range", which is also how it answers to a text that does not parse
    with pytest.raises(ClientError) as refused:
        lake.start(sql)
    assert refused.value.response["Error"]["Code"] == "InvalidRequestException"
    assert refused.value.response["Error"]["Message"].startswith(REFUSED[sql])


def test_results_of_a_failed_query_are_refused(lake: Any) -> None:
    execution = lake.run("select nope from variants")
    with pytest.raises(ClientError, match=r"Query did not finish successfully\. Final query state: FAILED"):
        lake.client.get_query_results(QueryExecutionId=execution["QueryExecutionId"])
