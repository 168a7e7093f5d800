"""The process: moto's services and ours behind one port, the deployment, and the readiness probe."""

import contextlib
import faulthandler
import functools
import json
import os
import signal
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, ClassVar

from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from embedded_aws import (
    athena,
    clients,
    clock,
    datasync,
    dynamodb,
    economies,
    faults,
    file_systems,
    guard,
    orphans,
    processes,
    quick_start,
    requests,
)
from embedded_aws.batch import service as batch
from embedded_aws.cloudformation import service as cloudformation
from embedded_aws.cloudformation.cloud_assembly import Assembly, DeploymentError
from embedded_aws.cloudformation.deployment import deploy, get_ready, restore
from embedded_aws.cloudformation.stack_resources import tell_progress
from embedded_aws.context import OPERATOR_ENVIRONMENT, Context
from embedded_aws.durable import database, restoring, units
from embedded_aws.durable.database import NotKeptError, StateError
from embedded_aws.events import service as events
from embedded_aws.functions import service as functions
from embedded_aws.glue import service as glue
from embedded_aws.http_server import CONNECTION, HttpServer
from embedded_aws.iam import authorization, identity
from embedded_aws.iam.requested_access import from_headers
from embedded_aws.instance import READY_PATH, Instance, InstanceError, hold
from embedded_aws.lake_formation import service as lake_formation
from embedded_aws.logs import subscriptions as log_subscriptions
from embedded_aws.messaging import mail
from embedded_aws.monitoring import service as monitoring
from embedded_aws.s3 import archive_tiers
from embedded_aws.s3 import lifecycle as object_lifecycle
from embedded_aws.s3 import service as storage
from embedded_aws.sagemaker import service as sagemaker
from embedded_aws.step_functions import service as step_functions

# In the order of their installation.
_SERVICES: tuple[ModuleType, ...] = (
    economies,
    storage,
    dynamodb,
    file_systems,
    identity,
    authorization,
    lake_formation,
    cloudformation,
    batch,
    functions,
    step_functions,
    events,
    archive_tiers,
    object_lifecycle,
    log_subscriptions,
    mail,
    monitoring,
    glue,
    athena,
    datasync,
    sagemaker,
    restoring,
)

_StartResponse = Callable[..., Any]
# moto's own controls, such as the one that empties every service, ask nobody who calls.
_MOTO_CONTROLS = "/moto-api"
# A status that SDKs repeat by themselves.
_RESTORING = ("503 Service Unavailable", "ServiceUnavailable", "the embedded AWS is starting; repeat the request")
_WAITING = "waiting for the templates"


@dataclass
class State:
    """What GET /_embedded/ready answers."""

    ready: bool = False
    progress: str = "starting"
    error: str | None = None
    stacks: list[str] = field(default_factory=list)
    executing: int = 0
    inert: int = 0
    inert_types: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


