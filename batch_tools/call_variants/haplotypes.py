"""freebayes' calls, in the fields of bcftools' and allele by allele.

freebayes reports what reads show over a window as one allele, and its window depends on what else is near. The SNPs
and indels that the allele is made of do not, and can be compared with another caller's.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# What bcftools gives at most.
_HIGHEST_QUALITY = 127
# Phred-scaled: one variant in 1000 bases, the prior (theta) that freebayes has by itself and was told to leave out.
_PRIOR = 30.0
# Phred-scaled: an allele less likely than not is no call, as `bcftools call --pval-threshold` has it by itself.
_LIKELY = 3.0
_OPERATION = re.compile(r"(\d+)([MXID])")

_FIELDS = """\
##INFO=<ID=INDEL,Number=0,Type=Flag,Description="The variant is an insertion or a deletion">
##INFO=<ID=DP,Number=1,Type=Integer,Description="Reads over the allele">
##INFO=<ID=DP4,Number=4,Type=Integer,Description="Reads without the allele, forward and reverse, and with it">
##INFO=<ID=MQ,Number=1,Type=Integer,Description="Mean mapping quality of the reads with the allele">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=PL,Number=G,Type=Integer,Description="Phred-scaled genotype likelihoods">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Reads over the allele">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Reads without the allele, and with it">
##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Phred-scaled genotype quality">
"""


@dataclass(frozen=True, order=True)
class Primitive:
    """A SNP, an insertion or a deletion; `offset` is that of its first base from the haplotype's."""

    offset: int
    ref: str
    alt: str


def write_alleles(freebayes: Path, vcf: Path, *, reference: str, contigs: Mapping[str, int]) -> None:
    """Write to `vcf` the SNPs and indels that the only sample of freebayes' VCF carries.

    Neither sorted nor left-aligned. `reference` is what the header is to call the FASTA.
    """
    with freebayes.open() as source, vcf.open("w") as target:
        target.write(f"##fileformat=VCFv4.2\n##reference=file://{reference}\n")
        target.writelines(f"##contig=<ID={name},length={length}>\n" for name, length in contigs.items())
        target.write(_FIELDS)
        for line in source:
            if line.startswith("#CHROM"):
                target.write(line)
            elif not line.startswith("#"):
                target.writelines(f"{record}\n" for record in alleles(line.rstrip("\n")))


def primitives(ref: str, alt: str, cigar: str) -> tuple[Primitive, ...]:
    """What turns `ref` into `alt` by freebayes' CIGAR of the allele, from left to right, not left-aligned."""
    found = []
    r = a = 0
    for count, operation in _OPERATION.findall(cigar):
        length = int(count)
        if operation == "X":
            found += [Primitive(r + n, ref[r + n], alt[a + n]) for n in range(length)]
        elif operation in "ID" and not r:
            # There is no base before it to stand on.
            return (Primitive(0, ref, alt),)
        elif operation == "I":
            found.append(Primitive(r - 1, ref[r - 1], ref[r - 1] + alt[a : a + length]))
        elif operation == "D":
            found.append(Primitive(r - 1, ref[r - 1 : r + length], ref[r - 1]))
        r += length * (operation != "I")
        a += length * (operation != "D")
    return tuple(found)


def alleles(record: str) -> Iterator[str]:
    """A record of freebayes as one record for each SNP or indel that the sample carries.

    The likelihood of a number of copies is that of the best genotype with so many. QUAL is at most what the genotypes
    without the allele are less likely; an allele less likely than not is left out.
    """
    chrom, pos, _, ref, alts, quality, _, info_text, keys, values = record.split("\t")
    sample = dict(zip(keys.split(":"), values.split(":"), strict=False))
    genotype = sample["GT"].replace("|", "/").split("/")
    if "." in genotype or not any(int(allele) for allele in genotype):
        return
    info = dict(field.partition("=")[::2] for field in info_text.split(";"))
    parts = [set[Primitive]()]
    for alt, cigar in zip(alts.split(","), info["CIGAR"].split(","), strict=True):
        parts.append(set(primitives(ref, alt, cigar)))
    forward = [int(info["SRF"]), *_integers(info["SAF"])]
    reverse = [int(info["SRR"]), *_integers(info["SAR"])]
    depths = _integers(sample["AD"])
    mapping = [0.0, *(float(text) for text in info["MQM"].split(","))]
    for primitive in sorted(set().union(*parts)):
        copies = [int(primitive in found) for found in parts]
        carried = sum(copies[int(allele)] for allele in genotype)
        if not carried:
            continue
        with_it, without = _total(depths, copies, 1), _total(depths, copies, 0)
        likelihoods = _likelihoods([float(text) for text in sample["GL"].split(",")], copies, len(genotype))
        own_quality = max(0.0, min(float(quality), likelihoods[0]) - _PRIOR)
        if own_quality < _LIKELY:
            continue
        mapped = sum(depth * mean * own for depth, mean, own in zip(depths, mapping, copies, strict=True))
        dp4 = [_total(counts, copies, own) for own in (0, 1) for counts in (forward, reverse)]
        fields = [
            *(["INDEL"] if len(primitive.ref) != len(primitive.alt) else []),
            f"DP={sample['DP']}",
            f"DP4={','.join(map(str, dp4))}",
            f"MQ={round(mapped / with_it) if with_it else 0}",
        ]
        called = "/".join(["0"] * (len(genotype) - carried) + ["1"] * carried)
        yield "\t".join(
            [
                *(chrom, str(int(pos) + primitive.offset), ".", primitive.ref, primitive.alt, f"{own_quality:g}", "."),
                *(";".join(fields), "GT:PL:DP:AD:GQ"),
                f"{called}:{','.join(map(str, likelihoods))}:{sample['DP']}:{without},{with_it}"
                f":{min(_HIGHEST_QUALITY, sorted(likelihoods)[1])}",
            ]
        )


def _integers(text: str) -> list[int]:
    return [int(each) for each in text.split(",")]


def _total(counts: Sequence[int], copies: Sequence[int], own: int) -> int:
    """Reads of the alleles that have the primitive, or have it not."""
    return sum(count for count, has in zip(counts, copies, strict=True) if has == own)


def _likelihoods(log10: Sequence[float], copies: Sequence[int], ploidy: int) -> list[int]:
    """Phred-scaled, of 0 up to `ploidy` copies, from those of genotypes in the order of VCF 4.2, section 1.4.2."""
    count = len(copies)
    genotypes = [(a,) for a in range(count)] if ploidy == 1 else [(a, b) for b in range(count) for a in range(b + 1)]
    best = [
        max(value for value, genotype in zip(log10, genotypes, strict=True) if sum(copies[a] for a in genotype) == n)
        for n in range(ploidy + 1)
    ]
    return [round(10 * (max(best) - value)) for value in best]
