"""The files of the tables, and what a question reads of them: the embedded Athena's own account."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.queries.tables import BUCKET
from embedded_aws.athena import plans, scanning
from embedded_aws.athena.catalog import Column, Partition, Table
from embedded_aws.athena.plans import Scan
from embedded_aws.athena.types import from_hive
from genomics.contracts.tables import GENOTYPES, GENOTYPES_BY_LOCATION, VARIANT_IDS, VARIANTS
from genomics.contracts.tables import Column as DeclaredColumn

_DATABASE = "genomics"
_THREADS = 2
_TIMES = 3


@dataclass(frozen=True)
class Answer:
    """Bytes read of all tables, bytes of the same columns whole, files read, rows, and the least of three times in ms.

    The times are those of DuckDB, which is given the files of the partitions that are left.
    """

    read: int
    whole: int
    files: int
    rows: int
    milliseconds: float

    @property
    def share(self) -> float:
        """Of the needed columns of the whole tables."""
        return self.read / self.whole


class Lake:
    """Tables below a directory."""

    def __init__(self, directory: Path) -> None:
        self._connection = duckdb.connect(config={"threads": _THREADS})
        self._connection.execute(f"CREATE SCHEMA {_DATABASE}; SET schema = '{_DATABASE}'")
        root = directory / BUCKET
        # Footers are kept by a file's name, which in the embedded Athena follows from its content.
        self._names = directory / "names"
        self._names.mkdir(exist_ok=True)
        self._tables: dict[str, Table] = {}
        self._files: dict[str, dict[Partition, list[Path]]] = {}
        for declared in (VARIANTS, GENOTYPES, GENOTYPES_BY_LOCATION, VARIANT_IDS):
            keys = _columns(declared.partitions)
            self._add(declared.name, _columns(declared.columns), keys, root / "tables" / declared.name)
        release = root / "clinvar"
        schema = pq.read_schema(next(release.glob("*.parquet")))
        kinds = {field.name: "bigint" if pa.types.is_integer(field.type) else "string" for field in schema}
        self._add("clinvar", tuple(Column(name, from_hive(kind), kind) for name, kind in kinds.items()), (), release)

    def _add(self, name: str, columns: tuple[Column, ...], keys: tuple[Column, ...], directory: Path) -> None:
        """A table, empty for planning, and its files by partition, as their paths say."""
        self._tables[name] = Table(_DATABASE, name, columns, keys, str(directory), None, "", {})
        partitions = self._files.setdefault(name, {})
        for number, path in enumerate(sorted(directory.rglob("*.parquet"))):
            named = dict(part.split("=", 1) for part in path.relative_to(directory).parts if "=" in part)
            values = tuple(unquote(named[key.name]) for key in keys)
            link = self._names / f"{name}-{number}.parquet"
            link.unlink(missing_ok=True)
            link.symlink_to(path)
            partitions.setdefault(Partition(values, ""), []).append(link)
        fields = ", ".join(f'"{column.name}" {column.type.duckdb()}' for column in (*columns, *keys))
        self._connection.execute(f"CREATE TABLE {name} ({fields})")

    def describe(self) -> dict[str, dict[str, int]]:
        """Of each table: files, row groups, rows, bytes, and the rows of the largest group."""
        return {
            name: _described([path for paths in partitions.values() for path in paths])
            for name, partitions in self._files.items()
        }

    def ask(self, sql: str) -> Answer:
        """Plan a query, count what it must read, and run it."""
        self._connection.execute(plans.WITHOUT_STATISTICS)
        scans = plans.scans(self._connection, sql)
        self._connection.execute("RESET disabled_optimizers")
        read = whole = files = 0
        text = sql
        for scan in scans:
            _, name = scan.table
            table, partitions = self._tables[name], self._files[name]
            left = scanning.surviving(self._connection, table, list(partitions), [scan])
            chosen = [path for partition in left for path in partitions[partition]]
            every = [path for paths in partitions.values() for path in paths]
            read += scanning.scanned_bytes(table, scan, chosen)
            whole += scanning.scanned_bytes(table, Scan(scan.table, scan.columns, (), None), every)
            files += len(chosen)
            listed = ", ".join(f"'{path.resolve()}'" for path in chosen)
            source = f"read_parquet([{listed}], hive_partitioning = {bool(table.partition_keys)})"
            text = text.replace(f"from {name}", f"from {source} {name}").replace(
                f"join {name}", f"join {source} {name}"
            )
        milliseconds, rows = min(self._timed(text) for _ in range(_TIMES))
        return Answer(read, whole, files, rows, milliseconds)

    def _timed(self, sql: str) -> tuple[float, int]:
        began = time.perf_counter()
        rows = len(self._connection.execute(sql).fetchall())
        return (time.perf_counter() - began) * 1e3, rows


def _columns(declared: tuple[DeclaredColumn, ...]) -> tuple[Column, ...]:
    return tuple(Column(column.name, from_hive(column.type), column.type) for column in declared)


def _described(paths: list[Path]) -> dict[str, int]:
    footers: list[Any] = [pq.read_metadata(path) for path in paths]
    return {
        "files": len(paths),
        "row_groups": sum(footer.num_row_groups for footer in footers),
        "rows": sum(footer.num_rows for footer in footers),
        "largest_group": max(f.row_group(n).num_rows for f in footers for n in range(f.num_row_groups)),
        "bytes": sum(path.stat().st_size for path in paths),
    }
