"""Waiting for what comes about by itself, as long as a busy machine may take."""

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.01, 0.1


def until(
    ask: Callable[[], Answer], good: Callable[[Answer], object] = bool, *, what: str = "it", seconds: float = 120
) -> Answer:
    """The first answer that is good; a test fails by what has not come, with the last answer."""
    deadline, pause = time.monotonic() + seconds, _SHORTEST_PAUSE
    while not good(answer := ask()):
        assert time.monotonic() < deadline, f"{what} has not come within {seconds:g} s: {answer!r}"
        time.sleep(pause)
        pause = min(1.5 * pause, _LONGEST_PAUSE)
    return answer
