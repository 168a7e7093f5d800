"""A variant with its annotation, as a row of the training table in the layout of the published one.

The published solution's training set has 46 columns: ClinVar's INFO fields, then those of VEP for one transcript. The
job that makes the table, the models that learn from it and the service that answers all read such rows here, so that a
feature means the same in all of them. A value that is missing is None: never zero, never the text `nan`.
"""

import re
from collections.abc import Mapping
from functools import cached_property

Row = Mapping[str, str | None]

LABEL = "CLASS"
# What ClinVar says of a variant.
CLINVAR_COLUMNS = [
    "CHROM",
    "POS",
    "REF",
    "ALT",
    "AF_ESP",
    "AF_EXAC",
    "AF_TGP",
    "CLNDISDB",
    "CLNDISDBINCL",
    "CLNDN",
    "CLNDNINCL",
    "CLNHGVS",
    "CLNSIGINCL",
    "CLNVC",
    "CLNVI",
    "MC",
    "ORIGIN",
    "SSR",
]
# What VEP says of it, for one transcript.
CONSEQUENCE_COLUMNS = [
    "Allele",
    "Consequence",
    "IMPACT",
    "SYMBOL",
    "Feature_type",
    "Feature",
    "BIOTYPE",
    "EXON",
    "INTRON",
    "cDNA_position",
    "CDS_position",
    "Protein_position",
    "Amino_acids",
    "Codons",
    "DISTANCE",
    "STRAND",
    "BAM_EDIT",
    "SIFT",
    "PolyPhen",
    "MOTIF_NAME",
    "MOTIF_POS",
    "HIGH_INF_POS",
    "MOTIF_SCORE_CHANGE",
    "LoFtool",
    "CADD_PHRED",
    "CADD_RAW",
    "BLOSUM62",
]
PUBLISHED_COLUMNS = (*CLINVAR_COLUMNS, LABEL, *CONSEQUENCE_COLUMNS)
FREQUENCY_COLUMNS = ("AF_ESP", "AF_EXAC", "AF_TGP")

# How the table and the VCF write that there is nothing.
_MISSING = frozenset(("", ".", "nan", "NaN"))
_CHROMOSOMES = {"X": 23, "Y": 24, "MT": 25, "M": 25}
_BASES = re.compile(r"[ACGTN]+", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]+")
_OF_TOTAL = re.compile(r"([0-9]+)(?:-[0-9]+)?/([0-9]+)")

# The most severe first: https://www.ensembl.org/info/genome/variation/prediction/predicted_data.html#consequences
SEVERITY = [
    "transcript_ablation",
    "splice_acceptor_variant",
    "splice_donor_variant",
    "stop_gained",
    "frameshift_variant",
    "stop_lost",
    "start_lost",
    "transcript_amplification",
    "inframe_insertion",
    "inframe_deletion",
    "missense_variant",
    "protein_altering_variant",
    "splice_region_variant",
    "incomplete_terminal_codon_variant",
    "start_retained_variant",
    "stop_retained_variant",
    "synonymous_variant",
    "coding_sequence_variant",
    "mature_miRNA_variant",
    "5_prime_UTR_variant",
    "3_prime_UTR_variant",
    "non_coding_transcript_exon_variant",
    "intron_variant",
    "NMD_transcript_variant",
    "non_coding_transcript_variant",
    "upstream_gene_variant",
    "downstream_gene_variant",
    "TFBS_ablation",
    "TF_binding_site_variant",
    "regulatory_region_variant",
    "intergenic_variant",
]
_RANKS = {term: rank for rank, term in enumerate(SEVERITY)}


class RowError(ValueError):
    """A row cannot be used: one line that names the column and says what was expected."""


def normalised(row: Row) -> dict[str, str | None]:
    """The row with None for whatever stands for a missing value."""
    return {name: None if value is None or value in _MISSING else value for name, value in row.items()}


