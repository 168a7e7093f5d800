"""DuckDB: `read_csv` of the tab-separated lines, and SQL that takes their fields apart."""

# ruff: noqa: S608  (names of a header of our own making)

import gzip
import re
import sys

import duckdb

_CASTS = {"Integer": "INTEGER", "Float": "FLOAT", "String": "VARCHAR", "Character": "VARCHAR"}
_THREADS = 2


def main() -> None:
    """Convert."""
    source, target, kind = sys.argv[1:4]
    with gzip.open(source, "rt") as file:
        header = []
        for line in file:
            header.append(line.rstrip("\n"))
            if line.startswith("#CHROM"):
                break
    names = header[-1].lstrip("#").split("\t")
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
    table = (
        f"read_csv('{source}', delim='\t', header=false, skip={len(header)}, quote='', escape='', auto_detect=false, "
        f"compression='gzip', max_line_size=16000000, columns={{{columns}}})"
    )
    select = sites(header, table) if kind == "sites" else calls(header, table, names[9:])
    connection = duckdb.connect(config={"threads": _THREADS})
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(f"COPY ({select}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
    print(connection.execute(f"SELECT count(*) FROM '{target}'").fetchone()[0])


def sites(header, table):
    """A query of records: INFO is taken apart once, into a map."""
    declared = _declared(header, "INFO")
    fields = ", ".join(_typed(f"info['{name}']", number, kind) + f" AS {name}" for name, number, kind in declared)
    pairs = "list_transform(string_split(INFO, ';'), lambda x: string_split(x, '='))"
    info = f"map_from_entries(list_transform({pairs}, lambda x: (x[1], coalesce(x[2], ''))))"
    return (
        f"SELECT CHROM, POS::INTEGER AS POS, {_listed('ID', ';')} AS ID, REF, {_listed('ALT', ',')} AS ALT, "
        f"nullif(QUAL, '.')::FLOAT AS QUAL, {_listed('FILTER', ';')} AS FILTER, {fields} "
        f"FROM (SELECT * EXCLUDE INFO, {info} AS info FROM {table})"
    )


def calls(header, table, samples):
    """A query of calls: samples become rows, homozygous reference goes, and the rest is taken apart."""
    names = ", ".join(f'"{sample}"' for sample in samples)
    # Every record of the file has the same FORMAT.
    fields = ", ".join(
        f"{_typed(f'parts[{place}]', number, kind)} AS {name}"
        for place, (name, number, kind) in enumerate(_declared(header, "FORMAT"), 1)
        if name != "GT"
    )
    rows = f"UNPIVOT (SELECT CHROM, POS, REF, ALT, {names} FROM {table}) ON {names} INTO NAME sample VALUE call"
    return (
        "SELECT CHROM, POS::INTEGER AS POS, REF, ALT, sample, parts[1] AS GT, "
        f"{fields} FROM (SELECT *, string_split(call, ':') AS parts FROM ({rows}) "
        "WHERE NOT starts_with(call, '0/0') AND NOT starts_with(call, '0|0'))"
    )


def _declared(header, kind):
    pattern = re.compile(rf"##{kind}=<ID=([^,]+),Number=([^,]+),Type=([^,>]+)")
    return [match.groups() for line in header if (match := pattern.match(line))]


def _typed(text, number, kind):
    if kind == "Flag":
        return f"({text}) IS NOT NULL"
    if number == "1":
        return f"nullif({text}, '.')::{_CASTS[kind]}"
    return f"list_transform(string_split(nullif({text}, '.'), ','), lambda x: nullif(x, '.'))::{_CASTS[kind]}[]"


def _listed(column, separator):
    return f"string_split(nullif({column}, '.'), '{separator}')"


if __name__ == "__main__":
    main()
