"""Gene models as the GFF3 that the predictors of consequences read: the same transcripts for both."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from batch_tools.prepare_annotation.gene_models import Interval, Transcript


def csq_lines(transcripts: Iterable[Transcript]) -> Iterator[str]:
    """For bcftools csq 1.16: identifiers with Ensembl's prefixes, untranslated regions written out."""
    return _lines(transcripts, gene_prefix="gene:", transcript_prefix="transcript:", untranslated=True)


def snpeff_lines(transcripts: Iterable[Transcript]) -> Iterator[str]:
    """For snpEff, which gives identifiers as they are and finds untranslated regions by itself."""
    return _lines(transcripts, gene_prefix="", transcript_prefix="", untranslated=False)


def _lines(
    transcripts: Iterable[Transcript], *, gene_prefix: str, transcript_prefix: str, untranslated: bool
) -> Iterator[str]:
    yield "##gff-version 3\n"
    ordered = sorted(transcripts, key=lambda each: (each.chrom, each.gene))
    for (chrom, gene), group in groupby(ordered, key=lambda each: (each.chrom, each.gene)):
        members = list(group)
        first = members[0]
        whole = Interval(min(each.start for each in members), max(each.end for each in members))
        biotypes = {each.biotype for each in members}
        biotype = "protein_coding" if "protein_coding" in biotypes else first.biotype
        attributes = f"ID={gene_prefix}{gene};Name={first.gene_name};biotype={biotype}"
        yield _line(chrom, "gene", whole, first.strand, attributes)
        for each in members:
            identity = f"{transcript_prefix}{each.name}"
            attributes = f"ID={identity};Parent={gene_prefix}{gene};biotype={each.biotype}"
            kind = "mRNA" if each.cds else "transcript"
            yield _line(chrom, kind, Interval(each.start, each.end), each.strand, attributes)
            parts = [("exon", exon) for exon in each.exons] + [("CDS", part) for part in each.cds]
            if untranslated:
                parts += _untranslated(each)
            for kind, interval in parts:
                yield _line(chrom, kind, interval, each.strand, f"Parent={identity}")


def _untranslated(transcript: Transcript) -> list[tuple[str, Interval]]:
    """What lies in exons before and behind the CDS."""
    if not transcript.cds:
        return []
    first, last = transcript.cds[0].start, transcript.cds[-1].end
    left, right = ("five", "three") if transcript.strand == "+" else ("three", "five")
    before = [Interval(exon.start, min(exon.end, first - 1)) for exon in transcript.exons if exon.start < first]
    behind = [Interval(max(exon.start, last + 1), exon.end) for exon in transcript.exons if exon.end > last]
    return [(f"{left}_prime_UTR", each) for each in before] + [(f"{right}_prime_UTR", each) for each in behind]


def _line(chrom: str, kind: str, interval: Interval, strand: str, attributes: str) -> str:
    phase = "." if interval.phase is None else interval.phase
    return f"{chrom}\t.\t{kind}\t{interval.start}\t{interval.end}\t.\t{strand}\t{phase}\t{attributes}\n"
