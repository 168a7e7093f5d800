"""The verdict on a file by what Hail says of it: the rows of `glue_jobs.hail` beside our reader's, over all columns.

Both sides are first reduced to what Hail can tell: the order of alleles counts in phased calls alone; a call with a
missing allele is missing; fields that are missing are left out, as are those that the header does not declare, or that
are not as it declares them. The rest must be the same, exactly.
"""

import functools
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Container, Mapping
from pathlib import Path
from typing import Any

from benchmarks.parity.oracle import BEYOND_32_BITS
from benchmarks.parity.rows import Content, Row, Rows, read_rows
from benchmarks.parity.verdicts import Outcome, Verdict
from genomics.contracts.vcf_fields import FORMAT_COLUMNS, INFO_COLUMNS
from glue_jobs.hail.frames import FILE_NAMES, hail_error, read_frame, start_hail
from glue_jobs.hail.records import batches
from glue_jobs.vcf.errors import VcfError
from glue_jobs.vcf.header import Header
from glue_jobs.vcf.reader import open_vcf

_HEAP = "3g"
_SHOWN = 300
_SPELLED = re.compile("[ACGTacgt]+")


def judge_by_hail(path: Path, scratch: Path) -> Verdict:
    """Compare all rows of a file that is said to be right. The first call in a process starts Hail."""
    content = path.read_bytes()
    try:
        ours = read_rows(content)
        file = open_vcf(Content(content))
    except VcfError as error:
        return Verdict(Outcome.UNREAD, f"not by us either: {error}")
    try:
        _start()
        # Of a path Hail keeps what it once found there.
        staged = Path(tempfile.mkdtemp(dir=scratch)) / FILE_NAMES.get(file.encoding, path.name)
        staged.write_bytes(content)
        frame = read_frame(staged.as_uri(), file.encoding)
        theirs = Rows()
        try:
            for batch in batches(frame.collect(), file.header):
                theirs.add(batch)
        # Whatever Spark makes of Hail's error.
        except Exception as error:
            raise hail_error(error) from error
    except VcfError as error:
        return Verdict(Outcome.UNREAD, str(error))
    return compared(ours, theirs, file.header)


def compared(ours: Rows, theirs: Rows, header: Header) -> Verdict:
    """Equal, or the first row of ours or theirs that the other side lacks."""
    fields = {reject["field"].partition(" ")[0] for reject in ours.rejects if reject["field"]}
    left_out = {tuple(reject["text"].split("\t")[:2]) for reject in ours.rejects if reject["field"] is None}
    unknown = {_place(row) for row in ours.variants if not _SPELLED.fullmatch(row["original_ref"])}
    reasons = [f"not compared, as not declared so: {', '.join(sorted(fields))}"] if fields else []
    reasons += [f"{len(left_out)} records rejected"] if left_out else []
    if unknown and not any(_place(row) in unknown for row in theirs.variants):
        reasons.append(f"Hail leaves out {len(unknown)} records with other bases than ACGT in REF")
        left_out |= unknown
    if "GT" not in header.format and ours.genotypes:
        reasons.append("calls are not compared: GT is not declared, and to Hail not there")
    for table in ("variants", "genotypes", "consequences"):
        if table == "genotypes" and "GT" not in header.format:
            continue
        reduce = functools.partial(_REDUCED[table], header=header, fields=fields)
        counts = [
            Counter(str(reduce(row)) for row in getattr(rows, table) if _place(row) not in left_out)
            for rows in (ours, theirs)
        ]
        if counts[0] != counts[1]:
            only = [next(iter(one - other), "nothing") for one, other in (counts, counts[::-1])]
            return Verdict(Outcome.FAILS, f"{table}: ours {_differing(*only)}")
    return Verdict(Outcome.DIFFERS if reasons else Outcome.EQUAL, "; ".join(reasons))


def _differing(ours: str, theirs: str) -> str:
    start = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), 0)
    start = max(0, start - 60)
    return f"{ours[:80]} ... {ours[start : start + _SHOWN]}, Hail's ... {theirs[start : start + _SHOWN]}"


def _place(row: Row) -> tuple[str, str]:
    return row["chrom"], str(row["original_pos"])


def _variant(row: Row, *, header: Header, fields: Collection[str]) -> Row:
    values = dict(row["info_strings"] or {})
    # `DB=0` is there, and to Hail it is not.
    flags = {name for name in row["info_flags"] or () if name in header.info and values.get(name) != ["0"]}
    flags -= {name for name in flags if f"INFO/{name}" in fields}
    return {
        **_fields(row, "info", INFO_COLUMNS, {n for n, f in header.info.items() if f.type != "Flag"}, fields),
        "info_flags": sorted(flags),
        "filters": row["filters"] and sorted(set(row["filters"])),
        "end": row["end"] if "END" in header.info else None,
    }


def _genotype(row: Row, *, header: Header, fields: Collection[str]) -> Row:
    # Hail's arrays of text in FORMAT are not taken: see glue_jobs.hail.frames.
    told = {name for name, f in header.format.items() if f.type in ("Integer", "Float") or f.number == "1"}
    known = _fields(row, "format", FORMAT_COLUMNS, told, fields)
    alleles = row["alleles"]
    if alleles is None or None in alleles:
        return {**known, "genotype": None, "alleles": None, "phased": None}
    if not row["phased"]:
        return {**known, "genotype": None, "alleles": sorted(alleles)}
    return known


def _fields(
    row: Row, prefix: str, columns: Mapping[str, Any], declared: Container[str], fields: Collection[str]
) -> Row:
    """The row with no more of its fields than Hail knows of."""

    def is_known(name: str) -> bool:
        return name in declared and f"{prefix.upper()}/{name}" not in fields and name not in BEYOND_32_BITS

    unknown = {column.name: None for name, column in columns.items() if not is_known(name)}
    maps = {
        name: sorted(
            (key, value) for key, value in dict(row[name] or {}).items() if value is not None and is_known(key)
        )
        for name in (f"{prefix}_integers", f"{prefix}_floats", f"{prefix}_strings")
    }
    return {**row, **unknown, **maps}


def _consequence(row: Row, **_: Any) -> Row:
    return row


_REDUCED: Mapping[str, Callable[..., Row]] = {
    "variants": _variant,
    "genotypes": _genotype,
    "consequences": _consequence,
}


@functools.cache
def _start() -> None:
    settings = {
        "spark.driver.memory": _HEAP,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # Of each file little is compiled, and that once.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }
    directory = Path(tempfile.mkdtemp(prefix="hail-"))
    start_hail(None, directory, master="local[2]", spark_conf=settings)
