"""Quality checks of what the lake was given: what is measured of it, the limits it is held against, and the report.

A check that fails loses nothing: rows stay as they are, the report marks them, and people are told.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from genomics.contracts.loads import LoadManifest

# Lengths of some contigs, by which the genome is recognised that a header was written for. GRCh37 and GRCh38: NCBI
# assembly reports GCF_000001405.25 and .40; CHM13: GCF_009914755.1.
_LENGTHS = {
    "GRCh37": {"1": 249250621, "2": 243199373, "17": 81195210, "20": 63025520, "22": 51304566, "X": 155270560},
    "GRCh38": {"1": 248956422, "2": 242193529, "17": 83257441, "20": 64444167, "22": 50818468, "X": 156040895},
    "CHM13": {"1": 248387328, "2": 242696752, "17": 84276897, "20": 66210255, "22": 51324926, "X": 154259566},
}
_CONTIG = re.compile(r"^##contig=<(.*)>\s*$", re.MULTILINE)
_ID, _LENGTH = re.compile(r"(?:^|,)ID=([^,]+)"), re.compile(r"(?:^|,)length=(\d+)")
_NAMED = 5


class CheckState(StrEnum):
    """How a check came out. Too little to judge is no failure."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    NOT_JUDGED = "NOT_JUDGED"


@dataclass(frozen=True)
class LoadLimits:
    """What a load is held against. Shares are 0 to 1.

    Ti/Tv is 2.0 to 2.1 in whole genomes and about 3 in exomes, het/hom 1.4 to 2.0 by ancestry (Wang et al. 2015,
    doi:10.1093/bioinformatics/btu668). Both are judged from `least_for_ratios` SNVs or calls on: less says too little.
    `reference_build` is the genome that VCFs must be of; empty: any. A release of an annotation has at least
    `least_of_previous` of the rows of the one before.
    """

    most_rejects: float = 0.01
    most_duplicates: float = 0.001
    least_ti_tv: float = 1.8
    most_ti_tv: float = 3.6
    least_het_hom: float = 1.0
    most_het_hom: float = 3.0
    least_for_ratios: int = 10_000
    reference_build: str = ""
    least_of_previous: float = 0.9


@dataclass(frozen=True)
class SampleCalls:
    """Calls of a sample that name two alleles: with one copy of the row's ALT, and with two."""

    heterozygous: int
    homozygous: int


@dataclass(frozen=True)
class LoadMeasures:
    """What was found when a load's files were read back: `rows` by table, LOOKUPS too.

    `unregistered` are partitions that the catalog does not have as the manifest does (`variants chr1`). `rejected` are
    whole records. `duplicates` are rows of variants whose place and alleles an earlier row has. `last_bases` are by
    contig.
    """

    dataset: str
    source_sha256: str
    run_id: str
    rows: Mapping[str, int]
    unregistered: tuple[str, ...]
    records: int
    rejected: int
    transitions: int
    transversions: int
    duplicates: int
    last_bases: Mapping[str, int] = field(default_factory=dict)
    samples: Mapping[str, SampleCalls] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """One check: what was `found`, and what was `wanted`, as people read it."""

    name: str
    state: CheckState
    found: str
    wanted: str


@dataclass(frozen=True)
class CheckReport:
    """How a load came through. `subject` is its dataset: `<study>/<sample>`, `annotations/<table>/<release>`.

    `state` is FAILED if any check has.
    """

    subject: str
    source_sha256: str
    run_id: str
    state: CheckState
    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that have."""
        return tuple(check for check in self.checks if check.state is CheckState.FAILED)

    @property
    def line(self) -> str:
        """What is wrong, in one line; empty if nothing is."""
        wrong = "; ".join(f"{check.name} {check.found}, expected {check.wanted}" for check in self.failed)
        return f"{self.subject}: {wrong}" if wrong else ""


def report(subject: str, source_sha256: str, run_id: str, checks: Iterable[Check]) -> CheckReport:
    """The report of some checks."""
    checks = tuple(checks)
    failed = any(check.state is CheckState.FAILED for check in checks)
    return CheckReport(subject, source_sha256, run_id, CheckState.FAILED if failed else CheckState.PASSED, checks)


def judge(manifest: LoadManifest, measures: LoadMeasures | None, limits: LoadLimits) -> CheckReport:
    """Hold a load of variants against the limits; `measures` of another load, or none, is a failure too."""
    if measures is None or measures.source_sha256 != manifest.source.sha256:
        checks = [verdict("measures", False, "are not there", "those of this load")]
    else:
        header = contig_lengths(manifest.header)
        checks = [
            _rows(manifest.rows, measures.rows),
            registered(measures.unregistered),
            rejects(measures.rejected, measures.records, limits),
            _duplicates(measures, limits),
            _ti_tv(measures, limits),
            _het_hom(measures.samples, limits),
            _build(header, limits.reference_build),
            _contigs(header, measures.last_bases),
        ]
    return report(manifest.dataset, manifest.source.sha256, manifest.run_id, checks)


def verdict(name: str, passed: bool, found: str, wanted: str) -> Check:
    """A check that could be made."""
    return Check(name, CheckState.PASSED if passed else CheckState.FAILED, found, wanted)


def registered(unregistered: tuple[str, ...]) -> Check:
    """Every partition that was written is one that queries see, and the other way round."""
    return verdict("partitions", not unregistered, _listed(unregistered) or "all in the catalog", "all in the catalog")


def rejects(rejected: int, accepted: int, limits: LoadLimits) -> Check:
    """The share of records that could not be loaded."""
    share = rejected / (rejected + accepted) if rejected else 0.0
    return verdict(
        "rejects", share <= limits.most_rejects, f"{share:.3%} ({rejected:,})", f"{limits.most_rejects:.3%} at most"
    )


def contig_lengths(header: str) -> dict[str, int]:
    """Lengths of contigs, in bases, as far as a VCF's header says them."""
    found = ((_ID.search(text), _LENGTH.search(text)) for text in _CONTIG.findall(header))
    return {name[1]: int(length[1]) for name, length in found if name and length}


