"""ClinVar's fields as columns of their own, from the rows that a VCF gives.

A field whose value is not as ClinVar writes it stays in its map, as one does that has no column.
https://ftp.ncbi.nlm.nih.gov/pub/clinvar/README.txt, section vcf_GRCh38, and the VCF's own header.
"""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from genomics.contracts.annotation_tables import CLINVAR, chromosome
from glue_jobs.vcf.errors import VcfError
from glue_jobs.vcf.header import Header
from glue_jobs.vcf.schemas import file_schema

# One of them stands in the header of every release since 2017.
_MARKS = ("CLNSIG", "ALLELEID")
_MAPS = ("info_integers", "info_floats", "info_strings")
_CONFLICTING = ("conflicting_interpretations", "conflicting_classifications")
_ORIGINS = {
    1: "germline",
    2: "somatic",
    4: "inherited",
    8: "paternal",
    16: "maternal",
    32: "de-novo",
    64: "biparental",
    128: "uniparental",
    256: "not-tested",
    512: "tested-inconclusive",
    1 << 30: "other",
}
# `,` stands between two in old releases, and in `Pathogenic,_low_penetrance` within one.
_BETWEEN_SIGNIFICANCES = re.compile(r"\||,_?(?!_?low_penetrance)")
# `%2C` and `%3B` stood between them in the oldest.
_BETWEEN_CONFLICTS = re.compile(r"\||%2C|%3B|,_?(?!_?low_penetrance)")
_CONFLICT = re.compile(r"(.+?)_?\((\d+)\)")

# Stands in no VCF: it joins the values of a field while they are compared.
_SEPARATOR = "\x1f"
_SCHEMA = file_schema(CLINVAR)

_Values = list[Any]
_Parse = Callable[[_Values], tuple[Any, ...]]


def check_header(header: Header) -> None:
    """VcfError unless it is the header of a VCF of ClinVar's."""
    if not any(mark in header.info for mark in _MARKS):
        raise VcfError(f"is not ClinVar's VCF: its header declares neither {' nor '.join(_MARKS)}")


def clinvar_rows(variants: pa.RecordBatch) -> pa.Table:
    """Rows of the table clinvar, without provenance, from rows of variants."""
    columns = {name: variants.column(name) for name in variants.schema.names}
    columns["chromosome"] = _of_each(columns["chrom"], chromosome, pa.string())
    columns["variation_id"] = pa.array([_variation(ids) for ids in columns["ids"].to_pylist()], pa.int64())
    for kind in _MAPS:
        fields = _Fields(columns[kind])
        for key, (home, names, parse) in _FIELDS.items():
            if home == kind:
                types = [_SCHEMA.field(name).type for name in names]
                columns.update(zip(names, fields.take(key, parse, types), strict=True))
        columns[kind] = fields.rest()
    said = zip(columns["clinical_significances"].to_pylist(), columns["review_status"].to_pylist(), strict=True)
    columns["is_conflicting"] = pa.array([_is_conflicting(*each) for each in said], pa.bool_())
    return pa.table({name: columns[name] for name in _SCHEMA.names if name in columns})


class _Fields:
    """A column of maps, from which fields are taken."""

    def __init__(self, maps: pa.MapArray) -> None:
        self._type, self._rows = maps.type, len(maps)
        offsets = maps.offsets.to_numpy()
        self._offsets = offsets - offsets[0]
        self._keys = maps.keys[offsets[0] : offsets[-1]]
        self._items = maps.items[offsets[0] : offsets[-1]]
        encoded = self._keys.dictionary_encode()
        self._codes = encoded.indices.to_numpy()
        self._names = encoded.dictionary.to_pylist()
        self._kept = np.ones(len(self._keys), dtype=bool)

    def take(self, key: str, parse: _Parse, types: list[pa.DataType]) -> list[pa.Array]:
        """The columns of a field, null where it is absent, and where its value stays in the map as it is odd."""
        if key not in self._names:
            return [pa.nulls(self._rows, kind) for kind in types]
        places = np.flatnonzero(self._codes == self._names.index(key))
        which, values = _distinct(self._items.take(pa.array(places)))
        parsed: list[tuple[Any, ...] | None] = [_parsed(value, parse, len(types)) for value in values]
        odd = np.array([each is None for each in parsed])
        self._kept[places[~odd[which]]] = False
        rows = np.full(self._rows, -1)
        rows[np.searchsorted(self._offsets, places, side="right") - 1] = which
        indices = pa.array(rows, mask=rows < 0)
        return [
            pa.array([each[number] if each else None for each in parsed], kind).take(indices)
            for number, kind in enumerate(types)
        ]

    def rest(self) -> pa.MapArray:
        """The maps without what was taken; null where nothing is left."""
        offsets = np.concatenate(([0], np.cumsum(self._kept)))[self._offsets]
        is_empty = np.append(offsets[1:] == offsets[:-1], False)
        kept = pa.array(self._kept)
        places = pa.array(offsets, pa.int32(), mask=is_empty)
        return pa.MapArray.from_arrays(places, self._keys.filter(kept), self._items.filter(kept)).cast(self._type)


