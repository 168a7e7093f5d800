"""What must be known of a stack to make it again, under the same names, in the next life of an instance.

For whoever keeps stacks on disk:

- `cloudformation.on_change(keep)` calls `keep` with a KeptStack whenever an operation on a stack has ended, also when
  it has failed or when the stack is gone (its status is then DELETE_COMPLETE: the record stays, for a later stack of
  that name must not be given the names of what the deleted one left behind);
- `cloudformation.stacks_to_keep()` gives all of them at once, in the order in which they must be made again;
- `deployment.restore(context, kept, progress)` makes them again: before it, what stateful services keep on disk must be
  back (buckets, tables, databases, log groups), for it is adopted as it is found; after it, `deployment.deploy` finds
  each stack of the cloud assembly as it was left and makes no call for one that has not changed.

Physical names and ids are made of stack id, logical id and generation, hence are the same in every life.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class KeptStack:
    """One stack, as its last operation left it. `document` and `read` turn it into JSON values and back.

    `template` is its text, `generations` says of each resource that it has, or had, how often one was made in its place
    before, and `resources` which it has; `resources` has them in the order of their making.
    """

    stack_id: str
    name: str
    status: str
    template: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    resources: tuple[str, ...] = ()
    generations: Mapping[str, int] = field(default_factory=dict)
    termination_protection: bool = False

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "KeptStack":
        """What `document` gave."""
        return cls(**{**document, "resources": tuple(document["resources"])})
