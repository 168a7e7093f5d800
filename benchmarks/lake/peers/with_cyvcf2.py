"""cyvcf2: a loop over records; calls are chosen by numpy and become Arrow arrays without a loop over samples."""

import sys

import cyvcf2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

_BATCH = 5_000
_TYPES = {"Integer": pa.int32(), "Float": pa.float32(), "String": pa.string(), "Flag": pa.bool_()}
_MISSING, _ABSENT = -2147483648, -2147483647
_COLUMNS = {
    "chrom": pa.string(),
    "pos": pa.int32(),
    "id": pa.string(),
    "ref": pa.string(),
    "alt": pa.list_(pa.string()),
    "qual": pa.float32(),
    "filter": pa.string(),
}


def main() -> None:
    """Convert."""
    source, target, kind = sys.argv[1:4]
    vcf = cyvcf2.VCF(source)
    writer, rows = None, 0
    for table in sites(vcf) if kind == "sites" else calls(vcf):
        writer = writer or pq.ParquetWriter(target, table.schema, compression="zstd")
        writer.write_table(table)
        rows += table.num_rows
    writer.close()
    print(rows)


def sites(vcf):
    """Tables of records."""
    fields = {}
    for header in vcf.header_iter():
        if header["HeaderType"] == "INFO":
            kind = _TYPES[header["Type"]]
            fields[header["ID"]] = kind if header["Number"] in ("0", "1") else pa.list_(kind)
    schema = pa.schema({**_COLUMNS, **fields})
    batch = []
    for record in vcf:
        info = dict(record.INFO)
        row = [record.CHROM, record.POS, record.ID, record.REF, record.ALT, record.QUAL, record.FILTER]
        for name, kind in fields.items():
            value = info.get(name)
            if value is not None and pa.types.is_list(kind):
                value = value.split(",") if isinstance(value, str) else _listed(value)
            row.append(value)
        batch.append(row)
        if len(batch) == _BATCH:
            yield _table(batch, schema)
            batch = []
    if batch:
        yield _table(batch, schema)


def _listed(value):
    values = value if isinstance(value, tuple) else (value,)
    return [None if element is None or element != element else element for element in values]  # noqa: PLR0124 (NaN)


def _table(batch, schema):
    columns = zip(*batch, strict=True)
    arrays = [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def calls(vcf):
    """Tables of calls."""
    samples = pa.array(vcf.samples)
    size = max(1, 250_000 // len(vcf.samples))
    batch = []
    for record in vcf:
        genotypes = record.genotype.array()
        chosen = np.flatnonzero((genotypes[:, :2] != 0).any(axis=1))
        fields = [record.format(name)[chosen] for name in ("AD", "DP", "GQ", "PL")]
        place = (record.CHROM, record.POS, record.REF, record.ALT)
        batch.append((place, chosen.astype(np.int32), genotypes[chosen], fields))
        if len(batch) == size:
            yield _calls_table(batch, samples)
            batch = []
    if batch:
        yield _calls_table(batch, samples)


def _calls_table(batch, samples):
    counts = np.array([len(chosen) for _, chosen, _, _ in batch])
    of_record = np.repeat(np.arange(len(batch), dtype=np.int32), counts)
    places = list(zip(*(place for place, _, _, _ in batch), strict=True))
    genotypes = np.concatenate([genotypes for _, _, genotypes, _ in batch])
    first, second = (pa.array(genotypes[:, i].astype(np.int8), mask=genotypes[:, i] < 0) for i in (0, 1))
    chosen = np.concatenate([chosen for _, chosen, _, _ in batch])
    fields = list(zip(*(fields for _, _, _, fields in batch), strict=True))
    depths, likelihoods = ([_lists(array) for array in fields[i]] for i in (0, 3))
    return pa.table(
        {
            "chrom": _repeated(of_record, places[0]),
            "pos": pa.array(np.repeat(np.array(places[1], dtype=np.int32), counts)),
            "ref": _repeated(of_record, places[2]),
            "alts": _repeated(of_record, ["|".join(alternates) for alternates in places[3]]),
            "sample": pa.DictionaryArray.from_arrays(pa.array(chosen), samples),
            "allele_1": first,
            "allele_2": second,
            "phased": pa.array(genotypes[:, 2].astype(bool)),
            "AD": pa.concat_arrays(depths),
            "DP": _numbers(fields[1]),
            "GQ": _numbers(fields[2]),
            "PL": pa.concat_arrays(likelihoods),
        }
    )


def _repeated(index, values):
    return pa.DictionaryArray.from_arrays(pa.array(index), pa.array(values))


def _numbers(arrays):
    values = np.concatenate(arrays).reshape(-1)
    return pa.array(values, mask=(values == _MISSING) | (values == _ABSENT))


def _lists(values):
    """A list for each row of a matrix, without what is absent; null where all is missing."""
    present, missing = values != _ABSENT, values == _MISSING
    null = (missing | ~present).all(axis=1)
    present &= ~null[:, None]
    offsets = np.zeros(len(values) + 1, dtype=np.int32)
    np.cumsum(present.sum(axis=1), out=offsets[1:])
    elements = pa.array(values[present], mask=missing[present])
    return pa.ListArray.from_arrays(pa.array(offsets, mask=np.append(null, False)), elements)


if __name__ == "__main__":
    main()
