import gzip
import itertools
import subprocess
from pathlib import Path

import pysam
import pytest

from batch_tools.gather_variants import gather_variants
from batch_tools.gather_variants.reference_blocks import Block, apart, disjoint, joined
from batch_tools.tool_runtime.errors import ToolError
from genomics.contracts.parameters import CallVariantsParameters, GatherVariantsParameters
from genomics.contracts.regions import Region, split

HEADER = """##fileformat=VCFv4.2
##contig=<ID=chrA,length=20000>
##contig=<ID=chrB,length=20000>
##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tsim1
"""


def lines(vcf: Path) -> list[list[str]]:
    return [line.split("\t") for line in gzip.decompress(vcf.read_bytes()).decode().splitlines() if line[0] != "#"]


def header(vcf: Path) -> str:
    return "".join(f"{line}\n" for line in gzip.decompress(vcf.read_bytes()).decode().splitlines() if line[0] == "#")


def alleles(vcf: Path) -> set[tuple[str, int, str, str]]:
    return {(c[0], int(c[1]), c[3], c[4]) for c in lines(vcf)}


@pytest.fixture(scope="module")
def gathered(gather, whole):
    return gather(whole)


@pytest.mark.parametrize("pieces", [4, 5])
def test_the_vcf_is_the_same_bytes_however_the_calling_was_split(gather, gathered, whole, pieces):
    scattered = gather(tuple(reversed(split(whole, pieces))))
    for name in ("vcf", "index", "stats"):
        assert scattered.outputs[name].read_bytes() == gathered.outputs[name].read_bytes(), name
    assert scattered.metrics == gathered.metrics


def test_the_simulated_variants_are_found(gathered, simulation, tmp_path):
    """F1 of alleles, after both sides are normalised by bcftools."""
    truth = tmp_path / "truth.vcf"
    body = [
        f"{v.chrom}\t{v.pos}\t.\t{v.ref}\t{v.alt}\t.\t.\t.\tGT\t{'1/1' if v.copies == 2 else '0/1'}\n"
        for v in simulation.variants
    ]
    truth.write_text(HEADER + "".join(body))
    norm = ["bcftools", "norm", "--no-version", "-f", simulation.fasta, "-Oz", "-o", tmp_path / "truth.vcf.gz", truth]
    subprocess.run(norm, check=True, capture_output=True)
    known, found = alleles(tmp_path / "truth.vcf.gz"), alleles(gathered.outputs["vcf"])
    assert len(known) == len(simulation.variants) >= 150
    assert len(known & found) / len(known) >= 0.99
    assert len(known & found) / len(found) >= 0.99


def test_records_are_sorted_and_passed(gathered):
    vcf = gathered.outputs["vcf"]
    places = [(c[0], int(c[1])) for c in lines(vcf)]
    assert places == sorted(places)
    filters = {c[6] for c in lines(vcf)}
    assert "PASS" in filters
    assert {name for each in filters for name in each.split(";")} <= {"PASS", "SingleCaller", "LowQual", "LowDepth"}
    tabix = subprocess.run(["tabix", vcf, "chrB:5000-6000"], capture_output=True, text=True, check=True)
    assert tabix.stdout.splitlines() == [
        "\t".join(c) for c in lines(vcf) if c[0] == "chrB" and 5000 <= int(c[1]) <= 6000
    ]


def test_the_header_names_the_version_and_no_place_or_date(gathered, references):
    text = header(gathered.outputs["vcf"])
    assert "##source=bcftools 1." in text
    assert f"##reference=file://{'5' * 64}/genome.fa" in text
    for word in (str(references), "Command", "Date", "/tmp"):
        assert word not in text


def test_filters_follow_the_parameters_and_drop_nothing(gather, gathered, whole):
    strict = gather(whole, GatherVariantsParameters(minimum_quality=100, minimum_depth=30))
    text = header(strict.outputs["vcf"])
    assert '##FILTER=<ID=LowQual,Description="Set if true: QUAL<100">' in text
    assert '##FILTER=<ID=LowDepth,Description="Set if true: FORMAT/DP<30">' in text
    assert alleles(strict.outputs["vcf"]) == alleles(gathered.outputs["vcf"])
    for columns in lines(strict.outputs["vcf"]):
        quality, depth = float(columns[5]), int(columns[9].split(":")[columns[8].split(":").index("DP")])
        short = [name for name, low in (("LowQual", quality < 100), ("LowDepth", depth < 30)) if low]
        own = [name for name in columns[6].split(";") if name not in ("PASS", "SingleCaller")]
        assert own == short


