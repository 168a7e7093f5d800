"""EventBridge and asynchronous Lambda on disk: what was accepted and has not yet reached whom it is for."""

import contextlib
import uuid
from collections.abc import Mapping
from typing import Any

from embedded_aws.durable import units
from embedded_aws.durable.database import Database, NotKeptError

EVENT, INVOCATION = "event", "invocation"

# What something goes by, and the thing itself.
Pending = tuple[str, dict[str, Any]]


def accept(kind: str, document: Mapping[str, Any]) -> str:
    """Keep something until it is `done`; what it goes by."""
    name = uuid.uuid4().hex
    units.document_changed(kind, "", name, lambda: dict(document))
    return name


def done(kind: str, name: str) -> None:
    """It has arrived, or was given up."""
    # What a full disk does not take is written as soon as it does.
    with contextlib.suppress(NotKeptError):
        units.document_changed(kind, "", name, lambda: None)


def pending(kind: str, kept_in: Database) -> list[Pending]:
    """What was accepted and not done, with what it goes by, in order."""
    return [(name, document) for _, name, document in kept_in.documents(kind)]
