"""Who calls: every process runs with credentials of its own synthesized role, and a request is traced back to it."""

import functools
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.models import AssumedRole, sts_backends

from embedded_aws import orphans
from embedded_aws.context import OPERATOR_ENVIRONMENT, Context
from embedded_aws.guard import Patch

_ASSUME_ROLE = Patch("moto.sts.models:STSBackend.assume_role", "f32a21bb2eb0084c")
PATCHES = (_ASSUME_ROLE,)

# What a process inherits of the environment that the embedded AWS itself was started in.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "JAVA_HOME", "SSL_CERT_FILE", "LD_LIBRARY_PATH")


class Kind(Enum):
    """What a principal is."""

    # The person at the command line, and the deployer: an administrator whom no policy limits.
    OPERATOR = "operator"
    ROLE = "role"
    USER = "user"
    SERVICE = "service"
    # A request without credentials.
    ANONYMOUS = "anonymous"


@dataclass(frozen=True)
class Principal:
    """Who made a request. `arn` is a role's or a user's; `service` a name such as events.amazonaws.com."""

    kind: Kind = Kind.OPERATOR
    arn: str = ""
    session: str = ""
    service: str = ""
    # The policy given to AssumeRole, which narrows the role's.
    session_policy: str | None = None
    expires: datetime | None = None

    @property
    def name(self) -> str:
        """The role's or the user's name, the service, `operator` or `anonymous`."""
        return self.service or self.arn.rsplit("/", 1)[-1] or self.kind.value

    @property
    def caller_arn(self) -> str:
        """As denials and policies name it: for a role, the session's ARN."""
        if self.kind is not Kind.ROLE:
            return self.arn or self.service or self.kind.value
        partition, account = self.arn.split(":")[1], self.arn.split(":")[4]
        return f"arn:{partition}:sts::{account}:assumed-role/{self.name}/{self.session}"


OPERATOR = Principal()
ANONYMOUS = Principal(Kind.ANONYMOUS)


class Fault(Enum):
    """Why credentials are refused."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"


class CredentialsError(Exception):
    """The credentials of a request are nobody's, or nobody's any more."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


# Every process gets one; those used last are kept, many times as many as processes live at once.
_SESSIONS_KEPT = 1000
_LIFELONG_SECONDS = 10 * 365 * 86400
_sessions: OrderedDict[str, tuple[Principal, AssumedRole]] = OrderedDict()
_sessions_lock = threading.Lock()
_context = Context(port=0, data=None)  # type: ignore[arg-type]


def install(context: Context) -> None:
    """Remember the sessions that STS gives out."""
    global _context  # noqa: PLW0603 one instance to a process
    _context = context
    original: Any = _ASSUME_ROLE.apply(lambda *arguments, **named: _remember(original(*arguments, **named)))


def credentials(role_arn: str, session: str, *, policy: str = "") -> dict[str, str]:
    """A new session of the role, as the variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.

    A `policy` narrows the role's own.

    As a container's own, which AWS renews while it runs, it does not expire.
    """
    account = role_arn.split(":")[4]
    assumed = sts_backends[account][_context.partition].assume_role(
        region_name=_context.region,
        role_session_name=session_name(session),
        role_arn=role_arn,
        policy=policy,
        duration=_LIFELONG_SECONDS,
        external_id="",
    )
    return {
        "AWS_ACCESS_KEY_ID": assumed.access_key_id,
        "AWS_SECRET_ACCESS_KEY": assumed.secret_access_key,
        "AWS_SESSION_TOKEN": assumed.session_token,
    }


def process_environment(context: Context, role_arn: str, session: str) -> dict[str, str]:
    """The whole environment of a process that runs as `role_arn`: its credentials, where AWS is, and a plain PATH.

    Nothing of the operator's own AWS configuration is in it. `python3` is the interpreter of this process.
    """
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    environment["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), environment.get("PATH", os.defpath)])  # noqa: PTH120
    environment.setdefault("HOME", str(context.directory("home")))
    environment.setdefault("LANG", "C.UTF-8")
    return {
        **environment,
        **orphans.mark(context.data),
        **credentials(role_arn, session),
        "AWS_ENDPOINT_URL": context.endpoint,
        "AWS_REGION": context.region,
        "AWS_DEFAULT_REGION": context.region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def role(arn: str, session: str = "") -> Principal:
    """A session of a role, for what a service does in its name."""
    return Principal(Kind.ROLE, arn, session)


def service(name: str) -> Principal:
    """An AWS service that acts for itself, such as `events`."""
    return Principal(Kind.SERVICE, service=f"{name}.amazonaws.com")


def authenticate(key: str, token: str | None) -> Principal:
    """Whose the access key id and the session token are. Raises CredentialsError.

    What differs from AWS: signatures are not checked; who knows a key's id is taken to know its secret.
    """
    if not key:
        return ANONYMOUS
    if key == OPERATOR_ENVIRONMENT["AWS_ACCESS_KEY_ID"]:
        return OPERATOR
    with _sessions_lock:
        if found := _sessions.get(key):
            _sessions.move_to_end(key)
    if found is None:
        return _user(key)
    known, assumed = found
    if token != assumed.session_token:
        raise CredentialsError(Fault.UNKNOWN)
    if known.expires and datetime.now(UTC) >= known.expires:
        raise CredentialsError(Fault.EXPIRED)
    return known


def principal(headers: Mapping[str, Any]) -> Principal:
    """Who signed a request with these headers, for the log; nobody, where that cannot be said."""
    try:
        return authenticate(access_key(headers.get("Authorization") or ""), headers.get("X-Amz-Security-Token"))
    except CredentialsError:
        return ANONYMOUS


@functools.lru_cache(maxsize=4096)
def access_key(authorization: str) -> str:
    """The access key id in an Authorization header, or an empty string."""
    _, _, credential = authorization.partition("Credential=")
    return credential.partition("/")[0]


def _user(key: str) -> Principal:
    """The IAM user who has this access key."""
    for user in list(iam_backends[_context.account][_context.partition].users.values()):
        if any(own.access_key_id == key and own.status == "Active" for own in user.access_keys):
            return Principal(Kind.USER, user.arn)
    raise CredentialsError(Fault.UNKNOWN)


def session_name(text: str) -> str:
    """`text` as a role session's name: 2 to 64 of the characters that STS allows."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "_=,.@-") else "-" for c in text)[:64].ljust(2, "-")


def _remember(assumed: AssumedRole) -> AssumedRole:
    with _sessions_lock:
        expires = assumed.expiration if assumed.expiration.tzinfo else assumed.expiration.replace(tzinfo=UTC)
        known = Principal(
            Kind.ROLE,
            assumed.role_arn,
            assumed.session_name,
            session_policy=assumed.policy or None,
            expires=expires,
        )
        _sessions[assumed.access_key_id] = known, assumed
        while len(_sessions) > _SESSIONS_KEPT:
            _, (_, oldest) = _sessions.popitem(last=False)
            _forget(oldest)
    return assumed


def _forget(assumed: AssumedRole) -> None:
    sts_backends[assumed.account_id][assumed.partition].assumed_roles.remove(assumed)
    iam_backends[assumed.account_id][assumed.partition].access_keys.pop(assumed.access_key_id, None)
