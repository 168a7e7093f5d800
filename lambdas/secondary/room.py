"""What a run and a sample have room for. Each sample is a child execution, with a history and payloads of its own.

docs/architecture.md has the arithmetic.
"""

from collections.abc import Iterable

from genomics.contracts.regions import MAXIMUM_CALLING_JOBS
from genomics.contracts.runs import SampleReads

# With as many jobs of calling as there may be, all fit into a payload.
MAXIMUM_LANES = 96
# A distributed Map starts 10,000 executions at once at the most, and what they leave is one payload.
MAXIMUM_SAMPLES = 10_000


class RunTooLargeError(ValueError):
    """A run has more samples, or a sample more lanes, than there is room for; the message says what to do."""


def check_room(samples: Iterable[SampleReads]) -> None:
    """RunTooLargeError if there are too many samples, or a sample's jobs might not fit into its execution's payload."""
    samples = tuple(samples)
    if len(samples) > MAXIMUM_SAMPLES:
        raise RunTooLargeError(
            f"{len(samples):,} samples are more than {MAXIMUM_SAMPLES:,}: start several runs of them"
        )
    for sample in samples:
        if len(sample.lanes) > MAXIMUM_LANES:
            raise RunTooLargeError(
                f"sample {sample.sample} has {len(sample.lanes)} lanes, {MAXIMUM_LANES} are possible beside "
                f"{MAXIMUM_CALLING_JOBS} jobs of calling: join the FASTQ of lanes that belong together"
            )
