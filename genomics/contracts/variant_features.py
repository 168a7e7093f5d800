"""Features of tier A: what allele, frequencies and consequence say of a variant that nobody has submitted yet.

None of them reads a CLN field, SSR or ORIGIN; tests hold the list.
"""

import math
import re
from collections.abc import Callable

from genomics.contracts.annotated_variants import FREQUENCY_COLUMNS, AnnotatedVariant
from genomics.contracts.features import RowFeature

# Below every frequency that the three projects can have seen.
RAREST = 1e-6

_Of = Callable[[AnnotatedVariant], float | None]

_ALLELE = "REF, ALT"
_FREQUENCY = ", ".join(FREQUENCY_COLUMNS)
_IMPACTS = {"MODIFIER": 0, "LOW": 1, "MODERATE": 2, "HIGH": 3}
_SIFT = {"tolerated": 0, "tolerated_low_confidence": 1, "deleterious_low_confidence": 2, "deleterious": 3}
_POLYPHEN = {"benign": 0, "unknown": 1, "possibly_damaging": 2, "probably_damaging": 3}
_TERMS = [
    "splice_acceptor_variant",
    "splice_donor_variant",
    "stop_gained",
    "frameshift_variant",
    "stop_lost",
    "start_lost",
    "inframe_insertion",
    "inframe_deletion",
    "missense_variant",
    "splice_region_variant",
    "synonymous_variant",
    "coding_sequence_variant",
    "5_prime_UTR_variant",
    "3_prime_UTR_variant",
    "non_coding_transcript_exon_variant",
    "intron_variant",
    "upstream_gene_variant",
    "downstream_gene_variant",
]
_TERMS_OF_ANY = [
    "missense_variant",
    "synonymous_variant",
    "intron_variant",
    "nonsense",
    "frameshift_variant",
    "splice_donor_variant",
    "splice_acceptor_variant",
    "5_prime_UTR_variant",
    "3_prime_UTR_variant",
    "non-coding_transcript_variant",
    "2KB_upstream_variant",
    "500B_downstream_variant",
]

# Kyte and Doolittle 1982, table 2.
_HYDROPATHY = dict(
    zip(
        "ARNDCQEGHILKMFPSTWYV",
        (
            1.8,
            -4.5,
            -3.5,
            -3.5,
            2.5,
            -3.5,
            -3.5,
            -0.4,
            -3.2,
            4.5,
            3.8,
            -3.9,
            1.9,
            2.8,
            -1.6,
            -0.8,
            -0.7,
            -0.9,
            -1.3,
            4.2,
        ),
        strict=True,
    )
)
# Composition, polarity and volume of side chains: Grantham 1974, table 1.
_SIDE_CHAINS = {
    "S": (1.42, 9.2, 32.0), "R": (0.65, 10.5, 124.0), "L": (0.0, 4.9, 111.0), "P": (0.39, 8.0, 32.5),
    "T": (0.71, 8.6, 61.0), "A": (0.0, 8.1, 31.0), "V": (0.0, 5.9, 84.0), "G": (0.74, 9.0, 3.0),
    "I": (0.0, 5.2, 111.0), "F": (0.0, 5.2, 132.0), "Y": (0.2, 6.2, 136.0), "C": (2.75, 5.5, 55.0),
    "H": (0.58, 10.4, 96.0), "Q": (0.89, 10.5, 85.0), "N": (1.33, 11.6, 56.0), "K": (0.33, 11.3, 119.0),
    "D": (1.38, 13.0, 54.0), "E": (0.92, 12.3, 83.0), "M": (0.0, 5.7, 105.0), "W": (0.13, 5.4, 170.0),
}  # fmt: skip
_CHARGES = {"R": 1.0, "K": 1.0, "H": 0.3, "D": -1.0, "E": -1.0}
# Chromosomes of a project's cohort: what one allele in it weighs.
_COHORTS = (13006, 121412, 5008)
_RUN = re.compile(r"(.)\1*")


def log_frequency(frequency: float | None) -> float | None:
    """Decimal logarithm, of RAREST at least; None of what is unknown."""
    return None if frequency is None else math.log10(max(frequency, RAREST))


def largest_frequency(variant: AnnotatedVariant) -> float | None:
    """The largest that is known."""
    return max(variant.known_frequencies, default=None)


def is_synonymous(variant: AnnotatedVariant) -> bool:
    """The protein stays the same."""
    return "synonymous_variant" in variant.terms


