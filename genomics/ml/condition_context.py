"""Context of tier B: how usual a variant's conditions are, in the reference and in its gene, and which they are.

As in `gene_context`, a variant counts itself once. No label is read.
"""

import collections
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

from genomics.contracts.features import Feature, Leak, Tier
from genomics.contracts.submission_features import UNNAMED
from genomics.ml.context_rows import SEPARATOR
from genomics.ml.gene_context import Floats, Groups

# What so large a share of a gene's other variants have is usual there, in genes with at least so many variants.
_USUAL = 0.3
_LEAST = 5
_UNUSUAL = 0.05
# Words that get a column each.
_CONDITIONS = 150
_REFERRERS = 25

_OF_GENE = {
    "condition_count": "conditions",
    "reference_count": "references",
    "not_specified": "share not specified",
    "not_provided": "share not provided",
    "illumina": "references of Illumina's laboratory",
}
_USE = {
    "mean": "mean over its conditions of log(variants that have it)",
    "min": "smallest over its conditions of log(variants that have it)",
    "max": "largest over its conditions of log(variants that have it)",
    "gene_mean": "mean over its conditions of the share of the gene's other variants that have it",
    "gene_min": "smallest such share",
    "gene_max": "largest such share",
    "usual": "conditions that are usual in the gene",
    "usual_absent": "conditions usual in the gene that it lacks",
    "unusual": "its conditions that are rare in the gene",
}


class ConditionContext:
    """Features of conditions and references, from a reference table of `context_rows`.

    `genes` False leaves out what the reference says of a variant's own gene: for genes that it does not know.
    """

    def __init__(self, reference: pd.DataFrame, *, genes: bool = True) -> None:
        self._reference = reference.drop_duplicates("key", ignore_index=True)
        self._of_genes = self._reference if genes else self._reference.iloc[:0]
        self._index = pd.Index(self._reference["key"])
        names = [_words(text) for text in self._reference["conditions"]]
        self._counts = collections.Counter(name for some in names for name in some)
        self._by_gene: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
        if genes:
            for gene, some in zip(self._reference["gene"], names, strict=True):
                if gene is not None:
                    self._by_gene[gene].update(some)
        self._sizes = self._of_genes["gene"].value_counts().to_dict()
        self.words = _most_common(self._counts, _CONDITIONS)
        referrers = collections.Counter(name for text in self._reference["referrers"] for name in _words(text))
        self.referrers = _most_common(referrers, _REFERRERS)

    @property
    def word_features(self) -> tuple[Feature, ...]:
        """A feature for each of the most common conditions and referrers of the reference."""
        return tuple(
            Feature(f"{kind} {word}", source, f"has {word}", Tier.B, Leak.SUBMISSIONS)
            for kind, source, words in (("condition", "CLNDN", self.words), ("referrer", "CLNVI", self.referrers))
            for word in words
        )

    def features(self, rows: pd.DataFrame) -> dict[str, Floats]:
        """Values of CONDITION_CONTEXT_FEATURES and `word_features` of each row."""
        own = self._index.get_indexer(rows["key"]) >= 0
        return {**self._use(rows, own), **self._of_gene(rows, own), **self._words(rows)}

    def _use(self, rows: pd.DataFrame, own: npt.NDArray[np.bool_]) -> dict[str, Floats]:
        usual = {gene: self._usual(gene) for gene in self._by_gene}
        empty: collections.Counter[str] = collections.Counter()
        found = []
        for gene, text, is_own in zip(rows["gene"], rows["conditions"], own, strict=True):
            names = [name for name in _words(text) if name not in UNNAMED]
            logs = [np.log(self._counts[name] + (not is_own)) for name in names]
            in_gene, others = self._by_gene.get(gene, empty), self._sizes.get(gene, 0) - is_own
            counted = is_own and gene in self._by_gene
            shares = [(in_gene[name] - counted) / others for name in names] if others > 0 else []
            expected = usual.get(gene, ()) if others + 1 >= _LEAST else ()
            kept = [n for n in expected if in_gene[n] - (counted and n in names) >= _USUAL * others]
            has = sum(name in names for name in kept)
            rare = sum(share < _UNUSUAL for share in shares)
            found.append((*_spread(logs), *_spread(shares), has, len(kept) - has, rare))
        columns = np.array(found, np.float64).reshape(-1, len(_USE)).T
        return {f"conditions_{name}": values for name, values in zip(_USE, columns, strict=True)}

    def _usual(self, gene: str) -> tuple[str, ...]:
        """Conditions that may be usual in a gene, whichever variant asks."""
        least = _USUAL * (self._sizes[gene] - 1)
        return tuple(name for name, count in self._by_gene[gene].items() if count >= least and name not in UNNAMED)

    def _of_gene(self, rows: pd.DataFrame, own: npt.NDArray[np.bool_]) -> dict[str, Floats]:
        reference = self._of_genes
        own_here = own if len(reference) else np.zeros(len(rows), bool)
        gene = Groups(reference["gene"], rows["gene"], own_here)
        found = {}
        for column in _OF_GENE:
            mine = rows[column].to_numpy(np.float64)
            found[f"gene_{column}"] = gene.means(reference[column].to_numpy(np.float64), mine)
        for column in ("condition_count", "reference_count"):
            found[f"{column}_over_gene"] = rows[column].to_numpy(np.float64) - found[f"gene_{column}"]
        sets = Groups(self._reference["conditions"], rows["conditions"], own)
        found["condition_set_variants_log"] = np.log(sets.counts())
        pair = Groups(_gene_and_set(reference), _gene_and_set(rows), own_here)
        enough = np.where(gene.counts() >= _LEAST, gene.counts(), np.nan)
        found["condition_set_share_of_gene"] = pair.counts() / enough
        return found

    def _words(self, rows: pd.DataFrame) -> dict[str, Floats]:
        found = {}
        for kind, column, words in (
            ("condition", "conditions", self.words),
            ("referrer", "referrers", self.referrers),
        ):
            places = {word: place for place, word in enumerate(words)}
            has = np.zeros((len(words), len(rows)))
            for row, text in enumerate(rows[column]):
                for word in _words(text):
                    if word in places:
                        has[places[word], row] = 1
            found.update({f"{kind} {word}": has[place] for word, place in places.items()})
        return found


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text.split(SEPARATOR))) if text else ()


