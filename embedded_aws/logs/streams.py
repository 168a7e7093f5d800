"""Lines that running things print, on their way to CloudWatch Logs.

Of the streams that running things write, this server keeps the STREAMS_KEPT that were written to last.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence

from moto.logs.models import logs_backends

from embedded_aws.context import Context
from embedded_aws.iam import authorization
from embedded_aws.iam.denials import AccessDeniedError
from embedded_aws.iam.identity import Principal
from embedded_aws.requests import Access

STREAMS_KEPT = 1000
_recent: "OrderedDict[tuple[str, str], None]" = OrderedDict()
_recent_lock = threading.Lock()


class LogStream:
    """A log stream of this instance, written to from inside. The group is made if absent, as the stream is."""

    def __init__(
        self,
        context: Context,
        group: str,
        stream: str,
        *,
        writer: Principal | None = None,
        by: str = "",
        source_arn: str | None = None,
    ) -> None:
        """The service `by` writes with the permissions of `writer`; where those do not suffice, nothing is written.

        `source_arn` is the resource for which a service writes that is the writer itself.
        """
        self.group = group
        self.name = stream
        self._backend = logs_backends[context.account][context.region]
        self._is_refused = writer is not None and not self._may(context, writer, by, source_arn)
        if self._is_refused:
            return
        self._backend.ensure_log_group(group)
        self._keep()

    def write(self, lines: Sequence[str]) -> None:
        """Add one event for each line, stamped with the present time."""
        now = int(time.time() * 1000)
        # A log event's message cannot be empty: the drivers that ship containers' output leave empty lines out.
        events = [{"timestamp": now, "message": line} for line in lines if line]
        if events and not self._is_refused and self.group in self._backend.groups:
            self._keep()
            self._backend.put_log_events(self.group, self.name, events)

    def _may(self, context: Context, writer: Principal, by: str, source_arn: str | None) -> bool:
        needed = ["logs:CreateLogStream", "logs:PutLogEvents"]
        if self.group not in self._backend.groups:
            needed.insert(0, "logs:CreateLogGroup")
        stream = context.arn("logs", f"log-group:{self.group}:log-stream:{self.name}")
        try:
            authorization.require(writer, [Access(action, stream) for action in needed], by=by, source_arn=source_arn)
        except AccessDeniedError:
            return False
        return True

    def _keep(self) -> None:
        """Be there, and be the last to go; those that nobody has written to for the longest time go."""
        with _recent_lock:
            self._backend.ensure_log_stream(self.group, self.name)
            _recent[self.group, self.name] = None
            _recent.move_to_end((self.group, self.name))
            while len(_recent) > STREAMS_KEPT:
                (group, name), _ = _recent.popitem(last=False)
                if group in self._backend.groups:
                    self._backend.groups[group].streams.pop(name, None)
