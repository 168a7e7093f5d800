"""How many samples and regions one execution has room for: Step Functions ends one whose history has 25,000 events.

The Maps of a run are inline, so that every sample, lane and region writes into the same history. docs/architecture.md
has the arithmetic.
"""

from collections.abc import Collection

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
EVENT_QUOTA = 25_000
# What is left is for retries: each one that a throttled service costs is 3 events more.
EVENTS_AVAILABLE = 20_000

EVENTS_PER_RUN = 50
EVENTS_PER_SAMPLE = 70
EVENTS_PER_JOB = 8


class RunTooLargeError(ValueError):
    """A run has more samples and regions than one execution can take; the message says what to do."""


def events_of_run(lanes: Collection[int], regions: int) -> int:
    """Events of a run where nothing is skipped; `lanes` are the number of lanes of each sample."""
    jobs = sum(lanes) + len(lanes) * regions
    return EVENTS_PER_RUN + len(lanes) * EVENTS_PER_SAMPLE + jobs * EVENTS_PER_JOB


def check_room(lanes: Collection[int], regions: int) -> None:
    """RunTooLargeError if the run might not fit into one execution's history."""
    needed = events_of_run(lanes, regions)
    if needed > EVENTS_AVAILABLE:
        raise RunTooLargeError(
            f"{len(lanes)} samples x {regions} regions are too many for one run ({needed:,} events of the "
            f"state machine, {EVENTS_AVAILABLE:,} are possible): "
            "give fewer samples per run, or raise scatter.bases_per_region"
        )
