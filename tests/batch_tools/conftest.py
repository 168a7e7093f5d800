"""A small simulated sample, and what each tool makes of it, once per session."""

import gzip
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from batch_tools.align import align
from batch_tools.call_variants import call_variants
from batch_tools.fastp import fastp
from batch_tools.gather_variants import gather_variants
from batch_tools.prepare_reference import prepare_reference
from batch_tools.tool_runtime.tool import Outcome
from genomics.contracts.parameters import (
    AlignParameters,
    CallVariantsParameters,
    FastpParameters,
    GatherVariantsParameters,
)
from genomics.contracts.regions import Region
from tests.batch_tools import known_consequences

SAMPLE = "sim1"
FINGERPRINT = "5" * 64
READ = 100
FRAGMENT = 300
DEPTH = 30


@dataclass(frozen=True)
class Variant:
    """A known difference from the reference; `copies` of 2."""

    chrom: str
    pos: int
    ref: str
    alt: str
    copies: int


@dataclass(frozen=True)
class Simulation:
    """The sample: its reference, its truth and its reads."""

    fasta: Path
    contigs: dict[str, str]
    variants: tuple[Variant, ...]
    reads_1: Path
    reads_2: Path
    pairs: int


def _complement(sequence: str) -> str:
    return sequence.translate(str.maketrans("ACGT", "TGCA"))[::-1]


def _variants(rng: random.Random, chrom: str, sequence: str) -> list[Variant]:
    """A SNP or indel every 150 to 350 bases, and a thicket of them around the middle, where tests cut."""
    middle = len(sequence) // 2
    places = [p for p in range(500, len(sequence) - 500, 250) if abs(p - middle) > 300]
    # Indels before the cut and at it, and SNPs within a read's length of them.
    places += [middle - 120, middle - 60, middle - 25, middle, middle + 12, middle + 40, middle + 90]
    variants = []
    for number, place in enumerate(sorted(places)):
        ref = sequence[place - 1]
        copies = 1 + number % 2
        if place in (middle - 25, middle) or (number % 5 == 0 and place != middle + 12):
            length = rng.randint(3, 9)
            if number % 2:
                variants.append(Variant(chrom, place, sequence[place - 1 : place + length], ref, copies))
            else:
                inserted = "".join(rng.choices("ACGT", k=length))
                variants.append(Variant(chrom, place, ref, ref + inserted, copies))
        else:
            variants.append(Variant(chrom, place, ref, rng.choice([b for b in "ACGT" if b != ref]), copies))
    return variants


def _haplotype(sequence: str, variants: Sequence[Variant], haplotype: int) -> str:
    parts, at = [], 0
    for variant in variants:
        if variant.copies == 2 or haplotype == variant.pos % 2:
            parts += [sequence[at : variant.pos - 1], variant.alt]
            at = variant.pos - 1 + len(variant.ref)
    return "".join([*parts, sequence[at:]])


def _write(path: Path, records: Sequence[tuple[str, str]]) -> None:
    with gzip.open(path, "wt", compresslevel=1) as stream:
        for name, sequence in records:
            stream.write(f"@{name}\n{sequence}\n+\n{'I' * len(sequence)}\n")


