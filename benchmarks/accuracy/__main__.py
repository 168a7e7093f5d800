"""Accuracy on real reads of NA12878 (50 kb of chr20) and the CEU trio (10 kb), beside the plain tools in the same run.

`python -m benchmarks.accuracy [--data DIR] [--json FILE]`. Scored are exact alleles after normalisation, by `bcftools
isec`: inside the confident regions of Genome in a Bottle, where F1 is fair, and over all 50 kb, where a call that the
truth lacks is not proven false. Over all 50 kb `truvari bench` scores them too, where uv can install it: its figures
stand beside, and no limit hangs on them. It ends with 1, and a line for each limit missed.
"""

import argparse
import dataclasses
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.accuracy import data
from benchmarks.accuracy.contenders import contenders, ours
from benchmarks.accuracy.score import Counts, Trio, compared, inherited
from benchmarks.accuracy.truvari import PARAMETERS, VERSION, Matched, Truvari
from genomics.contracts.parameters import CALLERS, CallVariantsParameters

_ROOT = Path(__file__).parents[2]
_DEFAULT = ours(CallVariantsParameters().caller)


@dataclass(frozen=True)
class Result:
    """What one contender reached: SNPs and indels in the confident regions and over all, and the trio."""

    confident_snps: Counts
    confident_indels: Counts
    snps: Counts
    indels: Counts
    trio: Trio
    truvari: Matched | None

    @property
    def figures(self) -> dict[str, float]:
        """What is compared, by name."""
        return {
            "confident SNP F1": self.confident_snps.f1,
            "confident indel F1": self.confident_indels.f1,
            "SNP recall": self.snps.recall,
            "indel recall": self.indels.recall,
            "allele F1": (self.snps + self.indels).f1,
        }


def main() -> None:
    """Call, score, print; status 1 if a limit is missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.accuracy")
    shared = Path(os.environ.get("GENOMICS_SHARED_DATA") or _ROOT / "../shared/data")
    parser.add_argument("--data", type=Path, default=shared, help="the shared public data set")
    parser.add_argument("--json", type=Path, help="also write the counts and figures to this file")
    arguments = parser.parse_args()
    if not (arguments.data / "secondary_truth").is_dir():
        sys.exit(f"{arguments.data}: the shared data set is not there; name it with --data")
    with tempfile.TemporaryDirectory() as directory:
        truvari = Truvari(Path(directory))
        results = measure(arguments.data.resolve(), Path(directory), truvari)
    show(results)
    settings = " ".join(PARAMETERS)
    print(f"truvari {VERSION} is left out: {truvari.why_not}" if truvari.why_not else f"truvari {VERSION}: {settings}")
    if arguments.json:
        arguments.json.write_text(json.dumps(_plain(results), indent=2) + "\n")
    if missed := misses(results):
        sys.exit("\n".join(missed))


def measure(source: Path, directory: Path, truvari: Truvari) -> dict[str, Result]:
    """Every contender's result, by name."""
    reference = data.cut_reference(source, directory)
    truth, confident = data.truth(source, directory), data.confident(source)
    calls = {}
    for sample in (data.na12878(source), *data.trio(source, directory)):
        own = directory / sample.name
        own.mkdir()
        calls[sample.name] = contenders(sample, reference, own)
    results = {}
    for name, vcf in calls["NA12878"].items():
        counts = [
            compared(vcf, truth, reference, regions, kind)
            for regions in (confident, [data.SCORED])
            for kind in ("snps", "indels")
        ]
        family = {member: calls[member][name] for member in data.TRIO}
        trio = inherited(family, reference, data.TRIO_SCORED)
        matched = None if truvari.why_not else truvari.bench(vcf, truth, reference, [data.SCORED])
        results[name] = Result(*counts, trio, matched)
    return results


def show(results: Mapping[str, Result]) -> None:
    """Print a line for each contender."""
    columns = ("conf. SNP F1", "conf. indel F1", "SNP recall", "indel recall", "allele F1")
    print(
        f"{'':34}"
        + "".join(f"{column:>16}" for column in columns)
        + "  not in truth  trio: violations / called"
        + "  truvari: recall, precision"
    )
    for name, result in results.items():
        extra = (result.snps + result.indels).calls_only
        figures = "".join(f"{figure:16.3f}" for figure in result.figures.values())
        print(f"{name:34}{figures}{extra:14}{result.trio.violations:11} / {result.trio.called}", end="")
        print(f"{result.truvari.recall:18.3f}{result.truvari.precision:8.3f}" if result.truvari else "")


def misses(results: Mapping[str, Result]) -> list[str]:
    """A line for each limit that the default caller misses: 1.0 where confident, else the best of the peers."""
    own, said = results[_DEFAULT], list[str]()
    peers = {name: result for name, result in results.items() if name not in {ours(caller) for caller in CALLERS}}
    for figure, reached in own.figures.items():
        limit = 1.0 if figure.startswith("confident") else max(peer.figures[figure] for peer in peers.values())
        if reached < limit:
            said.append(f"{figure}: {reached:.3f}, less than {limit:.3f}")
    best = min((peer.trio for peer in peers.values()), key=lambda trio: (trio.violations, -trio.called))
    if own.trio.violations > best.violations:
        said.append(f"Mendelian violations: {own.trio.violations}, more than {best.violations}")
    if own.trio.called < best.called:
        said.append(f"sites called in the trio: {own.trio.called}, fewer than {best.called}")
    return said


def _plain(results: Mapping[str, Result]) -> dict[str, Any]:
    return {name: {**dataclasses.asdict(result), "figures": result.figures} for name, result in results.items()}


if __name__ == "__main__":
    main()
