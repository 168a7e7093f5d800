"""How a program talks to the service: its request is a file of JSON, its events are lines that begin with a mark."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

# ASCII's record separator, which nobody prints.
EVENT_MARK = "\x1e"


def tell(event: str, **values: Any) -> None:
    """Tell the service that something has happened."""
    sys.stdout.write(EVENT_MARK + json.dumps({"event": event, **values}) + "\n")
    sys.stdout.flush()


def run(program: Callable[[Mapping[str, Any]], None], *expected: type[Exception]) -> int:
    """Carry out the request in the file that is the only argument; an expected error becomes the job's reason."""
    try:
        program(json.loads(Path(sys.argv[1]).read_text()))
    except expected as error:
        tell("failed", reason=" ".join(str(error).split()))
        return 1
    return 0