class Application:
    """Every request comes here: the probe is answered, all others go to their service and into the log."""

    def __init__(self, state: State, log: requests.RequestLog) -> None:
        self.state, self._log = state, log
        # Until all is there again that was, no connection gets an answer: NoSuchBucket would be believed.
        self.is_restored = False
        self._services = Dispatcher(create_backend_app)

    def __call__(self, environ: dict[str, Any], start_response: _StartResponse) -> Iterable[bytes]:
        """WSGI."""
        if environ["PATH_INFO"] == READY_PATH:
            return self._readiness(start_response)
        if not self.is_restored and CONNECTION in environ:
            return _refused(environ, start_response, *_RESTORING)
        if environ["PATH_INFO"] == clock.PATH:
            return clock.respond(environ, start_response)
        if environ["PATH_INFO"] == faults.PATH:
            return faults.respond(environ, start_response)
        if environ["PATH_INFO"].startswith(_MOTO_CONTROLS):
            start_response("404 Not Found", [("Content-Length", "0")])
            return [b""]
        started = time.perf_counter()
        status = 0

        def note_status(line: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal status
            status = int(line.split(maxsplit=1)[0])
            return start_response(line, headers)

        try:
            # What the request changes is on disk before it is answered.
            with units.unit():
                answer: Iterable[bytes] = self._services(environ, note_status)
            return answer
        except Exception as error:
            return _failed(error, environ, note_status)
        finally:
            self._write(environ, status, time.perf_counter() - started)

    def _write(self, environ: dict[str, Any], status: int, seconds: float) -> None:
        request: authorization.Request | None = environ.get(authorization.ENVIRON_KEY)
        if request is not None:
            self._log.write(request.principal, request.verdicts, status, seconds=seconds)
            return
        headers = {
            "Authorization": environ.get("HTTP_AUTHORIZATION", ""),
            "X-Amz-Target": environ.get("HTTP_X_AMZ_TARGET", ""),
        }
        verdict = requests.Verdict(from_headers(environ["REQUEST_METHOD"], headers))
        self._log.write(identity.principal(headers), [verdict], status, seconds=seconds)

    def _readiness(self, start_response: _StartResponse) -> Iterable[bytes]:
        body = json.dumps({name: value for name, value in asdict(self.state).items() if value is not None}).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response("200 OK" if self.state.ready else "503 Service Unavailable", headers)
        return [body]


class Dispatcher(DomainDispatcherApplication):
    """Finds the service that a request is for, once for a host; moto tries the patterns of all, for each request."""

    _known: ClassVar[dict[str | None, Any]] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        """Its name, as moto has it."""
        if host not in self._known:
            self._known[host] = super().get_backend_for_host(host)
        return self._known[host]


def _failed(error: Exception, environ: dict[str, Any], start_response: _StartResponse) -> Iterable[bytes]:
    """An answer for what moto does not do, or does with a fault."""
    status, code = "500 Internal Server Error", "InternalFailure"
    message = f"the embedded AWS failed: {type(error).__name__}: {error}"
    if isinstance(error, NotImplementedError):
        status, code = "501 Not Implemented", "NotImplemented"
    elif isinstance(error, NotKeptError) or units.is_no_room(error):
        # Not a status that SDKs repeat by themselves: the disk does not become empty meanwhile.
        status, code, message = "507 Insufficient Storage", "InsufficientStorage", _one_line(error)
    else:
        traceback.print_exception(error)
    return _refused(environ, start_response, status, code, message)


def _refused(
    environ: dict[str, Any], start_response: _StartResponse, status: str, code: str, message: str
) -> Iterable[bytes]:
    """An error in the form that the client's protocol expects."""
    if "json" in environ.get("CONTENT_TYPE", "") or environ.get("HTTP_X_AMZ_TARGET"):
        body, kind = json.dumps({"__type": code, "message": message}), "application/x-amz-json-1.1"
    else:
        text = message.replace("&", "&amp;").replace("<", "&lt;")
        body, kind = (
            f"<ErrorResponse><Error><Code>{code}</Code><Message>{text}</Message></Error></ErrorResponse>",
            "text/xml",
        )
    content = body.encode()
    start_response(
        status,
        [("Content-Type", kind), ("Content-Length", str(len(content))), ("x-amzn-errortype", code)],
    )
    return [content]


def _one_line(error: Exception) -> str:
    return str(error if isinstance(error, NotKeptError) else units.not_kept(database.opened(), error))


def serve(port: int, data: Path, assembly: Assembly | Callable[[], Assembly]) -> None:
    """Run an instance until it is told to stop. Raises an error of one line when it cannot be started.

    An `assembly` that is yet to come is waited for when all is done that does not need it.
    """
    data.mkdir(parents=True, exist_ok=True)
    data = data.absolute()
    try:
        server = HttpServer(port, _not_yet)
    except OSError as error:
        raise InstanceError(f"port {port} cannot be used: {error.strerror}") from error
    context = Context(port=server.port, data=data)
    instance = Instance(data, context.port, os.getpid(), context.account, context.region)
    # On this signal every thread's place is written to the log: what to look at when something hangs.
    faulthandler.register(signal.SIGUSR1)
    stop = threading.Event()
    state = State()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, functools.partial(_on_signal, stop, state))
    try:
        with hold(instance), _ended_before_release(server, data):
            orphans.end(data)
            database.use(database.Database.open(data, account=context.account, region=context.region))
            _run(context, server, state, assembly)
            stop.wait()
    except (DeploymentError, NotKeptError, StateError, guard.ChangedSymbolError) as error:
        state.error = str(error)
        raise InstanceError(state.error) from error


