"""DynamoDB: every request is atomic. moto makes an absent item with its key alone, and then updates it in place."""

import threading
from typing import Any

from embedded_aws.context import Context
from embedded_aws.durable import units
from embedded_aws.guard import Patch

_CALL = Patch("moto.dynamodb.responses:DynamoHandler.call_action", "ce5f57cf83cde340")
PATCHES = (_CALL,)


def install(_: Context) -> None:
    """Carry out one request at a time, answer included, so that none sees the half of another."""
    turn = threading.RLock()

    def call(handler: Any) -> Any:
        # What the request has changed is written before the next one changes it again.
        with turn, units.unit():
            return original(handler)

    original: Any = _CALL.apply(call)
