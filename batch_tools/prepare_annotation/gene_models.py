"""Genes and their transcripts from GFF3 of any maker, checked against the reference they are said to be of."""

import itertools
import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote

from batch_tools.prepare_annotation.contig_names import own_name
from batch_tools.prepare_annotation.text_files import numbered_lines
from batch_tools.tool_runtime.errors import ToolError

_COLUMNS = 9
_PARTS = ("exon", "CDS")
# As Ensembl, RefSeq and GENCODE call it.
_BIOTYPES = ("biotype", "transcript_biotype", "transcript_type", "gene_biotype", "gene_type")
# Ensembl's identifiers begin so, those of others do not.
_ID_PREFIX = re.compile(r"^(gene|transcript):")
# Would be taken for what separates fields in INFO.
_NOT_IN_INFO = re.compile(r"[\s;,=|&:%]+")
_EXAMPLES = 5
_log = logging.getLogger(__name__)


class GffError(ToolError):
    """A GFF3 cannot be used. The message is `<file> line <number>: <what is wrong>`, or without a line."""

    def __init__(self, path: Path, problem: str, line: int = 0) -> None:
        super().__init__(f"{path.name} line {line}: {problem}" if line else f"{path.name}: {problem}")


@dataclass(frozen=True)
class Interval:
    """1-based, both ends included; `phase` is that of a CDS, None of others and where the file does not say."""

    start: int
    end: int
    phase: int | None = None

    @property
    def length(self) -> int:
        """Bases in it."""
        return self.end - self.start + 1


@dataclass(frozen=True)
class Transcript:
    """`exons` and `cds` from left to right, apart from each other, each CDS in an exon and with its phase."""

    name: str
    gene: str
    gene_name: str
    biotype: str
    chrom: str
    strand: str
    exons: tuple[Interval, ...]
    cds: tuple[Interval, ...]

    @property
    def start(self) -> int:
        """Its leftmost base."""
        return self.exons[0].start

    @property
    def end(self) -> int:
        """Its rightmost base."""
        return self.exons[-1].end


@dataclass(frozen=True)
class GeneModels:
    """`transcripts` in the reference's order, and what was counted on the way."""

    transcripts: tuple[Transcript, ...]
    counts: Mapping[str, int]


def read_gene_models(path: Path, contigs: Mapping[str, int]) -> GeneModels:
    """Read GFF3, plain or gzipped, of the reference whose contigs and lengths are `contigs`.

    A transcript is whatever exons or CDS have as their parent. Counted are genes, transcripts, coding transcripts, CDS
    that are no multiple of 3 (their ends are missing), features on contigs that the reference lacks, and transcripts
    that are left out because their parts contradict each other. GffError if a line cannot be read, if nothing lies on
    the reference, or if there is no transcript.
    """
    reader = _Reader(path, contigs)
    reader.read()
    transcripts = reader.transcripts()
    if not transcripts:
        raise GffError(path, "holds no transcript that can be used" + reader.why_none())
    ranks = {name: rank for rank, name in enumerate(contigs)}
    transcripts.sort(key=lambda each: (ranks[each.chrom], each.start, each.end, each.name))
    reader.counts["genes"] = len({each.gene for each in transcripts})
    reader.counts["transcripts"] = len(transcripts)
    reader.counts["coding_transcripts"] = sum(bool(each.cds) for each in transcripts)
    return GeneModels(tuple(transcripts), dict(reader.counts))


@dataclass(frozen=True)
class _Feature:
    """What parts may have as a parent."""

    parent: str
    name: str
    biotype: str


@dataclass
class _Parts:
    """Exons and CDS of one parent; `line` is that of the first."""

    line: int
    places: set[tuple[str, str]] = field(default_factory=set)
    exons: list[Interval] = field(default_factory=list)
    cds: list[Interval] = field(default_factory=list)


