"""The chain of tools on real reads, scored against the Genome in a Bottle truth."""

import gzip
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
# The reference is cut: its first base is chr20:9900001.
BEFORE = 9_900_000
SCORED = (10_000_000, 10_050_000)


@pytest.fixture(scope="module")
def chr20(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A piece of chr20 around the reads, prepared: all of it takes minutes to index."""
    directory = tmp_path_factory.mktemp("chr20")
    packed = shared_data / "secondary_truth/ref/ucsc.hg19.chr20.unittest.fasta.gz"
    # Copied, because an index may be written beside it.
    (directory / packed.name).write_bytes(packed.read_bytes())
    cut = subprocess.run(
        ["samtools", "faidx", directory / packed.name, f"chr20:{BEFORE + 1}-{BEFORE + 250_000}"],
        capture_output=True,
        text=True,
        check=True,
    )
    fasta = directory / "chr20.fa"
    fasta.write_text(">chr20\n" + cut.stdout.partition("\n")[2])
    prepare_reference.run(
        fasta=fasta,
        fingerprint="2" * 64,
        references=directory,
        attempt="job-1",
        earlier_attempts=(),
        memory_mib=1024,
        directory=tmp_path_factory.mktemp("prepare"),
    )
    return directory / ("2" * 64) / "genome.fa"


@pytest.fixture(
    scope="module",
    params=[AlignParameters(), AlignParameters(aligner="minimap2", format="cram")],
    ids=lambda parameters: parameters.aligner,
)
def aligned_with(request: pytest.FixtureRequest) -> AlignParameters:
    parameters: AlignParameters = request.param
    return parameters


@pytest.fixture(scope="module")
def called(
    aligned_with: AlignParameters, shared_data: Path, chr20: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
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
        parameters=aligned_with,
        threads=2,
        memory_mib=2048,
        directory=tmp_path_factory.mktemp("align"),
    )
    shards = []
    for region in split([Region("chr20", 9_999_900 - BEFORE, 10_050_000 - BEFORE)], 2):
        calls = call_variants.run(
            sample="NA12878",
            alignments=aligned.outputs["alignments"],
            index=aligned.outputs["index"],
            regions=[region],
            reference=chr20,
            parameters=CallVariantsParameters(),
            directory=tmp_path_factory.mktemp("call"),
        )
        shards.append(gather_variants.Shard((region,), calls.outputs["calls"], calls.outputs["index"]))
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
def truth(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The known variants, on the cut reference."""
    packed = shared_data / "secondary_truth/truth/HG001_GIAB_v3.3.2_chr20_9.999-10.050Mb.vcf.gz"
    vcf = tmp_path_factory.mktemp("truth") / "truth.vcf"
    with gzip.open(packed, "rt") as source, vcf.open("w") as target:
        for line in source:
            chrom, pos, rest = line.split("\t", 2) if line[0] != "#" else ("", "", "")
            target.write(f"{chrom}\t{int(pos) - BEFORE}\t{rest}" if chrom else line)
    return vcf


@pytest.fixture(scope="module")
def confident(shared_data: Path) -> list[tuple[int, int]]:
    """Where the truth is complete: 1-based and closed, on chr20."""
    bed = shared_data / "secondary_truth/truth/test_nist.b37_chr20_100kbp_at_10mb.bed"
    rows = [line.split("\t") for line in bed.read_text().splitlines()]
    return [(int(start) + 1, int(end)) for _chrom, start, end in rows]


@pytest.fixture(scope="module")
def alleles(chr20: Path):
    """Alleles of one kind that begin in some intervals of chr20; split, normalised, not filtered out."""

    def read(vcf: Path, kind: str, intervals: list[tuple[int, int]]) -> set[tuple[int, str, str]]:
        select = ["bcftools", "view", "-f", "PASS,.", "-Ou", str(vcf)]
        norm = ["bcftools", "norm", "-f", str(chr20), "-m", "-any", "-Ou", "-"]
        kinds = ["bcftools", "view", "-v", kind, "-Ou", "-"]
        query = ["bcftools", "query", "-f", "%POS\t%REF\t%ALT\n", "-"]
        data = b""
        for command in (select, norm, kinds, query):
            data = subprocess.run(command, input=data, capture_output=True, check=True).stdout
        rows = [line.split("\t") for line in data.decode().splitlines()]
        found = {(int(pos) + BEFORE, ref, alt) for pos, ref, alt in rows}
        return {each for each in found if any(start <= each[0] <= end for start, end in intervals)}

    return read


# From the data set's README: 45 SNPs and 4 indels are inside the confident regions.
@pytest.mark.parametrize(("kind", "count"), [("snps", 45), ("indels", 4)])
def test_inside_the_confident_regions_every_call_is_right(called, truth, alleles, confident, kind, count):
    expected = alleles(truth, kind, confident)
    assert len(expected) == count
    assert alleles(called, kind, confident) == expected


# Of 109 SNPs and 27 indels.
FOUND = {"bwa": {"snps": 109, "indels": 22}, "minimap2": {"snps": 109, "indels": 21}}


@pytest.mark.parametrize("kind", ["snps", "indels"])
def test_over_the_whole_region_as_many_are_found_as_measured(called, truth, alleles, aligned_with, kind):
    expected = alleles(truth, kind, [SCORED])
    assert len(alleles(called, kind, [SCORED]) & expected) >= FOUND[aligned_with.aligner][kind]