def is_missense(variant: AnnotatedVariant) -> bool:
    """One residue is exchanged."""
    return "missense_variant" in variant.terms


def is_at_splice_site(variant: AnnotatedVariant) -> bool:
    """It lies in or beside a splice site."""
    return any(term.startswith("splice_") for term in variant.terms)


def impact(variant: AnnotatedVariant) -> float | None:
    """VEP's IMPACT, 0 (modifier) to 3 (high)."""
    return _IMPACTS.get(variant.text("IMPACT") or "")


def _frequency_features() -> list[RowFeature]:
    def one(index: int) -> _Of:
        return lambda v: log_frequency(v.frequencies[index])

    def alleles(index: int) -> _Of:
        return lambda v: None if (f := v.frequencies[index]) is None else round(f * _COHORTS[index])

    def ratio(first: int, second: int) -> _Of:
        def of(v: AnnotatedVariant) -> float | None:
            a, b = v.frequencies[first], v.frequencies[second]
            return None if a is None or b is None else math.log10(a / b)

        return of

    names = ("esp", "exac", "tgp")
    found = [
        RowFeature(f"af_{name}_log10", FREQUENCY_COLUMNS[i], f"log10 of {FREQUENCY_COLUMNS[i]}", of=one(i))
        for i, name in enumerate(names)
    ]
    found += [
        RowFeature(f"ac_{name}", FREQUENCY_COLUMNS[i], f"about how many of {_COHORTS[i]:,} alleles", of=alleles(i))
        for i, name in enumerate(names)
    ]
    found += [
        RowFeature(
            f"af_{names[a]}_over_{names[b]}_log10",
            f"{FREQUENCY_COLUMNS[a]}, {FREQUENCY_COLUMNS[b]}",
            "log10 of their ratio, where both are known",
            of=ratio(a, b),
        )
        for a, b in ((0, 1), (2, 1), (0, 2))
    ]
    return [
        *found,
        RowFeature(
            "af_max_log10", _FREQUENCY, "log10 of the largest", of=lambda v: log_frequency(largest_frequency(v))
        ),
        RowFeature(
            "af_min_log10", _FREQUENCY, "log10 of the smallest known",
            of=lambda v: log_frequency(min(v.known_frequencies, default=None)),
        ),
        RowFeature(
            "af_mean_log10", _FREQUENCY, "log10 of their mean, what is unknown counted as 0",
            of=lambda v: log_frequency(sum(v.known_frequencies) / 3) if v.known_frequencies else None,
        ),
        RowFeature("af_known", _FREQUENCY, "how many are known", of=lambda v: len(v.known_frequencies)),
        RowFeature(
            "af_pattern", _FREQUENCY, "which are known: 1 ESP, 2 ExAC, 4 1000 Genomes, added up",
            of=lambda v: sum(1 << i for i, f in enumerate(v.frequencies) if f is not None),
        ),
        *(
            RowFeature(
                f"af_max_log10_impact_{level}", f"{_FREQUENCY}, IMPACT", f"af_max_log10 where the impact is {level}",
                of=_at_impact(level),
            )
            for level in range(4)
        ),
    ]  # fmt: skip


def _at_impact(level: int) -> _Of:
    return lambda v: log_frequency(largest_frequency(v)) if impact(v) == level else None


def _allele_features() -> list[RowFeature]:
    def base(name: str, which: str) -> RowFeature:
        return RowFeature(
            f"{which}_is_{name}", which.upper(), f"{which.upper()} is {name}", of=lambda v: getattr(v, which) == name
        )

    def longer(v: AnnotatedVariant) -> str:
        return max(v.ref, v.alt, key=len)

    bases = [base(name, which) for which in ("ref", "alt") for name in "ACGT"]
    change = RowFeature(
        "length_change", _ALLELE, "bases inserted, less those deleted; 50 at most",
        of=lambda v: max(-50, min(50, len(v.alt) - len(v.ref))),
    )  # fmt: skip
    return [
        RowFeature("ref_length", "REF", "bases", of=lambda v: len(v.ref)),
        RowFeature("alt_length", "ALT", "bases", of=lambda v: len(v.alt)),
        change,
        RowFeature("length_change_mod_3", _ALLELE, "its remainder by 3", of=lambda v: (len(v.alt) - len(v.ref)) % 3),
        RowFeature("is_transition", _ALLELE, "A<>G or C<>T", of=lambda v: {v.ref, v.alt} in ({"A", "G"}, {"C", "T"})),
        RowFeature("is_deamination", _ALLELE, "C>T or G>A", of=lambda v: v.ref + v.alt in ("CT", "GA")),
        RowFeature("is_multi_base", _ALLELE, "as many bases replaced", of=lambda v: len(v.ref) == len(v.alt) > 1),
        RowFeature(
            "longest_run", _ALLELE, "longest run of one base in the longer allele (200 bases at most)",
            of=lambda v: max(len(run[0]) for run in _RUN.finditer(longer(v)[:200])),
        ),
        RowFeature(
            "gc", _ALLELE, "share of G and C in the longer allele",
            of=lambda v: sum(map(longer(v).count, "GC")) / len(longer(v)),
        ),
        *bases,
    ]  # fmt: skip