@pytest.fixture(scope="session")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    """Two contigs of 20 kb, 30x, 0.2 % errors."""
    directory = tmp_path_factory.mktemp("simulation")
    rng = random.Random(20)  # noqa: S311 - reads, not secrets
    contigs = {name: "".join(rng.choices("ACGT", k=20_000)) for name in ("chrA", "chrB")}
    variants = [v for name, sequence in contigs.items() for v in _variants(rng, name, sequence)]
    first, second = [], []
    for chrom, sequence in contigs.items():
        own = [v for v in variants if v.chrom == chrom]
        for haplotype in (0, 1):
            molecule = _haplotype(sequence, own, haplotype)
            for _ in range(len(molecule) * DEPTH // (2 * 2 * READ)):
                length = max(READ, round(rng.gauss(FRAGMENT, 30)))
                start = rng.randrange(len(molecule) - length)
                fragment = molecule[start : start + length]
                mates = [fragment[:READ], _complement(fragment[-READ:])]
                mates = ["".join(rng.choice("ACGT") if rng.random() < 0.002 else b for b in m) for m in mates]
                if rng.random() < 0.5:
                    mates.reverse()
                name = f"SIM:1:FLOWCELL:1:1101:{len(first)}:1"
                first.append((f"{name} 1:N:0:ACGT", mates[0]))
                second.append((f"{name} 2:N:0:ACGT", mates[1]))
    fasta = directory / "genome.fa"
    fasta.write_text("".join(f">{name} simulated\n{sequence}\n" for name, sequence in contigs.items()))
    reads_1, reads_2 = directory / "sim1_R1.fastq.gz", directory / "sim1_R2.fastq.gz"
    _write(reads_1, first)
    _write(reads_2, second)
    return Simulation(fasta, contigs, tuple(variants), reads_1, reads_2, len(first))


@pytest.fixture(scope="session")
def references(simulation: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A references mount with the simulated genome prepared."""
    references = tmp_path_factory.mktemp("references")
    prepare_reference.run(
        fasta=simulation.fasta,
        fingerprint=FINGERPRINT,
        references=references,
        attempt="job-1",
        earlier_attempts=(),
        memory_mib=1024,
        directory=tmp_path_factory.mktemp("prepare"),
    )
    return references


@pytest.fixture(scope="session")
def reference(references: Path) -> Path:
    return references / FINGERPRINT / "genome.fa"


@pytest.fixture(scope="session")
def trimmed(simulation: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return fastp.run(
        reads_1=simulation.reads_1,
        reads_2=simulation.reads_2,
        parameters=FastpParameters(),
        threads=2,
        directory=tmp_path_factory.mktemp("fastp"),
    )


Caller = Callable[..., Outcome]


@pytest.fixture(scope="session")
def align_sample(trimmed: Outcome, reference: Path, tmp_path_factory: pytest.TempPathFactory) -> Caller:
    """Align the simulated sample by parameters; asked again, gives what is there."""

    @cache
    def run(parameters: AlignParameters) -> Outcome:
        return align.run(
            sample=SAMPLE,
            lanes=[align.Lane("L1", trimmed.outputs["reads_1"], trimmed.outputs["reads_2"])],
            reference=reference,
            parameters=parameters,
            threads=2,
            memory_mib=2048,
            directory=tmp_path_factory.mktemp("align"),
        )

    return run


@pytest.fixture(scope="session")
def aligned(align_sample: Caller) -> Outcome:
    """As nobody asks otherwise: BAM, by bwa."""
    return align_sample(AlignParameters())


@pytest.fixture(scope="session")
def cram(align_sample: Caller) -> Outcome:
    """The same as CRAM."""
    return align_sample(AlignParameters(format="cram"))


@pytest.fixture(scope="session")
def by_minimap2(align_sample: Caller) -> Outcome:
    return align_sample(AlignParameters(aligner="minimap2"))


@pytest.fixture(scope="session")
def call(align_sample: Caller, reference: Path, tmp_path_factory: pytest.TempPathFactory) -> Caller:
    """Call one region of the simulated sample, or several; asked again, gives what is there."""

    @cache
    def run(
        region: Region | tuple[Region, ...],
        parameters: CallVariantsParameters | None = None,
        sample: str = SAMPLE,
        aligned_with: AlignParameters | None = None,
    ) -> Outcome:
        aligned = align_sample(aligned_with or AlignParameters())
        return call_variants.run(
            sample=sample,
            alignments=aligned.outputs["alignments"],
            index=aligned.outputs["index"],
            regions=[region] if isinstance(region, Region) else region,
            reference=reference,
            parameters=parameters or CallVariantsParameters(),
            directory=tmp_path_factory.mktemp("call"),
        )

    return run


@pytest.fixture(scope="session")
def gather(call: Caller, reference: Path, tmp_path_factory: pytest.TempPathFactory) -> Caller:
    """Call some regions and gather them."""

    def run(regions: Sequence[Region], parameters: GatherVariantsParameters | None = None) -> Outcome:
        called = [(region, call(region).outputs) for region in regions]
        return gather_variants.run(
            sample=SAMPLE,
            shards=[gather_variants.Shard((region,), files["calls"], files["index"]) for region, files in called],
            reference=reference,
            parameters=parameters or GatherVariantsParameters(),
            threads=2,
            memory_mib=1024,
            directory=tmp_path_factory.mktemp("gather"),
        )

    return run


@pytest.fixture(scope="session")
def whole(simulation: Simulation) -> tuple[Region, ...]:
    """Every contig as one region."""
    return tuple(Region(name, 1, len(sequence)) for name, sequence in simulation.contigs.items())


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty account in this process, with a bucket `steps-bucket` and a ledger table `ledger`."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        _create_account()
        yield


@pytest.fixture(scope="session")
def create_account() -> Callable[..., None]:
    """Makes the bucket and the table with clients of the given arguments."""
    return _create_account


@cache
def client_of(service: str, **options: str) -> Any:
    """One for all tests with these options: every account in this process is the same mock."""
    return boto3.client(service, **options)  # type: ignore[call-overload]


def _create_account(**options: str) -> None:
    client_of("s3", **options).create_bucket(Bucket="steps-bucket")
    client_of("dynamodb", **options).create_table(
        TableName="ledger",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "run_id", "KeyType": "HASH"},
            {"AttributeName": "item", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "run_id", "AttributeType": "S"},
            {"AttributeName": "item", "AttributeType": "S"},
        ],
    )


@pytest.fixture(scope="session")
def gene_genome() -> known_consequences.Genome:
    """A genome with genes, of whose variants the consequences are known."""
    return known_consequences.make()


@pytest.fixture(scope="session")
def gene_reference(gene_genome: known_consequences.Genome, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It, prepared; its GFF3 is `genes.gff3` beside the FASTA's directory."""
    directory = tmp_path_factory.mktemp("gene_genome")
    fasta, _ = gene_genome.write(directory)
    prepare_reference.run(
        fasta=fasta,
        fingerprint=FINGERPRINT,
        references=directory,
        attempt="job-1",
        earlier_attempts=(),
        memory_mib=1024,
        directory=tmp_path_factory.mktemp("prepare"),
    )
    return directory / FINGERPRINT / "genome.fa"


@pytest.fixture(scope="session")
def gene_models(gene_reference: Path) -> Path:
    """Its genes, as GFF3."""
    return gene_reference.parents[1] / "genes.gff3"
