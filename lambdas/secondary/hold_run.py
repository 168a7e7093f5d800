"""States HoldForSignOff and HoldForLims: end the execution in a state that a redrive goes on from.

In `{"state": {..., "error", "hold": {"line", "redrives"}}, "execution": <$$.Execution>}`. A redrive enters this state
again, with the input that it had: then the state goes out as it was before the failure. Before, it is a RunHeldError
with the line.
"""

from __future__ import annotations

from typing import Any

from lambdas.secondary.record_hold import redrives_of


class RunHeldError(RuntimeError):
    """What the run waits for has not come; its name is `genomics.contracts.sign_off.HELD`."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the Lambda."""
    state = dict(event["state"])
    hold = state.pop("hold")
    state.pop("error", None)
    if redrives_of(event["execution"]) <= hold["redrives"]:
        raise RunHeldError(hold["line"])
    return state
