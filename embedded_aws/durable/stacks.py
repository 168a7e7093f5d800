"""CloudFormation on disk: what must be known of each stack to make it again at the next start."""

from embedded_aws.cloudformation import service as cloudformation
from embedded_aws.cloudformation.kept_stacks import KeptStack
from embedded_aws.durable import units
from embedded_aws.durable.database import Database

_KIND = "stack"


def install() -> None:
    """Note how each operation on a stack ended."""
    cloudformation.on_change(lambda stack: units.document_changed(_KIND, "", stack.stack_id, stack.document))


def kept(kept_in: Database) -> list[KeptStack]:
    """All stacks that are or were there, in the order in which they were first made."""
    return [KeptStack.read(document) for _, _, document in kept_in.documents(_KIND)]