def test_stats_and_metrics_agree(gathered):
    assert gathered.metrics["records"] == len(lines(gathered.outputs["vcf"]))
    assert gathered.metrics["duplicates_removed"] == 0
    assert gathered.metrics["snps"] + gathered.metrics["indels"] == gathered.metrics["records"]


@pytest.fixture
def shard(tmp_path):
    """A shard with records of one's own."""

    def make(region: Region, *records: str) -> gather_variants.Shard:
        plain, bcf = tmp_path / "shard.vcf", tmp_path / f"{region}.bcf"
        plain.write_text(HEADER + "".join(f"{record}\n" for record in records))
        subprocess.run(["bcftools", "view", "--no-version", "-Ob", "-o", bcf, plain], check=True, capture_output=True)
        subprocess.run(["bcftools", "index", bcf], check=True)
        return gather_variants.Shard((region,), bcf, bcf.with_name(f"{bcf.name}.csi"))

    return make


@pytest.fixture
def join(reference, tmp_path):
    def run(*shards):
        directory = tmp_path / "work"
        directory.mkdir()
        return gather_variants.run(
            sample="sim1",
            shards=shards,
            reference=reference,
            parameters=GatherVariantsParameters(),
            threads=1,
            memory_mib=512,
            directory=directory,
        )

    return run


@pytest.fixture(scope="module")
def repeat(simulation) -> tuple[int, str]:
    """1-based place of the first of three like bases in chrA, and the base."""
    sequence = simulation.contigs["chrA"]
    place = next(i for i in range(600, 15_000) if sequence[i] == sequence[i + 1] == sequence[i + 2] != sequence[i - 1])
    return place + 1, sequence[place]


def test_indels_move_left_across_the_cut_and_are_kept_once(shard, join, repeat, simulation):
    place, base = repeat
    before = simulation.contigs["chrA"][place - 2]
    tail = "50\t.\tDP=20\tGT:DP\t0/1:20"
    # The same deletion of one base, as written at the left and at the right end of the repeat.
    left = shard(Region("chrA", 1, place), f"chrA\t{place - 1}\t.\t{before}{base}\t{before}\t{tail}")
    right = shard(Region("chrA", place + 1, 20_000), f"chrA\t{place + 1}\t.\t{base}{base}\t{base}\t{tail}")
    outcome = join(right, left)
    assert [c[:5] for c in lines(outcome.outputs["vcf"])] == [["chrA", str(place - 1), ".", before + base, before]]
    assert outcome.metrics["duplicates_removed"] == 1


def test_records_of_several_alternates_stay_whole(shard, join, simulation):
    ref = simulation.contigs["chrB"][99]
    first, second = [base for base in "ACGT" if base != ref][:2]
    record = f"chrB\t100\t.\t{ref}\t{first},{second}\t50\t.\tDP=20\tGT:DP\t1/2:20"
    outcome = join(shard(Region("chrB", 1, 20_000), record))
    assert [c[4] for c in lines(outcome.outputs["vcf"])] == [f"{first},{second}"]


def test_shards_without_records_give_an_empty_vcf(shard, join):
    outcome = join(shard(Region("chrA", 1, 20_000)), shard(Region("chrB", 1, 20_000)))
    assert lines(outcome.outputs["vcf"]) == []
    assert outcome.metrics["records"] == 0
    assert outcome.outputs["index"].stat().st_size > 0


def test_a_reference_that_does_not_match_is_an_error(shard, join, simulation):
    wrong = next(base for base in "ACGT" if base != simulation.contigs["chrB"][99])
    with pytest.raises(ToolError, match=r"bcftools norm failed with exit status \d+: .*mismatch.*chrB:100"):
        join(shard(Region("chrB", 1, 20_000), f"chrB\t100\t.\t{wrong}\tN\t50\t.\tDP=20\tGT:DP\t0/1:20"))


