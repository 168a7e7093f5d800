"""Rows of the tables as Arrow batches, and rows that wait to become one."""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from genomics.contracts.tables import CONSEQUENCES, GENOTYPES, REJECTS, VARIANTS, Table
from glue_jobs.vcf.consequences import consequence_rows
from glue_jobs.vcf.header import Header
from glue_jobs.vcf.records import Call, Misfit, Record
from glue_jobs.vcf.rows import Row, genotype_rows, variant_rows
from glue_jobs.vcf.schemas import row_schema

_REJECT_CHARACTERS = 1 << 16


@dataclass(frozen=True)
class Batch:
    """Rows by table, with the columns of `row_schema`. `line` of rejects counts from 1 within the range."""

    variants: pa.RecordBatch
    genotypes: pa.RecordBatch
    consequences: pa.RecordBatch
    rejects: pa.RecordBatch


class RowBuffer:
    """Rows that wait to become a batch, and the lines that they are of, counted as the caller does."""

    def __init__(self) -> None:
        self._variants: list[Row] = []
        self._genotypes: list[Row] = []
        self._consequences: list[Row] = []
        self._rejects: list[Row] = []
        self.variant_lines: list[int] = []
        self.genotype_lines: list[int] = []
        self.consequence_lines: list[int] = []

    @property
    def count(self) -> int:
        """Rows of all tables."""
        return len(self._variants) + len(self._genotypes) + len(self._consequences) + len(self._rejects)

    def add(self, line: int, record: Record, calls: Iterable[tuple[int, Call]], header: Header) -> list[Misfit]:
        """Take a line's rows; returns what of it is kept as text, or has no row. RecordError where a call is wrong."""
        genotypes = list(genotype_rows(record, calls, header.samples))
        consequences, left_out = consequence_rows(record, decode=header.is_percent_encoded)
        self._variants += variant_rows(record)
        self._genotypes += genotypes
        self._consequences += consequences
        self.variant_lines += [line] * (len(self._variants) - len(self.variant_lines))
        self.genotype_lines += [line] * (len(self._genotypes) - len(self.genotype_lines))
        self.consequence_lines += [line] * (len(self._consequences) - len(self.consequence_lines))
        return [*record.misfits, *left_out]

    def reject(self, line: int | None, reason: str, text: str, *, field: str | None = None) -> None:
        """Take a row of `rejects`."""
        self._rejects.append({"line": line, "field": field, "reason": reason, "text": text[:_REJECT_CHARACTERS]})

    def batch(self) -> Batch:
        """All of them."""
        return Batch(
            _batch(self._variants, VARIANTS),
            _batch(self._genotypes, GENOTYPES),
            _batch(self._consequences, CONSEQUENCES),
            _batch(self._rejects, REJECTS),
        )


def _batch(rows: list[Row], table: Table) -> pa.RecordBatch:
    schema = row_schema(table)
    return pa.record_batch(
        [pa.array([row.get(field.name) for row in rows], type=field.type) for field in schema], schema=schema
    )
