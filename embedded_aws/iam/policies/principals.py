"""The Principal element: of whom a resource's policy speaks.

IAM User Guide, "AWS JSON policy elements: Principal" and "... NotPrincipal".
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

_ACCOUNT = re.compile(r"(?:arn:[^:]+:iam::)?(\d{12})(?::root)?")
_REGIONAL = re.compile(r"^([a-z-]+)\.[a-z]{2}(?:-[a-z]+)+-\d\.amazonaws\.com$")


class Relation(Enum):
    """How a statement names a caller."""

    # The session or the user itself: neither boundary nor session policy narrows what it is allowed.
    ITSELF = "itself"
    # The role of the session.
    ROLE = "role"
    # The account: what its own policies allow its users and roles is theirs.
    ACCOUNT = "account"


@dataclass(frozen=True)
class Caller:
    """Who asks, as policies name it: an ARN, for a session also its role's; or a service; or, with neither, nobody."""

    arn: str | None = None
    role_arn: str | None = None
    account: str | None = None
    service: str | None = None


@dataclass(frozen=True)
class Principals:
    """A Principal element, or with `is_negated` a NotPrincipal element."""

    aws: frozenset[str]
    accounts: frozenset[str]
    services: frozenset[str]
    is_everyone: bool
    is_negated: bool

    def relation(self, caller: Caller, *, allows: bool) -> Relation | None:
        """How the statement speaks of the caller; None where it does not."""
        if self.is_negated:
            return None if self._lists_all_of(caller) else Relation.ITSELF
        if self.is_everyone:
            return Relation.ITSELF
        if caller.service:
            return Relation.ITSELF if global_name(caller.service) in self.services else None
        if caller.arn in self.aws:
            return Relation.ITSELF
        if caller.role_arn in self.aws:
            return Relation.ROLE
        if caller.account in self.accounts:
            return Relation.ACCOUNT if allows else Relation.ITSELF
        return None

    def _lists_all_of(self, caller: Caller) -> bool:
        """NotPrincipal spares a session only if account, role and session are all named."""
        if self.is_everyone:
            return True
        if caller.service:
            return global_name(caller.service) in self.services
        return caller.account in self.accounts and {caller.arn, caller.role_arn} - {None} <= self.aws


def global_name(service: str) -> str:
    """A service principal's name without its region: logs.us-east-1.amazonaws.com is logs.amazonaws.com."""
    return _REGIONAL.sub(r"\1.amazonaws.com", service)


def principals_of(principal: Any, not_principal: Any) -> Principals | None:
    """What the two elements say, of which a statement has at most one; None where it has none."""
    element = principal if principal is not None else not_principal
    if element is None:
        return None
    named = {"AWS": element} if isinstance(element, str) else element
    aws = _texts(named.get("AWS"))
    accounts = {match[1] for text in aws if (match := _ACCOUNT.fullmatch(text))}
    return Principals(
        aws=frozenset(aws),
        accounts=frozenset(accounts),
        services=frozenset(map(global_name, _texts(named.get("Service")))),
        is_everyone="*" in aws,
        is_negated=principal is None,
    )


def _texts(value: Any) -> set[str]:
    if value is None:
        return set()
    return {value} if isinstance(value, str) else set(map(str, value))