def builds(lengths: Mapping[str, int]) -> tuple[str, ...]:
    """The genomes that the lengths of contigs belong to: one, unless the header is wrong or of another genome."""
    known = {contig.removeprefix("chr"): length for contig, length in lengths.items()}
    return tuple(build for build, of in _LENGTHS.items() if any(known.get(name) == size for name, size in of.items()))


def _rows(written: Mapping[str, int], found: Mapping[str, int]) -> Check:
    """Each table has the rows that were counted when they were written; calls are as many by location as by sample."""
    expected = {**written, "genotypes_by_location": written["genotypes"]}
    return verdict("rows", all(found.get(name, 0) == count for name, count in expected.items()),
                   _counts({name: found.get(name, 0) for name in expected}), _counts(expected))  # fmt: skip


def _duplicates(measures: LoadMeasures, limits: LoadLimits) -> Check:
    rows = measures.rows.get("variants", 0)
    share = measures.duplicates / rows if rows else 0.0
    return verdict("duplicates", share <= limits.most_duplicates, f"{share:.3%} ({measures.duplicates:,})",
                   f"{limits.most_duplicates:.3%} at most")  # fmt: skip


def _ti_tv(measures: LoadMeasures, limits: LoadLimits) -> Check:
    wanted = f"{limits.least_ti_tv:g} to {limits.most_ti_tv:g}"
    if measures.transitions + measures.transversions < limits.least_for_ratios:
        return Check("Ti/Tv", CheckState.NOT_JUDGED, _ratio(measures.transitions, measures.transversions), wanted)
    passed = _within(measures.transitions, measures.transversions, limits.least_ti_tv, limits.most_ti_tv)
    return verdict("Ti/Tv", passed, _ratio(measures.transitions, measures.transversions), wanted)


def _het_hom(samples: Mapping[str, SampleCalls], limits: LoadLimits) -> Check:
    """Of each sample with enough calls; those outside the limits are named."""
    wanted = f"{limits.least_het_hom:g} to {limits.most_het_hom:g}"
    enough = {n: c for n, c in samples.items() if c.heterozygous + c.homozygous >= limits.least_for_ratios}
    wrong = {
        name: calls
        for name, calls in enough.items()
        if not _within(calls.heterozygous, calls.homozygous, limits.least_het_hom, limits.most_het_hom)
    }
    told = wrong or enough or samples
    found = _listed([f"{name} {_ratio(calls.heterozygous, calls.homozygous)}" for name, calls in told.items()])
    if not enough:
        return Check("het/hom", CheckState.NOT_JUDGED, found or "no calls", wanted)
    return verdict("het/hom", not wrong, found, wanted)


def _build(lengths: Mapping[str, int], wanted: str) -> Check:
    found = builds(lengths)
    told = " and ".join(found) or "unknown"
    if not wanted:
        return verdict("reference build", len(found) < 2, told, "one")
    return verdict("reference build", found == (wanted,), told, wanted)


def _contigs(lengths: Mapping[str, int], last_bases: Mapping[str, int]) -> Check:
    beyond = [f"{contig}:{last:,}" for contig, last in last_bases.items() if last > lengths.get(contig, last)]
    return verdict(
        "positions", not beyond, _listed(beyond) or "inside the header's contigs", "inside the header's contigs"
    )


def _within(upper: int, lower: int, least: float, most: float) -> bool:
    return least * lower <= upper <= most * lower


def _ratio(upper: int, lower: int) -> str:
    return f"{upper / lower:.2f}" if lower else f"{upper:,} to none"


def _counts(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {table}" for table, count in rows.items())


def _listed(items: Iterable[str]) -> str:
    items = list(items)
    more = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
    return ", ".join(items[:_NAMED]) + more
