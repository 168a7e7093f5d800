"""The generated inputs, BGZF, each beside a document that says how much it holds."""

import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pysam

from benchmarks.lake import annotated, cohort

# Raised when a generator changes: what is kept is then made anew.
_VERSION = 2
_ANNOTATED_RECORDS, _COHORT_RECORDS, _COHORT_SAMPLES = 200_000, 60_000, 200
_END_OF_FILE = 28


@dataclass(frozen=True)
class Content:
    """How much a file holds.

    `alleles` are rows of one ALT each; `calls` those that are not homozygous reference, `call_alleles` the pairs of
    such a call and an ALT that it has, or may have. Both are 0 where there are no samples. `consequences` are CSQ's
    entries where the header describes them.
    """

    records: int
    alleles: int
    calls: int
    call_alleles: int
    consequences: int


@dataclass(frozen=True)
class Input:
    """A VCF."""

    name: str
    path: Path
    content: Content

    @property
    def kind(self) -> str:
        """What a row is: `sites` where it is a record, `calls` where it is a sample's call."""
        return "calls" if self.content.calls else "sites"

    def sha256(self) -> str:
        """Of the file, hex."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def make_inputs(directory: Path, scale: float) -> Mapping[str, Input]:
    """The three inputs, made unless they are there: `annotated`, the same with CSQ's fields described, and `cohort`."""
    directory.mkdir(parents=True, exist_ok=True)
    records, cohort_records = (max(1, round(count * scale)) for count in (_ANNOTATED_RECORDS, _COHORT_RECORDS))
    body = annotated.records
    headers = {
        "annotated": annotated.header(describes_csq=False),
        "annotated_csq": annotated.header(describes_csq=True),
    }
    made = _made(
        directory, headers, records, lambda: ((line, (alts, 0, 0, told)) for line, alts, told in body(records))
    )
    plain = made["annotated"]
    made["annotated"] = replace(plain, content=replace(plain.content, consequences=0))
    made |= _made(
        directory,
        {"cohort": cohort.header(_COHORT_SAMPLES)},
        cohort_records,
        lambda: ((line, (*counts, 0)) for line, *counts in cohort.records(cohort_records, _COHORT_SAMPLES)),
    )
    return made


def _made(
    directory: Path,
    headers: Mapping[str, str],
    records: int,
    lines: Callable[[], Iterable[tuple[str, tuple[int, ...]]]],
) -> dict[str, Input]:
    """Files of one body and their own headers. BGZF is put together of files, save for their end-of-file blocks."""
    paths = {name: directory / f"{name}-{records}-{_VERSION}.vcf.gz" for name in headers}
    first = next(iter(paths.values()))
    about = first.with_suffix(".json")
    if not about.exists():
        part = first.with_suffix(".body")
        totals = [0, 0, 0, 0]
        with pysam.BGZFile(str(part), "wb") as body:
            for line, counts in lines():
                body.write(line.encode())
                totals = [total + count for total, count in zip(totals, counts, strict=True)]
        for name, path in paths.items():
            with path.open("wb") as file, part.open("rb") as body:
                file.write(_compressed(headers[name], part.with_suffix(".header")))
                shutil.copyfileobj(body, file, io.DEFAULT_BUFFER_SIZE << 6)
            # Some peers read in parallel where there is an index.
            pysam.tabix_index(str(path), preset="vcf", force=True)
        part.unlink()
        about.write_text(json.dumps(asdict(Content(records, *totals))))
    content = Content(**json.loads(about.read_text()))
    return {name: Input(name, path, content) for name, path in paths.items()}


def _compressed(text: str, scratch: Path) -> bytes:
    """The text as BGZF without its end-of-file block."""
    with pysam.BGZFile(str(scratch), "wb") as file:
        file.write(text.encode())
    content = scratch.read_bytes()[:-_END_OF_FILE]
    scratch.unlink()
    return content
