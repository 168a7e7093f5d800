import subprocess
from pathlib import Path

import pytest

from batch_tools.tool_runtime import reference as prepared
from batch_tools.tool_runtime.reference import contig_checksums


@pytest.mark.parametrize("block", [7, 1 << 22])
def test_checksums_of_contigs_are_those_of_samtools(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(prepared, "_READ_BYTES", block)
    fasta = tmp_path / "genome.fa"
    # The last lines full, short, of one base and without an end.
    fasta.write_text(">full said more\nACGT\nACGT\n>short\nacgtn\nAC\n>one\nGGG\nG\n>end\nTTTTTTTTTT\nRYK")
    subprocess.run(["samtools", "faidx", fasta], check=True)
    done = subprocess.run(["samtools", "dict", "-H", fasta], capture_output=True, text=True, check=True)
    lines = [dict(tag.split(":", 1) for tag in line.split("\t")[1:]) for line in done.stdout.splitlines()]
    known = {line["SN"]: line["M5"] for line in lines}
    assert list(known) == ["full", "short", "one", "end"]
    assert contig_checksums(fasta, known) == known
    assert contig_checksums(fasta, ["one"]) == {"one": known["one"]}
