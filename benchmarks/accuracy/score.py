"""Scores of calls: alleles against a truth by `bcftools isec`, and a trio's against each other."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from genomics.contracts.regions import Region


@dataclass(frozen=True)
class Counts:
    """Alleles that both have, only the calls, only the truth."""

    both: int
    calls_only: int
    truth_only: int

    @property
    def recall(self) -> float:
        """Share of the truth that was called."""
        return self.both / (self.both + self.truth_only)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.both / (2 * self.both + self.calls_only + self.truth_only)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.both + other.both, self.calls_only + other.calls_only, self.truth_only + other.truth_only)


@dataclass(frozen=True)
class Trio:
    """Alleles that any of a trio carries, and those that the child cannot have from its parents."""

    called: int
    violations: int


def normalised(calls: Path, reference: Path, regions: Sequence[Region], kind: str = "") -> Path:
    """The alleles that begin in `regions`, one per record, left-aligned, each once; a BCF beside `calls`.

    Only records with FILTER PASS or none, and alleles that the sample carries. Those that exchange several bases are
    taken apart. `kind` is snps, indels or neither.
    """
    targets = calls.with_name(f"{calls.name}.targets.tsv")
    targets.write_text("".join(f"{r.chrom}\t{r.start}\t{r.end}\n" for r in sorted(regions)))
    out = calls.with_name(f"{calls.name}.{kind or 'all'}.normal.bcf")
    kinds = ("--types", kind) if kind else ()
    commands = (
        ("view", "--apply-filters", "PASS,.", str(calls)),
        ("norm", "--fasta-ref", str(reference), "--multiallelics", "-any", "--atomize", "--atom-overlaps", "."),
        ("norm", "--fasta-ref", str(reference)),
        ("sort",),
        ("norm", "--rm-dup", "exact"),
        ("view", "--min-ac", "1", "--targets-file", str(targets), "--targets-overlap", "0", *kinds),
    )
    data = b""
    for command in commands:
        words = ["bcftools", *command, "-Ou"]
        data = subprocess.run(words, input=data, capture_output=True, check=True).stdout
    subprocess.run(["bcftools", "view", "-Ob", "-o", str(out)], input=data, check=True)
    subprocess.run(["bcftools", "index", "--force", str(out)], check=True)
    return out


def compared(calls: Path, truth: Path, reference: Path, regions: Sequence[Region], kind: str) -> Counts:
    """Exact alleles of one kind that begin in `regions`."""
    sides = [str(normalised(each, reference, regions, kind)) for each in (calls, truth)]
    words = ["bcftools", "isec", "--collapse", "none", "--nfiles", "+1", *sides]
    sites = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    presence = [site.split("\t")[4] for site in sites]
    return Counts(presence.count("11"), presence.count("10"), presence.count("01"))


def inherited(calls: Mapping[str, Path], reference: Path, region: Region) -> Trio:
    """Of child, father and mother, in this order. A record that a member lacks counts as no copy."""
    sides = [str(normalised(each, reference, [region])) for each in calls.values()]
    merged = subprocess.run(
        ["bcftools", "merge", "--merge", "none", "--missing-to-ref", "-Ou", *sides], capture_output=True, check=True
    )
    query = ["bcftools", "query", "--format", "%POS[\t%GT]\n", "-"]
    rows = subprocess.run(query, input=merged.stdout, capture_output=True, check=True).stdout.decode().splitlines()
    copies = [[_copies(genotype) for genotype in row.split("\t")[1:]] for row in rows]
    return Trio(len(copies), sum(not _possible(*each) for each in copies))


def _copies(genotype: str) -> int:
    return genotype.replace("|", "/").split("/").count("1")


def _possible(child: int, father: int, mother: int) -> bool:
    """A parent with no copy hands on none, with two one, with one either."""
    fewest = (father == 2) + (mother == 2)
    most = (father > 0) + (mother > 0)
    return fewest <= child <= most
