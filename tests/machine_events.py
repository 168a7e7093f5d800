"""How many events an execution writes, counted from its state machine's definition.

Step Functions Developer Guide, "Service quotas": 25,000 events in the history of an execution. What each state writes
is told in "Viewing execution details", and checked against a real history in end_to_end/test_main_job.py.
"""

from collections.abc import Iterator, Mapping
from typing import Any

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
EVENT_QUOTA = 25_000

EVENTS_PER_RUN = 140
EVENTS_PER_SAMPLE = 80
EVENTS_PER_JOB = 8
# Of a job that is submitted as often as a throttled Batch lets it be: three more events for each refusal.
EVENTS_PER_REFUSAL = 3

# An execution's own start and end, and an iteration's of an inline Map.
OF_ITSELF = 2


def states(definition: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every state by name, those inside Maps and branches included."""
    for name, state in definition["States"].items():
        yield name, state
        for inner in (state.get("ItemProcessor"), *state.get("Branches", ())):
            if inner:
                yield from states(inner)


def events(state: Mapping[str, Any]) -> int:
    """Events that one passage through a state writes; those of a Map's iterations and of its children left out."""
    if state["Type"] == "Task":
        # Entered, scheduled, started, succeeded, exited, an activity's too; a job is also submitted.
        return 6 if state["Resource"].endswith(".sync") else 5
    if is_distributed(state):
        # Entered, started, succeeded, exited; and its Map Run is started and succeeds.
        return 6
    return {"Map": 4, "Parallel": 4, "Fail": 1}.get(state["Type"], 2)


def is_distributed(state: Mapping[str, Any]) -> bool:
    """Whether the items of a Map are executions of their own."""
    return bool(state.get("ItemProcessor", {}).get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED")


def most_events(definition: Mapping[str, Any], iterations: Mapping[str, int]) -> int:
    """No fewer than an execution writes, as if it went through every state once; `iterations` are those of its Maps.

    Those of a distributed Map do not count: they are executions of their own.
    """
    return OF_ITSELF + _inside(definition, iterations)


def _inside(definition: Mapping[str, Any], iterations: Mapping[str, int]) -> int:
    total = 0
    for name, state in definition["States"].items():
        total += events(state) + sum(_inside(branch, iterations) for branch in state.get("Branches", ()))
        if state["Type"] == "Map" and not is_distributed(state):
            total += iterations[name] * (OF_ITSELF + _inside(state["ItemProcessor"], iterations))
    return total


def events_of_sample(*, lanes: int, calling_jobs: int, refusals: int = 0) -> int:
    """Events of a sample's execution where nothing is skipped, and each job is refused so many times."""
    jobs = lanes + calling_jobs
    return EVENTS_PER_SAMPLE + jobs * (EVENTS_PER_JOB + refusals * EVENTS_PER_REFUSAL)
