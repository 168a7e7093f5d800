"""The sign-off of a run: one decision about the results of all its samples, by a person who is named."""

from dataclasses import dataclass

# The error that the run's activity fails with where the decision is against it; its cause is the Decision.
REJECTED = "SignOffRejected"
# How an execution ends that a redrive lets go on where it was: what it waited for did not come.
HELD = "RunHeldError"
LONGEST_NAME = 200
LONGEST_REASON = 1000


@dataclass(frozen=True)
class SignOffTask:
    """What the activity gives to whoever asks for a decision. `results` is the URI of the run's RunResults."""

    run_id: str
    study: str
    results: str


@dataclass(frozen=True)
class Decision:
    """Who decided, when (ISO 8601, UTC) and why. `principal` is the ARN of whose credentials it was sent with."""

    by: str
    reason: str
    principal: str
    at: str

    def __post_init__(self) -> None:
        for name, text, longest in (("by", self.by, LONGEST_NAME), ("reason", self.reason, LONGEST_REASON)):
            if not text.strip():
                raise ValueError(f"{name} is empty")
            if len(text) > longest or not text.isprintable():
                raise ValueError(f"{name} must be one line of at most {longest} characters")
