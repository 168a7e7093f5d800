"""Lines that running things print, on their way to CloudWatch Logs."""

import time
from collections.abc import Sequence

from moto.logs.models import logs_backends

from embedded_aws.context import Context


class LogStream:
    """A log stream of this instance, written to from inside. The group is made if absent, as the stream is."""

    def __init__(self, context: Context, group: str, stream: str) -> None:
        self.group = group
        self.name = stream
        self._backend = logs_backends[context.account][context.region]
        self._backend.ensure_log_group(group)
        self._backend.ensure_log_stream(group, stream)

    def write(self, lines: Sequence[str]) -> None:
        """Add one event for each line, stamped with the present time."""
        now = int(time.time() * 1000)
        # A log event's message cannot be empty: the drivers that ship containers' output leave empty lines out.
        events = [{"timestamp": now, "message": line} for line in lines if line]
        if events and self.group in self._backend.groups:
            self._backend.put_log_events(self.group, self.name, events)
