import subprocess
from pathlib import Path

import pytest

from batch_tools.tool_runtime.errors import ToolError
from genomics.contracts.parameters import CALLERS, AlignParameters, CallVariantsParameters
from genomics.contracts.regions import Region, split


def records(calls: Path) -> list[str]:
    done = subprocess.run(["bcftools", "view", "--no-version", "-H", calls], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def places(calls: Path) -> list[tuple[str, int]]:
    return [(columns[0], int(columns[1])) for columns in (record.split("\t") for record in records(calls))]


@pytest.fixture(scope="module")
def uncut(call, whole):
    return [record for region in whole for record in records(call(region).outputs["calls"])]


# In the simulation's thicket of variants: 31 pieces of it are 65 bases each.
THICKET = Region("chrA", 9001, 11_000)


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("pieces", [1, 2, 7, pytest.param(31, marks=pytest.mark.slow)])
def test_regions_called_apart_give_the_records_of_the_whole(call, pieces, caller):
    parameters = CallVariantsParameters(caller=caller)
    uncut = [
        record
        for record in records(call(Region("chrA", 1, 20_000), parameters).outputs["calls"])
        if THICKET.start <= int(record.split("\t")[1]) <= THICKET.end
    ]
    assert len(uncut) > 10
    parts = split([THICKET], pieces)
    assert len(parts) == pieces
    assert [record for region in parts for record in records(call(region, parameters).outputs["calls"])] == uncut


def test_contigs_called_in_one_job_give_the_records_of_each(call, whole, uncut):
    together = call(whole)
    assert records(together.outputs["calls"]) == uncut
    assert together.metrics["bases"] == sum(region.length for region in whole)


@pytest.mark.parametrize("caller", CALLERS)
def test_every_caller_finds_the_known_alleles(call, simulation, whole, caller):
    found = {
        tuple(record.split("\t")[n] for n in (0, 1, 3, 4))
        for region in whole
        for record in records(call(region, CallVariantsParameters(caller=caller)).outputs["calls"])
    }
    known = {(v.chrom, str(v.pos), v.ref, v.alt) for v in simulation.variants if len(v.ref) == len(v.alt)}
    assert len(known & found) >= 0.97 * len(known)


@pytest.mark.parametrize(
    "parameters", [CallVariantsParameters(caller=caller, gvcf=caller == "ensemble") for caller in CALLERS], ids=CALLERS
)
def test_what_is_called_from_cram_is_what_is_called_from_bam(call, parameters):
    region = Region("chrA", 1, 20_000)
    of_bam = call(region, parameters).outputs
    of_cram = call(region, parameters, aligned_with=AlignParameters(format="cram")).outputs
    assert len(records(of_bam["calls"])) > 50
    assert of_cram.keys() == of_bam.keys()
    for name, path in of_cram.items():
        assert path.read_bytes() == of_bam[name].read_bytes(), name


def leftmost(sequence: str, pos: int, ref: str, alt: str) -> tuple[int, str, str]:
    """An allele as far to the left as it can be told, with as few bases as that takes."""
    while ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
        if not (ref and alt):
            pos -= 1
            ref, alt = sequence[pos - 1] + ref, sequence[pos - 1] + alt
    return pos, ref, alt


def test_variants_are_found_with_minimap2_as_with_bwa(call, simulation):
    region = Region("chrA", 1, 20_000)
    sequence = simulation.contigs["chrA"]
    known = {leftmost(sequence, v.pos, v.ref, v.alt) for v in simulation.variants if v.chrom == "chrA"}

    def scores(calls: Path) -> list[float]:
        """F1 of SNPs and of indels, by allele."""
        columns = (record.split("\t") for record in records(calls))
        found = {(int(pos), ref, alt) for _, pos, _, ref, alt, _, state, *_ in columns if state == "PASS"}
        parts = [
            ({v for v in some if (len(v[1]) == len(v[2])) == is_snp} for some in (found, known)) for is_snp in (1, 0)
        ]
        return [2 * len(f & k) / (len(f) + len(k)) for f, k in parts]

    by_bwa = scores(call(region).outputs["calls"])
    by_minimap2 = scores(call(region, aligned_with=AlignParameters(aligner="minimap2")).outputs["calls"])
    assert min(by_bwa) >= 0.99
    assert min(by_minimap2) >= 0.99


@pytest.mark.parametrize("offset", [-6, -1, 0, 1, 2, 8])
def test_cuts_through_an_indel_neither_lose_nor_double_it(call, simulation, uncut, offset):
    middle = len(simulation.contigs["chrA"]) // 2
    assert any(v.chrom == "chrA" and v.pos == middle and len(v.ref) != len(v.alt) for v in simulation.variants)
    left, right = Region("chrA", 9000, middle + offset), Region("chrA", middle + offset + 1, 11_000)
    both = [record for region in (left, right) for record in records(call(region).outputs["calls"])]
    assert both == [
        record for record in uncut if record.startswith("chrA\t") and 9000 <= int(record.split("\t")[1]) <= 11_000
    ]


def test_only_records_that_begin_inside_are_kept(call):
    inside = Region("chrB", 5001, 6000)
    found = places(call(inside).outputs["calls"])
    assert found
    assert all(chrom == "chrB" and 5001 <= pos <= 6000 for chrom, pos in found)


def test_records_carry_depths_and_genotype_quality(call, whole):
    record = records(call(whole[0]).outputs["calls"])[0].split("\t")
    assert set(record[8].split(":")) == {"GT", "PL", "DP", "AD", "GQ"}


def test_records_of_the_ensemble_name_their_callers(call, whole):
    infos = [record.split("\t")[7] for record in records(call(whole[0]).outputs["calls"])]
    callers = {info.rpartition("CALLERS=")[2] for info in infos}
    assert "bcftools,freebayes" in callers <= {"bcftools,freebayes", "bcftools", "freebayes"}


def test_the_sample_is_the_read_groups(call, whole):
    calls = call(whole[0]).outputs["calls"]
    done = subprocess.run(["bcftools", "query", "-l", calls], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["sim1"]
    with pytest.raises(ToolError, match=r"^sim1.bam has reads of sim1, expected someone-else$"):
        call(whole[0], sample="someone-else")


def test_a_region_without_variants_gives_an_empty_file_that_can_be_read(call):
    outcome = call(Region("chrA", 1, 100))
    assert outcome.metrics["records"] == 0
    assert records(outcome.outputs["calls"]) == []


@pytest.mark.parametrize(
    ("region", "line"),
    [
        (Region("chrZ", 1, 100), "chrZ:1-100: the reference has no contig 'chrZ' (chrA, chrB, ...)"),
        (Region("chrA", 1, 20_001), "chrA:1-20001: chrA:1-20001 ends after the contig's last base, 20000"),
    ],
)
def test_a_region_that_is_not_on_the_reference_is_named(call, region, line):
    with pytest.raises(ToolError) as caught:
        call(region)
    assert str(caught.value) == line


def test_parameters_are_handed_on(call, whole):
    haploid = call(whole[0], CallVariantsParameters(ploidy=1)).outputs["calls"]
    assert {record.split("\t")[9].split(":")[0] for record in records(haploid)} <= {"0", "1", "2"}
    strict = call(whole[0], CallVariantsParameters(minimum_mapping_quality=61))
    assert strict.metrics["records"] == 0
    # Every simulated base has quality 40; indels do not depend on it.
    demanding = call(whole[0], CallVariantsParameters(minimum_base_quality=41)).outputs["calls"]
    assert all("INDEL" in record for record in records(demanding))


def test_calls_hold_no_place_of_this_machine(call, whole, references):
    calls = call(whole[0]).outputs["calls"]
    done = subprocess.run(["bcftools", "view", "-h", "--no-version", calls], capture_output=True, text=True, check=True)
    assert str(references) not in done.stdout
    assert f"##reference=file://{'5' * 64}/genome.fa" in done.stdout
