"""How all policies that bear on a request are weighed, within one account.

IAM User Guide, "Policy evaluation logic" and "Policy evaluation for requests within a single account".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from embedded_aws.iam.policies.documents import Document
from embedded_aws.iam.policies.patterns import Keys
from embedded_aws.iam.policies.principals import Caller, Relation


@dataclass(frozen=True)
class Policy:
    """A policy with the name under which the request log knows it."""

    name: str
    document: Document


@dataclass(frozen=True)
class Policies:
    """What bears on a request. Callers without identity policies of their own (services, nobody) have none.

    Where `resource_decides`, as for KMS keys and the trust of roles, nothing is allowed that the resource's policy
    does not allow the caller, or leave to its account's own policies.
    """

    identity: Sequence[Policy] = ()
    boundary: Policy | None = None
    session: Policy | None = None
    resource: Policy | None = None
    resource_decides: bool = False


@dataclass(frozen=True)
class Decision:
    """Whether a request may; `reason` is the statement that allows it, or the end of the sentence that refuses it."""

    is_allowed: bool
    reason: str
    statement: str | None = None


def decide(caller: Caller, action: str, resource: str, keys: Keys, policies: Policies) -> Decision:
    """Weigh the policies for one action on one resource."""
    if denial := _explicit_denial(caller, action, resource, keys, policies):
        return denial
    granted = _granted_by_resource(caller, action, resource, keys, policies.resource)
    relation, statement = granted or (None, "")
    if relation is Relation.ITSELF:
        return Decision(True, statement)
    if policies.resource_decides and relation is None:
        return _nothing_allows("resource-based policy", action)
    if relation is not Relation.ROLE:
        own = _allowing(policies.identity, action, resource, keys)
        if own is None:
            return _nothing_allows("identity-based policy", action)
        statement = own
    for name, limit in (("permissions boundary", policies.boundary), ("session policy", policies.session)):
        if limit is not None and _allowing([limit], action, resource, keys) is None:
            return _nothing_allows(name, action)
    return Decision(True, statement)


def _nothing_allows(kind: str, action: str) -> Decision:
    return Decision(False, f"because no {kind} allows the {action} action")


def _explicit_denial(caller: Caller, action: str, resource: str, keys: Keys, policies: Policies) -> Decision | None:
    if policies.resource is not None:
        for statement in policies.resource.document.about(action):
            if not statement.allows and statement.relation(caller) and statement.applies(resource, keys):
                where = f"{policies.resource.name}/{statement.name}"
                return Decision(False, "with an explicit deny in a resource-based policy", where)
    own = (
        ("an identity-based policy", policies.identity),
        ("a permissions boundary", [policies.boundary] if policies.boundary else []),
        ("a session policy", [policies.session] if policies.session else []),
    )
    for kind, listed in own:
        for policy in listed:
            for statement in policy.document.about(action):
                if not statement.allows and statement.applies(resource, keys):
                    return Decision(False, f"with an explicit deny in {kind}", f"{policy.name}/{statement.name}")
    return None


def _granted_by_resource(
    caller: Caller, action: str, resource: str, keys: Keys, policy: Policy | None
) -> tuple[Relation, str] | None:
    """The nearest relation in which the resource's policy allows it, with the statement."""
    found: dict[Relation, str] = {}
    if policy is not None:
        for statement in policy.document.about(action):
            if not statement.allows or (relation := statement.relation(caller)) is None:
                continue
            if relation not in found and statement.applies(resource, keys):
                found[relation] = f"{policy.name}/{statement.name}"
    return next(((relation, found[relation]) for relation in Relation if relation in found), None)


def _allowing(policies: Iterable[Policy], action: str, resource: str, keys: Keys) -> str | None:
    for policy in policies:
        for statement in policy.document.about(action):
            if statement.allows and statement.applies(resource, keys):
                return f"{policy.name}/{statement.name}"
    return None
