"""BAM files, looked at before a program reads them: what some would pass over in silence is named.

SAM/BAM specification v1, sections 4.1.2 (end-of-file marker) and 4.2 (the BAM format); CRAM specification 3.0,
section 9 (end of file container).
"""

import gzip
import struct
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from batch_tools.tool_runtime.errors import ToolError
from genomics.contracts.regions import Region

_BGZF = b"\x1f\x8b\x08\x04"
_BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_BAM = b"BAM\1"
_CRAM = b"CRAM"
_CRAM_END = bytes.fromhex("0f000000ffffffff0fe0454f4600000000010005bdd94f0001000606010001000100ee63014b")
_OTHERS = {_CRAM: "CRAM", b"@HD\t": "SAM text", b"@SQ\t": "SAM text"}
_ADVICE = "align the sample again"


class AlignmentsError(ToolError):
    """Alignments cannot be used. The message is `<file>: <what is wrong>; <what to do>`."""

    def __init__(self, path: Path, problem: str, advice: str = _ADVICE) -> None:
        super().__init__(f"{path.name}: {problem}; {advice}")


def require_bam(path: Path, regions: Iterable[Region] = (), reference: Mapping[str, int] | None = None) -> None:
    """AlignmentsError unless `path` is a whole BAM, sorted by coordinate, whose contigs hold `regions`.

    `reference` are the contigs that a region's must be of, with their lengths in bases. The records are not read.
    """
    contigs = _contigs(path)
    for region in regions:
        length = contigs.get(region.chrom)
        if length is None:
            raise AlignmentsError(path, f"its header has no contig {region.chrom}")
        if length < region.end:
            raise AlignmentsError(path, f"its {region.chrom} has {length} bases, the region is {region}")
        if reference is not None and reference[region.chrom] != length:
            problem = f"its {region.chrom} has {length} bases, the reference's {reference[region.chrom]}"
            raise AlignmentsError(path, f"{problem}: it is aligned to another one")


def _contigs(path: Path) -> dict[str, int]:
    with path.open("rb") as file:
        magic = file.read(4)
        end = _CRAM_END if magic == _CRAM else _BGZF_END
        file.seek(max(0, path.stat().st_size - len(end)))
        is_whole = file.read() == end
    if magic in (_BGZF, _CRAM) and not is_whole:
        raise AlignmentsError(path, "it is truncated, the end-of-file block is missing")
    if magic in _OTHERS:
        raise AlignmentsError(path, f"it is {_OTHERS[magic]}, this step reads BAM", "convert it with samtools view -b")
    if magic != _BGZF:
        raise AlignmentsError(path, "it is no BAM")
    try:
        with gzip.open(path) as stream:
            text, contigs = _header(path, stream)
    except (EOFError, OSError, ValueError, struct.error, zlib.error) as error:
        raise AlignmentsError(path, f"its header cannot be read ({error})") from error
    if "SO:coordinate" not in text.partition("\n")[0].split("\t"):
        raise AlignmentsError(path, "its header does not say that it is sorted by coordinate")
    return contigs


def _header(path: Path, stream: gzip.GzipFile) -> tuple[str, dict[str, int]]:
    if stream.read(4) != _BAM:
        raise AlignmentsError(path, "it is no BAM")
    text = stream.read(_number(stream)).rstrip(b"\0").decode()
    contigs = {}
    for _ in range(_number(stream)):
        name = stream.read(_number(stream)).rstrip(b"\0").decode()
        contigs[name] = _number(stream)
    return text, contigs


def _number(stream: gzip.GzipFile) -> int:
    number: int = struct.unpack("<i", stream.read(4))[0]
    return number
