import pytest

from batch_tools.call_variants.haplotypes import Primitive, alleles, primitives


@pytest.mark.parametrize(
    ("ref", "alt", "cigar", "expected"),
    [
        ("A", "G", "1X", [Primitive(0, "A", "G")]),
        ("ATGT", "CTGC", "1X2M1X", [Primitive(0, "A", "C"), Primitive(3, "T", "C")]),
        ("AGT", "ACTGT", "1M2I2M", [Primitive(0, "A", "ACT")]),
        ("TCCA", "TA", "1M2D1M", [Primitive(0, "TCC", "T")]),
        # A deletion, and a SNP after it.
        ("ATTTA", "ATAA", "1M1D1M1X1M", [Primitive(0, "AT", "A"), Primitive(3, "T", "A")]),
        # There is no base before the insertion: it is left as it is.
        ("AG", "TTAG", "2I2M", [Primitive(0, "AG", "TTAG")]),
    ],
)
def test_a_haplotype_is_taken_apart_by_its_cigar(ref, alt, cigar, expected):
    assert list(primitives(ref, alt, cigar)) == expected


INFO = "CIGAR=1M1D7M1X,1M1D8M;SRF=1;SRR=2;SAF=10,12;SAR=12,19;MQM=60,50"


def record(genotype: str, depths: str, likelihoods: str, quality: str = "1460") -> str:
    sample = f"{genotype}:56:{depths}:{likelihoods}"
    return f"chr20\t100\t.\tATTTTTTTTT\tATTTTTTTA,ATTTTTTTT\t{quality}\t.\t{INFO}\tGT:DP:AD:GL\t{sample}"


def test_what_two_haplotypes_share_is_counted_for_both():
    deletion, snp = (line.split("\t") for line in alleles(record("1/2", "3,22,31", "-90,-40,-60,-30,0,-50")))
    assert deletion[1:5] == ["100", ".", "AT", "A"]
    # Both haplotypes have the deletion: two copies, 22 + 31 reads. Likelihoods: 0/0, the best of 0/1 and 0/2, the best
    # of 1/1, 1/2 and 2/2.
    assert deletion[9] == "1/1:900,300,0:56:3,53:127"
    assert deletion[7] == "INDEL;DP=56;DP4=1,2,22,31;MQ=54"
    assert snp[1:5] == ["109", ".", "T", "A"]
    # Without the SNP are 0/0, 0/2 and 2/2; with one copy 0/1 and 1/2; with two 1/1.
    assert snp[9] == "0/1:300,0,600:56:34,22:127"
    assert snp[7] == "DP=56;DP4=13,21,10,12;MQ=60"


def test_quality_is_the_alleles_own_less_the_prior():
    deletion, snp = (line.split("\t") for line in alleles(record("1/2", "3,22,31", "-9,-4,-6,-3.5,0,-5", "500")))
    # 90 and 35 are what the genotypes without the allele are less likely; 30 is theta's 0.001.
    assert (deletion[5], snp[5]) == ("60", "5")
    assert next(alleles(record("1/2", "3,22,31", "-90,-40,-60,-30,0,-50", "70"))).split("\t")[5] == "40"


def test_an_allele_less_likely_than_not_is_left_out():
    (deletion,) = alleles(record("1/2", "3,22,31", "-9,-4,-6,-3.2,0,-5", "500"))
    assert deletion.split("\t")[1] == "100"


@pytest.mark.parametrize("genotype", ["0/0", "./.", "."])
def test_alleles_that_the_sample_does_not_carry_are_left_out(genotype):
    assert list(alleles(record(genotype, "3,22,31", "-90,-40,-60,-30,0,-50"))) == []


def test_a_haploid_genotype_has_two_likelihoods():
    deletion, snp = (line.split("\t")[9] for line in alleles(record("1", "3,22,31", "-90,0,-50")))
    assert deletion == "1:900,0:56:3,53:127"
    assert snp == "1:500,0:56:34,22:127"
