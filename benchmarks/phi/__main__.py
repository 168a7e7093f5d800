"""The scan for personal information: on identifiers of Faker's planted in real files, and on the files as they are.

`python -m benchmarks.phi [--data DIR] [--seed N] [--each N]`. Each kind of identifier is planted N times in each place
that can hold it: headers and sample columns of VCF, headers of BAM, names of reads, tables, sample sheets, names of
files. A plant is found if a finding stands at its line and field. False alarms are findings in the files of the data
set as they are, those that are broken on purpose included. Speed is that of one core, content unpacked and in memory,
median of three. It ends with 1, and a line that says why, where it misses RECALL of a kind, gives any false alarm, or
scans less than MB_PER_SECOND.
"""

import argparse
import gzip
import io
import random
import secrets
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from batch_tools.scan_delivery.content import Content
from batch_tools.scan_delivery.findings import Findings, UnusableError
from batch_tools.scan_delivery.inspection import beginning_of, inspect, look_at_name, look_at_packed_names, looks_like
from batch_tools.scan_delivery.phi_detector import PatternDetector
from benchmarks.phi import planting
from benchmarks.phi.identifiers import KINDS, identifiers
from genomics.contracts.deliveries import Agreement, FileFormat, FileState, Finding

RECALL, MB_PER_SECOND = 0.99, 100
_ROOT = Path(__file__).resolve().parents[2]
# Fewer than are told of one file.
_AT_ONCE = 50
_ENDINGS = {
    ".vcf": FileFormat.VCF,
    ".bcf": FileFormat.BCF,
    ".fastq": FileFormat.FASTQ,
    ".bam": FileFormat.BAM,
    ".cram": FileFormat.CRAM,
    ".tsv": FileFormat.TSV,
    ".txt": FileFormat.TSV,
    ".csv": FileFormat.CSV,
    ".tbi": FileFormat.INDEX,
    ".bai": FileFormat.INDEX,
}
_TIMED = (
    ("FASTQ", FileFormat.FASTQ, "secondary_truth/NA12878.chr20_9999900_10050000.R1_001.fastq.gz"),
    (
        "VCF, 10 samples",
        FileFormat.VCF,
        "vcf/10k.chr22.phase3_shapeit2_mvncall_integrated_v5.20130502.genotypes.vcf.gz",
    ),
    ("VCF, ClinVar", FileFormat.VCF, "clinvar/clinvar_20260226_GRCh38_genes.not_chr17.vcf.gz"),
    ("gVCF", FileFormat.VCF, "vcf/NA12878.prod.chr20snippet.g.vcf.gz"),
)
_TIMED_BYTES = 50_000_000


