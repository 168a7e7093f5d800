"""How often laboratories disagree on variants of a gene, or of a condition: features that use labels.

They are fitted on training rows only. For the training rows themselves they come from the other folds, divided as the
test is from the training, so that no row's feature knows its own label and all rows are treated as those of the test.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from genomics.contracts.features import Feature, Leak, Tier
from genomics.ml.context_rows import SEPARATOR
from genomics.ml.gene_context import Floats, kinds
from genomics.ml.tables import Indexes, Labels

_FOLDS = 5
# So many variants of the average group, or of the gene, are added to each group's own.
_WEIGHTS = {"gene": 20.0, "kind": 10.0, "family": 30.0, "condition": 30.0, "condition_set": 10.0}
_FAMILY_LETTERS = 3


def _encoding(name: str, source: str, meaning: str, tier: Tier = Tier.A) -> Feature:
    return Feature(
        name, f"{source}, CLASS", f"smoothed share in conflict, of training variants: {meaning}", tier, Leak.LABELS
    )


# Of no use for genes that training has not seen.
_OF_KNOWN_GENES = (
    _encoding("gene_conflict_share", "SYMBOL", "the gene's"),
    _encoding("kind_conflict_share", "SYMBOL, Consequence", "the gene's of the same worst consequence"),
)
_OF_ANY_GENE = (
    _encoding("family_conflict_share", "SYMBOL", "those of genes whose symbols begin with the same three letters"),
)
_OF_CONDITIONS = (
    _encoding("condition_conflict_share_mean", "CLNDN", "mean over its conditions", Tier.B),
    _encoding("condition_conflict_share_min", "CLNDN", "the smallest of its conditions", Tier.B),
    _encoding("condition_conflict_share_max", "CLNDN", "the largest of its conditions", Tier.B),
    _encoding("condition_set_conflict_share", "CLNDN", "those with exactly its conditions", Tier.B),
)
ENCODED_FEATURES = (*_OF_KNOWN_GENES, *_OF_ANY_GENE, *_OF_CONDITIONS)


def encoded_features(tier: Tier, *, genes_known: bool) -> tuple[Feature, ...]:
    """The encodings of a tier; `genes_known` if variants that are predicted lie in genes of the training."""
    found = (*(_OF_KNOWN_GENES if genes_known else ()), *_OF_ANY_GENE)
    return (*found, *_OF_CONDITIONS) if tier is Tier.B else found


@dataclass(frozen=True)
class LabelEncodings:
    """Shares by group, and `prior`, the share of all training rows."""

    prior: float
    shares: Mapping[str, Mapping[str, float]]

    def encode(self, rows: pd.DataFrame) -> dict[str, Floats]:
        """Values of ENCODED_FEATURES of rows as `context_rows` gives them; an unknown group has `prior`."""
        gene = self._of("gene", rows["gene"], np.full(len(rows), self.prior))
        found = {
            "gene_conflict_share": gene,
            "kind_conflict_share": self._of("kind", kinds(rows), gene),
            "family_conflict_share": self._of("family", _families(rows), np.full(len(rows), self.prior)),
            "condition_set_conflict_share": self._of(
                "condition_set", rows["conditions"], np.full(len(rows), self.prior)
            ),
        }
        known = self.shares["condition"]
        each = [[known.get(name, self.prior) for name in text.split(SEPARATOR)] for text in rows["conditions"]]
        for name, function in (("mean", np.mean), ("min", min), ("max", max)):
            found[f"condition_conflict_share_{name}"] = np.array([function(some) for some in each], np.float64)
        return found

    def _of(self, group: str, names: pd.Series, otherwise: Floats) -> Floats:
        return np.asarray(names.map(dict(self.shares[group])).astype(np.float64).fillna(pd.Series(otherwise)))


def fit_encodings(rows: pd.DataFrame, labels: Labels) -> LabelEncodings:
    """Shares from these rows, which must be training rows."""
    prior = float(labels.mean())
    flat = pd.Series(prior, index=rows.index)
    shares = {
        "gene": _shares("gene", rows["gene"], labels, flat),
        "family": _shares("family", _families(rows), labels, flat),
        "condition_set": _shares("condition_set", rows["conditions"], labels, flat),
    }
    shares["kind"] = _shares("kind", kinds(rows), labels, rows["gene"].map(shares["gene"]).astype(float).fillna(prior))
    exploded = rows["conditions"].str.split(SEPARATOR).explode()
    some = exploded.index.to_numpy()
    shares["condition"] = _shares(
        "condition", exploded.reset_index(drop=True), labels[some], pd.Series(prior, index=range(len(some)))
    )
    return LabelEncodings(prior, shares)


def encode_out_of_fold(rows: pd.DataFrame, labels: Labels, *, genes_known: bool, seed: int) -> dict[str, Floats]:
    """Each training row's values from the other folds; with `genes_known` False a gene is in one fold only."""
    found = {feature.name: np.empty(len(rows)) for feature in ENCODED_FEATURES}
    for others, some in _folds(rows, labels, genes_known, seed):
        fitted = fit_encodings(rows.iloc[others].reset_index(drop=True), labels[others])
        for name, values in fitted.encode(rows.iloc[some].reset_index(drop=True)).items():
            found[name][some] = values
    return found


def _folds(rows: pd.DataFrame, labels: Labels, genes_known: bool, seed: int) -> Iterator[tuple[Indexes, Indexes]]:
    if genes_known:
        yield from StratifiedKFold(_FOLDS, shuffle=True, random_state=seed).split(rows, labels)
    else:
        genes = rows["gene"].fillna("").to_numpy()
        yield from StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed).split(rows, labels, genes)


def _shares(group: str, names: pd.Series, labels: Labels, otherwise: pd.Series) -> dict[str, float]:
    """Share of each name, drawn towards `otherwise`, which is the same for all rows of a name."""
    frame = pd.DataFrame({"name": names, "label": labels, "otherwise": otherwise})
    found = frame.groupby("name").agg({"label": ["sum", "size"], "otherwise": "first"})
    weight = _WEIGHTS[group]
    shares = (found["label"]["sum"] + weight * found["otherwise"]["first"]) / (found["label"]["size"] + weight)
    return {str(name): float(share) for name, share in shares.items()}


def _families(rows: pd.DataFrame) -> pd.Series:
    """The letters that a gene's symbol begins with, as those of a family often do."""
    return rows["gene"].astype("string").str.extract(r"^([A-Za-z]+)", expand=False).str[:_FAMILY_LETTERS].astype(object)
