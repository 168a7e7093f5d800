"""How often laboratories disagree on a gene's variants: a feature fitted on training rows, and out of fold there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold

from genomics.contracts.features import Feature, Leak, Tier
from genomics.ml.gene_context import Floats
from genomics.ml.tables import Labels

GENE_ENCODING = Feature(
    "gene_conflict_share", "SYMBOL, CLASS", "smoothed share of the gene's training variants in conflict",
    Tier.A, Leak.LABELS,
)  # fmt: skip

# So many variants of the average gene are added to each gene's own.
_PRIOR_WEIGHT = 20.0
_FOLDS = 5


@dataclass(frozen=True)
class GeneEncoding:
    """Shares by gene, of training rows only; other genes get `prior`, the share of all training rows."""

    shares: Mapping[str, float]
    prior: float

    def encode(self, genes: Sequence[object]) -> Floats:
        """The share of each gene."""
        return np.array([self.shares.get(str(gene), self.prior) for gene in genes], np.float64)


def fit_gene_encoding(genes: Sequence[object], labels: Labels) -> GeneEncoding:
    """Shares from these rows, which must be training rows."""
    prior = float(labels.mean())
    grouped = (
        pd.DataFrame({"gene": list(map(str, genes)), "label": labels}).groupby("gene")["label"].agg(["sum", "size"])
    )
    shares = (grouped["sum"] + _PRIOR_WEIGHT * prior) / (grouped["size"] + _PRIOR_WEIGHT)
    return GeneEncoding({str(gene): float(share) for gene, share in shares.items()}, prior)


def encode_out_of_fold(genes: Sequence[object], labels: Labels, *, seed: int) -> Floats:
    """Each training row's share from the other folds, so that no row's feature knows its own label."""
    names, found = np.array(list(map(str, genes)), object), np.empty(len(labels))
    divided = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    for others, some in divided.split(names, labels):
        found[some] = fit_gene_encoding(names[others].tolist(), labels[others]).encode(names[some].tolist())
    return found
