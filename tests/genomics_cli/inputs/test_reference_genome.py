import gzip
import os
import shutil
from pathlib import Path

import pysam
import pytest

from genomics_cli.errors import UserError
from genomics_cli.inputs.reference_genome import index_reference

TEXT = ">one first contig\nACGTACGTAC\nACGT\n>two\nGGGGG\n"
CONTIGS = {"one": 14, "two": 5}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tmp_path / "workspace"


def _write(path: Path, kind: str) -> Path:
    if kind == "bgzf":
        with pysam.BGZFile(str(path), "wb", None) as file:
            file.write(TEXT.encode())
    else:
        path.write_bytes(TEXT.encode() if kind == "plain" else gzip.compress(TEXT.encode()))
    return path


@pytest.mark.parametrize(("kind", "name"), [("plain", "hg.fa"), ("gzip", "hg.fasta.gz"), ("bgzf", "hg.fna.gz")])
def test_a_reference_is_indexed_however_it_is_packed(tmp_path: Path, workspace: Path, kind: str, name: str) -> None:
    source = _write(tmp_path / name, kind)
    before = sorted(tmp_path.iterdir())
    found = index_reference(source, workspace)
    assert found.contigs == CONTIGS
    assert found.name == "hg"
    assert found.source == source
    with pysam.FastaFile(str(found.fasta)) as fasta:
        assert fasta.fetch("one", 8, 12) == "ACAC"
    assert sorted(path for path in tmp_path.iterdir() if path != workspace) == before


def test_an_index_that_is_there_is_used(tmp_path: Path, workspace: Path) -> None:
    source = _write(tmp_path / "hg.fa", "plain")
    pysam.faidx(str(source))
    assert index_reference(source, workspace).fasta == source
    assert not workspace.exists()


def test_an_index_older_than_the_sequence_is_not_believed(tmp_path: Path, workspace: Path) -> None:
    source = _write(tmp_path / "hg.fa", "plain")
    pysam.faidx(str(source))
    os.utime(f"{source}.fai", (1, 1))
    assert index_reference(source, workspace).fasta != source


def test_an_index_of_another_sequence_is_not_believed(tmp_path: Path, workspace: Path) -> None:
    source = _write(tmp_path / "hg.fa", "plain")
    Path(f"{source}.fai").write_text("one\t1400\t18\t10\t11\n")
    assert index_reference(source, workspace).contigs == CONTIGS


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"not a reference\n", "is not FASTA; its first line does not begin with '>'"),
        (b">a\nAC\nACGT\nAC\n", "cannot be indexed: .*[Dd]ifferent line length"),
        (b">a\nAC\n>a\nAC\n", "cannot be indexed: .*duplicate sequence"),
        (gzip.compress(TEXT.encode())[:-9], "cannot be decompressed"),
    ],
    ids=["empty", "text", "ragged", "duplicate", "truncated"],
)
def test_what_is_no_reference_is_refused(tmp_path: Path, workspace: Path, content: bytes, problem: str) -> None:
    source = tmp_path / "hg.fa"
    source.write_bytes(content)
    with pytest.raises(UserError, match=rf"^{source}: {problem}"):
        index_reference(source, workspace)


def test_a_reference_that_is_not_there_is_named(tmp_path: Path, workspace: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.fa: cannot be read \(No such file or directory\)"):
        index_reference(tmp_path / "nowhere.fa", workspace)


@pytest.mark.shared_data
def test_the_public_reference_is_indexed_where_its_own_index_is_lacking(
    shared_data: Path, tmp_path: Path, workspace: Path
) -> None:
    source = tmp_path / "ref.fasta.gz"
    shutil.copy(shared_data / "secondary_truth/ref/ucsc.hg19.chr20.unittest.fasta.gz", source)
    # Length of chr20 in hg19
    assert index_reference(source, workspace).contigs == {"chr20": 63_025_520}
