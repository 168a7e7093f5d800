"""The launcher itself: `python -m embedded_aws.launcher.program DESCRIPTOR MODULES ROOM`.

DESCRIPTOR is its end of a socket pair; it ends when the other end is closed. It stays single-threaded, as it forks.
MODULES, divided by commas, are imported for all programs.
"""

import gc
import os
import socket
import sys
from typing import Any

from embedded_aws.launcher import becoming, interpreter, messages
from embedded_aws.launcher.messages import Command


def serve(channel: socket.socket) -> becoming.Start | None:
    """Carry out requests. Returns in each process that is to become a command, and when no more requests come."""
    while True:
        try:
            request, descriptors = messages.receive(channel)
        except EOFError:
            return None
        if "reap" in request:
            _, status = os.waitpid(request["reap"], 0)
            messages.send(channel, {"status": status})
        else:
            start = becoming.fork(Command(**request), descriptors)
            if start.pid == 0:
                channel.close()
                return start
            messages.send(channel, _told(start))
            becoming.close(descriptors)


def _told(start: becoming.Start) -> dict[str, Any]:
    refused = start.refusal()
    if refused is None:
        return {"pid": start.pid}
    os.waitpid(start.pid, 0)
    return {"refused": refused}


def main() -> None:
    """Read what is to be shared, then serve."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    interpreter.prepare(list(filter(None, sys.argv[2].split(","))))
    # What is there now is everybody's: a collection in a copy would only copy the pages that it looks at.
    gc.collect()
    gc.freeze()
    start = serve(channel)
    if start is None:
        os._exit(0)
    start.become()


if __name__ == "__main__":
    main()
