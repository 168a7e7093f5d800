"""BAM and CRAM files, looked at before a program reads them: what some would pass over in silence is named.

SAM/BAM specification v1, sections 4.1.2 (end-of-file marker) and 4.2 (the BAM format).
"""

import gzip
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from batch_tools.tool_runtime import cram
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.reference import contig_checksums, contig_lengths
from genomics.contracts.parameters import BAM, CRAM
from genomics.contracts.regions import Region

# A format's index is named after the file, with this behind it.
INDEX_SUFFIXES = {BAM: ".bai", CRAM: ".crai"}

_BGZF = b"\x1f\x8b\x08\x04"
_BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_BAM = b"BAM\1"
_ENDS = {_BGZF: _BGZF_END, cram.MAGIC: cram.END}
_SAM_TEXT = (b"@HD\t", b"@SQ\t")
_ADVICE = "align the sample again"


class AlignmentsError(ToolError):
    """Alignments cannot be used. The message is `<file>: <what is wrong>; <what to do>`."""

    def __init__(self, path: Path, problem: str, advice: str = _ADVICE) -> None:
        super().__init__(f"{path.name}: {problem}; {advice}")


@dataclass(frozen=True)
class _Header:
    """`lengths` of contigs in bases; `checksums` by the tag M5, of those that have it, in CRAM."""

    format: str
    text: str
    lengths: dict[str, int]
    checksums: dict[str, str] = field(default_factory=dict)


def link_alignments(
    path: Path,
    directory: Path,
    *,
    index: Path | None = None,
    regions: Iterable[Region] = (),
    reference: Path | None = None,
) -> str:
    """Link alignments into `directory` as `alignments.bam` or `.cram`, with their `index`; returns the link's name.

    AlignmentsError as `require_alignments` has it.
    """
    format_ = require_alignments(path, regions, reference)
    link = directory / f"alignments.{format_}"
    link.symlink_to(path.absolute())
    if index:
        link.with_name(link.name + INDEX_SUFFIXES[format_]).symlink_to(index.absolute())
    return link.name


def require_alignments(path: Path, regions: Iterable[Region] = (), reference: Path | None = None) -> str:
    """BAM or CRAM, whichever `path` is; the records are not read.

    AlignmentsError unless it is whole, sorted by coordinate, with contigs that hold `regions`, and aligned to the
    prepared FASTA `reference`, where that is given: it must be for CRAM, whose contigs have to be the reference's by
    their checksums as well. Those of `regions` are compared, or all where there are none.
    """
    regions = tuple(regions)
    header = _header(path)
    if "SO:coordinate" not in header.text.partition("\n")[0].split("\t"):
        raise AlignmentsError(path, "its header does not say that it is sorted by coordinate")
    if reference:
        _require_reference(path, header, reference, {region.chrom for region in regions})
    elif header.format == CRAM:
        raise AlignmentsError(
            path, "it is CRAM, and the task names no reference to read it with", "start the run again"
        )
    for region in regions:
        length = header.lengths.get(region.chrom)
        if length is None:
            raise AlignmentsError(path, f"its header has no contig {region.chrom}")
        if length < region.end:
            raise AlignmentsError(path, f"its {region.chrom} has {length} bases, the region is {region}")
    return header.format


def _require_reference(path: Path, header: _Header, reference: Path, read: set[str]) -> None:
    known = contig_lengths(reference)
    for name, length in header.lengths.items():
        if name not in known:
            raise AlignmentsError(path, f"its {name} is not in the reference: it is aligned to another one")
        if known[name] != length:
            problem = f"its {name} has {length} bases, the reference's {known[name]}"
            raise AlignmentsError(path, f"{problem}: it is aligned to another one")
    if header.format == CRAM:
        names = [name for name in header.lengths if name in read or not read]
        for name, checksum in contig_checksums(reference, names).items():
            if header.checksums.get(name) != checksum:
                problem = f"its {name} has the MD5 {header.checksums.get(name)}, the reference's {checksum}"
                raise AlignmentsError(path, f"{problem}: it is aligned to another one")


def _header(path: Path) -> _Header:
    with path.open("rb") as file:
        magic, version = file.read(4), tuple(file.read(2))
        end = _ENDS.get(magic, b"")
        file.seek(max(0, path.stat().st_size - len(end)))
        is_whole = file.read() == end
    if magic in _SAM_TEXT:
        raise AlignmentsError(path, "it is SAM text, this step reads BAM and CRAM", "convert it with samtools view -b")
    if not end:
        raise AlignmentsError(path, "it is neither BAM nor CRAM")
    if magic == cram.MAGIC and version[:1] != (cram.MAJOR_VERSION,):
        problem = f"it is CRAM {'.'.join(map(str, version))}, this step reads CRAM {cram.MAJOR_VERSION}"
        raise AlignmentsError(path, problem, "convert it with samtools view -C")
    if not is_whole:
        raise AlignmentsError(path, "it is truncated, the end-of-file block is missing")
    try:
        return _cram_header(path) if magic == cram.MAGIC else _bam_header(path)
    except (EOFError, OSError, ValueError, struct.error, zlib.error) as error:
        raise AlignmentsError(path, f"its header cannot be read ({error})") from error


def _cram_header(path: Path) -> _Header:
    with path.open("rb") as stream:
        text = cram.read_header(stream)
    lines = (line.split("\t")[1:] for line in text.splitlines() if line.startswith("@SQ\t"))
    contigs = [dict(tag.split(":", 1) for tag in tags) for tags in lines]
    if any(not {"SN", "LN"} <= contig.keys() for contig in contigs):
        raise ValueError("a line @SQ lacks SN or LN")
    return _Header(
        format=CRAM,
        text=text,
        lengths={contig["SN"]: int(contig["LN"]) for contig in contigs},
        checksums={contig["SN"]: contig["M5"] for contig in contigs if "M5" in contig},
    )


def _bam_header(path: Path) -> _Header:
    with gzip.open(path) as stream:
        if stream.read(4) != _BAM:
            raise AlignmentsError(path, "it is neither BAM nor CRAM")
        text = stream.read(_number(stream)).rstrip(b"\0").decode()
        lengths = {}
        for _ in range(_number(stream)):
            name = stream.read(_number(stream)).rstrip(b"\0").decode()
            lengths[name] = _number(stream)
    return _Header(format=BAM, text=text, lengths=lengths)


def _number(stream: gzip.GzipFile) -> int:
    number: int = struct.unpack("<i", stream.read(4))[0]
    return number
