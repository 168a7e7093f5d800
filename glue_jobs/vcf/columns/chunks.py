"""A chunk of whole lines as rows: most of them as columns, the others left for the reader of single lines."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from genomics.contracts.vcf_fields import END, FORMAT_COLUMNS, INFO_COLUMNS, STANDARD_FORMAT, STANDARD_INFO
from glue_jobs.vcf.batches import Batch, RowBuffer
from glue_jobs.vcf.columns.calls import Calls, Formats, scan_calls
from glue_jobs.vcf.columns.compiled import Bytes, Int32s
from glue_jobs.vcf.columns.consequences import ConsequenceReader
from glue_jobs.vcf.columns.genotype_rows import genotypes
from glue_jobs.vcf.columns.info import Entries, Fields, scan_info
from glue_jobs.vcf.columns.known import KnownEntries, KnownFields
from glue_jobs.vcf.columns.lines import FAST, SLOW, Lines, scan_lines
from glue_jobs.vcf.columns.sites import place, variants
from glue_jobs.vcf.header import Header
from glue_jobs.vcf.records import is_contig


@dataclass(frozen=True)
class ChunkRows:
    """Rows of the lines that could be read as columns, each with its line (from 0), and the lines that could not.

    `genotypes` is None where the file has no samples.
    """

    variants: pa.RecordBatch
    variant_lines: Int32s
    genotypes: pa.RecordBatch | None
    genotype_lines: Int32s
    consequences: pa.RecordBatch
    consequence_lines: Int32s
    slow: Int32s

    def with_rows(self, others: RowBuffer, first: int) -> Batch:
        """These rows and those of the other lines, in the order of the lines; the others count them from `first`."""
        batch = others.batch()
        genotypes = self.genotypes if self.genotypes is not None else batch.genotypes.slice(0, 0)
        return Batch(
            _merged(self.variants, self.variant_lines, batch.variants, others.variant_lines, first),
            _merged(genotypes, self.genotype_lines, batch.genotypes, others.genotype_lines, first),
            _merged(self.consequences, self.consequence_lines, batch.consequences, others.consequence_lines, first),
            batch.rejects,
        )


def _merged(
    rows: pa.RecordBatch, lines: Int32s, others: pa.RecordBatch, their_lines: list[int], first: int
) -> pa.RecordBatch:
    if not others.num_rows:
        return rows
    order = np.argsort(np.concatenate([lines, np.array(their_lines, np.int64) - first]), kind="stable")
    return pa.concat_batches([rows, others]).take(pa.array(order))


class ChunkReader:
    """Reads the chunks of one file. It keeps what it has learnt of the file's fields from one to the next."""

    def __init__(self, header: Header) -> None:
        self._samples = pa.array(header.samples, pa.string())
        self._decode = header.is_percent_encoded
        self._info = Fields({**STANDARD_INFO, **header.info})
        self._format = Fields({**STANDARD_FORMAT, **header.format})
        self._formats = Formats(self._format)
        self._consequences = ConsequenceReader(header.consequences)
        self._contigs: dict[str, bool] = {}

    def read(self, chunk: bytes) -> ChunkRows:
        """The rows of a chunk, which ends in a line break."""
        text = np.frombuffer(chunk, np.uint8)
        lines = scan_lines(text, chunk.count(b"\n"), has_samples=len(self._samples) > 0, is_ascii=chunk.isascii())
        self._check_contigs(chunk, lines)
        entries = scan_info(text, chunk, lines, self._info)
        others = KnownFields({**INFO_COLUMNS, "END": END}, self._info)
        every_line = np.arange(len(lines.state), dtype=np.int32)
        known = others.find(text, lines, every_line, entries, decode=self._decode)
        called = self._calls(text, chunk, lines)
        told = self._consequences.find(text, lines, entries, self._info)
        sites = place(text, lines)
        rows = variants(text, lines, sites, entries, known, others, decode=self._decode)
        consequences, of_line = self._consequences.rows(text, lines, sites, told, decode=self._decode)
        slow = np.flatnonzero(lines.state == SLOW).astype(np.int32)
        if called is None:
            none = np.zeros(0, np.int32)
            return ChunkRows(rows, sites.rows.group, None, none, consequences, of_line, slow)
        calls, of_calls, of_fields, known_of_calls = called
        calls_rows, line = genotypes(
            text, lines, sites, calls, self._samples, of_calls, known_of_calls, of_fields, decode=self._decode
        )
        return ChunkRows(rows, sites.rows.group, calls_rows, line, consequences, of_line, slow)

    def _calls(
        self, text: Bytes, chunk: bytes, lines: Lines
    ) -> tuple[Calls, Entries, KnownFields, KnownEntries] | None:
        if not len(self._samples):
            return None
        calls, entries = scan_calls(text, chunk, lines, len(self._samples), self._formats, self._format)
        fields = KnownFields(FORMAT_COLUMNS, self._format)
        return calls, entries, fields, fields.find(text, lines, calls.line, entries, decode=self._decode)

    def _check_contigs(self, chunk: bytes, lines: Lines) -> None:
        """Lines whose CHROM is no contig's name become slow."""
        good = np.array([self._is_contig(chunk[a:b].decode()) for a, b in lines.runs], np.bool_)
        if not good.all():
            lines.state[(lines.state == FAST) & ~good[lines.run]] = SLOW

    def _is_contig(self, name: str) -> bool:
        if name not in self._contigs:
            self._contigs[name] = is_contig(name)
        return self._contigs[name]
