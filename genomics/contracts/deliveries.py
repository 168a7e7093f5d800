"""A delivery of a collaborator, vendor or biobank: its manifest, what was agreed about it, what the scans say of it.

The manifest is `manifest.tsv` at the top of the delivery: a header, then one line per file,
`file<TAB>size<TAB>sha256<TAB>study<TAB>format<TAB>consent`. Files are named relative to the delivery, with `/`.
"""

import enum
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from genomics.contracts.codec import ContractError
from genomics.contracts.samples import NAME_RULE, is_name

MANIFEST = "manifest.tsv"
COLUMNS = ("file", "size", "sha256", "study", "format", "consent")

_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
TENANT_RULE = "may hold lower-case letters, digits and '-' only (63 at most)"
_SHA256 = re.compile(r"[0-9a-f]{64}")
# S3 User Guide, "Naming Amazon S3 objects": 1024 bytes of UTF-8; the prefix takes some.
_LONGEST_PATH = 800


class FileState(enum.StrEnum):
    """What the scans say of a file, the gravest first: of several, the first stands."""

    INFECTED = "INFECTED"
    ERROR = "ERROR"
    UNSCANNABLE = "UNSCANNABLE"
    PHI = "PHI"
    INVALID = "INVALID"
    CLEAN = "CLEAN"


def gravest(states: Iterable[FileState]) -> FileState:
    """The state of a whole, by those of its parts; CLEAN if there are none."""
    order = list(FileState)
    return min(states, key=order.index, default=FileState.CLEAN)


class FileFormat(enum.StrEnum):
    """What a file is said to be. Only of `OTHER` nothing is known: it is scanned for viruses, and never CLEAN."""

    VCF = "vcf"
    BCF = "bcf"
    FASTQ = "fastq"
    BAM = "bam"
    CRAM = "cram"
    TSV = "tsv"
    CSV = "csv"
    SAMPLE_SHEET = "sample_sheet"
    INDEX = "index"
    OTHER = "other"


@dataclass(frozen=True)
class Finding:
    """Why a file is not CLEAN: where (`line` from 1, or `field`), what, and the value, masked where it is personal."""

    state: FileState
    reason: str
    line: int | None = None
    field: str = ""
    masked: str = ""


@dataclass(frozen=True, slots=True)
class DeliveredFile:
    """A line of the manifest: `size` in bytes, `sha256` in hex, the study's name, the code of what was consented to."""

    path: str
    size: int
    sha256: str
    study: str
    format: FileFormat
    consent: str


@dataclass(frozen=True)
class Delivery:
    """Whose delivery, of which day (ISO 8601), under which name."""

    tenant: str
    day: str
    name: str

    def __post_init__(self) -> None:
        if not _TENANT.fullmatch(self.tenant):
            raise ValueError(f"tenant {self.tenant!r} {TENANT_RULE}")
        if not is_name(self.name):
            raise ValueError(f"delivery {self.name!r} {NAME_RULE}")
        try:
            canonical = date.fromisoformat(self.day).isoformat()
        except ValueError as error:
            raise ValueError(f"day {self.day!r} is no date; write it as 2026-01-31") from error
        if canonical != self.day:
            raise ValueError(f"day {self.day!r} is no date; write it as {canonical}")


@dataclass(frozen=True)
class TableColumn:
    """A column that a study's tables must have; a value is empty or matches `pattern` as a whole."""

    name: str
    pattern: str = ".*"

    def __post_init__(self) -> None:
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"column {self.name!r}: {self.pattern!r} is no regular expression ({error})") from error


@dataclass(frozen=True)
class Agreement:
    """What was agreed for a study: the reference build of its files, and the columns of its tables, in order.

    `build` is GRCh37, GRCh38, or nothing; without columns a table may have any. `consents` are the codes that the study
    may deliver under; none means any.
    """

    study: str
    build: str = ""
    columns: tuple[TableColumn, ...] = ()
    consents: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.build not in ("", "GRCh37", "GRCh38"):
            raise ValueError(f"study {self.study!r}: the build is GRCh37 or GRCh38, not {self.build!r}")


@dataclass(frozen=True)
class ScanRequest:
    """Asks for a verdict on each file of a delivery that lies in `bucket`."""

    bucket: str
    delivery: Delivery
    agreements: tuple[Agreement, ...] = ()


@dataclass(frozen=True)
class FileVerdict:
    """What the scans say of one file. CLEAN has no findings; of very many the first are there, `more` counts the rest.

    `etag` and `version_id` are those of the object that was read: what is promoted has to be that one.
    """

    path: str
    state: FileState
    size: int
    sha256: str = ""
    etag: str = ""
    version_id: str = ""
    findings: tuple[Finding, ...] = ()
    more: int = 0
    attempts: int = 1


