"""The orders in which a load's rows are written: by location, apart by a partition's values, and by ID."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_PLACE = ["chrom", "pos", "ref", "alt"]


def by_location(rows: pa.Table) -> pa.Table:
    """The rows with each contig's together, by position; those of one position stay in their order."""
    return rows if _is_sorted(rows) else rows.sort_by([("chrom", "ascending"), ("pos", "ascending")])


def apart(rows: pa.Table, column: str) -> Iterator[tuple[str, pa.Table]]:
    """Each value of a column, and its rows in their order."""
    if not rows.num_rows:
        return
    if column != "chrom":
        rows = _gathered(rows, column)
    runs = pc.run_end_encode(rows.column(column).combine_chunks())
    start = 0
    for value, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
        yield value, rows.slice(start, end - start)
        start = end


def by_id(variants: pa.Table) -> pa.Table:
    """Rows of `variant_ids`: of each variant one for each of its IDs, sorted by ID, else in the variants' order."""
    lists = variants.column("ids").combine_chunks()
    places = variants.select(_PLACE).take(pc.list_parent_indices(lists))
    rows = places.add_column(0, "id", pc.list_flatten(lists))
    return sorted_by_id(rows.filter(pc.is_valid(rows.column("id"))))


def sorted_by_id(rows: pa.Table) -> pa.Table:
    """The rows by ID; those of one ID stay in their order."""
    return rows.take(pc.sort_indices(rows, [("id", "ascending")]))


def _is_sorted(rows: pa.Table) -> bool:
    """Whether each contig's rows are together, in the order of their positions."""
    contigs = pc.run_end_encode(rows.column("chrom").combine_chunks())
    if len(contigs.values.unique()) < len(contigs.values):
        return False
    falls = np.flatnonzero(np.diff(rows.column("pos").to_numpy()) < 0) + 1
    return bool(np.isin(falls, contigs.run_ends.to_numpy()).all())


def _gathered(rows: pa.Table, column: str) -> pa.Table:
    """The rows of each value together, otherwise in their order."""
    values = rows.column(column).combine_chunks().dictionary_encode()
    if len(values.dictionary) == 1:
        return rows
    rank = pc.sort_indices(values.dictionary).to_numpy().argsort()
    return rows.take(pa.array(np.argsort(rank[values.indices.to_numpy()], kind="stable")))
