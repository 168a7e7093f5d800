"""What one execution has room for: Step Functions ends one whose history has 25,000 events.

Each sample is a child execution of the run's, with a history and payloads of its own, so that samples are not counted.
docs/architecture.md has the arithmetic.
"""

from collections.abc import Iterable

from genomics.contracts.regions import MAXIMUM_CALLING_JOBS
from genomics.contracts.runs import SampleReads

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
EVENT_QUOTA = 25_000

EVENTS_PER_RUN = 60
EVENTS_PER_SAMPLE = 80
EVENTS_PER_JOB = 8
# Of a job that is submitted as often as a throttled Batch lets it be: three more events for each refusal.
EVENTS_PER_REFUSAL = 3

# With as many jobs of calling as there may be, all fit into a payload.
MAXIMUM_LANES = 96


class RunTooLargeError(ValueError):
    """A sample has more lanes than one execution can take; the message says what to do."""


def events_of_sample(*, lanes: int, calling_jobs: int, refusals: int = 0) -> int:
    """Events of a sample's execution where nothing is skipped, and each job is refused so many times."""
    jobs = lanes + calling_jobs
    return EVENTS_PER_SAMPLE + jobs * (EVENTS_PER_JOB + refusals * EVENTS_PER_REFUSAL)


def check_room(samples: Iterable[SampleReads]) -> None:
    """RunTooLargeError if the jobs of a sample might not fit into its execution's payload."""
    for sample in samples:
        if len(sample.lanes) > MAXIMUM_LANES:
            raise RunTooLargeError(
                f"sample {sample.sample} has {len(sample.lanes)} lanes, {MAXIMUM_LANES} are possible beside "
                f"{MAXIMUM_CALLING_JOBS} jobs of calling: join the FASTQ of lanes that belong together"
            )
