"""A bound on the bytes that threads hold at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class InFlight:
    """Room for `most` bytes; a thread that wants more than that gets it when nobody else holds anything."""

    def __init__(self, most: int) -> None:
        self._most, self._held = most, 0
        self._changed = Condition()

    @contextmanager
    def holding(self, count: int) -> Iterator[None]:
        """Wait for room, and give it back at the end. A thread holds one piece at a time, so none waits for ever."""
        with self._changed:
            self._changed.wait_for(lambda: not self._held or self._held + count <= self._most)
            self._held += count
        try:
            yield
        finally:
            with self._changed:
                self._held -= count
                self._changed.notify_all()
