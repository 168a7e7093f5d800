"""All that is kept, as one service of the instance: noted from the start, restored when the stacks are there."""

from embedded_aws import events, functions
from embedded_aws.context import Context
from embedded_aws.durable import calls, catalog, database, executions, items, messages

PATCHES = (*calls.PATCHES, *catalog.PATCHES, *executions.PATCHES, *items.PATCHES, *messages.PATCHES)


def install(context: Context) -> None:
    """Note what changes. After all other services, so that what they put in moto's place is noted too."""
    calls.install(context)
    catalog.install(context)
    items.install(context)
    messages.install(context)


def restore(context: Context) -> None:
    """Bring back what an earlier life of the instance has kept and no template makes."""
    kept_in = database.opened()
    calls.restore(context, kept_in)
    catalog.restore(kept_in)
    executions.restore(context, kept_in)
    messages.restore(kept_in)
    functions.resume(context, kept_in)
    events.delivery().resume(kept_in)
