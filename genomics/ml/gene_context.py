"""Context of tier A: how a variant stands among the other variants of its gene and its neighbourhood, without labels.

The others are those of a reference table. A variant counts itself once, whether it stands in the reference or not, so
that the rows that a model learns from and those that it predicts are treated alike, one by one or many at a time.
"""

from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from genomics.contracts.features import Feature, Leak, Tier

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# Fewer variants of a gene say nothing of it.
_LEAST = 5
_WINDOWS = (0, 3, 10, 30, 100, 1000, 20000)
_SIDES = (5, 25)
_FARTHEST = 1e6

_MEANS = {
    "cadd": "CADD",
    "frequency": "largest frequency, log10",
    "is_missense": "share of missense",
    "is_synonymous": "share of synonymous",
    "is_lof": "share of high impact",
    "is_modifier": "share of impact modifier",
    "is_splice": "share at splice sites",
    "is_unseen": "share of unknown frequency",
    "is_length_change": "share of insertions and deletions",
    "is_frequent": "share with a frequency above 0.001",
}
_LANDMARKS = {
    "any": "position with a variant",
    "splice": "variant at a splice site",
    "coding": "coding variant",
    "lof": "variant of high impact",
    "missense": "missense variant",
}


class Groups:
    """The reference's rows by a name (gene, transcript, codon), and the groups of the rows that ask.

    A name that the reference lacks is a group without rows. `own` says which rows stand in the reference themselves.
    """

    def __init__(self, reference: pd.Series, names: pd.Series, own: npt.NDArray[np.bool_]) -> None:
        codes, known = pd.factorize(reference)
        self.codes: Integers = codes.astype(np.int64)
        self.size = len(known) + 1
        # What has no name, and what the reference lacks, is the last group, which is empty.
        places = pd.Index(known).get_indexer(names)
        self.asked: Integers = np.where(places < 0, self.size - 1, places).astype(np.int64)
        self.named = names.notna().to_numpy()
        self._extra = (~own).astype(np.float64)

    def counts(self) -> Floats:
        """Rows of the group, with the row that asks."""
        inside = self.codes[self.codes >= 0]
        return np.bincount(inside, minlength=self.size)[self.asked].astype(np.float64) + self._extra

    def sums(self, reference: Floats, values: Floats) -> tuple[Floats, Floats]:
        """Sum and number of the values that are known, with the row's own."""
        known = ~np.isnan(reference) & (self.codes >= 0)
        codes = self.codes[known]
        total = np.bincount(codes, weights=reference[known], minlength=self.size)[self.asked]
        count = np.bincount(codes, minlength=self.size)[self.asked]
        extra = self._extra * ~np.isnan(values)
        return total + extra * np.nan_to_num(values), count + extra

    def means(self, reference: Floats, values: Floats) -> Floats:
        """Mean of the known values, NaN where there are too few rows."""
        total, count = self.sums(reference, values)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where((self.counts() >= _LEAST) & (count > 0), total / count, np.nan)

    def deviations(self, reference: Floats, values: Floats) -> Floats:
        """Standard deviation of the known values, likewise."""
        total, count = self.sums(reference, values)
        squares, _ = self.sums(reference**2, values**2)
        with np.errstate(divide="ignore", invalid="ignore"):
            variance = (squares - total**2 / count) / (count - 1)
        return np.where((self.counts() >= _LEAST) & (count > 1), np.sqrt(np.maximum(variance, 0)), np.nan)

    def largest(self, reference: Floats, values: Floats) -> Floats:
        """Largest known value, the row's own among them."""
        known = ~np.isnan(reference) & (self.codes >= 0)
        most = np.full(self.size, -np.inf)
        np.maximum.at(most, self.codes[known], reference[known])
        found = np.fmax(most[self.asked], values)
        return np.where(np.isinf(found), np.nan, found)

    def ranks(self, reference: Floats, values: Floats) -> Floats:
        """Share of the group's known values that are not above the row's own; of equal ones the mean."""
        known = ~np.isnan(reference) & (self.codes >= 0)
        distinct = np.unique(reference[known])
        width = len(distinct) + 1
        ordered = np.sort(self.codes[known] * width + np.searchsorted(distinct, reference[known]))
        start = np.searchsorted(ordered, self.asked * width)
        filled = np.nan_to_num(values)
        less = np.searchsorted(ordered, self.asked * width + np.searchsorted(distinct, filled)) - start
        most = np.searchsorted(ordered, self.asked * width + np.searchsorted(distinct, filled, "right")) - start
        total = np.searchsorted(ordered, (self.asked + 1) * width) - start + self._extra
        with np.errstate(divide="ignore", invalid="ignore"):
            rank = (less + most + self._extra + 1) / 2 / total
        return np.where(np.isnan(values) | ~self.named, np.nan, rank)


