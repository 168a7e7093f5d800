"""How well calls agree with a truth set: exact alleles after normalisation, inside confident regions and over all.

Both sides go through `bcftools norm -f REF -m-any` (left-aligned, one alternate allele per record). Only records with
FILTER PASS or none count, and only alleles that the sample carries. A variant is a SNP where REF and ALT are equally
long, else an indel, and it lies where its normalised POS lies.
"""

import re
import subprocess
import tempfile
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from genomics.contracts.regions import Region, merge
from genomics_cli.errors import UserError

# Left-alignment may move a record into the regions; it is looked for this many bases around them.
_MARGIN = 1000

Allele = tuple[str, int, str, str]


@dataclass(frozen=True)
class Counts:
    """Outcome for one kind of variant. `genotype_matches` of the true positives carry as many copies as the truth."""

    true_positives: int
    false_positives: int
    false_negatives: int
    genotype_matches: int

    @property
    def precision(self) -> float | None:
        """Share of the calls that are true; None without calls."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float | None:
        """Share of the truth that was called; None without truth."""
        return _ratio(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None without calls and truth."""
        return _ratio(2 * self.true_positives, 2 * self.true_positives + self.false_positives + self.false_negatives)

    @property
    def genotype_concordance(self) -> float | None:
        """Share of the true positives whose genotype is right."""
        return _ratio(self.genotype_matches, self.true_positives)


@dataclass(frozen=True)
class Accuracy:
    """Counts over a set of regions that span `bases`."""

    snps: Counts
    indels: Counts
    bases: int


@dataclass(frozen=True)
class Score:
    """`whole` is over every region asked for; there a call that the truth lacks is not proven false.

    `confident` is over the part that the truth set vouches for, where precision and F1 are fair. It is None without
    a BED, and then the truth is taken to be complete.
    """

    whole: Accuracy
    confident: Accuracy | None

    @property
    def fair(self) -> Accuracy:
        """Where precision can be believed."""
        return self.confident or self.whole


def score(
    *,
    calls: Path,
    truth: Path,
    sample: str,
    reference: Path,
    regions: Sequence[Region],
    confident: Sequence[Region] = (),
) -> Score:
    """Compare a sample's calls with its truth. `reference` is an indexed FASTA; `regions` say where to look."""
    where = merge(regions)
    called = carried_alleles(calls, sample=sample, reference=reference, regions=where)
    true = carried_alleles(truth, sample=sample, reference=reference, regions=where)
    fair = overlap(where, merge(confident)) if confident else ()
    return Score(
        whole=compare(called, true, bases=_bases(where)),
        confident=compare(inside(called, fair), inside(true, fair), bases=_bases(fair)) if confident else None,
    )


def compare(called: Mapping[Allele, int], true: Mapping[Allele, int], *, bases: int) -> Accuracy:
    """Compare two sets of alleles, each with its number of copies."""

    def counts(*, of_snps: bool) -> Counts:
        ours = {a for a in called if _is_snp(a) == of_snps}
        theirs = {a for a in true if _is_snp(a) == of_snps}
        both = ours & theirs
        return Counts(
            true_positives=len(both),
            false_positives=len(ours - theirs),
            false_negatives=len(theirs - ours),
            genotype_matches=sum(called[a] == true[a] for a in both),
        )

    return Accuracy(snps=counts(of_snps=True), indels=counts(of_snps=False), bases=bases)


def inside(alleles: Mapping[Allele, int], regions: Sequence[Region]) -> dict[Allele, int]:
    """The alleles whose POS lies in the regions, which are merged."""
    starts: dict[str, list[Region]] = {}
    for region in sorted(regions):
        starts.setdefault(region.chrom, []).append(region)

    def holds(chrom: str, pos: int) -> bool:
        at = bisect_right(starts.get(chrom, ()), pos, key=lambda region: region.start) - 1
        return at >= 0 and pos <= starts[chrom][at].end

    return {allele: copies for allele, copies in alleles.items() if holds(allele[0], allele[1])}


def overlap(left: Sequence[Region], right: Sequence[Region]) -> tuple[Region, ...]:
    """Where two merged sets of regions overlap."""
    return tuple(
        Region(a.chrom, max(a.start, b.start), min(a.end, b.end))
        for a in left
        for b in right
        if a.chrom == b.chrom and max(a.start, b.start) <= min(a.end, b.end)
    )


def sample_column(vcf: Path, sample: str) -> str:
    """The VCF's column for a sample: the one of its name, or the only one there is."""
    names = [name for line in _header(vcf) if line.startswith("#CHROM") for name in line.split("\t")[9:]]
    if sample in names:
        return sample
    if len(names) == 1:
        return names[0]
    found = ", ".join(names) or "none"
    raise UserError(f"{vcf}: has no column for sample {sample} (its samples: {found})")


def contigs_of(vcf: Path) -> tuple[str, ...]:
    """The contigs that a VCF's header declares."""
    matches = (re.match(r"##contig=<(?:.*,)?ID=([^,>]+)", line) for line in _header(vcf))
    return tuple(match[1] for match in matches if match)


def carried_alleles(vcf: Path, *, sample: str, reference: Path, regions: Sequence[Region]) -> dict[Allele, int]:
    """Normalised alleles in the regions that the sample carries, with their number of copies."""
    column = sample_column(vcf, sample)
    with tempfile.TemporaryDirectory() as directory:
        targets = Path(directory, "targets.bed")
        targets.write_text("".join(f"{r.chrom}\t{max(0, r.start - 1 - _MARGIN)}\t{r.end + _MARGIN}\n" for r in regions))
        near, normal = Path(directory, "near.bcf"), Path(directory, "normal.bcf")
        select = ("--samples", column, "--targets-file", str(targets), "--apply-filters", "PASS,.")
        _bcftools("view", *select, "--output-type", "u", "--output", str(near), str(vcf))
        try:
            _bcftools("norm", "-f", str(reference), "-m-any", "--output-type", "u", "--output", str(normal), str(near))
        except UserError as error:
            raise UserError(f"{vcf}: cannot be normalised: {error}") from error
        rows = _bcftools("query", "--format", "%CHROM\t%POS\t%REF\t%ALT\t[%GT]\n", str(normal))
    return inside(_carried(rows.splitlines()), regions)


def require_bcftools() -> None:
    """Raise UserError where bcftools cannot be started."""
    _bcftools("--version")


def _header(vcf: Path) -> list[str]:
    try:
        return _bcftools("view", "--header-only", str(vcf)).splitlines()
    except UserError as error:
        raise UserError(f"{vcf}: cannot be read as VCF: {error}") from error


def _carried(rows: Iterable[str]) -> dict[Allele, int]:
    alleles: dict[Allele, int] = {}
    for row in rows:
        chrom, pos, ref, alt, genotype = row.split("\t")
        copies = genotype.replace("|", "/").split("/").count("1")
        # `*`, `<DEL>` and breakends are no alleles that could be compared.
        if copies and set(alt.upper()) <= set("ACGTN"):
            alleles[chrom, int(pos), ref.upper(), alt.upper()] = copies
    return alleles


def _bcftools(*arguments: str) -> str:
    try:
        ended = subprocess.run(["bcftools", *arguments], check=False, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise UserError("bcftools is not installed; scoring against a truth needs it (apt install bcftools)") from error
    if ended.returncode:
        lines = ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"]
        raise UserError(f"bcftools {arguments[0]}: {lines[-1]}")
    return ended.stdout


def _is_snp(allele: Allele) -> bool:
    return len(allele[2]) == len(allele[3])


def _bases(regions: Iterable[Region]) -> int:
    return sum(region.length for region in regions)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
