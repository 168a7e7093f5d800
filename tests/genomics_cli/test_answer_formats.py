import json
from pathlib import Path

import pyarrow.parquet
import pytest

from genomics_cli.answer_formats import as_csv, as_json, as_table, write_parquet
from genomics_cli.athena import Answer
from genomics_cli.consoles import open_console

COLUMNS, TYPES = ("chrom", "pos", "qual", "note"), ("varchar", "bigint", "double", "varchar")


def test_csv_tells_null_from_nothing_else(tmp_path: Path) -> None:
    text = as_csv(COLUMNS, [("chr1", "5", None, 'a "b", c'), ("chr2", None, "1.5", "x\ny")])
    assert text == 'chrom,pos,qual,note\nchr1,5,,"a ""b"", c"\nchr2,,1.5,"x\ny"\n'


def test_json_has_the_types_of_the_query_and_its_nulls() -> None:
    types = ("varchar", "bigint", "double", "boolean", "decimal")
    answer = Answer("id", ("s", "n", "n", "b", "d"), types, "s3://b/k", 12, 0.5, has_header_row=True)
    rows = [("5", "5", "1.5", "true", "0.10"), (None, None, "NaN", "false", None)]
    assert json.loads(as_json(answer, rows)) == {
        "columns": ["s", "n", "n", "b", "d"],
        "types": list(types),
        "rows": [["5", 5, 1.5, True, "0.10"], [None, None, "NaN", False, None]],
        "seconds": 0.5,
        "scanned_bytes": 12,
    }


def test_a_table_shows_values_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    table, is_cut = as_table(COLUMNS, TYPES, [("chr1", "5", None, "[red]")])
    open_console().print(table)
    assert not is_cut
    assert capsys.readouterr().out.splitlines()[3].split() == ["chr1", "5", "[red]"]


def test_a_long_answer_is_cut_in_a_table() -> None:
    table, is_cut = as_table(("n",), ("bigint",), ((str(n),) for n in range(1001)))
    assert table.row_count == 1000
    assert is_cut


def test_parquet_has_the_types_of_the_query_and_its_nulls(tmp_path: Path) -> None:
    # As Athena writes it: every value quoted, null as nothing
    content = b'"chrom","pos","qual","note"\n"chr1","5",,"a ""b"""\n"chr2",,"1.5",""\n'
    assert write_parquet(tmp_path / "a.parquet", content, COLUMNS, TYPES) == 2
    table = pyarrow.parquet.read_table(tmp_path / "a.parquet")
    assert [str(field.type) for field in table.schema] == ["string", "int64", "double", "string"]
    assert table.to_pylist() == [
        {"chrom": "chr1", "pos": 5, "qual": None, "note": 'a "b"'},
        {"chrom": "chr2", "pos": None, "qual": 1.5, "note": ""},
    ]
