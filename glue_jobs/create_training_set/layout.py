"""A row of the lake's table `clinvar`, in the columns of the published training set."""

from collections.abc import Mapping, Sequence
from typing import Any

from genomics.contracts.annotated_variants import CLINVAR_COLUMNS

# As in ClinVar's header: what ORIGIN adds up.
_ORIGINS = {
    "germline": 1,
    "somatic": 2,
    "inherited": 4,
    "paternal": 8,
    "maternal": 16,
    "de-novo": 32,
    "biparental": 64,
    "uniparental": 128,
    "not-tested": 256,
    "tested-inconclusive": 512,
    "other": 1 << 30,
}
_KEPT_IN_MAPS = ("CLNDISDBINCL", "CLNDNINCL", "CLNSIGINCL", "CLNVI", "SSR")
_MAPS = ("info_strings", "info_integers")

LakeRow = Mapping[str, Any]
# What tells a variant: chromosome, first base (1-based), REF and ALT, trimmed.
Key = tuple[str, int, str, str]


def key_of(row: LakeRow) -> Key:
    """What tells the row's variant from others."""
    return (row["chromosome"], row["pos"], row["ref"], row["alt"])


def clinvar_columns(row: LakeRow) -> dict[str, str | None]:
    """CLINVAR_COLUMNS as text, with alleles as the release has them; what is unknown is None."""
    frequencies = {name: row[name.lower()] for name in ("AF_ESP", "AF_EXAC", "AF_TGP")}
    found: dict[str, str | None] = {
        "CHROM": row["chromosome"],
        "POS": str(row["original_pos"]),
        "REF": row["original_ref"],
        "ALT": row["original_alts"][row["alt_index"] - 1],
        **{name: None if value is None else repr(value) for name, value in frequencies.items()},
        "CLNDISDB": _joined([None if ids is None else ",".join(ids) for ids in row["disease_ids"] or ()]),
        "CLNDN": _joined(row["diseases"] or ()),
        "CLNHGVS": row["hgvs"],
        "CLNVC": row["variant_type"],
        "MC": _consequences(row),
        "ORIGIN": _origin(row["origins"]),
        **{name: _of_maps(row, name) for name in _KEPT_IN_MAPS},
    }
    return {name: found[name] for name in CLINVAR_COLUMNS}


def _joined(values: Sequence[str | None]) -> str | None:
    return "|".join(value or "." for value in values) or None


def _consequences(row: LakeRow) -> str | None:
    pairs = zip(row["consequence_terms"] or (), row["consequences"] or (), strict=True)
    return ",".join(f"{term}|{name}" for term, name in pairs) or None


def _origin(names: Sequence[str] | None) -> str | None:
    return None if names is None else str(sum(_ORIGINS.get(name, 0) for name in names))


def _of_maps(row: LakeRow, name: str) -> str | None:
    for kind in _MAPS:
        values = dict(row[kind] or ()).get(name)
        if values:
            return _joined([None if value is None else str(value) for value in values])
    return None
