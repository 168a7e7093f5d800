"""The chain of tools on real reads, scored against the Genome in a Bottle truth."""

import subprocess
from pathlib import Path

import pytest

from batch_tools.align import align
from batch_tools.call_variants import call_variants
from batch_tools.fastp import fastp
from batch_tools.gather_variants import gather_variants
from batch_tools.prepare_reference import prepare_reference
from genomics.contracts.parameters import (
    AlignParameters,
    CallVariantsParameters,
    FastpParameters,
    GatherVariantsParameters,
)
from genomics.contracts.regions import Region, split

pytestmark = pytest.mark.shared_data
READS = "NA12878.chr20_9999900_10050000"
SCORED = "chr20:10000000-10050000"
Alleles = set[tuple[str, ...]]


@pytest.fixture(scope="module")
def chr20(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 10.1 Mb of chr20, coordinates unchanged, prepared: all of it takes six times as long to index."""
    directory = tmp_path_factory.mktemp("chr20")
    packed = shared_data / "secondary_truth/ref/ucsc.hg19.chr20.unittest.fasta.gz"
    # Copied, because an index may be written beside it.
    (directory / packed.name).write_bytes(packed.read_bytes())
    cut = subprocess.run(
        ["samtools", "faidx", directory / packed.name, "chr20:1-10100000"], capture_output=True, text=True, check=True
    )
    fasta = directory / "chr20.fa"
    fasta.write_text(">chr20\n" + cut.stdout.partition("\n")[2])
    prepare_reference.run(
        fasta=fasta,
        fingerprint="2" * 64,
        references=directory,
        attempt="job-1",
        earlier_attempts=(),
        directory=tmp_path_factory.mktemp("prepare"),
    )
    return directory / ("2" * 64) / "genome.fa"


@pytest.fixture(scope="module")
def called(shared_data: Path, chr20: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """NA12878's VCF, called in two regions."""
    truth = shared_data / "secondary_truth"
    trimmed = fastp.run(
        reads_1=truth / f"{READS}.R1_001.fastq.gz",
        reads_2=truth / f"{READS}.R2_001.fastq.gz",
        parameters=FastpParameters(),
        threads=2,
        directory=tmp_path_factory.mktemp("fastp"),
    )
    # From the data set's README: 13,095 pairs.
    assert trimmed.metrics["reads_in"] == 2 * 13_095
    aligned = align.run(
        sample="NA12878",
        lanes=[align.Lane("L1", trimmed.outputs["reads_1"], trimmed.outputs["reads_2"])],
        reference=chr20,
        parameters=AlignParameters(),
        threads=2,
        memory_mib=2048,
        directory=tmp_path_factory.mktemp("align"),
    )
    shards = []
    for region in split([Region("chr20", 9_999_900, 10_050_000)], 2):
        calls = call_variants.run(
            sample="NA12878",
            alignments=aligned.outputs["alignments"],
            index=aligned.outputs["index"],
            region=region,
            reference=chr20,
            parameters=CallVariantsParameters(),
            directory=tmp_path_factory.mktemp("call"),
        )
        shards.append(gather_variants.Shard(region, calls.outputs["calls"], calls.outputs["index"]))
    gathered = gather_variants.run(
        sample="NA12878",
        shards=shards,
        reference=chr20,
        parameters=GatherVariantsParameters(),
        threads=2,
        memory_mib=1024,
        directory=tmp_path_factory.mktemp("gather"),
    )
    return gathered.outputs["vcf"]


@pytest.fixture(scope="module")
def alleles(chr20: Path):
    """Alleles of one kind in a VCF, split and normalised, in the scored 50 kb or the confident regions."""

    def read(vcf: Path, kind: str, confident: Path | None = None) -> Alleles:
        inside = ["-T", str(confident)] if confident else []
        select = ["bcftools", "view", "-r", SCORED, "-f", "PASS,.", "-Ou", str(vcf)]
        norm = ["bcftools", "norm", "-f", str(chr20), "-m", "-any", "-Ou", "-"]
        kinds = ["bcftools", "view", "-v", kind, *inside, "-Ou", "-"]
        query = ["bcftools", "query", "-f", "%CHROM\t%POS\t%REF\t%ALT\n", "-"]
        data = b""
        for command in (select, norm, kinds, query):
            data = subprocess.run(command, input=data, capture_output=True, check=True).stdout
        return {tuple(line.split("\t")) for line in data.decode().splitlines()}

    return read


@pytest.fixture(scope="module")
def truth(shared_data: Path) -> Path:
    return shared_data / "secondary_truth/truth/HG001_GIAB_v3.3.2_chr20_9.999-10.050Mb.vcf.gz"


# From the data set's README: 45 SNPs and 4 indels are inside the confident regions.
@pytest.mark.parametrize(("kind", "count"), [("snps", 45), ("indels", 4)])
def test_inside_the_confident_regions_every_call_is_right(called, truth, alleles, shared_data, kind, count):
    confident = shared_data / "secondary_truth/truth/test_nist.b37_chr20_100kbp_at_10mb.bed"
    expected = alleles(truth, kind, confident)
    assert len(expected) == count
    assert alleles(called, kind, confident) == expected


@pytest.mark.parametrize(("kind", "recall"), [("snps", 0.98), ("indels", 0.8)])
def test_over_the_whole_region_recall_is_as_measured(called, truth, alleles, kind, recall):
    expected = alleles(truth, kind)
    assert len(alleles(called, kind) & expected) / len(expected) >= recall
