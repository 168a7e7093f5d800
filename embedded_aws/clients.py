"""boto3 clients for use inside the embedded AWS: their requests reach the services without passing a socket."""

import functools
import io
import sys
import threading
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import boto3
import botocore.session
from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.httpchecksum import AwsChunkedWrapper

from embedded_aws import economies
from embedded_aws.context import OPERATOR_ENVIRONMENT, Context
from embedded_aws.http_server import Application, add_headers
from embedded_aws.iam import identity

_lock = threading.Lock()


class _Transport:
    """Hands a client's signed requests to the application itself."""

    def __init__(self, context: Context, application: Application) -> None:
        self.context, self.application = context, application

    def send(self, request: AWSPreparedRequest, headers: Mapping[str, str]) -> AWSResponse:
        """`headers` say whose request it is."""
        answer: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            answer.update(status=int(status.split(maxsplit=1)[0]), headers=dict(headers))

        content = self.application(_environ(self.context, request, headers), start_response)
        body = b"".join(content)
        if close := getattr(content, "close", None):
            close()
        return AWSResponse(request.url, answer["status"], answer["headers"], _Raw(body))


class _Raw(io.BytesIO):
    """A response's body as botocore reads it."""

    def stream(self, amount: int = 65536, **_: Any) -> Iterable[bytes]:
        while block := self.read(amount):
            yield block

    def release_conn(self) -> None:
        return


_transport: _Transport | None = None


def install(context: Context, application: Application) -> None:
    """Clients made from now on talk to `application`."""
    global _transport  # noqa: PLW0603 one instance to a process
    _transport = _Transport(context, application)


def client(service: str, *, role_arn: str | None = None, session: str = "embedded") -> Any:
    """A client of the service as the operator, or, with `role_arn`, as a new session of that role."""
    if _transport is None:
        raise RuntimeError("the embedded AWS has not been started")
    if role_arn is None:
        return _operator_client(service)
    return _from(service, identity.credentials(role_arn, session))


@functools.lru_cache(maxsize=64)
def on_behalf_of(service: str, access_key: str, session_token: str | None) -> Any:
    """A client whose requests are those of whoever signs with this key: for a service that acts as its caller."""
    keys = {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": "known-to-the-caller-alone"}
    return _from(service, {**keys, **({"AWS_SESSION_TOKEN": session_token} if session_token else {})})


@functools.cache
def _operator_client(service: str) -> Any:
    return _from(service, OPERATOR_ENVIRONMENT)


def _from(service: str, keys: Mapping[str, str]) -> Any:
    assert _transport is not None  # noqa: S101 client() has made sure
    with _lock:  # making clients is not safe in threads
        made = _session().client(
            service,
            region_name=_transport.context.region,
            endpoint_url=_transport.context.endpoint,
            config=Config(
                # Nobody here verifies a signature: the key's id says whose the request is.
                signature_version=UNSIGNED,
                user_agent="embedded-aws",
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path"},
            ),
        )
    headers = _identifying(keys, made.meta.service_model.signing_name)
    transport = _transport
    made.meta.events.register("before-send", lambda request, **_: transport.send(request, headers))
    return made


def _identifying(keys: Mapping[str, str], signing_name: str) -> dict[str, str]:
    assert _transport is not None  # noqa: S101 client() has made sure
    scope = f"{keys['AWS_ACCESS_KEY_ID']}/20000101/{_transport.context.region}/{signing_name}/aws4_request"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"}
    if token := keys.get("AWS_SESSION_TOKEN"):
        headers["X-Amz-Security-Token"] = token
    return headers


@functools.cache
def _session() -> Any:
    # Of its own, so that no configuration of the machine's user reaches it.
    core = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    core.set_config_variable("config_file", "/dev/null")
    core.set_config_variable("credentials_file", "/dev/null")
    core.register_component("data_loader", economies.loader())
    return boto3.Session(botocore_session=core)


def _environ(context: Context, request: AWSPreparedRequest, added: Mapping[str, str]) -> dict[str, Any]:
    url = urlsplit(request.url)
    body: Any = request.body or b""
    if isinstance(body, AwsChunkedWrapper) or hasattr(body, "read"):
        body = body.read()
    if isinstance(body, str):
        body = body.encode()
    headers = [
        (name, value.decode("latin-1") if isinstance(value, bytes) else str(value))
        for name, value in [*request.headers.items(), *added.items()]
        if name.lower() not in ("transfer-encoding", "content-length", "expect")
    ]
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(url.path).decode("latin-1"),
        "QUERY_STRING": url.query,
        "RAW_URI": f"{url.path}?{url.query}" if url.query else url.path,
        "REQUEST_URI": url.path,
        "HTTP_HOST": url.netloc,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": str(context.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input": io.BytesIO(body),
    }
    add_headers(environ, headers)
    environ["CONTENT_LENGTH"] = str(len(body))
    return environ