@dataclass
class _Reader:
    path: Path
    contigs: Mapping[str, int]
    features: dict[str, _Feature] = field(default_factory=dict)
    parts: dict[str, _Parts] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    circular: set[str] = field(default_factory=set)
    elsewhere: dict[str, None] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def read(self) -> None:
        """Take every line in."""
        for counted in ("cds_not_multiple_of_3", "features_elsewhere", "transcripts_left_out"):
            self.counts[counted] = 0
        for number, line in self._lines():
            columns = line.rstrip("\r\n").split("\t")
            if len(columns) != _COLUMNS:
                self._refuse(number, f"{len(columns)} columns, GFF3 has {_COLUMNS}, separated by tabs")
            self._take(number, columns)
        if self.elsewhere:
            _log.warning("%s: the reference lacks its contigs %s", self.path.name, _some(self.elsewhere))

    def transcripts(self) -> list[Transcript]:
        """What the parts make."""
        made = []
        for parent, parts in self.parts.items():
            if parent not in self.features:
                self._refuse(parts.line, f"Parent {parent} is not in the file")
            transcript, fault = self._transcript(parent, parts)
            if transcript:
                made.append(transcript)
            else:
                self.left_out.append(f"{parent} ({fault})")
        self.counts["transcripts_left_out"] = len(self.left_out)
        if self.left_out:
            _log.warning("%s: left out %s", self.path.name, _some(self.left_out))
        return made

    def why_none(self) -> str:
        """The rest of a sentence that says that there is no transcript."""
        if self.left_out:
            return f": {_some(self.left_out)}"
        if self.elsewhere and not self.types:
            own = _some(self.contigs)
            return f": none of its contigs ({_some(self.elsewhere)}) is in the reference ({own})"
        found = _some([name for name, _ in self.types.most_common()]) or "none"
        return f": its feature types are {found}; transcripts are made of exon and CDS"

    def _lines(self) -> Iterator[tuple[int, str]]:
        for number, line in numbered_lines(self.path):
            if line.startswith(("##FASTA", ">")):
                return
            if line.strip() and not line.startswith("#"):
                yield number, line

    def _take(self, number: int, columns: list[str]) -> None:
        kind = columns[2]
        attributes = self._attributes(number, columns[8])
        chrom = own_name(unquote(columns[0]), self.contigs)
        if chrom is None:
            self.counts["features_elsewhere"] += 1
            self.elsewhere[columns[0]] = None
            return
        self.types[kind] += 1
        if attributes.get("Is_circular") == "true":
            self.circular.add(chrom)
        if kind in _PARTS:
            self._take_part(number, columns, chrom, attributes)
        elif identity := attributes.get("ID"):
            self.features.setdefault(identity, _feature(attributes))

    def _take_part(self, number: int, columns: list[str], chrom: str, attributes: Mapping[str, str]) -> None:
        interval = self._interval(number, columns, chrom)
        if columns[6] not in ("+", "-"):
            self._refuse(number, f"strand of {columns[2]} is {columns[6]!r}, it must be + or -")
        parents = [each for each in attributes.get("Parent", "").split(",") if each]
        if not parents:
            if not (own := attributes.get("ID")):
                self._refuse(number, f"{columns[2]} has neither Parent nor ID")
            # A gene that is only its CDS, as for bacteria.
            self.features.setdefault(own, _feature(attributes))
            parents = [own]
        for parent in parents:
            parts = self.parts.setdefault(parent, _Parts(number))
            parts.places.add((chrom, columns[6]))
            (parts.cds if columns[2] == "CDS" else parts.exons).append(interval)

    def _interval(self, number: int, columns: list[str], chrom: str) -> Interval:
        start, end, phase = columns[3], columns[4], columns[7]
        if not (start.isdecimal() and end.isdecimal() and 1 <= int(start) <= int(end)):
            self._refuse(number, f"start {start!r} and end {end!r} must be numbers with 1 <= start <= end")
        if int(end) > self.contigs[chrom] and chrom not in self.circular:
            length = self.contigs[chrom]
            self._refuse(number, f"ends at {end}, {chrom} has {length} bases: the genes are of another reference")
        if phase not in ("0", "1", "2", "."):
            self._refuse(number, f"phase is {phase!r}, it must be 0, 1, 2 or .")
        return Interval(int(start), int(end), None if columns[2] != "CDS" or phase == "." else int(phase))

    def _attributes(self, number: int, text: str) -> dict[str, str]:
        attributes = {}
        for pair in text.strip().strip(";").split(";"):
            name, separator, value = pair.strip().partition("=")
            if not separator and pair.strip() not in ("", "."):
                if re.match(r'\w+ "', pair.strip()):
                    self._refuse(number, "is GTF, not GFF3: convert it, for instance with gffread")
                self._refuse(number, f"attribute {pair.strip()[:40]!r} is not name=value")
            attributes[name] = unquote(value)
        return attributes

    def _transcript(self, parent: str, parts: _Parts) -> tuple[Transcript | None, str]:
        """The transcript that the parts make, or why they make none."""
        exons = _sorted(parts.exons or parts.cds)
        cds = _sorted(parts.cds)
        (chrom, strand), *others = parts.places
        if others:
            return None, "parts on two contigs or strands"
        if exons[-1].end > self.contigs[chrom]:
            return None, "reaches over the origin"
        if _overlap(exons) or _overlap(cds):
            return None, "parts overlap"
        if not all(any(exon.start <= each.start and each.end <= exon.end for exon in exons) for each in cds):
            return None, "CDS outside the exons"
        gene = self._gene(parent)
        feature, top = self.features[parent], self.features[gene]
        if (sum(each.length for each in cds) - _first_phase(cds, strand)) % 3:
            self.counts["cds_not_multiple_of_3"] += 1
        name = _readable(parent)
        transcript = Transcript(
            name=f"{name}.transcript" if gene == parent else name,
            gene=_readable(gene),
            gene_name=_readable(top.name or gene),
            biotype=feature.biotype or ("protein_coding" if cds else top.biotype or "misc_RNA"),
            chrom=chrom,
            strand=strand,
            exons=tuple(Interval(each.start, each.end) for each in exons),
            cds=_with_phases(cds, strand),
        )
        return transcript, ""

    def _gene(self, identity: str) -> str:
        """The feature at the root."""
        seen = {identity}
        while (parent := self.features[identity].parent) in self.features and parent not in seen:
            seen.add(parent)
            identity = parent
        return identity

    def _refuse(self, line: int, problem: str) -> NoReturn:
        raise GffError(self.path, problem, line)