def main() -> None:
    """Print the tables; exit code 1 where something is missed."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, default=_ROOT / "../shared/data")
    options.add_argument("--seed", type=int, default=None, help="drawn, and printed, unless it is given")
    options.add_argument("--each", type=int, default=100, help="identifiers of a kind in a place")
    options.add_argument("--show", action="store_true", help="print what is missed")
    chosen = options.parse_args()
    seed = secrets.randbits(32) if chosen.seed is None else chosen.seed
    print(f"seed {seed}")
    missed = [
        *recall(chosen.data.resolve(), random.Random(seed), chosen.each, show=chosen.show),  # noqa: S311 - no secrets
        *false_alarms(chosen.data.resolve()),
        *speed(chosen.data.resolve()),
    ]
    if missed:
        sys.exit("\n".join(missed))


def recall(data: Path, rng: random.Random, each: int, *, show: bool) -> Iterator[str]:
    """Plant and look; prints a row per kind, yields what is below RECALL."""
    print(f"{'identifier':16} {'planted':>8} {'found':>8} {'recall':>7}")
    for kind in KINDS:
        planted, found = 0, 0
        them = identifiers(rng, kind)
        for plant, sources in _places(data).items():
            at_once = 1 if plant is planting.in_file_name else _AT_ONCE
            for _ in range(max(1, each // at_once)):
                file = plant(rng.choice(sources), list(islice(them, at_once)), rng)
                places = {(f.line, f.field) for f in _scan(file.path, file.format, file.content) if _is_phi(f)}
                for identifier, line, field in file.places:
                    planted += 1
                    if (line, field) in places:
                        found += 1
                    elif show:
                        print(f"  missed in {plant.__name__}: {identifier}")
        print(f"{kind:16} {planted:8} {found:8} {found / planted:7.4f}")
        if found / planted < RECALL:
            yield f"recall of {kind} is {found / planted:.4f}, {RECALL} is wanted"


def false_alarms(data: Path) -> Iterator[str]:
    """Scan the files as they are; yields each file with a finding."""
    files = sorted(path for path in data.rglob("*") if path.is_file())
    formats: Counter[str] = Counter()
    for path in files:
        format_ = _format(path)
        formats[format_.value if format_ else "name only"] += 1
        name = str(path.relative_to(data))
        for finding in _scan(name, format_ or FileFormat.OTHER, path.read_bytes()):
            if _is_phi(finding):
                yield f"false alarm: {name} {finding}"
    print(f"scanned as they are: {len(files)} files ({', '.join(f'{n} {f}' for f, n in formats.most_common())})")


def speed(data: Path) -> Iterator[str]:
    """Time the scan of content that is unpacked already; yields what is below MB_PER_SECOND."""
    for title, format_, name in _TIMED:
        content = _repeated(gzip.decompress((data / name).read_bytes()), format_)
        seconds = statistics.median(_cpu_seconds(lambda f=format_, c=content: _inspect(f, c)) for _ in range(3))
        rate = len(content) / seconds / 1e6
        print(f"{title:18} {len(content) / 1e6:6.0f} MB {rate:6.0f} MB/s")
        if rate < MB_PER_SECOND:
            yield f"{title}: {rate:.0f} MB/s, {MB_PER_SECOND} are wanted"


def _inspect(format_: FileFormat, content: bytes) -> None:
    """As a part of a whole scan, without the checksum of the file."""
    findings = Findings(PatternDetector())
    stream = io.BufferedReader(io.BytesIO(content))  # type: ignore[arg-type]
    inspect(stream, Content(iter(()), len), findings, path="x", format_=format_, agreement=Agreement("study"))
    findings.close()


_Plant = Callable[..., planting.Planted]


def _places(data: Path) -> dict[_Plant, list[Path]]:
    """Where identifiers are planted, and in which files."""
    vcfs = [data / "vcf" / name for name in ("643594.clinical.vcf.gz", "4featuresHG38Header.vcf", "ashk-trio.vcf.gz")]
    return {
        planting.in_vcf_header: vcfs,
        planting.in_sample_columns: vcfs,
        planting.in_bam_header: sorted((data / "secondary_truth").rglob("*.bam")),
        planting.in_read_names: sorted((data / "secondary_truth").glob("*.fastq.gz")),
        planting.in_table: [data / "clinvar" / "clinvar_alleles_example_750_rows.single.b37.tsv.gz"],
        planting.in_sample_sheet: sorted((data / "runfolders").rglob("SampleSheet*.csv")),
        planting.in_file_name: [data],
    }


def _is_phi(finding: Finding) -> bool:
    return finding.state is FileState.PHI


def _format(path: Path) -> FileFormat | None:
    if "samplesheet" in path.name.lower() and path.suffix == ".csv":
        return FileFormat.SAMPLE_SHEET
    suffixes = [suffix for suffix in path.suffixes if suffix not in (".gz", ".bgz", ".truncated")]
    return _ENDINGS.get(suffixes[-1]) if suffixes else None


def _scan(path: str, format_: FileFormat, content: bytes) -> tuple[Finding, ...]:
    findings = Findings(PatternDetector())
    opened = Content(iter([content]), lambda _piece: None)
    stream = opened.buffered()
    look_at_name(path, findings)
    if looks_like(format_, beginning_of(stream)) and format_ is not FileFormat.OTHER:
        try:
            inspect(stream, opened, findings, path=path, format_=format_, agreement=Agreement("study"))
        except UnusableError:
            opened.drain()
    look_at_packed_names(opened, findings)
    findings.close()
    return findings.told


def _repeated(content: bytes, format_: FileFormat) -> bytes:
    """A file as long as the large ones are, with one header."""
    header = 0
    if format_ is FileFormat.VCF:
        header = content.index(b"\n", content.index(b"\n#CHROM") + 1) + 1
    return content[:header] + content[header:] * max(1, _TIMED_BYTES // len(content))


def _cpu_seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
