"""Records without samples, annotated as ClinVar and VEP annotate them."""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

SEED = 7
# GRCh38, chr1 to chr22.
_CONTIGS = (
    *(248956422, 242193529, 198295559, 190214555, 181538259, 170805979, 159345973, 145138636, 138394717, 133797422),
    *(135086622, 133275309, 114364328, 107043718, 101991189, 90338345, 83257441, 80373285, 58617616, 64444167),
    *(46709983, 50818468),
)
CSQ_FIELDS = (
    "Allele|Consequence|IMPACT|SYMBOL|Gene|Feature_type|Feature|BIOTYPE|EXON|INTRON|HGVSc|HGVSp|cDNA_position|"
    "CDS_position|Protein_position|Amino_acids|Codons|Existing_variation|DISTANCE|STRAND|FLAGS|SYMBOL_SOURCE|HGNC_ID|"
    "CANONICAL|SIFT|PolyPhen|gnomADe_AF|CLIN_SIG|PUBMED"
)
INFO = {
    "ALLELEID": ("1", "Integer"),
    **dict.fromkeys(("CLNSIG", "CLNREVSTAT", "CLNDN", "CLNDISDB", "CLNHGVS"), (".", "String")),
    **dict.fromkeys(("CLNVC", "GENEINFO"), ("1", "String")),
    **dict.fromkeys(("MC", "ORIGIN", "RS"), (".", "String")),
    "AC": ("A", "Integer"),
    "AF": ("A", "Float"),
    "AN": ("1", "Integer"),
    "DB": ("0", "Flag"),
    "CSQ": (".", "String"),
}
_SIGNIFICANCE = (
    *("Uncertain_significance",) * 9,
    *("Likely_benign",) * 5,
    *("Benign",) * 2,
    *("Pathogenic",) * 2,
    "Likely_pathogenic",
    "Conflicting_classifications_of_pathogenicity",
)
_REVIEW = (
    *("criteria_provided,_single_submitter",) * 6,
    *("criteria_provided,_multiple_submitters,_no_conflicts",) * 3,
    "no_assertion_criteria_provided",
)
_DISEASES = (
    "Hereditary_cancer-predisposing_syndrome",
    "not_provided",
    "not_specified",
    "Inborn_genetic_diseases",
    "Cardiovascular_phenotype",
    "Breast-ovarian_cancer,_familial,_susceptibility_to,_1",
    "Primary_ciliary_dyskinesia",
    "Long_QT_syndrome",
    "Lynch_syndrome",
)
_CONSEQUENCES = (
    *("missense_variant|MODERATE",) * 5,
    *("synonymous_variant|LOW",) * 3,
    *("intron_variant|MODIFIER",) * 6,
    *("upstream_gene_variant|MODIFIER",) * 2,
    *("downstream_gene_variant|MODIFIER",) * 2,
    "stop_gained|HIGH",
    "frameshift_variant|HIGH",
    "splice_region_variant&intron_variant|LOW",
)
_TRANSCRIPTS = (1, 2, 3, 4, 5, 6, 8, 12)


