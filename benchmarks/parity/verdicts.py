"""The verdict on a file: equal to what bcftools says, different for a reason that is written down here, or failing."""

import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.parity.oracle import BEYOND_32_BITS, Oracle, OracleError
from benchmarks.parity.rows import Row, Rows, misplaced, read_rows, text_of
from glue_jobs.vcf.errors import VcfError

# Files with records that bcftools stops at too, or (GT beyond ALT) takes for something that means nothing.
REJECTED: Mapping[str, str] = {
    "annotate21.vcf": "GT '0/1' has allele 1, ALT has only 0",
    "annotate3.vcf": "GT '0/1' has allele 1, ALT has only 0",
    "consensus.12.vcf": "GT '0/1' has allele 1, ALT has only 0",
    "consensus8.vcf": "GT '0/1' has allele 1, ALT has only 0",
    "query.filter-type.vcf": "GT '1' has allele 1, ALT has only 0",
    "regions.vcf": "GT '1/2' has allele 2, ALT has only 1",
    "isec-miss.2.3.vcf": "8 columns, the header has 12",
    "7.vcf.gz": "8 columns, the header has 392",
    "passed_compressed.vcf.gz": "GT '0|1' has allele 1, ALT has only 0",
    "passed_body_sample_format_CICN.vcf": "GT '0/0|' is malformed",
}
# Files with fields that are not as declared, which bcftools cuts, truncates or drops, and we keep as text: these, and
# why.
MISFITS: Mapping[str, tuple[str, str]] = {
    "4featuresHG38Header.vcf": ("QSS", "2 values, Number=A, one ALT"),
    "643594.clinical.vcf.gz": (
        "CADD dbNSFP_GERP___NR dbNSFP_GERP___RS dbNSFP_phastCons100way_vertebrate dbNSFP_phastCons46way_primate "
        "dbNSFP_phyloP100way_vertebrate dbNSFP_phyloP46way_primate phastCons100way_vertebrate_prediction_term "
        "phyloP100way_vertebrate_prediction_term",
        "2.444, Type=Integer (CADD); 2 values, Number=A, one ALT (all others)",
    ),
    "5.vcf": ("FR NF NR PP TC TR", "values, Number=0"),
    "ex2.vcf": ("HOMSEQ", "no value, Type=String"),
    "filter.2.vcf": ("AC", "1 value, Number=A, no ALT"),
    "query.pbinom.1.vcf": ("AD", "ends in spaces"),
    "test-haploidX.vcf.gz": ("AD", "3 values, Number=R, one ALT"),
    "test.vcf.gz": (
        "dbsnp encode_consensus_gm12878 encode_consensus_h1hesc encode_consensus_helas3 encode_consensus_hepg2 "
        "encode_consensus_huvec encode_consensus_k562",
        "CTCF, Type=Character",
    ),
}
# Neither of us reads them.
UNREADABLE: Mapping[str, str] = {
    "HiSeq.10000.vcf.bgz": "cut off: its last block is missing; bcftools says so as well",
    "example_empty.vcf": "is empty; bcftools says so as well",
}
# A part of a file that has more calls than this is compared by itself.
_CALLS_AT_ONCE = 500_000
_LARGE_BYTES = 1 << 20
_SHOWN = 300


class Outcome(enum.StrEnum):
    """Of a file."""

    EQUAL = "equal"
    DIFFERS = "differs, with a reason"
    FAILS = "fails"
    UNREAD = "not read by Hail"


@dataclass(frozen=True)
class Verdict:
    """`reason` says why it differs, or how it fails; nothing where it is equal."""

    outcome: Outcome
    reason: str = ""


def judge(path: Path, scratch: Path) -> Verdict:
    """Compare all fields of a file that is said to be right."""
    reasons: dict[str, None] = {}
    try:
        for content, text in _taken_apart(path) if _is_large(path) else [(path.read_bytes(), text_of(path))]:
            verdict = _judge_part(path, content, text, scratch)
            if verdict.outcome is Outcome.FAILS:
                return verdict
            reasons[verdict.reason] = None
    except VcfError as error:
        return _known(UNREADABLE, path, f"cannot be read: {error}")
    said = "; ".join(reason for reason in reasons if reason)
    return Verdict(Outcome.DIFFERS, said) if said else Verdict(Outcome.EQUAL)


