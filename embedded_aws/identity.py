"""Who calls: every process runs with credentials of its own synthesized role, and a request is traced back to it."""

import functools
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.models import AssumedRole, sts_backends

from embedded_aws import orphans
from embedded_aws.context import Context
from embedded_aws.guard import Patch

_ASSUME_ROLE = Patch("moto.sts.models:STSBackend.assume_role", "f32a21bb2eb0084c")
PATCHES = (_ASSUME_ROLE,)

# What a process inherits of the environment that the embedded AWS itself was started in.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "JAVA_HOME", "SSL_CERT_FILE", "LD_LIBRARY_PATH")


@dataclass(frozen=True)
class Principal:
    """Who made a request. Without a role it is the operator: the person at the command line, or the deployer."""

    role_arn: str | None = None
    session: str = ""

    @property
    def name(self) -> str:
        """The role's name, or `operator`."""
        return self.role_arn.rsplit("/", 1)[-1] if self.role_arn else "operator"

    def arn(self, partition: str, account: str) -> str:
        """As denials and logs name it: the session's ARN."""
        if self.role_arn is None:
            return f"arn:{partition}:iam::{account}:user/{self.name}"
        return f"arn:{partition}:sts::{account}:assumed-role/{self.name}/{self.session}"


OPERATOR = Principal()

# Every process gets one; those used last are kept, many times as many as processes live at once.
_SESSIONS_KEPT = 5000
_sessions: OrderedDict[str, tuple[Principal, AssumedRole]] = OrderedDict()
_sessions_lock = threading.Lock()
_context = Context(port=0, data=None)  # type: ignore[arg-type]


def install(context: Context) -> None:
    """Remember the sessions that STS gives out."""
    global _context  # noqa: PLW0603 one instance to a process
    _context = context
    original: Any = _ASSUME_ROLE.apply(lambda *arguments, **named: _remember(original(*arguments, **named)))


def credentials(role_arn: str, session: str) -> dict[str, str]:
    """A new session of the role, as the variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN."""
    account = role_arn.split(":")[4]
    assumed = sts_backends[account][_context.partition].assume_role(
        region_name=_context.region,
        role_session_name=session_name(session),
        role_arn=role_arn,
        policy="",
        duration=43200,
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


def principal(headers: Mapping[str, Any]) -> Principal:
    """Who signed a request with these headers. Keys that STS did not give out are the operator's."""
    key = access_key(headers.get("Authorization") or "")
    with _sessions_lock:
        if key not in _sessions:
            return OPERATOR
        _sessions.move_to_end(key)
        return _sessions[key][0]


@functools.lru_cache(maxsize=4096)
def access_key(authorization: str) -> str:
    """The access key id in an Authorization header, or an empty string."""
    _, _, credential = authorization.partition("Credential=")
    return credential.partition("/")[0]


def session_name(text: str) -> str:
    """`text` as a role session's name: 2 to 64 of the characters that STS allows."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "_=,.@-") else "-" for c in text)[:64].ljust(2, "-")


def _remember(assumed: AssumedRole) -> AssumedRole:
    with _sessions_lock:
        _sessions[assumed.access_key_id] = Principal(assumed.role_arn, assumed.session_name), assumed
        while len(_sessions) > _SESSIONS_KEPT:
            _, (_, oldest) = _sessions.popitem(last=False)
            _forget(oldest)
    return assumed


def _forget(assumed: AssumedRole) -> None:
    sts_backends[assumed.account_id][assumed.partition].assumed_roles.remove(assumed)
    iam_backends[assumed.account_id][assumed.partition].access_keys.pop(assumed.access_key_id, None)
