"""All that is kept, as one service of the instance: noted from the start, restored when the stacks are there."""

from embedded_aws.cloudformation.kept_stacks import KeptStack
from embedded_aws.context import Context
from embedded_aws.durable import calls, catalog, database, executions, items, messages, stacks
from embedded_aws.events import service as events
from embedded_aws.functions import service as functions
from embedded_aws.step_functions import service as step_functions

PATCHES = (*calls.PATCHES, *catalog.PATCHES, *executions.PATCHES, *items.PATCHES, *messages.PATCHES)


def install(context: Context) -> None:
    """Note what changes. After all other services, so that what they put in moto's place is noted too."""
    calls.install(context)
    catalog.install(context)
    items.install(context)
    messages.install(context)
    stacks.install()


def before_stacks(context: Context) -> list[KeptStack]:
    """Bring back what holds data; the stacks to be made again, which then adopt what was theirs."""
    kept_in = database.opened()
    calls.restore(context, kept_in)
    catalog.restore(kept_in)
    return stacks.kept(kept_in)


def after_stacks(context: Context) -> None:
    """Bring back what needs a queue, a function or a state machine to be there, and go on delivering."""
    kept_in = database.opened()
    for execution in executions.restore(context, kept_in):
        step_functions.announce(context, execution)
    messages.restore(kept_in)
    functions.resume(context, kept_in)
    events.delivery().resume(kept_in)
