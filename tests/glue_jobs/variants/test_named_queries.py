"""Each named query on rows that the job made of VCFs, against an answer computed from the VCFs alone."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import sqlglot

from genomics.contracts.named_queries import QUERIES
from genomics.contracts.tables import LOOKUPS, TABLES
from glue_jobs.variants.transform import load, run_alone
from glue_jobs.vcf.schemas import file_schema

_CHILD, _MOTHER, _FATHER = "child", "mother", "father"
_COHORTS = {"trios/family": (_CHILD, _MOTHER, _FATHER), "heart/H1": ("H1",), "heart/H2": ("H2",)}
_ALTERNATES = {"A": ("C", "G"), "C": ("T", "A"), "G": ("A", "T"), "T": ("G", "C")}
_HEADER = """##fileformat=VCFv4.2
##FILTER=<ID=LowQual,Description="">
##INFO=<ID=ANN,Number=.,Type=String,Description="'Allele | Annotation | Annotation_Impact | Gene_Name | Gene_ID | Feature_Type | Feature_ID | Transcript_BioType | Rank | HGVS.c | HGVS.p'">
##FORMAT=<ID=GT,Number=1,Type=String,Description="">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="">
##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="">
"""  # noqa: E501
Genotype = tuple[int | None, int | None]


@dataclass(frozen=True)
class Call:
    genotype: Genotype
    depth: int
    quality: int

    @property
    def text(self) -> str:
        return "/".join("." if allele is None else str(allele) for allele in self.genotype)


@dataclass(frozen=True)
class Site:
    """A record, which a study's samples share."""

    chrom: str
    pos: int
    ref: str
    alts: tuple[str, ...]
    id: str
    passed: bool
    calls: dict[str, Call]

    @property
    def annotation(self) -> tuple[str, ...]:
        """Subfields of an entry of ANN behind the allele."""
        impact = ("HIGH", "MODERATE", "LOW")[self.pos // 10 % 3]
        gene, transcript = f"GENE{self.pos // 10 % 4}", f"T{self.pos}"
        terms = "stop_gained&splice_region_variant"
        return terms, impact, gene, gene, "transcript", transcript, "protein_coding", "1/2", f"c.{self.pos}", "p.1"

    def line(self, samples: tuple[str, ...]) -> str:
        told = "PASS" if self.passed else "LowQual"
        calls = "\t".join(f"{c.text}:{c.depth}:{c.quality}" for c in (self.calls[sample] for sample in samples))
        ann = "ANN=" + ",".join("|".join((alt, *self.annotation)) for alt in self.alts)
        fields = (self.chrom, str(self.pos), self.id, self.ref, ",".join(self.alts), "50", told, ann, "GT:DP:GQ")
        return "\t".join((*fields, calls)) + "\n"


def _sites() -> list[Site]:
    """Of 120 sites, some with two ALTs; every sample has a call of each, few of them missing in part or whole."""
    random_ = random.Random(14)  # noqa: S311
    sites = []
    for number in range(120):
        ref = random_.choice("ACGT")
        alts = _ALTERNATES[ref][: random_.choice((1, 1, 1, 2))]
        calls = {}
        for sample in sorted(name for samples in _COHORTS.values() for name in samples):
            carried = [random_.choices((0, 1, len(alts), None), (8, 4, 2, 1))[0] for _ in range(2)]
            calls[sample] = Call((carried[0], carried[1]), random_.randrange(4, 40), random_.randrange(5, 99))
        identifier = f"rs{number}" if number % 4 else "."
        chrom, pos = f"chr{1 + number // 80}", 1000 + number * 10
        sites.append(Site(chrom, pos, ref, alts, identifier, number % 7 > 0, dict(sorted(calls.items()))))
    return sites


SITES = _sites()


def calls(*samples: str) -> Iterator[tuple[Site, str, int, Call]]:
    """Sites, each ALT of theirs by allele index, and a sample's call that has it, or may have."""
    for site in SITES:
        for sample in samples or site.calls:
            call = site.calls[sample]
            for index in range(1, len(site.alts) + 1):
                if index in call.genotype or None in call.genotype:
                    yield site, sample, index, call


def dataset_of(sample: str) -> str:
    return next(dataset for dataset, samples in _COHORTS.items() if sample in samples)


def dosage(call: Call, index: int) -> int | None:
    return None if None in call.genotype else call.genotype.count(index)


@pytest.fixture(scope="module")
def ask(aws_module: None, make_lake: Callable[[], Any]) -> Callable[..., list[tuple[Any, ...]]]:
    """Runs a named query over what was loaded."""
    lake = make_lake()
    for dataset, samples in _COHORTS.items():
        columns = "\t".join(("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *samples))
        text = _HEADER + columns + "\n" + "".join(site.line(samples) for site in SITES)
        list(load(run_alone, lake.options(lake.put(dataset, text.encode(), "calls.vcf"))))
    answers = duckdb.connect()
    for table in (*TABLES, *LOOKUPS):
        schema = file_schema(table)
        for column in table.partitions:
            schema = schema.append(pa.field(column.name, pa.string()))
        answers.register(table.name, pa.Table.from_pylist(lake.rows(table.name), schema=schema))

    def run(title: str, **values: Any) -> list[tuple[Any, ...]]:
        sql = sqlglot.transpile(QUERIES[title].text(**values), read="athena", write="duckdb")[0]
        return answers.execute(sql).fetchall()

    return run


Ask = Callable[..., list[tuple[Any, ...]]]
REGION: dict[str, Any] = {"chrom": "chr1", "start": 1200, "end": 1500}
IN_REGION = [site for site in SITES if site.chrom == "chr1" and 1200 <= site.pos <= 1500]


def test_variants_of_a_region(ask: Ask) -> None:
    expected = [
        (dataset, s.chrom, s.pos, s.ref, alt, 50.0, ["PASS" if s.passed else "LowQual"], None)
        for s in IN_REGION
        for alt in sorted(s.alts)
        for dataset in sorted(_COHORTS)
    ]
    assert len(expected) > 90
    assert ask("Variants of a region", **REGION) == expected


def test_a_variant_and_its_carriers(ask: Ask) -> None:
    site = next(site for site in SITES if len(site.alts) == 2)
    place: dict[str, Any] = {"chrom": site.chrom, "pos": site.pos, "ref": site.ref, "alt": site.alts[1]}
    assert [row[0] for row in ask("A variant", **place)] == sorted(_COHORTS)
    carriers = [
        (dataset_of(sample), sample, call.text, dosage(call, 2), call.depth, call.quality)
        for found, sample, index, call in calls()
        if found is site and index == 2
    ]
    assert ask("Carriers of a variant", **place) == sorted(carriers)


def test_an_rsid(ask: Ask) -> None:
    site = next(site for site in SITES if site.id != "." and len(site.alts) == 2)
    places = [(d, site.chrom, site.pos, site.ref, alt) for d in sorted(_COHORTS) for alt in sorted(site.alts)]
    assert ask("Where an rsid is", id=site.id) == places
    assert [row[:5] for row in ask("Variants with an rsid", id=site.id)] == places


def test_calls_of_a_region(ask: Ask) -> None:
    expected = [
        (s.chrom, s.pos, s.ref, s.alts[index - 1], sample, call.text, dosage(call, index), call.depth, call.quality)
        for s, sample, index, call in calls()
        if s in IN_REGION
    ]
    assert ask("Calls of a region", **REGION) == sorted(expected, key=lambda row: row[1:5])


def test_a_cohort_by_its_samples(ask: Ask) -> None:
    cohort = (_CHILD, "H2")
    found: dict[tuple[Any, ...], list[int]] = {}
    for site, _, index, call in calls(*cohort):
        if copies := dosage(call, index):
            found.setdefault((site.chrom, site.pos, site.ref, site.alts[index - 1]), []).append(copies)
    expected = [(*place, len(copies), sum(copies)) for place, copies in sorted(found.items())]
    assert {row[4] for row in expected} == {1, 2}
    assert ask("Variants that some samples carry", samples=cohort) == expected


def test_de_novo_candidates_of_a_trio(ask: Ask) -> None:
    expected = []
    for site, _, index, call in calls(_CHILD):
        alleles = {allele for parent in (_MOTHER, _FATHER) for allele in site.calls[parent].genotype}
        if (
            dosage(call, index)
            and not alleles & {index, None}
            and site.passed
            and (call.depth >= 12 and call.quality >= 25)
        ):
            alt = site.alts[index - 1]
            expected.append(("trios/family", site.chrom, site.pos, site.ref, alt, call.text, call.depth, call.quality))
    assert 3 < len(expected) < 40
    trio: dict[str, Any] = {"study": "trios", "child": _CHILD, "mother": _MOTHER, "father": _FATHER}
    found = ask("De novo candidates of a trio", **trio, minimum_depth=12, minimum_quality=25)
    assert [row[:8] for row in found] == sorted(expected, key=lambda row: row[1:5])
    # Samples of other studies are other people, whatever they are called.
    assert ask("De novo candidates of a trio", **{**trio, "study": "heart"}) == []


def test_allele_frequencies_by_cohort(ask: Ask) -> None:
    expected = []
    for site in IN_REGION:
        for index, alt in sorted(enumerate(site.alts, start=1), key=lambda each: each[1]):
            for cohort, samples in (("heart", ("H1", "H2")), ("trios", (_CHILD, _MOTHER, _FATHER))):
                called = [a for sample in samples for a in site.calls[sample].genotype if a is not None]
                if copies := called.count(index):
                    place = (cohort, site.chrom, site.pos, site.ref, alt)
                    expected.append((*place, copies, len(called), pytest.approx(copies / len(called))))
    assert {row[6] for row in expected} >= {3, 4, 5, 6}
    assert ask("Allele frequencies by cohort", **REGION) == expected


def test_allele_counts_of_the_lake(ask: Ask) -> None:
    found: dict[tuple[Any, ...], list[int]] = {}
    for site, _, index, call in calls():
        if copies := dosage(call, index):
            found.setdefault((site.chrom, site.pos, site.ref, site.alts[index - 1]), []).append(copies)
    expected = [(*place, len(copies), sum(copies)) for place, copies in found.items()]
    expected.sort(key=lambda row: (-row[4], *row[:4]))
    assert ask("Allele counts of the lake") == expected[:100]


def test_calls_of_each_sample(ask: Ask) -> None:
    expected = []
    for sample in sorted(SITES[0].calls):
        dosages = [dosage(call, index) for _, _, index, call in calls(sample)]
        expected.append((sample, len(dosages), dosages.count(2), dosages.count(None)))
    assert ask("Calls of each sample") == expected


def test_what_a_genes_variants_do(ask: Ask) -> None:
    expected = [
        (s.chrom, s.pos, s.ref, alt, f"T{s.pos}", "stop_gained&splice_region_variant", impact, f"c.{s.pos}", "p.1")
        for s in SITES
        for alt in sorted(s.alts)
        if (impact := s.annotation[1]) != "LOW" and s.annotation[2] == "GENE1"
    ]
    assert len(expected) > 10
    assert ask("What a gene's variants do to its transcripts", gene="GENE1") == expected


def test_rows_of_each_run(ask: Ask) -> None:
    rows = sum(len(site.alts) for site in SITES)
    assert ask("Rows of each run") == [("run-1", dataset, rows) for dataset in sorted(_COHORTS)]
