"""The policy table: how each sequencer shows that a run is over, and which files it must have left.

Sources: Illumina's system guides ("Sequencing Output Files" of NextSeq 500/550, NextSeq 1000/2000, NovaSeq X) and
"File paths on the NextSeq 1000/2000" of Illumina Knowledge. Only markers that every software version writes are asked
for; a lab whose instruments write more adds them in its configuration.
"""

import enum
import re
from dataclasses import dataclass


class BaseCallFormat(enum.StrEnum):
    """How base calls are laid out below Data/Intensities/BaseCalls."""

    TILE_BCL = "tile_bcl"
    """L001/C1.1/s_1_1101.bcl or .bcl.gz: one file per lane, cycle and tile."""
    LANE_BCL = "lane_bcl"
    """L001/0001.bcl.bgzf: one file per lane and cycle; s_1.bci lists the lane's tiles."""
    CBCL = "cbcl"
    """L001/C1.1/L001_1.cbcl: one file per lane, cycle and surface, which lists its tiles."""
    UNKNOWN = "unknown"
    """Nothing is expected."""


@dataclass(frozen=True)
class PlatformPolicy:
    """When a platform's run is complete.

    Each of `markers` must be there, in any letter case; `A|B` asks for either. `settle_minutes` is how long no file
    may have changed. `instruments` matches the instrument's name in RunInfo.xml, `applications` the control software
    in RunParameters.xml. The statuses are RunCompletionStatus.xml's, compared without regard to letter case.
    """

    name: str
    instruments: str
    markers: tuple[str, ...]
    base_calls: BaseCallFormat
    applications: str = ""
    settle_minutes: float = 30
    completed_statuses: tuple[str, ...] = ("CompletedAsPlanned", "RunCompleted", "Completed", "Success")
    aborted_statuses: tuple[str, ...] = ("UserEndedEarly", "RunAborted", "RunStopped", "RunCancelled", "Aborted")
    failed_statuses: tuple[str, ...] = ("ExceptionEndedEarly", "RunErrored", "RunFailed", "Failed", "Error")
    check_tiles: bool = True

    def claims(self, instrument: str) -> bool:
        """Whether an instrument of this name is of this platform."""
        return bool(self.instruments) and re.fullmatch(self.instruments, instrument, re.IGNORECASE) is not None

    def runs_software(self, application: str) -> bool:
        """Whether this control software drives this platform."""
        return bool(self.applications) and re.search(self.applications, application, re.IGNORECASE) is not None


GENERIC = PlatformPolicy(
    name="generic",
    instruments="",
    markers=("CopyComplete.txt|RTAComplete.txt|RTAComplete.xml|SequenceComplete.txt",),
    base_calls=BaseCallFormat.UNKNOWN,
    settle_minutes=120,
)

PLATFORMS: tuple[PlatformPolicy, ...] = (
    PlatformPolicy(
        name="miseq",
        instruments=r"M\d{5}",
        applications="MiSeq",
        markers=("RTAComplete.txt",),
        base_calls=BaseCallFormat.TILE_BCL,
    ),
    PlatformPolicy(
        name="nextseq_500_550",
        instruments=r"N[BS]\d{6}(_.*)?",
        applications="NextSeq Control Software",
        markers=("RTAComplete.txt|RTAComplete.xml", "RunCompletionStatus.xml"),
        base_calls=BaseCallFormat.LANE_BCL,
    ),
    PlatformPolicy(
        name="nextseq_1000_2000",
        instruments=r"V[HL]\d{5}",
        applications="NextSeq ?1000|NextSeq ?2000",
        markers=("CopyComplete.txt",),
        base_calls=BaseCallFormat.CBCL,
    ),
    PlatformPolicy(
        name="hiseq_2500",
        instruments=r"(D|SN|HWI-D|HWI-ST)\d+",
        applications="HiSeq Control Software 2",
        markers=("RTAComplete.txt",),
        base_calls=BaseCallFormat.TILE_BCL,
    ),
    PlatformPolicy(
        name="hiseq_x",
        instruments=r"(ST-E|E)\d{5}",
        applications="HiSeq X|HiSeq Control Software HD",
        markers=("RTAComplete.txt",),
        base_calls=BaseCallFormat.TILE_BCL,
    ),
    PlatformPolicy(
        name="novaseq_6000",
        instruments=r"A\d{5}",
        applications="NovaSeq Control Software",
        # RTAComplete.txt was seen an hour and a half before the last CBCL was copied.
        markers=("CopyComplete.txt", "RTAComplete.txt"),
        base_calls=BaseCallFormat.CBCL,
    ),
    PlatformPolicy(
        name="novaseq_x",
        instruments=r"LH\d{5}",
        applications="NovaSeqX",
        markers=("CopyComplete.txt", "RTAComplete.txt", "RunCompletionStatus.xml"),
        base_calls=BaseCallFormat.CBCL,
    ),
    GENERIC,
)


def identify(platforms: tuple[PlatformPolicy, ...], *, instrument: str, application: str) -> PlatformPolicy:
    """The policy for a run: by its instrument's name, else by its control software, else the generic one."""
    by_instrument = (policy for policy in platforms if policy.claims(instrument))
    by_software = (policy for policy in platforms if policy.runs_software(application))
    generic = next(policy for policy in platforms if policy.name == GENERIC.name)
    return next(by_instrument, None) or next(by_software, None) or generic
