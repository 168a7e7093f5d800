"""What the tables say of real files, compared with bcftools over all fields, file by file.

`python -m benchmarks.parity [--hail] [--data DIR] [--report FILE.md] [--json FILE] [--timeout SECONDS]`. Of every VCF
and BCF below `vcf/`, and every file below `bad_inputs/ebi_vcf_validator` that is said to be right, the rows must say
what `bcftools norm -m-` and `bcftools query` say, or differ for a reason that is written down in `verdicts.py`; read as
columns, whatever the size, and line by line, they must be the same. The files that are wrong on purpose must end as an
error of one line, as rejects, or as rows that say what the file says. With `--hail` the rows of the right ones must say
what Hail says instead, of the files that it reads (see `with_hail.py`). It ends with 1, and a line for each, where a
file does not.
"""

import argparse
import json
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.parity.verdicts import Outcome, Verdict, judge, judge_wrong
from benchmarks.parity.with_hail import judge_by_hail
from benchmarks.parity.workers import Judge, judged

_ROOT = Path(__file__).parents[2]
# Also where there are none.
_COUNTED = (Outcome.EQUAL, Outcome.DIFFERS, Outcome.FAILS)
_VALIDATOR = "bad_inputs/ebi_vcf_validator"

Verdicts = Mapping[str, Mapping[Path, Verdict]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Judge all files, print the counts; status 1 if one fails."""
    parser = argparse.ArgumentParser(prog="benchmarks.parity")
    shared = Path(os.environ.get("GENOMICS_SHARED_DATA") or _ROOT / "../shared/data")
    parser.add_argument("--data", type=Path, default=shared, help="the shared public data set")
    parser.add_argument("--report", type=Path, help="write a line for each file there, as Markdown")
    parser.add_argument("--json", type=Path, help="write the same there, as JSON")
    parser.add_argument("--timeout", type=float, default=600, help="seconds that a file may take")
    parser.add_argument("--hail", action="store_true", help="compare with Hail instead, where it reads the file")
    options = parser.parse_args(arguments)
    if not (options.data / "vcf").is_dir():
        sys.exit(f"{options.data}: the shared data set is not there; name it with --data")
    # So that what was started ends with this process.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to stop"))
    right, wrong = files(options.data)
    kinds: dict[str, tuple[list[Path], Judge]] = {
        "right": (right, judge),
        "wrong on purpose": (wrong, lambda path, _: judge_wrong(path)),
    }
    if options.hail:
        kinds = {"right, by Hail": (right, judge_by_hail)}
    verdicts: dict[str, dict[Path, Verdict]] = {}
    for name, (listed, how) in kinds.items():
        found = verdicts[name] = {}
        # The small ones first: what is wrong with many of them shows early.
        for path, verdict in judged(sorted(listed, key=lambda path: path.stat().st_size), how, options.timeout):
            found[path] = verdict
            print(f"{path.relative_to(options.data)}: {verdict.outcome} {verdict.reason}".rstrip(), flush=True)
        print(f"{name}: {counted(found)}", flush=True)
    if options.report:
        options.report.write_text(report(verdicts, options.data))
    if options.json:
        options.json.write_text(json.dumps(document(verdicts, options.data), indent=2) + "\n")
    failing = [(path, verdict) for found in verdicts.values() for path, verdict in found.items()]
    lines = [f"{path}: {verdict.reason}" for path, verdict in failing if verdict.outcome is Outcome.FAILS]
    if lines:
        sys.exit("\n".join(lines))


def files(data: Path) -> tuple[list[Path], list[Path]]:
    """Those that are said to be right, and those that are wrong on purpose."""
    named = re.compile(r"\.(vcf|vcf\.b?gz|bcf)$")
    right = sorted(path for path in (data / "vcf").rglob("*") if named.search(path.name))
    validator = sorted(path for path in (data / _VALIDATOR).rglob("*") if path.is_file())
    right += [path for path in validator if path.parent.name == "passed"]
    return right, [path for path in validator if path.parent.name != "passed"]


def counted(found: Mapping[Path, Verdict]) -> str:
    """Numbers of files by outcome."""
    counts = Counter(verdict.outcome for verdict in found.values())
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome] or outcome in _COUNTED)


def report(verdicts: Verdicts, data: Path) -> str:
    """A table for each kind of file."""
    lines = ["# Parity with bcftools and Hail"]
    for name, found in verdicts.items():
        lines += ["", f"## {name.capitalize()}: {counted(found)}", "", "| file | outcome | why |", "|---|---|---|"]
        for path, verdict in sorted(found.items()):
            why = verdict.reason.replace("|", "\\|")
            lines.append(f"| {path.relative_to(data)} | {verdict.outcome} | {why} |")
    return "\n".join(lines) + "\n"


def document(verdicts: Verdicts, data: Path) -> dict[str, list[dict[str, str]]]:
    """The same for JSON."""
    return {
        name: [{"file": str(path.relative_to(data)), **vars(verdict)} for path, verdict in sorted(found.items())]
        for name, found in verdicts.items()
    }


if __name__ == "__main__":
    main()
