"""Every request's principal and what it asks for, found where moto would authorise it and written to the request log.

The decision whether it may is made in `_admit`, which lets everything pass as long as enforcement is off.
"""

from dataclasses import dataclass
from typing import Any

from embedded_aws.context import Context
from embedded_aws.guard import Patch
from embedded_aws.identity import Principal, principal
from embedded_aws.requested_access import requested
from embedded_aws.requests import Access

_AUTHORIZE = Patch(
    "moto.core.authorization:ActionAuthenticatorMixin._authenticate_and_authorize_action", "f8cfc0296ca017fa"
)
PATCHES = (_AUTHORIZE,)

# Where a request's environment keeps what was found out about it.
ENVIRON_KEY = "embedded_aws.request"


@dataclass(frozen=True)
class Request:
    """Who asks, and for what."""

    principal: Principal
    accesses: tuple[Access, ...]


def install(context: Context) -> None:
    """Look at every request in the place where moto authorises it."""
    _AUTHORIZE.apply(_admit)


def _admit(response: Any, iam_request: type, resource: str = "*") -> None:
    """Called by moto on each request before it is carried out; raising here would refuse it."""
    request = Request(principal(response.headers), tuple(requested(response, resource)))
    response.normalized_request.environ[ENVIRON_KEY] = request