def test_overlapping_regions_are_refused(shard, join):
    with pytest.raises(ToolError, match=r"^regions chrA:1-100 and chrA:100-200 overlap"):
        join(shard(Region("chrA", 100, 200)), shard(Region("chrA", 1, 100)))


def test_a_region_that_is_not_on_the_reference_is_named(shard, join):
    with pytest.raises(ToolError, match="the reference has no contig 'chrZ'"):
        join(gather_variants.Shard((Region("chrZ", 1, 100),), Path("calls.bcf"), Path("calls.bcf.csi")))


def block(start, end, depth, chrom="chr1"):
    return Block(Region(chrom, start, end), "0/0", depth)


def test_blocks_are_joined_where_regions_were_cut_and_depths_are_of_one_band():
    cut = [block(1, 9, 12), block(10, 20, 15), block(21, 30, 25), block(32, 40, 25), block(41, 50, 21, "chr2")]
    assert list(joined(cut)) == [block(1, 20, 12), block(21, 30, 25), block(32, 40, 25), block(41, 50, 21, "chr2")]


def test_blocks_end_where_records_begin():
    spans = [Region("chr1", 5, 5), Region("chr1", 8, 12), Region("chr1", 10, 11), Region("chr1", 20, 25)]
    spans += [Region("chr2", 1, 3), Region("chr3", 7, 7)]
    blocks = [block(1, 15, 9), block(16, 20, 30), block(1, 4, 9, "chr2"), block(7, 7, 9, "chr3")]
    assert list(apart(blocks, disjoint(spans), ("chr1", "chr2", "chr3"))) == [
        block(1, 4, 9), block(6, 7, 9), block(13, 15, 9), block(16, 19, 30), block(4, 4, 9, "chr2"),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def gvcf(call, reference, tmp_path_factory):
    """Of chrA, cut into regions."""

    def gvcf(*regions):
        shards = []
        for region in regions:
            files = call(region, CallVariantsParameters(gvcf=True)).outputs
            shards.append(gather_variants.Shard((region,), files["calls"], files["index"], files["blocks"]))
        return gather_variants.run(
            sample="sim1",
            shards=shards,
            reference=reference,
            parameters=GatherVariantsParameters(),
            threads=1,
            memory_mib=1024,
            directory=tmp_path_factory.mktemp("gvcf"),
        )

    return gvcf


def test_a_gvcf_tells_every_base_once_and_has_all_variants(gvcf, simulation):
    made = gvcf(Region("chrA", 1, 9_100), Region("chrA", 9_101, 20_000))
    told, variants = [], []
    with pysam.VariantFile(str(made.outputs["gvcf"])) as file:
        for record in file:
            assert record.ref[0] == simulation.contigs["chrA"][record.pos - 1]
            if record.alts:
                variants.append((record.pos, record.ref, record.alts))
            else:
                told.append((record.pos, record.stop))
    with pysam.VariantFile(str(made.outputs["vcf"])) as file:
        assert variants == [(record.pos, record.ref, record.alts) for record in file]
    spans = sorted([*told, *disjoint_spans(variants)])
    assert all(left[1] < right[0] for left, right in itertools.pairwise(spans))
    assert sum(end - start + 1 for start, end in spans) > 0.99 * 20_000
    # No block ends where regions meet.
    assert any(start <= 9_100 < end for start, end in spans)


def disjoint_spans(variants):
    spans = disjoint(Region("chrA", pos, pos + len(ref) - 1) for pos, ref, _ in variants)
    return [(span.start, span.end) for span in spans]


def test_a_gvcf_does_not_depend_on_how_regions_are_cut(gvcf):
    def records(outcome):
        with pysam.VariantFile(str(outcome.outputs["gvcf"])) as file:
            return [str(record) for record in file]

    whole = records(gvcf(Region("chrA", 1, 20_000)))
    assert records(gvcf(Region("chrA", 1, 9_100), Region("chrA", 9_101, 20_000))) == whole
