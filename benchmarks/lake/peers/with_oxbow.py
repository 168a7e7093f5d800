"""oxbow: its record batches as they are; calls are chosen sample by sample from its columns of a struct each."""

import sys

import oxbow
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_PLACE = ("chrom", "pos", "ref", "alt")


def main() -> None:
    """Convert."""
    source, target, kind = sys.argv[1:4]
    vcf = oxbow.from_vcf(source, compression="bgzf", samples="*" if kind == "calls" else None)
    writer, rows = None, 0
    for batch in vcf.batches():
        table = pa.table(batch)
        if kind == "calls":
            table = calls(table, vcf.samples)
        writer = writer or pq.ParquetWriter(target, table.schema, compression="zstd")
        writer.write_table(table)
        rows += table.num_rows
    writer.close()
    print(rows)


def calls(table, samples):
    """The calls of a batch that are not homozygous reference."""
    parts = []
    for sample in samples:
        fields = table.column(sample).combine_chunks()
        alleles = fields.field("GT").field("allele")
        is_reference = pc.and_(*(pc.equal(pc.list_element(alleles, index), 0) for index in (0, 1)))
        chosen = pc.fill_null(pc.invert(is_reference), True)
        own = {name: table.column(name).filter(chosen) for name in _PLACE}
        own["sample"] = pa.repeat(sample, len(own["pos"]))
        for field in fields.type:
            own[field.name] = fields.field(field.name).filter(chosen)
        parts.append(pa.table(own))
    return pa.concat_tables(parts)


if __name__ == "__main__":
    main()