def _consequence_features() -> list[RowFeature]:
    def on_transcript(term: str) -> RowFeature:
        return RowFeature(f"is_{term}", "Consequence", f"has {term}", of=lambda v: term in v.terms)

    def on_any(term: str) -> RowFeature:
        return RowFeature(
            f"any_{term}", "MC", f"has {term} on some RefSeq transcript",
            of=lambda v: term in v.all_terms if v.all_terms else None,
        )  # fmt: skip

    return [
        RowFeature("severity", "Consequence", "rank of the worst consequence, 0 the worst", of=lambda v: v.severity),
        RowFeature("impact_level", "IMPACT", "0 modifier, 1 low, 2 moderate, 3 high", of=impact),
        RowFeature("consequence_count", "Consequence", "consequences on the transcript", of=lambda v: len(v.terms)),
        *map(on_transcript, _TERMS),
        RowFeature(
            "consequence_count_of_any", "MC", "different consequences over RefSeq transcripts",
            of=lambda v: len(v.all_terms) or None,
        ),
        *map(on_any, _TERMS_OF_ANY),
    ]  # fmt: skip


def _score_features() -> list[RowFeature]:
    def plain(name: str, column: str, meaning: str) -> RowFeature:
        return RowFeature(name, column, meaning, of=lambda v: v.number(column))

    return [
        plain("cadd_phred_score", "CADD_PHRED", "CADD, Phred-scaled"),
        plain("cadd_raw_score", "CADD_RAW", "CADD, raw"),
        plain("blosum62_score", "BLOSUM62", "score of the exchange in BLOSUM62"),
        plain("loftool_percentile", "LoFtool", "the gene's percentile of intolerance to loss of function"),
        RowFeature("sift_level", "SIFT", "0 tolerated to 3 deleterious", of=lambda v: _SIFT.get(v.text("SIFT") or "")),
        RowFeature(
            "polyphen_level", "PolyPhen", "0 benign to 3 probably damaging",
            of=lambda v: _POLYPHEN.get(v.text("PolyPhen") or ""),
        ),
    ]  # fmt: skip


def _place_features() -> list[RowFeature]:
    def counted(column: str) -> list[RowFeature]:
        name = column.lower()
        return [
            RowFeature(f"{name}_number", column, f"which {name}", of=lambda v: (p := v.of_total(column)) and p[0]),
            RowFeature(f"{name}_count", column, f"{name}s of it", of=lambda v: (p := v.of_total(column)) and p[1]),
            RowFeature(
                f"{name}s_left", column, f"{name}s behind", of=lambda v: (p := v.of_total(column)) and p[1] - p[0]
            ),
            RowFeature(
                f"{name}_share", column, "its number by their count",
                of=lambda v: (p := v.of_total(column)) and p[0] / p[1],
            ),
        ]  # fmt: skip

    def within(name: str, column: str, meaning: str) -> RowFeature:
        return RowFeature(name, column, meaning, of=lambda v: v.first_number(column))

    def untranslated(v: AnnotatedVariant) -> float | None:
        cdna, cds = v.first_number("cDNA_position"), v.first_number("CDS_position")
        return None if cdna is None or cds is None else cdna - cds

    return [
        *counted("EXON"),
        *counted("INTRON"),
        within("place_in_cdna", "cDNA_position", "place in the transcript, bases"),
        within("place_in_cds", "CDS_position", "place in the coding sequence, bases"),
        within("place_in_protein", "Protein_position", "place in the protein, residues"),
        RowFeature("utr5_length", "cDNA_position, CDS_position", "bases before the coding sequence", of=untranslated),
        RowFeature("transcript_distance", "DISTANCE", "bases to the transcript", of=lambda v: v.number("DISTANCE")),
        RowFeature("transcript_strand", "STRAND", "1 or -1", of=lambda v: v.number("STRAND")),
        RowFeature("is_edited_transcript", "BAM_EDIT", "aligned with edits", of=lambda v: bool(v.text("BAM_EDIT"))),
        RowFeature(
            "is_predicted_transcript", "Feature", "RefSeq model (XM_, XR_)",
            of=lambda v: (v.text("Feature") or "").startswith("X"),
        ),
    ]  # fmt: skip