def header(*, describes_csq: bool) -> str:
    """The header; CSQ's description says, or does not, which fields a transcript has."""
    lines = ["##fileformat=VCFv4.2", '##FILTER=<ID=LowQual,Description="">', '##FILTER=<ID=q10,Description="">']
    lines += [f"##contig=<ID=chr{number},length={length}>" for number, length in enumerate(_CONTIGS, 1)]
    for name, (number, kind) in INFO.items():
        about = "Consequence annotations from Ensembl VEP." if name == "CSQ" else ""
        about += f" Format: {CSQ_FIELDS}" if name == "CSQ" and describes_csq else ""
        lines.append(f'##INFO=<ID={name},Number={number},Type={kind},Description="{about}">')
    return "\n".join([*lines, "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]) + "\n"


def records(count: int) -> Iterator[tuple[str, int, int]]:
    """So many lines, sorted by location, each with its number of alternate alleles and of CSQ's entries."""
    draw = _Draws(np.random.default_rng(SEED))
    whole, number = sum(_CONTIGS), 0
    for contig, length in enumerate(_CONTIGS, 1):
        last = contig == len(_CONTIGS)
        wanted = count - number if last else min(round(count * length / whole), count - number)
        for position in np.sort(draw.random.choice(length - 20_000, wanted, replace=False) + 10_000).tolist():
            yield _record(draw, f"chr{contig}", position, number // 12)
            number += 1


class _Draws:
    """Random numbers, drawn many at a time: one by one they would take most of the time."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random
        self._floats = itertools.chain.from_iterable(iter(lambda: random.random(1 << 16).tolist(), None))

    def share(self) -> float:
        """From 0 up to 1."""
        return next(self._floats)

    def number(self, low: int, high: int) -> int:
        """From `low` through `high`."""
        return low + int(next(self._floats) * (high - low + 1))

    def one(self, of: Sequence[str]) -> str:
        """Any of them."""
        return of[int(next(self._floats) * len(of))]

    def bases(self, most: int) -> str:
        """1 to `most` bases."""
        return "".join([self.one("ACGT") for _ in range(self.number(1, most))])


def _record(draw: _Draws, chrom: str, position: int, gene: int) -> tuple[str, int, int]:
    reference, alternates = _alleles(draw)
    name = f"rs{draw.number(10**5, 2 * 10**9)}"
    frequencies = [draw.share() ** 6 for _ in alternates]
    diseases = {draw.one(_DISEASES): None for _ in range(draw.number(1, 3))}
    databases = [
        f"MONDO:MONDO:{draw.number(0, 9999999):07d},MedGen:C{draw.number(0, 9999999):07d},"
        f"OMIM:{draw.number(100000, 620000)}"
        for _ in diseases
    ]
    transcripts = [*_transcripts(draw, reference, alternates, gene, name, frequencies[0])]
    info = [
        f"ALLELEID={draw.number(15000, 3000000)};CLNDISDB={'|'.join(databases)};CLNDN={'|'.join(diseases)}",
        f"CLNHGVS=NC_{chrom[3:].zfill(6)}.11:g.{position}{reference}>{alternates[0]}",
        f"CLNREVSTAT={draw.one(_REVIEW)};CLNSIG={draw.one(_SIGNIFICANCE)};CLNVC=single_nucleotide_variant",
        f"GENEINFO=GENE{gene}:{gene};MC=SO:0001583|missense_variant;ORIGIN=1",
        *([f"RS={name[2:]}"] if draw.share() < 0.7 else []),
        "AC=" + ",".join([str(int(share * 150_000)) for share in frequencies]),
        "AF=" + ",".join([f"{share:.4g}" if draw.share() < 0.97 else "." for share in frequencies]),
        "AN=150000",
        *(["DB"] if draw.share() < 0.5 else []),
        "CSQ=" + ",".join(transcripts),
    ]
    quality = "." if draw.share() < 0.2 else f"{draw.share() * 5000:.2f}"
    filters = "PASS" if draw.share() < 0.9 else "LowQual;q10"
    known = name if draw.share() < 0.8 else "."
    columns = (chrom, str(position), known, reference, ",".join(alternates), quality, filters, ";".join(info))
    return "\t".join(columns) + "\n", len(alternates), len(transcripts)


def _alleles(draw: _Draws) -> tuple[str, list[str]]:
    """REF and ALT: mostly a substitution, sometimes an indel, one in twenty with two ALTs."""
    reference = draw.one("ACGT")
    alternates = [draw.one("ACGT".replace(reference, ""))]
    kind = draw.share()
    if kind < 0.06:
        alternates = [reference]
        reference += draw.bases(6)
    elif kind < 0.10:
        alternates = [reference + draw.bases(6)]
    if draw.share() < 0.05:
        second = reference[0] + draw.bases(3) + "T"
        if second not in (reference, *alternates):
            alternates.append(second)
    return reference, alternates


def _transcripts(
    draw: _Draws, reference: str, alternates: Sequence[str], gene: int, name: str, frequency: float
) -> Iterator[str]:
    # VEP leaves out the first base of a record with an indel: all of these begin with the same.
    stripped = any(len(alternate) != len(reference) for alternate in alternates)
    stripped = stripped and {allele[0] for allele in alternates} == {reference[0]}
    for alternate in alternates:
        allele = alternate[1:] or "-" if stripped else alternate
        for index in range(_TRANSCRIPTS[draw.number(0, len(_TRANSCRIPTS) - 1)]):
            coding, transcript = draw.number(1, 3000), draw.number(0, 999999)
            yield (
                f"{allele}|{draw.one(_CONSEQUENCES)}|GENE{gene}|ENSG{gene:011d}|Transcript|ENST{transcript:011d}|"
                f"protein_coding|{draw.number(1, 20)}/20||ENST{transcript:011d}.3:c.{coding}{reference}>{alternate}|"
                f"ENSP{transcript:011d}.2:p.Arg{coding // 3}His|{coding + 200}|{coding}|{coding // 3}|R/H|cGt/cAt|"
                f"{name}||1||HGNC|HGNC:{gene}|{'' if index else 'YES'}|deleterious({draw.share():.2f})|"
                f"probably_damaging({draw.share():.3f})|{frequency:.4g}|uncertain_significance|"
                f"2{draw.number(10**6, 10**7 - 1)}&3{draw.number(10**6, 10**7 - 1)}"
            )
