"""Every request is checked against the policies of whoever makes it, where moto would authorise it.

So is what a service does inside this process in a principal's name, through `require`. What differs from AWS: there is
one account, without service control policies, and signatures are not checked.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moto.iam.access_control import PermissionResult
from moto.iam.models import iam_backends

from embedded_aws import faults, requests
from embedded_aws.context import Context
from embedded_aws.guard import Patch
from embedded_aws.iam import denials, encryption, role_trust
from embedded_aws.iam.condition_keys import RequestKeys
from embedded_aws.iam.identity import ANONYMOUS, CredentialsError, Kind, Principal, access_key, authenticate
from embedded_aws.iam.policies.documents import document_of
from embedded_aws.iam.policies.evaluation import Policies, Policy, decide
from embedded_aws.iam.policies.principals import Caller
from embedded_aws.iam.requested_access import requested, signing_service
from embedded_aws.iam.requested_objects import absent_object
from embedded_aws.iam.resource_policies import policy_on, role_of
from embedded_aws.lake_formation import permissions as lake_permissions
from embedded_aws.requests import Access, Verdict
from embedded_aws.s3 import deletions as object_deletions

_AUTHORIZE = Patch(
    "moto.core.authorization:ActionAuthenticatorMixin._authenticate_and_authorize_action", "f8cfc0296ca017fa"
)
_BUCKET_PERMISSION = Patch("moto.s3.models:FakeBucket.get_permission", "7571412a3495a0e3")
PATCHES = (_AUTHORIZE, _BUCKET_PERMISSION, *object_deletions.PATCHES)

# Where a request's environment keeps what was found out about it.
ENVIRON_KEY = "embedded_aws.request"
# What STS answers whatever policies say.
_ALWAYS_ALLOWED = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken"})
# Where global services, such as IAM, have their requests signed for.
_GLOBAL_REGIONS = ("us-east-1", "aws-global")
_context = Context(port=0, data=None)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Request:
    """Who asks, for what, and what was decided."""

    principal: Principal
    verdicts: tuple[Verdict, ...]


def install(context: Context) -> None:
    """Check every request in the place where moto authorises it."""
    global _context  # noqa: PLW0603 one instance to a process
    _context = context
    _AUTHORIZE.apply(_admit)
    # Who gets this far may; moto would look at the bucket's policy again, and take an unmet condition for a denial.
    _BUCKET_PERMISSION.apply(lambda bucket, action, resource: PermissionResult.PERMITTED)
    object_deletions.install(_denied_deletions)


def require(
    principal: Principal,
    accesses: Sequence[Access],
    *,
    by: str,
    source_arn: str | None = None,
    is_logged: bool = True,
) -> None:
    """Check and log what the service `by` is about to do in this process for `principal`. Raises AccessDeniedError.

    For a service that acts for itself, `source_arn` is the resource for which it does, such as a rule. A denial is
    logged in any case.
    """
    keys: dict[str, Sequence[str]] = {}
    if source_arn:
        keys = {"aws:sourcearn": (source_arn,), "aws:sourceaccount": (_context.account,)}
    asked = [each for access in accesses for each in (access, *encryption.implied(_context, access))]
    verdicts = [_judge(principal, access, keys) for access in asked]
    denied = next((verdict for verdict in verdicts if not verdict.is_allowed), None)
    if denied or is_logged:
        requests.record(principal, verdicts, 403 if denied else 200, by=by)
    if denied:
        raise denials.AccessDeniedError(denials.sentence(principal, denied))


def is_allowed(principal: Principal, access: Access) -> bool:
    """Whether `principal` may, for a service that does something else where it may not."""
    return _judge(principal, access, {}).is_allowed


def _admit(response: Any, iam_request: type, resource: str = "*") -> None:
    """Called by moto on each request before it is carried out; raising here refuses it."""
    environ = response.normalized_request.environ
    key, token, service = _credentials(response)
    if (region := _signed_region(response)) not in (_context.region, *_GLOBAL_REGIONS, ""):
        raise denials.error(response, service, denials.of_region(region, _context.region, service))
    asked = requested(_context, response, resource)
    try:
        principal = authenticate(key, token)
    except CredentialsError as error:
        refused = [
            Verdict(access, is_allowed=False, reason=f"with {error.fault.value} credentials") for access in asked
        ]
        environ[ENVIRON_KEY] = Request(ANONYMOUS, tuple(refused))
        raise denials.error(response, service, denials.of_credentials(error.fault, service)) from error
    verdicts = _verdicts(principal, asked)
    environ[ENVIRON_KEY] = Request(principal, tuple(verdicts))
    denied = next((verdict for verdict in verdicts if not verdict.is_allowed), None)
    if denied is not None and not object_deletions.is_bulk(response):
        raise denials.error(response, service, denials.of_access(principal, denied, service))
    if insufficient := lake_permissions.missing(_context, principal, asked):
        refused = [*verdicts, Verdict(insufficient.access, is_allowed=False, reason=insufficient.sentence)]
        environ[ENVIRON_KEY] = Request(principal, tuple(refused))
        raise denials.error(response, service, denials.Refusal("AccessDenied", insufficient.sentence))
    if distrusted := role_trust.refusal(asked, _trusts):
        raise denials.error(response, service, distrusted)
    for access in asked:
        met = {"action": access.action, "resource": access.resource, "principal": principal.name}
        if fault := faults.take(faults.Fault.REFUSE, **met):
            raise denials.fault(response, service, fault.code, fault.status)


def _trusts(role_arn: str, service: str) -> bool:
    """Whether a service may assume a role, which one that is not there lets nobody do."""
    return is_allowed(Principal(Kind.SERVICE, service=service), Access("sts:AssumeRole", role_arn))


def _credentials(response: Any) -> tuple[str, str | None, str]:
    """Access key id, session token and service, from the headers or from the query of a presigned URL."""
    authorization = response.headers.get("Authorization") or ""
    if authorization:
        token = response.headers.get("X-Amz-Security-Token")
        return access_key(authorization), token, signing_service(authorization) or response.service_name
    query = response.normalized_request.args
    key = query.get("X-Amz-Credential", "").partition("/")[0] or query.get("AWSAccessKeyId", "")
    return key, query.get("X-Amz-Security-Token") or query.get("x-amz-security-token"), response.service_name


def _signed_region(response: Any) -> str:
    """The region in the scope of a signature; an empty string where there is none."""
    signed = (response.headers.get("Authorization") or "").partition("Credential=")[2].split(",")[0]
    scope = (signed or response.normalized_request.args.get("X-Amz-Credential", "")).split("/")
    return scope[2] if len(scope) > 3 else ""


def _verdicts(principal: Principal, asked: Iterable[Access]) -> list[Verdict]:
    if principal.kind is Kind.OPERATOR:
        return [Verdict(access) for access in asked]
    verdicts = []
    for access in asked:
        verdicts.append(_judge(principal, access, {}))
        verdicts += [_judge(principal, more, {}) for more in encryption.implied(_context, access)]
        if verdicts[-1].is_allowed and (listing := absent_object(_context, access)):
            may_list = _judge(principal, listing, {})
            # Where it may be told, the answer is that there is no such object, for which it needs nothing more.
            verdicts += [] if may_list.is_allowed else [may_list]
    return verdicts


def _judge(principal: Principal, access: Access, keys: Mapping[str, Sequence[str]]) -> Verdict:
    if principal.kind is Kind.OPERATOR or access.action in _ALWAYS_ALLOWED:
        return Verdict(access)
    found = decide(
        _caller(principal),
        access.action,
        access.resource,
        RequestKeys(_context, principal, access, keys),
        _policies(principal, access),
    )
    if found.is_allowed:
        return Verdict(access, by=found.reason)
    return Verdict(access, is_allowed=False, by=found.statement, reason=found.reason)


def _caller(principal: Principal) -> Caller:
    match principal.kind:
        case Kind.ROLE:
            return Caller(principal.caller_arn, principal.arn, _context.account)
        case Kind.USER:
            return Caller(principal.arn, account=_context.account)
        case Kind.SERVICE:
            return Caller(service=principal.service)
        case _:
            return Caller()


def _policies(principal: Principal, access: Access) -> Policies:
    resource, decides = policy_on(_context, access)
    holder = _holder(principal)
    if holder is None:
        return Policies(resource=resource, resource_decides=decides)
    session = principal.session_policy
    return Policies(
        identity=[*_own(holder), *(policy for group in _groups(principal) for policy in _own(group))],
        boundary=_boundary(holder),
        session=Policy("session policy", document_of(session)) if session else None,
        resource=resource,
        resource_decides=decides,
    )


def _holder(principal: Principal) -> Any | None:
    """The role or user in moto, who has policies."""
    if principal.kind is Kind.ROLE:
        return role_of(_context, principal.arn)
    if principal.kind is Kind.USER:
        return iam_backends[_context.account][_context.partition].users.get(principal.name)
    return None


def _groups(principal: Principal) -> Sequence[Any]:
    if principal.kind is not Kind.USER:
        return ()
    found: Sequence[Any] = iam_backends[_context.account][_context.partition].get_groups_for_user(principal.name)
    return found


def _own(holder: Any) -> Iterable[Policy]:
    for name, text in list(holder.policies.items()):
        yield Policy(name, document_of(text))
    for managed in list(holder.managed_policies.values()):
        yield Policy(managed.name, document_of(_default_text(managed)))


def _boundary(holder: Any) -> Policy | None:
    arn = getattr(holder, "permissions_boundary_arn", None)
    if not arn:
        return None
    managed = iam_backends[_context.account][_context.partition].managed_policies[arn]
    return Policy(managed.name, document_of(_default_text(managed)))


def _default_text(managed: Any) -> str:
    return str(next(version.document for version in managed.versions if version.is_default))


def _denied_deletions(response: Any) -> Mapping[str, str]:
    """Of a request that deletes several objects, why which may not be."""
    request: Request = response.normalized_request.environ[ENVIRON_KEY]
    return {
        verdict.access.resource.partition("/")[2]: denials.sentence(request.principal, verdict)
        for verdict in request.verdicts
        if not verdict.is_allowed
    }
