"""What a file is, by its beginning, and who looks into it."""

from io import BufferedReader
from pathlib import PurePosixPath

from batch_tools.scan_delivery.alignment_files import BAM_MAGIC, inspect_bam, inspect_cram
from batch_tools.scan_delivery.content import Content
from batch_tools.scan_delivery.findings import Findings
from batch_tools.scan_delivery.index_files import MAGICS, inspect_index
from batch_tools.scan_delivery.phi import Text
from batch_tools.scan_delivery.read_files import inspect_fastq
from batch_tools.scan_delivery.tables import inspect_sample_sheet, inspect_table
from batch_tools.scan_delivery.variant_files import BCF_MAGIC, VCF_MAGIC, inspect_bcf, inspect_vcf
from batch_tools.tool_runtime import cram
from genomics.contracts.deliveries import Agreement, FileFormat, FileState, Finding

_MAGIC = {
    FileFormat.VCF: (VCF_MAGIC, b"#"),
    FileFormat.BCF: (BCF_MAGIC,),
    FileFormat.FASTQ: (b"@",),
    FileFormat.BAM: (BAM_MAGIC,),
    FileFormat.CRAM: (cram.MAGIC,),
    FileFormat.INDEX: MAGICS,
}
# CRAM's index has no magic: lines of numbers.
_CRAI = frozenset(b"0123456789-\t\n")
_TEXTS = (FileFormat.TSV, FileFormat.CSV, FileFormat.SAMPLE_SHEET)
# What is read by lines.
LINES = (*_TEXTS, FileFormat.VCF, FileFormat.FASTQ)
# Compressed as a whole, these have to be BGZF, or else nothing can index them.
_MUST_BE_BGZF = (FileFormat.VCF, FileFormat.BCF, FileFormat.BAM)
_BEGINNING_BYTES = 1 << 16


def looks_like(format_: FileFormat, beginning: bytes) -> bool:
    """Whether unpacked content that begins so can be of the format."""
    if format_ in _TEXTS:
        return b"\0" not in beginning
    if format_ is FileFormat.INDEX and beginning and not set(beginning) - _CRAI:
        return True
    return beginning.startswith(_MAGIC.get(format_, ()))


def beginning_of(stream: BufferedReader) -> bytes:
    """What the content begins with; it can be read once more."""
    return stream.peek(_BEGINNING_BYTES)[:_BEGINNING_BYTES]


def inspect(
    stream: BufferedReader,
    content: Content,
    findings: Findings,
    *,
    path: str,
    format_: FileFormat,
    agreement: Agreement,
) -> None:
    """Check content that looks like its format, and look through what of it can be personal.

    UnusableError where reading on would tell no more; its finding is there then.
    """
    if content.is_packed and not content.is_bgzf and format_ in _MUST_BE_BGZF:
        findings.invalid("it is compressed with gzip, not BGZF: compress it with bgzip")
    if format_ is FileFormat.VCF:
        inspect_vcf(stream, findings, agreement)
    elif format_ is FileFormat.BCF:
        inspect_bcf(stream, findings, agreement)
    elif format_ is FileFormat.BAM:
        inspect_bam(stream, findings, agreement)
    elif format_ is FileFormat.CRAM:
        inspect_cram(stream, findings, agreement)
    elif format_ is FileFormat.FASTQ:
        inspect_fastq(stream, findings, path)
    elif format_ is FileFormat.INDEX:
        inspect_index(stream, findings)
    elif format_ is FileFormat.SAMPLE_SHEET:
        inspect_sample_sheet(stream, findings)
    elif format_ in _TEXTS:
        inspect_table(stream, findings, agreement, format_)


def look_at_name(path: str, findings: Findings) -> None:
    """Look through the names of a file and of its folders."""
    findings.look([Text(part, field="file name") for part in PurePosixPath(path).parts])


def look_at_packed_names(content: Content, findings: Findings) -> None:
    """Look through the names that gzip keeps."""
    findings.look([Text(name, field="name in the gzip header") for name in content.names])


def refuse_other(findings: Findings) -> None:
    """What has no format cannot be looked through, and so never passes."""
    reason = "a file without a known format cannot be scanned for personal information: deliver what is in it by itself"
    findings.add(Finding(FileState.UNSCANNABLE, reason))
