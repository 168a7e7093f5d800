import gzip
import hashlib
from pathlib import Path

import pysam
import pytest

from genomics_cli.inputs.fastq_files import FastqError, inspect_fastq, inspect_file

READS = b"".join(b"@read%d\nACGTACGTAC\n+\nFFFFFFFFFF\n" % n for n in range(5000))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reads.fastq.gz"


def _bgzf(path: Path) -> bytes:
    with pysam.BGZFile(str(path), "wb", None) as file:
        file.write(READS)
    return path.read_bytes()


def test_a_whole_file_is_summed(path: Path) -> None:
    for content in (READS, gzip.compress(READS), gzip.compress(READS[:400]) + gzip.compress(READS[400:]), _bgzf(path)):
        path.write_bytes(content)
        facts = inspect_fastq(path)
        assert facts.sha256 == hashlib.sha256(content).hexdigest()
        assert facts.size == len(content)


def test_padding_after_gzip_is_no_fault(path: Path) -> None:
    path.write_bytes(gzip.compress(READS) + b"\0" * 512)
    inspect_fastq(path)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda content: content[:-2000], "is truncated: its gzip stream ends in the middle, after line "),
        (lambda content: content[:1000] + bytes(900) + content[1900:], "is damaged after line "),
        (lambda content: b"", "is empty"),
        (lambda content: b"hello\n", "is neither gzip nor FASTQ"),
        (lambda content: gzip.compress(b">contig\nACGT\n"), "is not FASTQ: its first line does not begin with '@'"),
        (lambda content: gzip.compress(b""), "holds no reads"),
    ],
    ids=["cut", "damaged", "empty", "text", "fasta", "no reads"],
)
def test_what_is_wrong_is_said(path: Path, spoil: "object", problem: str) -> None:
    path.write_bytes(spoil(gzip.compress(READS)))  # type: ignore[operator]
    with pytest.raises(FastqError) as raised:
        inspect_fastq(path)
    assert str(raised.value).startswith(problem)


def test_a_bgzf_file_without_its_last_block_is_truncated(path: Path) -> None:
    path.write_bytes(_bgzf(path)[:-28])
    with pytest.raises(FastqError, match="is truncated: the block that ends a BGZF file is missing"):
        inspect_fastq(path)


def test_a_large_file_is_summed_but_not_decompressed(path: Path) -> None:
    content = gzip.compress(READS)[:-2000]
    path.write_bytes(content)
    assert inspect_fastq(path, decompressed_size=100).size == len(content)


def test_any_file_can_be_summed(path: Path) -> None:
    path.write_bytes(b"abc")
    # The first example of FIPS 180-2
    assert inspect_file(path).sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert inspect_file(path).size == 3
