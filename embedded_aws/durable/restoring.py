"""All that is kept, as one service of the instance: noted from the start, restored when the stacks are there."""

from collections.abc import Sequence
from dataclasses import dataclass

from embedded_aws.cloudformation.kept_stacks import KeptStack
from embedded_aws.context import Context
from embedded_aws.durable import calls, catalog, database, deliveries, executions, items, messages, stacks
from embedded_aws.events import service as events
from embedded_aws.functions import service as functions
from embedded_aws.sagemaker import service as sagemaker
from embedded_aws.step_functions import service as step_functions

PATCHES = (*calls.PATCHES, *catalog.PATCHES, *executions.PATCHES, *items.PATCHES, *messages.PATCHES)


@dataclass(frozen=True)
class Earlier:
    """What an earlier life of the instance left: its stacks, and what it had accepted and not delivered."""

    stacks: list[KeptStack]
    events: Sequence[deliveries.Pending]
    invocations: Sequence[deliveries.Pending]


def install(context: Context) -> None:
    """Note what changes. After all other services, so that what they put in moto's place is noted too."""
    calls.install(context)
    catalog.install(context)
    items.install(context)
    messages.install(context)
    stacks.install()


def before_stacks(context: Context) -> Earlier:
    """Bring back what holds data; the stacks to be made again, which then adopt what was theirs.

    Here, before the instance accepts anything itself, also what there is to deliver: the rest is on its way.
    """
    kept_in = database.opened()
    accepted = [deliveries.pending(kind, kept_in) for kind in (deliveries.EVENT, deliveries.INVOCATION)]
    calls.restore(context, kept_in)
    catalog.restore(kept_in)
    sagemaker.restore(context, kept_in)
    return Earlier(stacks.kept(kept_in), *accepted)


def after_stacks(context: Context) -> None:
    """Bring back what needs a queue, a function or a state machine to be there."""
    kept_in = database.opened()
    step_functions.restore(context, kept_in)
    messages.restore(kept_in)


def go_on(context: Context, earlier: Earlier) -> None:
    """Deliver what an earlier life had accepted. Functions find the port open."""
    functions.resume(context, earlier.invocations)
    events.delivery().resume(earlier.events)
