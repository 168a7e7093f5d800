"""A gVCF: the sample's variants, and between them the blocks where the reads show the reference."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from batch_tools.tool_runtime.pipeline import run_pipeline
from batch_tools.tool_runtime.reference import FAI, contig_lengths
from genomics.contracts.parameters import GVCF_DEPTHS
from genomics.contracts.regions import Region

_HEADER = """\
##fileformat=VCFv4.2
##INFO=<ID=END,Number=1,Type=Integer,Description="Last position of the block">
##INFO=<ID=MinDP,Number=1,Type=Integer,Description="Least depth in the block">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Least depth in the block">
"""


@dataclass(frozen=True)
class Block:
    """Where a sample is as the reference has it. `depth` is the least, in reads."""

    region: Region
    genotype: str
    depth: int

    @property
    def band(self) -> tuple[str, int]:
        """What neighbours have in common that are one block."""
        return self.genotype, bisect_right(GVCF_DEPTHS, self.depth)


def write_gvcf(*, sample: str, vcf: str, blocks: Sequence[Path], reference: Path, directory: Path) -> Path:
    """Write `<sample>.g.vcf.gz` and its index (TBI) into `directory`, where `vcf` is; `blocks` are in the right order.

    A block ends where a record begins, so that each base is told once. A base that is in none was not called.
    """
    contigs = contig_lengths(reference)
    found = _read_blocks(blocks, directory)
    spans = _read_spans(vcf, directory)
    with (directory / "blocks.vcf").open("w") as stream, _Bases(reference) as bases:
        stream.write(_HEADER)
        stream.writelines(f"##contig=<ID={name},length={length}>\n" for name, length in contigs.items())
        stream.write(f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{sample}\n")
        for block in apart(joined(found), disjoint(spans), contigs):
            chrom, start, end = block.region.chrom, block.region.start, block.region.end
            info = f"END={end};MinDP={block.depth}"
            place = f"{chrom}\t{start}\t.\t{bases.at(chrom, start)}"
            stream.write(f"{place}\t.\t.\t.\t{info}\tGT:DP\t{block.genotype}:{block.depth}\n")
    gvcf = directory / f"{sample}.g.vcf.gz"
    compress = ["bcftools", "view", "--no-version", "--output-type", "b", "--output", "blocks.bcf", "blocks.vcf"]
    run_pipeline(compress, directory=directory)
    run_pipeline(["bcftools", "index", "--csi", "blocks.bcf"], directory=directory)
    together = ["bcftools", "concat", "--no-version", "--allow-overlaps", "-Oz", "--output", gvcf.name]
    run_pipeline([*together, vcf, "blocks.bcf"], directory=directory)
    run_pipeline(["bcftools", "index", "--tbi", gvcf.name], directory=directory)
    return gvcf


def joined(blocks: Iterable[Block]) -> Iterator[Block]:
    """Blocks in order, with those that touch and have depths of one band made one: as if no region had been cut."""
    last: Block | None = None
    for block in blocks:
        if last and last.band == block.band and _touch(last.region, block.region):
            region = Region(last.region.chrom, last.region.start, block.region.end)
            last = Block(region, last.genotype, min(last.depth, block.depth))
            continue
        if last:
            yield last
        last = block
    if last:
        yield last


def disjoint(spans: Iterable[Region]) -> Iterator[Region]:
    """Spans by their starts, with those that overlap made one."""
    last: Region | None = None
    for span in spans:
        if last and span.chrom == last.chrom and span.start <= last.end:
            last = Region(last.chrom, last.start, max(last.end, span.end))
            continue
        if last:
            yield last
        last = span
    if last:
        yield last


def apart(blocks: Iterable[Block], spans: Iterator[Region], contigs: Iterable[str]) -> Iterator[Block]:
    """What of the blocks lies outside the spans; both are in the order of `contigs`, and each is disjoint."""
    ranks = {name: rank for rank, name in enumerate(contigs)}
    span = next(spans, None)
    for block in blocks:
        chrom, start, end = block.region.chrom, block.region.start, block.region.end
        while span and (ranks[span.chrom], span.end) < (ranks[chrom], start):
            span = next(spans, None)
        while span and span.chrom == chrom and span.start <= end:
            if span.start > start:
                yield replace(block, region=Region(chrom, start, span.start - 1))
            start = span.end + 1
            if span.end > end:
                break
            span = next(spans, None)
        if start <= end:
            yield replace(block, region=Region(chrom, start, end))


def _touch(left: Region, right: Region) -> bool:
    return left.chrom == right.chrom and left.end + 1 == right.start


def _read_blocks(files: Sequence[Path], directory: Path) -> Iterator[Block]:
    """Of a block FORMAT/DP is the least depth; a site that some reads contradict in vain is a block of its own."""
    fields = "%CHROM\t%POS\t%END[\t%DP\t%GT]\n"
    for path in files:
        for chrom, start, end, depth, genotype in _rows(str(path.absolute()), fields, directory):
            if "." not in (depth, genotype[0]):
                yield Block(Region(chrom, int(start), int(end)), genotype, int(depth))


def _read_spans(vcf: str, directory: Path) -> Iterator[Region]:
    for chrom, pos, ref in _rows(vcf, "%CHROM\t%POS\t%REF\n", directory):
        yield Region(chrom, int(pos), int(pos) + len(ref) - 1)


def _rows(file: str, fields: str, directory: Path) -> Iterator[list[str]]:
    """A table in a file beside, as that of a genome is large."""
    table = directory / f"{Path(file).name}.tsv"
    run_pipeline(["bcftools", "query", "--format", fields, file], directory=directory, output=table)
    with table.open() as lines:
        for line in lines:
            yield line.rstrip("\n").split("\t")
    table.unlink()


class _Bases:
    """Single bases of a FASTA with an index."""

    def __init__(self, reference: Path) -> None:
        self._file = reference.open("rb")
        lines = reference.with_name(FAI).read_text().splitlines()
        rows = (line.split("\t") for line in lines)
        # Offset of the first base, bases and bytes of a line.
        self._layout: Mapping[str, tuple[int, int, int]] = {
            row[0]: (int(row[2]), int(row[3]), int(row[4])) for row in rows
        }

    def __enter__(self) -> "_Bases":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def at(self, chrom: str, pos: int) -> str:
        """The base at `pos`, counted from 1, in upper case; what is ambiguous is N, as REF has it."""
        offset, bases, width = self._layout[chrom]
        line, column = divmod(pos - 1, bases)
        self._file.seek(offset + line * width + column)
        base = self._file.read(1).decode().upper()
        return base if base in "ACGTN" else "N"