class GeneContext:
    """Features of the gene and the neighbourhood, from a reference table of `context_rows`; it may have no row."""

    def __init__(self, reference: pd.DataFrame) -> None:
        self._reference = reference.drop_duplicates("key", ignore_index=True)
        self._index = pd.Index(self._reference["key"])

    def features(self, rows: pd.DataFrame) -> dict[str, Floats]:
        """Values of GENE_CONTEXT_FEATURES of each row; NaN where the reference says too little."""
        own = self._index.get_indexer(rows["key"])
        return {**self._of_gene(rows, own >= 0), **self._of_transcript(rows, own >= 0), **self._of_place(rows, own)}

    @cached_property
    def _levels(self) -> dict[str, Floats]:
        return _levels(self._reference)

    def _of_gene(self, rows: pd.DataFrame, own: npt.NDArray[np.bool_]) -> dict[str, Floats]:
        reference, mine = self._levels, _levels(rows)
        gene = Groups(self._reference["gene"], rows["gene"], own)
        count = gene.counts()
        found: dict[str, Floats] = {"gene_variants_log": _log_of_named(gene)}
        for column in _MEANS:
            found[f"gene_{column}"] = gene.means(reference[column], mine[column])
        first = -gene.largest(-reference["place"], -mine["place"])
        longest = gene.largest(reference["residue"], mine["residue"])
        found["gene_span_log"] = np.log1p(gene.largest(reference["place"], mine["place"]) - first)
        found["gene_residues"] = longest
        found["gene_variants_per_residue_log"] = np.log((count + 1) / (longest + 50))
        for column in ("cadd", "frequency"):
            found[f"gene_{column}_sd"] = gene.deviations(reference[column], mine[column])
            found[f"{column}_rank_in_gene"] = gene.ranks(reference[column], mine[column])
            found[f"{column}_over_gene"] = mine[column] - gene.means(reference[column], mine[column])
        found["gene_frequency_synonymous"] = gene.means(
            _where(reference["frequency"], reference["is_synonymous"]), _where(mine["frequency"], mine["is_synonymous"])
        )
        found["gene_cadd_missense"] = gene.means(
            _where(reference["cadd"], reference["is_missense"]), _where(mine["cadd"], mine["is_missense"])
        )
        kind = Groups(kinds(self._reference), kinds(rows), own)
        found["frequency_rank_in_kind"] = kind.ranks(reference["frequency"], mine["frequency"])
        found["cadd_rank_in_kind"] = kind.ranks(reference["cadd"], mine["cadd"])
        found["kind_variants_log"] = _log_of_named(kind)
        return found

    def _of_transcript(self, rows: pd.DataFrame, own: npt.NDArray[np.bool_]) -> dict[str, Floats]:
        transcript = Groups(self._reference["transcript"], rows["transcript"], own)
        residue = rows["residue"].to_numpy()
        length = transcript.largest(self._levels["residue"], residue)
        codon = Groups(_codons(self._reference), _codons(rows), own)
        return {
            "transcript_residues": np.where(transcript.named, length, np.nan),
            "residue_share": residue / length,
            "codon_variants": np.where(codon.named, codon.counts(), np.nan),
        }

    def _of_place(self, rows: pd.DataFrame, own: Integers) -> dict[str, Floats]:
        places, asked = self._reference["place"].to_numpy(np.int64), rows["place"].to_numpy(np.int64)
        order = np.argsort(places, kind="stable")
        ordered, found = places[order], {}
        for width in _WINDOWS:
            within = np.searchsorted(ordered, asked + width, "right") - np.searchsorted(ordered, asked - width)
            found[f"variants_within_{width}_log"] = np.log1p(within - (own >= 0))
        masks = _landmarks(self._reference)
        for name in _LANDMARKS:
            found[f"nearest_{name}_log"] = _nearest(np.unique(places[masks[name]]), asked)
        # Where a row stands among the ordered ones, or would stand.
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        at = np.where(own >= 0, rank[own] if len(rank) else 0, np.searchsorted(ordered, asked))
        for side in _SIDES:
            for column in ("frequency", "cadd"):
                values = self._levels[column][order]
                found[f"neighbours_{column}_{side}"] = _mean_beside(values, at, own >= 0, side)
        return found


def _log_of_named(groups: Groups) -> Floats:
    return np.log(np.where(groups.named, groups.counts(), np.nan))


def _levels(rows: pd.DataFrame) -> dict[str, Floats]:
    names = ("cadd", "frequency", "residue", "place", "is_missense", "is_synonymous", "is_splice", "is_unseen")
    found = {name: rows[name].to_numpy(np.float64) for name in (*names, "is_length_change")}
    impact = rows["impact"].to_numpy(np.float64)
    return {
        **found,
        "is_lof": (impact == 3).astype(np.float64),
        "is_modifier": (impact == 0).astype(np.float64),
        "is_frequent": (found["frequency"] > -3).astype(np.float64),
    }


