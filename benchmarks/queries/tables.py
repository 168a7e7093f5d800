"""A cohort's tables, written by the lake's own writer: the layout is the one that a load gives."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.lake import directory_store
from genomics.contracts.tables import CONSEQUENCES, GENOTYPES, REJECTS, VARIANTS, Table
from glue_jobs.variants.gathering import gather, gather_tasks
from glue_jobs.variants.parquet import Destination, PartitionWriter
from glue_jobs.variants.staging import StagedPart
from glue_jobs.vcf.reader import Batch
from glue_jobs.vcf.schemas import row_schema

DATASET, BUCKET = "study/cohort", "lake"
_SEED = 5
# GRCh38, chr1 to chr22, in Mb.
_MB = (248, 242, 198, 190, 181, 170, 159, 145, 138, 133, 135, 133, 114, 107, 101, 90, 83, 80, 58, 64, 46, 50)
_MOST_CARRIERS = 100
_CLINVAR_SHARE = 0.02


@dataclass(frozen=True)
class Sites:
    """Variants, sorted by location, one array element each."""

    chrom: Any
    position: Any
    reference: Any
    alternate: Any
    identifier: Any

    def part(self, start: int, stop: int) -> "Sites":
        """Some of them."""
        return Sites(*(getattr(self, name)[start:stop] for name in self.__dataclass_fields__))


def make_cohort(directory: Path, *, samples: int, sites: int, ranges: int) -> Sites:
    """Write the tables below `directory`/lake as a load in so many ranges would, and a table of ClinVar."""
    random = np.random.default_rng(_SEED)
    everything = make_sites(random, sites)
    destination = Destination(BUCKET, DATASET, "load", "s3://in/cohort.vcf.gz", "0" * 64, "run")
    edges = np.linspace(0, sites, ranges + 1).astype(int).tolist()
    staged: list[StagedPart] = []
    with directory_store.used(directory):
        for start, stop in itertools.pairwise(edges):
            writer = PartitionWriter(destination, name=f"{start:015d}", is_only=ranges == 1)
            part = everything.part(start, stop)
            calls = genotypes(random, part, samples)
            others = _batch(CONSEQUENCES, {}, 0), _batch(REJECTS, {}, 0)
            writer.add(Batch(variants(random, part, samples), calls, *others))
            writer.flush()
            staged += writer.staged
        for task in gather_tasks(destination, staged):
            gather(task)
    chosen = np.flatnonzero(random.random(sites) < _CLINVAR_SHARE)
    clinvar = directory / BUCKET / "clinvar"
    clinvar.mkdir()
    pq.write_table(_clinvar(random, everything, chosen), clinvar / "release.parquet", compression="zstd")
    return everything


def make_sites(random: np.random.Generator, count: int) -> Sites:
    """Substitutions over 22 chromosomes, evenly."""
    ends = np.cumsum(_MB) * 1_000_000
    places = np.unique(random.integers(0, ends[-1], count * 2))
    places = np.sort(random.choice(places, count, replace=False))
    contigs = np.searchsorted(ends, places, side="right")
    # As a reader gives them: contigs in the file's order.
    names = np.array([f"chr{number}" for number in range(1, len(_MB) + 1)])
    first = random.integers(0, 4, count)
    second = (first + random.integers(1, 4, count)) % 4
    bases = np.array(list("ACGT"))
    identifiers = np.char.add("rs", random.permutation(np.arange(10**6, 10**6 + count)).astype(str))
    position = places - np.concatenate([[0], ends])[contigs] + 1
    return Sites(names[contigs], position, bases[first], bases[second], identifiers)


def variants(random: np.random.Generator, sites: Sites, samples: int) -> pa.RecordBatch:
    """Rows of the table `variants`."""
    count = len(sites.position)
    copies = random.integers(1, 2 * _MOST_CARRIERS, count)
    return _batch(
        VARIANTS,
        {
            **_place(sites, np.arange(count)),
            "end": sites.position,
            "ids": _lists(pa.array(sites.identifier), 1),
            "qual": np.round(random.random(count) * 9000, 2),
            "filters": _lists(pa.array(np.where(random.random(count) < 0.92, "PASS", "LowQual")), 1),
            "depth": random.poisson(32 * samples, count),
            "allele_count": copies,
            "allele_number": np.full(count, 2 * samples),
            "allele_frequency": copies / (2 * samples),
        },
        count,
    )


def genotypes(random: np.random.Generator, sites: Sites, samples: int) -> pa.RecordBatch:
    """Rows of the table `genotypes`: of carriers, few for most sites and many for some."""
    count = len(sites.position)
    carriers = (10 ** random.uniform(0, np.log10(_MOST_CARRIERS), count)).astype(int)
    pairs = np.repeat(np.arange(count), carriers) * samples + random.integers(0, samples, carriers.sum())
    site, sample = np.divmod(np.unique(pairs), samples)
    rows = len(site)
    homozygous = random.random(rows) < 0.1
    depth = random.poisson(32, rows)
    own = np.where(homozygous, depth, random.binomial(depth, 0.5))
    likelihoods = random.integers(60, 1500, (rows, 3))
    likelihoods[np.arange(rows), 1 + homozygous] = 0
    names = pa.array([f"S{number:05d}" for number in range(samples)])
    return _batch(
        GENOTYPES,
        {
            "sample": names.take(pa.array(sample)),
            **_place(sites, site),
            "genotype": pa.array(["0/1", "1/1"]).take(pa.array(homozygous.astype(int))),
            "alleles": _lists(pa.array(np.stack([homozygous, np.ones(rows)], axis=1).astype(np.int32).ravel()), 2),
            "phased": np.zeros(rows, dtype=bool),
            "dosage": 1 + homozygous,
            "depth": depth,
            "genotype_quality": random.integers(20, 100, rows),
            "allele_depths": _lists(pa.array(np.stack([depth - own, own], axis=1).astype(np.int32).ravel()), 2),
            "genotype_likelihoods": _lists(pa.array(likelihoods.astype(np.int32).ravel()), 3),
        },
        rows,
    )


def _place(sites: Sites, index: Any) -> dict[str, Any]:
    reference, alternate = sites.reference[index], sites.alternate[index]
    return {
        "chrom": sites.chrom[index],
        "pos": sites.position[index],
        "ref": reference,
        "alt": alternate,
        "alt_index": np.ones(len(index)),
        "original_pos": sites.position[index],
        "original_ref": reference,
        "original_alts": _lists(pa.array(alternate), 1),
    }


def _lists(values: pa.Array, size: int) -> pa.Array:
    """The values as lists of `size`."""
    return pa.ListArray.from_arrays(pa.array(np.arange(0, len(values) + 1, size), type=pa.int32()), values)


def _batch(table: Table, columns: Mapping[str, Any], rows: int) -> pa.RecordBatch:
    """Rows of a table; columns that are not given are null."""
    schema = row_schema(table)
    arrays = [
        pc.cast(pa.array(columns[field.name]), field.type) if field.name in columns else pa.nulls(rows, field.type)
        for field in schema
    ]
    # Many strings of numpy come in chunks.
    batches = pa.Table.from_arrays(arrays, schema=schema).combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=schema)


def _clinvar(random: np.random.Generator, sites: Sites, chosen: Any) -> pa.Table:
    significance = pa.array(["Pathogenic", "Benign", "Uncertain_significance"])
    return pa.table(
        {
            "chrom": sites.chrom[chosen],
            "pos": sites.position[chosen],
            "ref": sites.reference[chosen],
            "alt": sites.alternate[chosen],
            "significance": significance.take(pa.array(random.integers(0, 3, len(chosen)))),
            "gene": np.char.add("GENE", (chosen // 30).astype(str)),
        }
    )
