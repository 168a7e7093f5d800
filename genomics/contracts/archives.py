"""A study, and its archive: what was asked for, what the tar holds and where, and what stands at the original keys.

Everything of one archive lies below `object_keys.archive(study, archive_id)`; docs/archive.md tells the order in which
it comes to be there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from genomics.contracts.parameters import DemultiplexParameters, RunParameters
from genomics.contracts.regions import Region
from genomics.contracts.runs import Reference, tolerated_failures
from genomics.contracts.samples import NAME_RULE, is_name

# Endings of what a study's archive takes, and of the indexes that are of no use without it.
_BCL = (".bcl", ".bcl.gz", ".bcl.bgzf", ".bcl.bgzf.bci", ".cbcl", ".bci", ".filter", ".locs", ".clocs")
_FASTQ = (".fastq", ".fastq.gz", ".fq", ".fq.gz")
_VCF = (".vcf", ".vcf.gz", ".bcf", ".vcf.gz.tbi", ".vcf.gz.csi", ".bcf.csi")

# Classes from which an object has to be restored before it can be read.
ARCHIVE_CLASSES = ("GLACIER", "DEEP_ARCHIVE")

# S3 User Guide, "Amazon S3 multipart upload limits".
MOST_PARTS = 10_000
SMALLEST_PART = 5 << 20
LARGEST_PART = 5 << 30

# User metadata of a placeholder.
PLACEHOLDER_STUDY = "archive-study"
PLACEHOLDER_ARCHIVE = "archive-id"
PLACEHOLDER_TAR = "archive-tar"
PLACEHOLDER_MEMBER = "archive-member"


def is_archived_kind(key: str) -> bool:
    """Whether an object is BCL, FASTQ or VCF, by its name; all else of a study stays where it is."""
    return key.lower().endswith(_BCL + _FASTQ + _VCF)


def part_size(size: int, *, at_least: int) -> int:
    """Bytes of each part but the last: a whole number of MiB with which `size` bytes need 10,000 parts at most."""
    mib = 1 << 20
    return max(-(-size // (MOST_PARTS * mib)) * mib, at_least, SMALLEST_PART)


def tool_memory(*, tar_bytes: int, part_bytes: int) -> int:
    """Bytes of memory that the tool needs: two parts on their way, one made and one cut, reads ahead, and itself."""
    return 4 * part_size(tar_bytes, at_least=part_bytes) + (256 << 20)


def is_vcf(key: str) -> bool:
    """Whether a copy of the object stays queryable for a time."""
    return key.lower().endswith(_VCF)


@dataclass(frozen=True)
class Study:
    """A study as the lab registers it: who is told of restores, and the run folders that belong to it.

    Runs of the secondary analysis name their study themselves. A run folder that no study claims is one of its own.
    Samples of run folders that arrive are analysed on `reference` with the parameters and the regions; without a
    reference they are not analysed. With `sign_off` a person has to approve of each of those runs; `tolerate` and
    `urgent` are those of a RunRequest.
    """

    name: str
    owner: str = ""
    run_folders: tuple[str, ...] = ()
    reference: Reference | None = None
    regions: tuple[Region, ...] = ()
    parameters: RunParameters = field(default_factory=RunParameters)
    demultiplex: DemultiplexParameters = field(default_factory=DemultiplexParameters)
    sign_off: bool = False
    tolerate: str = "0"
    urgent: bool = False

    def __post_init__(self) -> None:
        if not is_name(self.name):
            raise ValueError(f"study {self.name!r} {NAME_RULE}")
        tolerated_failures(self.tolerate, 0)
        if self.owner and not is_email(self.owner):
            raise ValueError(f"owner {self.owner!r} is no e-mail address")


def is_email(text: str) -> bool:
    """Whether `text` can be an e-mail address: one @ between a name and a domain, 254 characters at most."""
    name, at, domain = text.partition("@")
    plain = not any(c.isspace() or c in ",;<>\"'" for c in text)
    return bool(at and name and "." in domain.strip(".") and "@" not in domain and plain and len(text) <= 254)


@dataclass(frozen=True)
class ArchiveRequest:
    """Asks for an archive of a study's objects below `prefixes` and at `keys`, written before `written_before`.

    `bucket` is the sequencing bucket; the time is ISO 8601. A tar holds `tar_bytes` at most, unless one object is
    larger; a part of its upload `part_bytes` at least.
    """

    study: str
    archive_id: str
    bucket: str
    written_before: str
    prefixes: tuple[str, ...]
    keys: tuple[str, ...]
    tar_bytes: int
    part_bytes: int


@dataclass(frozen=True)
class IndexEntry:
    """One member of a tar, a line of the index. `offset` is that of its content's first byte, in bytes.

    `headers` are those that an upload takes (`ContentType`, ...), as boto3 spells them; `last_modified` is seconds
    since the epoch; `sha256` in hex, of the content as it was streamed into the tar. `verified_by` are the sums that S3
    had of the original and that this content has, too (`crc64nvme`, `md5`, ...); none, if S3 had none of all of it.
    """

    key: str
    tar: str
    offset: int
    size: int
    sha256: str
    etag: str
    version_id: str
    storage_class: str
    last_modified: int
    headers: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    verified_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tar:
    """A tar as it was verified. `checksum` is S3's: SHA-256 over the parts' SHA-256 sums, base64, and their count."""

    key: str
    version_id: str
    size: int
    part_bytes: int
    checksum: str


@dataclass(frozen=True)
class Archive:
    """Written when all tars have been verified: from then on, and no sooner, originals may give way.

    Of `unverified` members S3 had no sum; they are what its answers held, by length and entity tag.
    """

    study: str
    archive_id: str
    bucket: str
    index: str
    members: int
    content_bytes: int
    tars: tuple[Tar, ...]
    created_at: str
    unverified: int = 0


@dataclass(frozen=True)
class Exchange:
    """What became of originals: `replaced` by placeholders; `changed` were written or deleted meanwhile, and stay."""

    replaced: int
    changed: int


@dataclass(frozen=True)
class RestoreRequest:
    """Asks for the members of archives (URIs of `Archive` documents), whose tars can be read by now, at their keys."""

    study: str
    restore_id: str
    archives: tuple[str, ...]


@dataclass(frozen=True)
class Restored:
    """Left beside an archive when its members are back. `changed` keys were written or deleted since, and stay so."""

    restored: int
    changed: int
    finished_at: str
