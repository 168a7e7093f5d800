"""A reference FASTA, with its contigs and an index, however it was brought: plain, BGZF or gzip, indexed or not."""

import gzip
import shutil
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path

from genomics.contracts.regions import read_fai
from genomics_cli.errors import UserError

_BGZF_MAGIC = b"BC"


@dataclass(frozen=True)
class IndexedReference:
    """`source` as the user named it, `fasta` the same sequence with a .fai beside it; `contigs` name -> bases."""

    source: Path
    fasta: Path
    contigs: dict[str, int]

    @property
    def name(self) -> str:
        """The file's name without what says that it is FASTA."""
        name = self.source.name
        for suffix in (".gz", ".bgz", ".fa", ".fasta", ".fna"):
            name = name.removesuffix(suffix)
        return name


def index_reference(source: Path, workspace: Path) -> IndexedReference:
    """Check and index a FASTA. What has to be made lies in `workspace`; raises UserError where it is no FASTA."""
    try:
        with source.open("rb") as file:
            start = file.read(18)
    except OSError as error:
        raise UserError(f"{source}: cannot be read ({error.strerror})") from error
    if not start:
        raise UserError(f"{source}: is empty")
    compressed = start.startswith(b"\x1f\x8b")
    if not compressed and not start.startswith(b">"):
        raise UserError(f"{source}: is not FASTA; its first line does not begin with '>'")
    if (contigs := _own_index(source, compressed=compressed)) is not None:
        return IndexedReference(source, source, contigs)
    workspace.mkdir(parents=True, exist_ok=True)
    fasta = workspace / ("genome.fa.gz" if compressed else "genome.fa")
    if compressed and start[12:14] != _BGZF_MAGIC:
        fasta = workspace / "genome.fa"
        _decompress(source, fasta)
    else:
        fasta.symlink_to(source.absolute())
    return IndexedReference(source, fasta, _index(source, fasta))


def _own_index(source: Path, *, compressed: bool) -> dict[str, int] | None:
    """Contigs of the .fai beside the FASTA, where it is newer and does not contradict it."""
    indexes = [source.with_name(source.name + suffix) for suffix in ((".fai", ".gzi") if compressed else (".fai",))]
    status = source.stat()
    try:
        if any(index.stat().st_mtime < status.st_mtime for index in indexes):
            return None
        text = indexes[0].read_text()
        contigs = read_fai(text)
        last = [int(field) for field in text.splitlines()[-1].split("\t")[1:5]]
    except (OSError, ValueError, IndexError):
        return None
    length, offset, line_bases, line_bytes = last
    end = offset + length // line_bases * line_bytes + length % line_bases
    is_consistent = compressed or end <= status.st_size <= end + line_bytes
    return contigs if contigs and is_consistent else None


def _decompress(source: Path, target: Path) -> None:
    try:
        with gzip.open(source) as file, target.open("wb") as out:
            shutil.copyfileobj(file, out, 1 << 20)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{source}: cannot be decompressed ({error})") from error


def _index(source: Path, fasta: Path) -> dict[str, int]:
    try:
        # As a process of its own, for what htslib finds wrong it says on stderr only.
        ended = subprocess.run(["samtools", "faidx", str(fasta)], check=False, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise UserError("samtools is not installed; it indexes the reference (apt install samtools)") from error
    problems = [line for line in ended.stderr.splitlines() if ended.returncode or "duplicate sequence" in line]
    if ended.returncode or problems:
        raise UserError(f"{source}: cannot be indexed: {problems[0] if problems else ended.returncode}")
    contigs = read_fai(fasta.with_name(fasta.name + ".fai").read_text())
    if not contigs:
        raise UserError(f"{source}: holds no sequence")
    return contigs