class AnnotatedVariant:
    """One row, parsed where something asks. RowError where the variant itself, or a number, is not as it must be.

    `row` has the columns of PUBLISHED_COLUMNS, as text; those that are absent are missing values. `pos` is 1-based.
    """

    def __init__(self, row: Row) -> None:
        self._row = normalised(row)
        self.chrom = self._required("CHROM").removeprefix("chr")
        self.pos = self._position()
        self.ref, self.alt = (self._allele(name) for name in ("REF", "ALT"))

    def text(self, column: str) -> str | None:
        """A column's text."""
        return self._row.get(column)

    def number(self, column: str) -> float | None:
        """A column's number."""
        value = self._row.get(column)
        if value is None:
            return None
        try:
            return float(value)
        except ValueError:
            raise RowError(f"{column} is {value[:40]!r}; expected a number") from None

    def parts(self, column: str, separator: str = "|") -> list[str]:
        """A column's text divided; none of a missing value."""
        value = self._row.get(column)
        return value.split(separator) if value else []

    def first_number(self, column: str) -> float | None:
        """The number that a place begins with: 105 of `105-107` and of `105/6279`; None where it is unknown."""
        match = _NUMBER.search(self._row.get(column) or "")
        return float(match[0]) if match else None

    def of_total(self, column: str) -> tuple[float, float] | None:
        """Number and count of an exon or intron: (3, 20) of `3/20`."""
        match = _OF_TOTAL.fullmatch(self._row.get(column) or "")
        return (float(match[1]), float(match[2])) if match else None

    @property
    def key(self) -> tuple[str, int, str, str]:
        """What tells it from all others: contig, position and alleles."""
        return (self.chrom, self.pos, self.ref, self.alt)

    @cached_property
    def chromosome_number(self) -> int | None:
        """1 to 22, X 23, Y 24, mitochondrion 25; None for other contigs."""
        return int(self.chrom) if self.chrom.isdigit() else _CHROMOSOMES.get(self.chrom)

    @cached_property
    def gene(self) -> str | None:
        """Symbol of the gene of its transcript."""
        return self._row.get("SYMBOL")

    @cached_property
    def frequencies(self) -> tuple[float | None, float | None, float | None]:
        """Allele frequencies in GO-ESP, ExAC and 1000 Genomes. Zero says that none carried it, which is not seen."""
        esp, exac, tgp = (self._frequency(column) for column in FREQUENCY_COLUMNS)
        return esp, exac, tgp

    @cached_property
    def known_frequencies(self) -> list[float]:
        """Those that are known."""
        return [value for value in self.frequencies if value is not None]

    @cached_property
    def terms(self) -> frozenset[str]:
        """Consequences on its transcript."""
        return frozenset(self.parts("Consequence", "&"))

    @cached_property
    def severity(self) -> int | None:
        """Rank in SEVERITY of the worst of them, 0 the worst; None where no term is known."""
        return min((_RANKS[term] for term in self.terms if term in _RANKS), default=None)

    @cached_property
    def all_terms(self) -> frozenset[str]:
        """Consequences on any RefSeq transcript, as ClinVar's MC names them."""
        return frozenset(part.rpartition("|")[2] for part in self.parts("MC", ","))

    @cached_property
    def amino_acids(self) -> tuple[str, str] | None:
        """The residue that is exchanged, and for which; None unless it is one for one."""
        pair = self.parts("Amino_acids", "/")
        return (pair[0], pair[1]) if len(pair) == 2 and all(len(residue) == 1 for residue in pair) else None

    @cached_property
    def codons(self) -> tuple[str, str] | None:
        """Codon with and without the change, the changed bases in capitals; None unless it is one for one."""
        pair = self.parts("Codons", "/")
        return (pair[0], pair[1]) if len(pair) == 2 and all(len(codon) == 3 for codon in pair) else None

    def _required(self, column: str) -> str:
        value = self._row.get(column)
        if value is None:
            raise RowError(f"{column} is missing")
        return value

    def _position(self) -> int:
        value = self._required("POS")
        if not (value.isascii() and value.isdigit() and int(value)):
            raise RowError(f"POS is {value[:40]!r}; expected a position, counted from 1")
        return int(value)

    def _allele(self, column: str) -> str:
        value = self._required(column)
        if not _BASES.fullmatch(value):
            raise RowError(f"{column} is {value[:40]!r}; expected bases")
        return value.upper()

    def _frequency(self, column: str) -> float | None:
        value = self.number(column)
        if value is not None and not 0 <= value <= 1:
            raise RowError(f"{column} is {value:g}; expected a frequency between 0 and 1")
        return value or None