def _feature(attributes: Mapping[str, str]) -> _Feature:
    parent = attributes.get("Parent", "").split(",")[0]
    biotype = next((attributes[name] for name in _BIOTYPES if name in attributes), "")
    return _Feature(parent, attributes.get("Name") or attributes.get("gene_name", ""), biotype)


def _sorted(intervals: list[Interval]) -> list[Interval]:
    return sorted(intervals, key=lambda each: (each.start, each.end))


def _overlap(intervals: list[Interval]) -> bool:
    return any(right.start <= left.end for left, right in itertools.pairwise(intervals))


def _first_phase(cds: list[Interval], strand: str) -> int:
    """Bases before the first whole codon, of a CDS whose beginning is missing."""
    return (cds[0] if strand == "+" else cds[-1]).phase or 0 if cds else 0


def _with_phases(cds: list[Interval], strand: str) -> tuple[Interval, ...]:
    """The same with the phases that follow from the first one and the lengths."""
    phase, found = _first_phase(cds, strand), []
    for each in cds if strand == "+" else reversed(cds):
        found.append(Interval(each.start, each.end, phase))
        phase = (phase - each.length) % 3
    return tuple(_sorted(found))


def _readable(identity: str) -> str:
    """An identifier or name that can stand in INFO."""
    return _NOT_IN_INFO.sub("_", _ID_PREFIX.sub("", identity))


def _some(names: Mapping[str, object] | list[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _EXAMPLES} more" if len(listed) > _EXAMPLES else ""
    return ", ".join(listed[:_EXAMPLES]) + more
