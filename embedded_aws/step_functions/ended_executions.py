"""Executions that have ended: the last ones are kept, their histories compressed, so that memory does not grow.

Step Functions keeps an execution for 90 days after its end, this server the last EXECUTIONS_KEPT.
"""

import pickle
import threading
import zlib
from collections import deque
from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from embedded_aws.context import Context
from embedded_aws.durable import executions

EXECUTIONS_KEPT = 1000
# Those that ended last may still have a thread that adds to their history.
_HISTORIES_LEFT_OPEN = 2


class History:
    """In the place of an ended execution's worker: all that is asked of it then is what happened."""

    def __init__(self, events: list[Any]) -> None:
        self._content = zlib.compress(pickle.dumps(events), 1)
        self.env = self.event_manager = self

    def get_event_history(self) -> list[Any]:
        """As the execution's own event manager gives it."""
        events: list[Any] = pickle.loads(zlib.decompress(self._content))  # noqa: S301  (written above)
        return events


class EndedExecutions:
    """All that have ended, in the order in which they did."""

    def __init__(self, context: Context, let_go: Callable[[Any], None]) -> None:
        """`let_go` is told of each that is no longer kept."""
        self._context, self._let_go = context, let_go
        self._lock = threading.Lock()
        self._open: deque[Any] = deque()
        self._closed: deque[Any] = deque()

    def add(self, execution: Any) -> None:
        """Take note of one that has just ended; what is no longer to be kept goes."""
        forgotten = []
        with self._lock:
            self._open.append(execution)
            if len(self._open) > _HISTORIES_LEFT_OPEN:
                settled = self._open.popleft()
                if settled.exec_worker.env is not None:
                    settled.exec_worker = History(settled.exec_worker.env.event_manager.get_event_history())
                self._closed.append(settled)
            while len(self._closed) > EXECUTIONS_KEPT:
                forgotten.append(self._closed.popleft())
        for each in forgotten:
            self._forget(each)

    def remove(self, execution: Any) -> None:
        """Take note of one that runs again."""
        with self._lock:
            for kept in (self._open, self._closed):
                if execution in kept:
                    kept.remove(execution)

    def _forget(self, execution: Any) -> None:
        for machine in stepfunctions_parser_backends[self._context.account][self._context.region].state_machines:
            if machine.arn == execution.state_machine_arn and execution in machine.executions:
                machine.executions.remove(execution)
        executions.forgotten(execution)
        self._let_go(execution)
