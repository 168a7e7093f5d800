"""Policy documents, read once for each text.

IAM User Guide, "IAM JSON policy element reference".
"""

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from embedded_aws.iam.policies.conditions import Condition, PolicyError, are_met, conditions_of
from embedded_aws.iam.policies.patterns import Keys, is_match
from embedded_aws.iam.policies.principals import Caller, Principals, Relation, principals_of


@dataclass(frozen=True, eq=False)
class Statement:
    """One statement. `name` is its Sid, or `#` and its place in the document, counted from 0."""

    name: str
    allows: bool
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_resources: tuple[str, ...]
    principals: Principals | None
    conditions: tuple[Condition, ...]
    has_variables: bool

    def is_about(self, action: str) -> bool:
        """Whether its Action or NotAction element covers `action`, given in lower case."""
        if self.not_actions:
            return not any(is_match(pattern, action) for pattern in self.not_actions)
        return any(is_match(pattern, action) for pattern in self.actions)

    def applies(self, resource: str, keys: Keys) -> bool:
        """Whether its resource and its conditions are the request's."""
        return self._covers(resource, keys) and are_met(self.conditions, keys)

    def relation(self, caller: Caller) -> Relation | None:
        """How a resource's policy speaks of the caller; None where this statement does not."""
        return self.principals.relation(caller, allows=self.allows) if self.principals else None

    def _covers(self, resource: str, keys: Keys) -> bool:
        if self.not_resources:
            return not self._any(self.not_resources, resource, keys)
        # The policy of a role's trust, and of some resources, names no resource: it is about its own.
        return not self.resources or self._any(self.resources, resource, keys)

    def _any(self, patterns: Iterable[str], resource: str, keys: Keys) -> bool:
        return any(is_match(pattern, resource, keys, has_variables=self.has_variables) for pattern in patterns)


@dataclass(frozen=True, eq=False)
class Document:
    """The statements of a policy."""

    statements: tuple[Statement, ...]

    @functools.lru_cache(maxsize=4096)  # noqa: B019 documents are kept as long as their texts are
    def about(self, action: str) -> tuple[Statement, ...]:
        """The statements that speak of `action`, written in any case."""
        lower = action.lower()
        return tuple(statement for statement in self.statements if statement.is_about(lower))


@functools.lru_cache(maxsize=2048)
def document_of(text: str | bytes) -> Document:
    """The policy with this text. Raises PolicyError, which quotes what is wrong."""
    try:
        content = json.loads(text)
    except ValueError as error:
        raise PolicyError(f"the policy is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise PolicyError("the policy is not an object")
    has_variables = content.get("Version") == "2012-10-17"
    listed = content.get("Statement") or []
    statements = [listed] if isinstance(listed, dict) else listed
    return Document(tuple(_statement(each, index, has_variables) for index, each in enumerate(statements)))


def _statement(content: Mapping[str, Any], index: int, has_variables: bool) -> Statement:
    name = str(content.get("Sid") or f"#{index}")
    effect = content.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise PolicyError(f"statement {name} has the effect {effect!r}")
    actions, not_actions = _texts(content.get("Action")), _texts(content.get("NotAction"))
    if not actions and not not_actions:
        raise PolicyError(f"statement {name} names no action")
    try:
        conditions = conditions_of(content.get("Condition") or {}, has_variables=has_variables)
    except PolicyError as error:
        raise PolicyError(f"statement {name}: {error}") from error
    return Statement(
        name=name,
        allows=effect == "Allow",
        actions=tuple(action.lower() for action in actions),
        not_actions=tuple(action.lower() for action in not_actions),
        resources=_texts(content.get("Resource")),
        not_resources=_texts(content.get("NotResource")),
        principals=principals_of(content.get("Principal"), content.get("NotPrincipal")),
        conditions=conditions,
        has_variables=has_variables,
    )


def _texts(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(map(str, value))
