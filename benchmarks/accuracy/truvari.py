"""Calls against the truth as `truvari bench` sees them: alleles near each other that are alike count as the same.

truvari is made for structural variants; what its parameters mean is told in its documentation, "bench". It is
installed by uv apart from this project, whose locked packages it does not share.
"""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.accuracy.score import normalised
from genomics.contracts.regions import Region

VERSION = "5.3.0"
# Two of its dependencies are built from source, with a module that later setuptools lack.
_BUILD = "setuptools<81\n"
PARAMETERS = (
    # Every size counts, those of SNPs too: by itself it leaves out what is shorter than 50 bases.
    *("--sizemin", "0", "--sizefilt", "0"),
    # SNPs have no length that could be compared; sequences decide.
    *("--pctsize", "0", "--pctseq", "1"),
    # No wider than a repeat unit or two: a small variant some bases away is another.
    *("--refdist", "10"),
    # Several alleles at a place may each match one.
    *("--pick", "multi"),
)


@dataclass(frozen=True)
class Matched:
    """truvari's counts: of the truth's alleles and of the calls, those that match and those that do not."""

    matched: int
    missed: int
    matched_calls: int
    unmatched_calls: int

    @property
    def recall(self) -> float:
        """Share of the truth that was called."""
        return self.matched / (self.matched + self.missed)

    @property
    def precision(self) -> float:
        """Share of the calls that match; over the 50 kb one that the truth lacks may still be right."""
        return self.matched_calls / (self.matched_calls + self.unmatched_calls)


class Truvari:
    """truvari, apart from this project; `why_not` says in a line why it cannot be had."""

    def __init__(self, directory: Path) -> None:
        constraints = directory / "truvari-build.txt"
        constraints.write_text(_BUILD)
        source = ["--python", "3.11", "--build-constraints", str(constraints), "--from", f"truvari=={VERSION}"]
        self._command = ["uvx", *source, "truvari"]
        self.why_not = self._trial()

    def _trial(self) -> str | None:
        if shutil.which("uvx") is None:
            return "uvx is not installed"
        there = subprocess.run([*self._command, "version"], capture_output=True, text=True, check=False)
        if there.returncode:
            return (there.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return None

    def bench(self, calls: Path, truth: Path, reference: Path, regions: Sequence[Region]) -> Matched:
        """Compare alleles that begin in `regions`, prepared as for `bcftools isec`. CalledProcessError if it fails."""
        sides = [self._vcf(normalised(each, reference, regions)) for each in (truth, calls)]
        output = calls.with_name(f"{calls.name}.truvari")
        words = ["bench", "--base", sides[0], "--comp", sides[1], "--output", output, *PARAMETERS]
        subprocess.run([*self._command, *map(str, words)], check=True, capture_output=True)
        counts = json.loads((output / "summary.json").read_text())
        return Matched(counts["TP-base"], counts["FN"], counts["TP-comp"], counts["FP"])

    @staticmethod
    def _vcf(bcf: Path) -> Path:
        vcf = bcf.with_suffix(".vcf.gz")
        subprocess.run(["bcftools", "view", "-Oz", "-o", str(vcf), str(bcf)], check=True)
        subprocess.run(["bcftools", "index", "--force", "--tbi", str(vcf)], check=True)
        return vcf
