import numpy as np
import pytest

from genomics_cli.demo.genome import codes, make_genome, text
from genomics_cli.demo.variants import Carried, Variant, haplotype, left_align, place_variants, share_out, slide

LENGTHS = {"chrA": 60_000, "chrB": 30_000}


@pytest.fixture(scope="module")
def genome() -> dict[str, np.ndarray]:
    return make_genome(np.random.default_rng(1), LENGTHS)


@pytest.fixture(scope="module")
def placed(genome: dict[str, np.ndarray]) -> tuple[Variant, ...]:
    return place_variants(np.random.default_rng(2), genome, per_base=2e-3, indel_fraction=0.3)


def test_a_deletion_in_a_repeat_is_written_at_its_left_end() -> None:
    #           1234567890
    sequence = "GGCACACATT"
    assert left_align(sequence, Variant("c", 6, "ACA", "A")) == Variant("c", 2, "GCA", "G")


def test_an_insertion_in_a_homopolymer_is_written_at_its_left_end() -> None:
    assert left_align("CTTTTG", Variant("c", 5, "T", "TT")) == Variant("c", 1, "C", "CT")


def test_shared_bases_are_trimmed() -> None:
    assert left_align("ACGTACGT", Variant("c", 2, "CGT", "CAT")) == Variant("c", 3, "G", "A")


def test_an_indel_slides_as_far_as_its_repeat_goes() -> None:
    assert slide("CTTTTG", Variant("c", 1, "C", "CT")) == 4
    assert slide("GGCACACATT", Variant("c", 2, "GCA", "G")) == 4
    assert slide("ACGTAC", Variant("c", 2, "C", "CG")) == 1
    assert slide("ACGTAC", Variant("c", 2, "C", "CA")) == 0


def test_variants_are_as_dense_and_as_mixed_as_asked(placed: tuple[Variant, ...]) -> None:
    assert 0.8 * 2e-3 * 90_000 < len(placed) <= 2e-3 * 90_000
    indels = [variant for variant in placed if not variant.is_snp]
    assert 0.2 < len(indels) / len(placed) < 0.4
    assert {len(v.alt) > len(v.ref) for v in indels} == {True, False}
    assert max(abs(len(v.alt) - len(v.ref)) for v in indels) <= 15


def test_variants_state_the_genome_and_keep_apart(genome: dict[str, np.ndarray], placed: tuple[Variant, ...]) -> None:
    assert list(placed) == sorted(placed)
    for chrom, sequence in genome.items():
        letters = text(sequence)
        free_from = 0
        for variant in (v for v in placed if v.chrom == chrom):
            assert letters[variant.pos - 1 :].startswith(variant.ref)
            assert variant.ref != variant.alt
            assert variant.pos >= free_from
            free_from = variant.pos + len(variant.ref) + 50


def test_no_indel_lies_in_a_long_repeat(genome: dict[str, np.ndarray], placed: tuple[Variant, ...]) -> None:
    assert all(slide(text(genome[v.chrom]), v) <= 6 for v in placed if not v.is_snp)


def test_samples_share_some_variants_and_keep_others(placed: tuple[Variant, ...]) -> None:
    carried = share_out(np.random.default_rng(3), placed, ("one", "two"))
    one, two = ({item.variant for item in carried[sample]} for sample in ("one", "two"))
    assert one & two
    assert one - two
    assert two - one
    assert one | two == set(placed)
    genotypes = {item.genotype for items in carried.values() for item in items}
    assert genotypes == {"0|1", "1|0", "1|1"}


def test_a_haplotype_holds_the_variants_that_it_carries() -> None:
    sequence = codes("AACCGGTTAACC")
    carried = [
        Carried(Variant("c", 2, "A", "G"), (True, False)),
        Carried(Variant("c", 4, "CGG", "C"), (True, True)),
        Carried(Variant("c", 8, "T", "TAA"), (False, True)),
    ]
    assert text(haplotype(sequence, carried, 0)) == "AGCCTTAACC"
    assert text(haplotype(sequence, carried, 1)) == "AACCTTAAAACC"