def _landmarks(rows: pd.DataFrame) -> dict[str, npt.NDArray[np.bool_]]:
    return {
        "any": np.ones(len(rows), bool),
        "splice": rows["is_splice"].to_numpy(bool),
        "coding": rows["is_coding"].to_numpy(bool),
        "lof": (rows["impact"] == 3).to_numpy(bool),
        "missense": rows["is_missense"].to_numpy(bool),
    }


def _where(values: Floats, mask: Floats) -> Floats:
    return np.where(mask > 0, values, np.nan)


def kinds(rows: pd.DataFrame) -> pd.Series:
    """Gene and worst consequence of each row, as one name; None where one of them is unknown."""
    named = rows["gene"].notna() & rows["severity"].notna()
    return (rows["gene"].astype(str) + " " + rows["severity"].astype(str)).where(named, None)


def _codons(rows: pd.DataFrame) -> pd.Series:
    named = rows["transcript"].notna() & rows["residue"].notna()
    return (rows["transcript"].astype(str) + " " + rows["residue"].astype(str)).where(named, None)


def _nearest(places: Integers, asked: Integers) -> Floats:
    """log(1 + bases) to the nearest other of these places, 1 Mb at most."""
    if not len(places):
        return np.full(len(asked), np.nan)
    at, best = np.searchsorted(places, asked), np.full(len(asked), _FARTHEST)
    for shift in (-1, 0, 1):
        beside = np.clip(at + shift, 0, len(places) - 1)
        bases = np.abs(places[beside] - asked).astype(np.float64)
        best = np.minimum(best, np.where(bases == 0, _FARTHEST, bases))
    return np.asarray(np.log1p(best), np.float64)


def _mean_beside(values: Floats, at: Integers, own: npt.NDArray[np.bool_], side: int) -> Floats:
    """Mean of the known values of as many rows on either side, without the row's own; NaN where there is none."""
    known = ~np.isnan(values)
    totals = np.concatenate(([0.0], np.cumsum(np.where(known, values, 0.0))))
    counts = np.concatenate(([0.0], np.cumsum(known)))
    low, high = np.maximum(at - side, 0), np.minimum(at + side + own, len(values))
    here = np.where(own, at, 0)
    mine = own & known[here] if len(values) else own
    total = totals[high] - totals[low] - np.where(mine, np.nan_to_num(values)[here] if len(values) else 0.0, 0.0)
    count = counts[high] - counts[low] - mine
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(count > 0, total / count, np.nan)


def _feature(name: str, source: str, meaning: str) -> Feature:
    return Feature(name, source, meaning, Tier.A, Leak.CONTEXT)


GENE_CONTEXT_FEATURES: tuple[Feature, ...] = (
    _feature("gene_variants_log", "SYMBOL", "variants of the gene, log"),
    *(_feature(f"gene_{name}", "SYMBOL", f"mean over the gene: {meaning}") for name, meaning in _MEANS.items()),
    _feature("gene_span_log", "SYMBOL, POS", "bases from the gene's first variant to its last, log"),
    _feature("gene_residues", "SYMBOL, Protein_position", "the farthest residue with a variant"),
    _feature("gene_variants_per_residue_log", "SYMBOL, Protein_position", "variants by residues, log"),
    *(
        _feature(name.format(column), f"SYMBOL, {source}", meaning.format(what))
        for column, source, what in (("cadd", "CADD_PHRED", "CADD"), ("frequency", "AF_*", "largest frequency"))
        for name, meaning in (
            ("gene_{}_sd", "standard deviation over the gene: {}"),
            ("{}_rank_in_gene", "share of the gene's variants with no larger: {}"),
            ("{}_over_gene", "beyond the gene's mean: {}"),
            ("{}_rank_in_kind", "share with no larger, among the gene's of the same worst consequence: {}"),
        )
    ),
    _feature("gene_frequency_synonymous", "SYMBOL, AF_*", "mean log10 frequency of the gene's synonymous variants"),
    _feature("gene_cadd_missense", "SYMBOL, CADD_PHRED", "mean CADD of the gene's missense variants"),
    _feature("kind_variants_log", "SYMBOL, Consequence", "variants of gene and worst consequence, log"),
    _feature("transcript_residues", "Feature, Protein_position", "the transcript's farthest residue with a variant"),
    _feature("residue_share", "Feature, Protein_position", "place in the protein by that residue"),
    _feature("codon_variants", "Feature, Protein_position", "variants of the codon"),
    *(_feature(f"variants_within_{width}_log", "POS", f"others within {width} bases, log") for width in _WINDOWS),
    *(
        _feature(f"nearest_{name}_log", "POS", f"bases to the nearest other {what}, log")
        for name, what in _LANDMARKS.items()
    ),
    *(
        _feature(f"neighbours_{column}_{side}", "POS", f"mean {what} of the {side} variants on either side")
        for side in _SIDES
        for column, what in (("frequency", "log10 frequency"), ("cadd", "CADD"))
    ),
)
