"""From a run folder to reads by sample: what is asked for, and what a lane's job is told.

A demultiplexing has an id of its own, as a run has, under which its ledger entries and its tasks lie.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from genomics.contracts.archives import Study
from genomics.contracts.parameters import DemultiplexParameters
from genomics.contracts.runs import is_run_id

# The reads of no sample; no sample of a sheet may have this name.
UNDETERMINED = "Undetermined"
METRICS = "metrics"
# The inputs of a lane's job.
SHEET = "sheet"
FILES = "files"


def demultiplexing_id(run_folder: str, generation: int) -> str:
    """Names a demultiplexing: run folder and generation of its manifest."""
    return _id(run_folder, f"g{generation}")


def study_run_id(demultiplexing: str, study: str) -> str:
    """Names the run that analyses a study's samples of a demultiplexing."""
    return _id(demultiplexing, study)


def lane_name(number: int) -> str:
    """`L001`, as run folders call lane 1."""
    return f"L{number:03}"


@dataclass(frozen=True)
class LaneSample:
    """A sample on a lane. Indexes are as the instrument reads them; both are empty if it has the lane for itself."""

    sample: str
    index: str = ""
    index2: str = ""


@dataclass(frozen=True)
class LaneSheet:
    """What the job of a lane is told, the document of its input SHEET.

    `read_structure` is Picard's: `150T8B8B150T`. Instrument, run number and flow cell stand in the names of reads.
    """

    lane: int
    read_structure: str
    samples: tuple[LaneSample, ...]
    instrument: str
    run_number: str
    flowcell: str

    @property
    def is_indexed(self) -> bool:
        """Whether reads are told apart by their indexes."""
        return any(sample.index for sample in self.samples)

    @property
    def owners(self) -> tuple[str, ...]:
        """Whose reads are written: the samples', and those of nobody."""
        return (*(sample.sample for sample in self.samples), *([UNDETERMINED] if self.is_indexed else []))


@dataclass(frozen=True)
class FolderFile:
    """A file of a run folder: its path below the folder, its bytes, and S3's entity tag, which tells contents apart."""

    path: str
    size: int
    etag: str


@dataclass(frozen=True)
class FolderFiles:
    """The files of a folder that a job needs, the document of its input FILES; the task's `folder` says of which."""

    files: tuple[FolderFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True)
class DemultiplexRequest:
    """Asks for a demultiplexing. `folder` and `manifest` are URIs; `studies` are those of the samples, as registered
    when this was written. `projects` says which study each sample belongs to.
    """

    run_id: str
    folder: str
    manifest: str
    lanes: tuple[LaneSheet, ...]
    studies: tuple[Study, ...]
    projects: Mapping[str, str]
    parameters: DemultiplexParameters = field(default_factory=DemultiplexParameters)


def lane_files(sheet: LaneSheet) -> dict[str, str]:
    """What a lane's job makes: output name -> file name. Reads of nobody and Picard's metrics need indexes."""
    metrics = {METRICS: "barcode_metrics.txt"} if sheet.is_indexed else {}
    reads = {reads_output(owner, mate): f"{owner}_R{mate}.fastq.gz" for owner in sheet.owners for mate in (1, 2)}
    return metrics | reads


def reads_output(owner: str, mate: int) -> str:
    """The name of the output that holds a sample's reads, or those of nobody."""
    return f"reads_{mate}/{owner}"


def pairs_metric(owner: str) -> str:
    """The name of the metric that counts a sample's read pairs, or those of nobody."""
    return f"pairs/{owner}"


def _id(*parts: str) -> str:
    name = "-".join(parts)
    if is_run_id(name):
        return name
    digest = hashlib.sha256("/".join(parts).encode()).hexdigest()[:12]
    return f"{parts[0][:60]}-{digest}"
