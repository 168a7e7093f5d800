import pytest

from batch_tools.call_variants.ensemble import Allele, weighed


def allele(
    pos: int, ref: str, alt: str, *, quality: float = 100, reads: str = "10,10", strands: str = "5,5", gt: str = "0/1"
) -> Allele:
    forward_reverse = f"DP=20;DP4=5,5,{strands}"
    return Allele(
        ("chrA", str(pos), ".", ref, alt, str(quality), ".", forward_reverse, "GT:DP:AD:GQ", f"{gt}:20:{reads}:99")
    )


def judged(bcftools: list[Allele], freebayes: list[Allele]) -> list[tuple[str, str, str]]:
    """POS, FILTER and the callers of each allele."""
    rows = [each.columns for each in weighed(bcftools, freebayes)]
    return [(row[1], row[6], row[7].rpartition("CALLERS=")[2]) for row in rows]


def test_every_allele_is_there_once_in_order():
    found = judged([allele(5, "A", "G"), allele(7, "A", "G")], [allele(3, "A", "G"), allele(5, "A", "G")])
    assert found == [("3", "PASS", "freebayes"), ("5", "PASS", "bcftools,freebayes"), ("7", "PASS", "bcftools")]


WEAK = [{"quality": 19}, {"reads": "2,2"}, {"reads": "15,5"}, {"strands": "10,0"}]


@pytest.mark.parametrize("weakness", WEAK)
def test_weak_evidence_of_one_caller_is_kept_and_does_not_pass(weakness):
    weak = allele(5, "A", "G", **weakness)
    assert judged([weak], []) == [("5", "SingleCaller", "bcftools")]
    assert judged([], [weak]) == [("5", "SingleCaller", "freebayes")]


@pytest.mark.parametrize("weakness", WEAK)
def test_weak_evidence_of_both_callers_passes(weakness):
    weak = allele(5, "A", "G", **weakness)
    assert judged([weak], [weak]) == [("5", "PASS", "bcftools,freebayes")]


def test_where_each_reads_the_bases_in_its_own_way_bcftools_reading_stands():
    deletion, inside, after = allele(5, "ACGT", "A"), allele(8, "T", "G"), allele(9, "T", "G")
    assert [filters for _, filters, _ in judged([deletion], [inside, after])] == ["PASS", "SingleCaller", "PASS"]
    # They agree on the deletion, and the SNP is on the other haplotype.
    assert [filters for _, filters, _ in judged([deletion], [deletion, inside])] == ["PASS", "PASS"]


@pytest.mark.parametrize(("ref", "alt", "genotype"), [("A", "G", "1/1"), ("A", "AT", "0/1")])
def test_freebayes_genotypes_snps_and_bcftools_indels(ref, alt, genotype):
    (found,) = weighed([allele(5, ref, alt, gt="0/1")], [allele(5, ref, alt, gt="1/1", quality=50)])
    assert found.columns[9].startswith(f"{genotype}:")
    assert found.columns[5] == "100"