def _distinct(values: pa.ListArray) -> tuple[Any, list[_Values | None]]:
    """Which of the distinct values each one is, and these."""
    if not pa.types.is_string(values.type.value_type):
        return np.arange(len(values)), values.to_pylist()
    texts = pa.ListArray.from_arrays(values.offsets, pc.fill_null(values.values, "."), mask=values.is_null())
    encoded = pc.binary_join(texts, _SEPARATOR).dictionary_encode(null_encoding="encode")
    joined = encoded.dictionary.to_pylist()
    return encoded.indices.to_numpy(), [None if text is None else text.split(_SEPARATOR) for text in joined]


def _parsed(values: _Values | None, parse: _Parse, columns: int) -> tuple[Any, ...] | None:
    if values is None:
        return (None,) * columns
    try:
        return parse(values)
    except ValueError:
        return None


def _of_each(texts: pa.StringArray, function: Callable[[str], str], kind: pa.DataType) -> pa.Array:
    encoded = texts.dictionary_encode()
    return pa.array([function(text) for text in encoded.dictionary.to_pylist()], kind).take(encoded.indices)


def _is_conflicting(significances: _Values | None, review_status: str | None) -> bool | None:
    said = [text.lower() for text in (*(significances or ()), review_status) if text]
    return any(mark in text for text in said for mark in _CONFLICTING) if said else None


def _variation(ids: list[str] | None) -> int | None:
    return int(ids[0]) if ids and len(ids) == 1 and ids[0].isascii() and ids[0].isdigit() else None


def _one(values: _Values) -> tuple[Any]:
    (value,) = values
    return (value,)


def _texts(values: _Values) -> tuple[list[str | None]]:
    return ([None if part in ("", ".") else part for value in values for part in value.split("|")],)


def _joined(values: _Values) -> tuple[str]:
    return ("|".join(values),)


def _rsids(values: _Values) -> tuple[list[str]]:
    return ([f"rs{int(part)}" for value in values for part in value.split("|")],)


def _genes(values: _Values) -> tuple[list[str], list[int]]:
    pairs = [part.rpartition(":") for value in values for part in value.split("|")]
    if not all(symbol for symbol, _, _ in pairs):
        raise ValueError("a gene without symbol or identifier")
    return [symbol for symbol, _, _ in pairs], [int(identifier) for _, _, identifier in pairs]


def _significances(values: _Values) -> tuple[list[str]]:
    return ([part for value in values for part in _BETWEEN_SIGNIFICANCES.split(value) if part],)


def _conflicts(values: _Values) -> tuple[list[tuple[str, int]]]:
    found: dict[str, int] = {}
    for part in (part for value in values for part in _BETWEEN_CONFLICTS.split(value)):
        match = _CONFLICT.fullmatch(part)
        if not match or match[1] in found:
            raise ValueError("a significance without its number of submissions")
        found[match[1]] = int(match[2])
    return (list(found.items()),)


def _disease_ids(values: _Values) -> tuple[list[list[str] | None]]:
    (diseases,) = _texts(values)
    return ([text.split(",") if text else None for text in diseases],)


def _consequences(values: _Values) -> tuple[list[str], list[str]]:
    # A header that gives the field one value leaves it undivided.
    pairs = [part.split("|") for value in values for part in value.split(",")]
    return [term for term, _ in pairs], [name for _, name in pairs]


def _origins(values: _Values) -> tuple[list[str]]:
    total = 0
    for value in values:
        total |= int(value)
    if total & ~sum(_ORIGINS):
        raise ValueError("an origin that ClinVar does not describe")
    return ([name for bit, name in _ORIGINS.items() if total & bit] or ["unknown"],)


# Each field's map, its columns, and how its values (`.` for a missing one) become theirs; ValueError where they cannot.
_FIELDS: dict[str, tuple[str, tuple[str, ...], _Parse]] = {
    "ALLELEID": ("info_integers", ("allele_id",), _one),
    "RS": ("info_strings", ("rsids",), _rsids),
    "GENEINFO": ("info_strings", ("gene_symbols", "gene_ids"), _genes),
    "CLNSIG": ("info_strings", ("clinical_significances",), _significances),
    "CLNREVSTAT": ("info_strings", ("review_status",), _joined),
    "CLNSIGCONF": ("info_strings", ("conflicting_significances",), _conflicts),
    "CLNDN": ("info_strings", ("diseases",), _texts),
    "CLNDISDB": ("info_strings", ("disease_ids",), _disease_ids),
    "CLNHGVS": ("info_strings", ("hgvs",), _one),
    "CLNVC": ("info_strings", ("variant_type",), _one),
    "CLNVCSO": ("info_strings", ("variant_type_term",), _one),
    "MC": ("info_strings", ("consequence_terms", "consequences"), _consequences),
    "ORIGIN": ("info_strings", ("origins",), _origins),
    "AF_ESP": ("info_floats", ("af_esp",), _one),
    "AF_EXAC": ("info_floats", ("af_exac",), _one),
    "AF_TGP": ("info_floats", ("af_tgp",), _one),
}