def judge_wrong(path: Path) -> Verdict:
    """Look at a file that is wrong on purpose: an error of one line, rejects, or rows that say what the file says.

    "Equal" is a file in whose records nothing is wrong that could be seen.
    """
    try:
        rows = read_rows(path.read_bytes(), by_columns=True)
        if _shown(rows) != _shown(read_rows(path.read_bytes(), by_columns=False)):
            return Verdict(Outcome.FAILS, "read as columns it has other rows than read line by line")
    except VcfError as error:
        said = str(error)
        return Verdict(Outcome.FAILS if "\n" in said or not said else Outcome.DIFFERS, f"error: {said}")
    if difference := misplaced(text_of(path), rows):
        return Verdict(Outcome.FAILS, f"a wrong row: {difference}")
    if rows.rejects:
        first = rows.rejects[0]
        return Verdict(Outcome.DIFFERS, f"{len(rows.rejects)} rejects: line {first['line']}: {first['reason']}")
    return Verdict(Outcome.EQUAL)


def parts(text: str) -> Iterator[bytes]:
    """The text, or, where it has many calls, several with the same header: comparing holds all calls in memory."""
    start = text.find("\n#CHROM") + 1
    body = text.find("\n", start) + 1
    samples = max(1, text.count("\t", start, body) - 8)
    at_once = max(1, _CALLS_AT_ONCE // samples)
    if not body or text.count("\n", body) <= at_once:
        yield text.encode()
        return
    lines = text[body:].splitlines(keepends=True)
    for first in range(0, len(lines), at_once):
        yield (text[:body] + "".join(lines[first : first + at_once])).encode()


def _is_large(path: Path) -> bool:
    """And whole, to be taken apart; others are read as they are, with all that is wrong with them."""
    return path.stat().st_size > _LARGE_BYTES and path.name not in UNREADABLE and path.suffix != ".bcf"


def _taken_apart(path: Path) -> Iterator[tuple[bytes, str]]:
    return ((part, part.decode()) for part in parts(text_of(path)))


def _judge_part(path: Path, content: bytes, text: str, scratch: Path) -> Verdict:
    rows = read_rows(content, by_columns=True)
    if _shown(rows) != _shown(read_rows(content, by_columns=False)):
        return Verdict(Outcome.FAILS, "read as columns it has other rows than read line by line")
    rejected = {reject["text"]: reject["reason"] for reject in rows.rejects if reject["field"] is None}
    unexpected = [reason for reason in rejected.values() if not reason.endswith(REJECTED.get(path.name, "\n"))]
    if unexpected:
        return Verdict(Outcome.FAILS, f"rejects a record: {unexpected[0]}")
    # An entry that is in no row of `consequences` is as declared, and in `variants` as text.
    misfits = {
        reject["field"].partition("/")[2] for reject in rows.rejects if reject["field"] and not _is_entry(reject)
    }
    known, why = MISFITS.get(path.name, ("", ""))
    if unknown := misfits - set(known.split()):
        return Verdict(Outcome.FAILS, f"does not find {', '.join(sorted(unknown))} as declared")
    # bcftools takes an empty line for a record, and stops.
    kept = "\n".join(line for line in text.split("\n") if line.strip() and line.rstrip("\r") not in rejected)
    reasons = [f"{len(rejected)} records rejected: {REJECTED[path.name]}"] if rejected else []
    reasons += [f"{', '.join(sorted(misfits))} kept as text: {why}"] if misfits else []
    try:
        oracle = Oracle.of(kept, scratch / "prepared.vcf", misfits | BEYOND_32_BITS)
        differing = oracle.differing_variants(rows.variants) + oracle.differing_genotypes(rows.genotypes)
    except OracleError as error:
        return _only_places(kept, rows, [*reasons, f"bcftools does not read it: {error}"])
    if differing and (complaint := oracle.complaint()):
        return _only_places(kept, rows, [*reasons, f"bcftools does not read all of it: {complaint}"])
    if differing:
        return Verdict(Outcome.FAILS, str(differing[0])[:_SHOWN])
    return Verdict(Outcome.DIFFERS if reasons else Outcome.EQUAL, "; ".join(reasons))


def _is_entry(reject: Row) -> bool:
    return " entry " in reject["field"]


def _shown(rows: Rows) -> str:
    """As text, in which NaN equals NaN."""
    return str(vars(rows))


def _only_places(text: str, rows: Rows, reasons: list[str]) -> Verdict:
    """Where bcftools says nothing, the file's own text must do."""
    if difference := misplaced(text, rows):
        return Verdict(Outcome.FAILS, difference)
    return Verdict(Outcome.DIFFERS, re.sub(r"\S*/prepared\S*", "the file", "; ".join(reasons))[:_SHOWN])


def _known(reasons: Mapping[str, str], path: Path, found: str) -> Verdict:
    if path.name in reasons:
        return Verdict(Outcome.DIFFERS, reasons[path.name])
    return Verdict(Outcome.FAILS, found)