@dataclass(frozen=True)
class DeliveryReport:
    """Written after all verdicts. `problems` are the manifest's own; with any of them nothing of the delivery moves.

    `manifest` is the SHA-256 of the manifest that was read; `counts` of files by state; `versions` of the scanners.
    """

    delivery: Delivery
    manifest: str
    state: FileState
    counts: Mapping[str, int]
    problems: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)


class ManifestError(ValueError):
    """A manifest cannot be used; `problems` has a line for each fault, as far as they were looked for."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


# Of a manifest's faults, those that are told.
MOST_PROBLEMS = 100


def manifest_lines(files: Iterable[DeliveredFile]) -> Iterator[str]:
    """The manifest of some files, line by line, each with its line break."""
    yield "\t".join(COLUMNS) + "\n"
    for file in files:
        yield f"{file.path}\t{file.size}\t{file.sha256}\t{file.study}\t{file.format}\t{file.consent}\n"


def read_manifest(lines: Iterable[str], agreements: Iterable[Agreement] = ()) -> dict[str, DeliveredFile]:
    """Path -> file, in the manifest's order. ManifestError tells of every faulty line, up to MOST_PROBLEMS of them."""
    consents = {agreement.study: agreement.consents for agreement in agreements if agreement.consents}
    files: dict[str, DeliveredFile] = {}
    seen: dict[str, int] = {}
    problems: list[str] = []
    numbered = enumerate(lines, 1)
    if next(numbered, (1, ""))[1].rstrip("\r\n").split("\t") != list(COLUMNS):
        raise ManifestError([f"{MANIFEST}:1: the header must be {'<TAB>'.join(COLUMNS)}"])
    for number, line in numbered:
        try:
            file = _file(line.rstrip("\r\n"))
            _check_new(file.path, files, seen)
            if file.consent not in consents.get(file.study, (file.consent,)):
                raise ContractError(f"consent {file.consent!r} is none that study {file.study} may deliver under")
        except ContractError as error:
            problems.append(f"{MANIFEST}:{number}: {error}")
            if len(problems) == MOST_PROBLEMS:
                break
        else:
            files[file.path] = file
            seen[_folded(file.path)] = number
    if not files and not problems:
        problems.append(f"{MANIFEST}:1: names no file; add a line for each")
    if problems:
        raise ManifestError(problems)
    return files


def compare(files: Mapping[str, DeliveredFile], sizes: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """How the objects that are there (path -> bytes) differ from the manifest: path, and what is wrong with it."""
    for path, file in files.items():
        if path not in sizes:
            yield path, f"{path}: is in the manifest and was not delivered; send it, or take its line out"
        elif sizes[path] != file.size:
            yield path, f"{path}: has {sizes[path]} bytes, the manifest says {file.size}; send it again"
    for path in sizes:
        if path != MANIFEST and path not in files:
            yield path, f"{path}: was delivered and is not in the manifest; add its line, or remove it"


def path_problem(path: str) -> str:
    """Why a file of a delivery may not be called so; nothing if it may."""
    parts = path.split("/")
    if ".." in parts or "." in parts:
        return "leads out of its folder"
    if not all(parts) or "\\" in path:
        return "must be relative, with one '/' between folders"
    if any(not character.isprintable() for character in path) or path != path.strip():
        return "holds characters that cannot be seen"
    if len(path.encode()) > _LONGEST_PATH:
        return f"is longer than {_LONGEST_PATH} bytes"
    return "is the manifest itself" if path.casefold() == MANIFEST else ""


def _file(line: str) -> DeliveredFile:
    values = line.split("\t")
    if len(values) != len(COLUMNS):
        raise ContractError(f"{len(values)} fields, {len(COLUMNS)} are expected, separated by tabs")
    path, size, sha256, study, format_, consent = values
    if problem := path_problem(path):
        raise ContractError(f"file {path!r} {problem}")
    if not (size.isascii() and size.isdecimal()):
        raise ContractError(f"size {size!r} is no number of bytes")
    if not _SHA256.fullmatch(sha256.lower()):
        raise ContractError(f"sha256 {sha256!r} does not have 64 hexadecimal digits")
    for name, value in (("study", study), ("consent", consent)):
        if not is_name(value):
            raise ContractError(f"{name} {value!r} {NAME_RULE}")
    if format_ not in list(FileFormat):
        raise ContractError(f"format {format_!r} is none of {', '.join(FileFormat)}")
    return DeliveredFile(path, int(size), sha256.lower(), study, FileFormat(format_), consent)


def _check_new(path: str, files: Mapping[str, DeliveredFile], seen: Mapping[str, int]) -> None:
    if path in files:
        raise ContractError(f"file {path!r} stands in line {seen[_folded(path)]} already")
    if earlier := seen.get(_folded(path)):
        raise ContractError(f"file {path!r} differs from the one of line {earlier} in case only; rename one")


def _folded(path: str) -> str:
    """Equal for names that some file systems take for one."""
    return unicodedata.normalize("NFC", path).casefold()