@contextlib.contextmanager
def _ended_before_release(server: HttpServer, data: Path) -> Iterator[None]:
    """At the end, stop all processes and close the port, while the data directory still is this instance's."""
    try:
        yield
    finally:
        processes.kill_all()
        orphans.end(data)
        server.stop()
        if kept_in := database.current():
            kept_in.close()


def _run(context: Context, server: HttpServer, state: State, assembly: Assembly | Callable[[], Assembly]) -> None:
    """Install the services, listen, deploy, and say so."""
    marks = [time.perf_counter()]

    def mark(name: str) -> None:
        marks.append(time.perf_counter())
        state.seconds[name] = round(marks[-1] - marks[-2], 3)

    _settings(context)
    clock.restore(database.opened())
    guard.check(patch for module in _SERVICES for patch in module.PATCHES)
    for module in _SERVICES:
        module.install(context)
    mark("install")
    application = Application(state, requests.open_log(context.data))
    clients.install(context, application)
    server.application = application
    server.start()
    for module in _SERVICES:
        if start := getattr(module, "start", None):
            start(context)
    tell_progress(functools.partial(setattr, state, "progress"))
    progress = functools.partial(setattr, state, "progress")
    with units.whole():
        earlier = restoring.before_stacks(context)
        restore(context, earlier.stacks, progress)
        mark("restore")
        get_ready(context)
        quick_start.settle()
        mark("get ready")
        if callable(assembly):
            progress(_WAITING)
            assembly = assembly()
            mark("wait")
        deploy(context, assembly, progress)
        mark("deploy")
    restoring.after_stacks(context)
    application.is_restored = True
    restoring.go_on(context, earlier)
    found = cloudformation.counts(context)
    state.executing, state.inert, state.inert_types = found.executing, found.inert, dict(found.inert_types)
    state.stacks = [stack.name for stack in assembly.stacks]
    state.progress, state.ready = "ready", True
    quick_start.finish()


def _settings(context: Context) -> None:
    """Settle everything that moto reads from the environment, before its services look."""
    os.environ.update(
        {
            **OPERATOR_ENVIRONMENT,
            "AWS_ENDPOINT_URL": context.endpoint,
            "AWS_DEFAULT_REGION": context.region,
            "AWS_REGION": context.region,
            "MOTO_ACCOUNT_ID": context.account,
            "MOTO_PORT": str(context.port),
        }
    )
    os.environ.pop("AWS_PROFILE", None)
    tempfile.tempdir = str(context.directory("tmp"))
    settings: dict[str, Any] = dict(default_user_config)
    settings["stepfunctions"] = {"execute_state_machine": True}
    settings["lambda"] = settings["batch"] = {"use_docker": False}
    settings["iam"] = {"load_aws_managed_policies": True}
    default_user_config.update(settings)  # type: ignore[typeddict-item]


def _not_yet(environ: dict[str, Any], start_response: _StartResponse) -> Iterable[bytes]:
    start_response("503 Service Unavailable", [("Content-Length", "0")])
    return [b""]


def _on_signal(stop: threading.Event, state: State, number: int, frame: FrameType | None) -> None:
    stop.set()
    if state.progress == _WAITING:
        raise InstanceError("the embedded AWS was stopped before there was anything to deploy")