def _codon_place(v: AnnotatedVariant) -> float | None:
    if v.codons is None:
        return None
    return next((i for i, base in enumerate(v.codons[0]) if base.isupper()), None)


def _is_cpg_in_codon(v: AnnotatedVariant) -> float | None:
    place = _codon_place(v)
    if v.codons is None or place is None:
        return None
    before, after = (codon.upper() for codon in v.codons)
    i = int(place)
    is_c = before[i : i + 2] == "CG" and after[i] == "T"
    return is_c or (i > 0 and before[i - 1 : i + 1] == "CG" and after[i] == "A")


def _residue_features() -> list[RowFeature]:
    def changed(name: str, meaning: str, table: dict[str, float]) -> RowFeature:
        def of(v: AnnotatedVariant) -> float | None:
            if v.amino_acids is None:
                return None
            old, new = (table.get(residue) for residue in v.amino_acids)
            return None if old is None or new is None else new - old

        return RowFeature(name, "Amino_acids", f"change of {meaning}", of=of)

    def of_residue(name: str, meaning: str, table: dict[str, float], which: int) -> RowFeature:
        def of(v: AnnotatedVariant) -> float | None:
            residues = v.parts("Amino_acids", "/")
            if len(residues) <= which or len(residues[which]) != 1:
                return None
            return table.get(residues[which])

        return RowFeature(name, "Amino_acids", meaning, of=of)

    polarity = {residue: chain[1] for residue, chain in _SIDE_CHAINS.items()}
    volume = {residue: chain[2] for residue, chain in _SIDE_CHAINS.items()}
    charge = {residue: _CHARGES.get(residue, 0.0) for residue in _SIDE_CHAINS}
    return [
        RowFeature("grantham", "Amino_acids", "Grantham's distance of the residues", of=_grantham),
        changed("hydropathy_change", "hydropathy (Kyte-Doolittle)", _HYDROPATHY),
        changed("volume_change", "volume", volume),
        changed("polarity_change", "polarity", polarity),
        changed("charge_change", "charge", charge),
        of_residue("residue_hydropathy", "hydropathy of the residue there", _HYDROPATHY, 0),
        of_residue("new_residue_hydropathy", "hydropathy of the new residue", _HYDROPATHY, 1),
        of_residue("residue_volume", "volume of the residue there", volume, 0),
        RowFeature(
            "special_residues", "Amino_acids", "1 to Cys, 2 to Pro, 4 from Gly, 8 from Cys, added up", of=_special
        ),
        RowFeature("codon_place", "Codons", "which base of the codon, from 0", of=_codon_place),
        RowFeature("is_cpg_in_codon", "Codons", "CpG>TpG or CpG>CpA within the codon", of=_is_cpg_in_codon),
    ]


def _grantham(v: AnnotatedVariant) -> float | None:
    # 50.723 scales the mean of all pairs to 100; weights from the same paper.
    if v.amino_acids is None or not all(residue in _SIDE_CHAINS for residue in v.amino_acids):
        return None
    weights = (1.833, 0.1018, 0.000399)
    pairs = zip(weights, *(_SIDE_CHAINS[residue] for residue in v.amino_acids), strict=True)
    return 50.723 * math.sqrt(sum(weight * (a - b) ** 2 for weight, a, b in pairs))


def _special(v: AnnotatedVariant) -> float | None:
    if v.amino_acids is None:
        return None
    old, new = v.amino_acids
    return (new == "C") + 2 * (new == "P") + 4 * (old == "G") + 8 * (old == "C")


VARIANT_FEATURES: tuple[RowFeature, ...] = (
    *_frequency_features(),
    *_allele_features(),
    *_consequence_features(),
    *_score_features(),
    *_place_features(),
    *_residue_features(),
)