def _most_common(counts: "collections.Counter[str]", number: int) -> tuple[str, ...]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(word for word, _ in ordered[:number])


def _spread(values: Iterable[float]) -> tuple[float, float, float]:
    some = list(values)
    return (sum(some) / len(some), min(some), max(some)) if some else (np.nan, np.nan, np.nan)


def _gene_and_set(rows: pd.DataFrame) -> pd.Series:
    return (rows["gene"].astype(str) + SEPARATOR * 2 + rows["conditions"].astype(str)).where(rows["gene"].notna(), None)


def _feature(name: str, source: str, meaning: str) -> Feature:
    return Feature(name, source, meaning, Tier.B, Leak.SUBMISSIONS)


CONDITION_CONTEXT_FEATURES: tuple[Feature, ...] = (
    *(_feature(f"conditions_{name}", "CLNDN, SYMBOL", meaning) for name, meaning in _USE.items()),
    *(
        _feature(f"gene_{name}", "CLNDN, CLNVI, SYMBOL", f"mean over the gene: {what}")
        for name, what in _OF_GENE.items()
    ),
    _feature("condition_count_over_gene", "CLNDN, SYMBOL", "conditions beyond the gene's mean"),
    _feature("reference_count_over_gene", "CLNVI, SYMBOL", "references beyond the gene's mean"),
    _feature("condition_set_variants_log", "CLNDN", "variants with exactly these conditions, log"),
    _feature("condition_set_share_of_gene", "CLNDN, SYMBOL", "share of the gene's variants with exactly these"),
)
