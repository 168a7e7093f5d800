"""The embedded AWS as commands use it: started when there is none, found when there is one."""

import fcntl
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedded_aws import instance
from embedded_aws.instance import Instance, InstanceError
from genomics_cli.cloud import Cloud, Platform, find_deployment, is_configured
from genomics_cli.cloud_assembly import deployment_key, synthesize
from genomics_cli.errors import UserError

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Started:
    """A running instance. `is_current` says that it runs today's sources.

    `seconds` is the time it took to start and deploy; None where it had been up before.
    """

    instance: Instance
    seconds: float | None
    is_current: bool


def start(data: Path, *, port: int | None, project: str, progress: Progress, renew: bool = False) -> Started:
    """Start an embedded AWS on `data`, with every stack deployed, unless one runs there. Raises UserError.

    `renew` starts one anew that runs another state of the code. Of several commands one starts it; the others wait.
    """
    data.mkdir(parents=True, exist_ok=True)
    try:
        with _alone(data / "start.lock", progress):
            return _start(data, port, project, progress, renew=renew)
    except InstanceError as error:
        raise UserError(str(error)) from error


def _start(data: Path, port: int | None, project: str, progress: Progress, *, renew: bool) -> Started:
    deployed, key = data / "deployed", deployment_key(project=project)
    if running := instance.find(data):
        is_current = deployed.is_file() and deployed.read_text() == key
        if is_current or not renew:
            instance.wait_until_ready(running, progress)
            return Started(running, seconds=None, is_current=is_current)
        progress("the embedded AWS runs another state of the code; it is stopped and started anew")
        instance.stop(data)
    chosen = _free_port(running.port if running else instance.DEFAULT_PORT) if port is None else port
    # The process imports what it needs while the templates are made.
    with instance.warming_up(data, chosen) as warm:
        assembly = synthesize(data, project=project, progress=progress)
        progress("starting the embedded AWS")
        deployed.write_text(key)
        began = time.monotonic()
        started = instance.start(data, chosen, assembly, _stacks_only(progress), warm=warm)
    return Started(started, seconds=time.monotonic() - began, is_current=True)


def stop(data: Path, *, erase: bool = False) -> bool:
    """Stop the instance on `data`, and `erase` what it holds; False where none ran."""
    try:
        stopped = instance.stop(data)
        if erase:
            instance.erase(data)
        return stopped
    except InstanceError as error:
        raise UserError(str(error)) from error


def describe(started: Started, *, asked_port: int | None) -> list[str]:
    """What there is to know about an instance that is up, a line each."""
    found = started.instance
    answer = found.readiness()
    state, after = ("was already up", "") if started.seconds is None else ("is up", f" after {started.seconds:.1f} s")
    lines = [
        f"the embedded AWS {state} at {found.endpoint}{after} (data: {found.data})",
        f"{answer.get('executing', 0)} resources executing, {answer.get('inert', 0)} inert,"
        f" in stacks {', '.join(answer.get('stacks', ()))}",
    ]
    if asked_port not in (None, 0, found.port):
        lines.append(f"it keeps port {found.port}; `genomics down` first to have it on another")
    if not started.is_current:
        lines.append("it runs another state of the code; `genomics down` and `genomics up` renew it")
    return lines


def as_document(started: Started) -> dict[str, Any]:
    """The same for programs, with the environment that points them at it."""
    found = started.instance
    answer = found.readiness()
    return {
        "endpoint": found.endpoint,
        "data": str(found.data),
        "account": found.account,
        "region": found.region,
        "seconds": started.seconds,
        "is_current": started.is_current,
        "stacks": list(answer.get("stacks", ())),
        "executing": answer.get("executing", 0),
        "inert": answer.get("inert", 0),
        "environment": found.environment(),
    }


def connect(data: Path, *, project: str, progress: Progress, renew: bool = False) -> Platform:
    """The deployment in the AWS that the environment points at; with nothing configured, in the embedded one.

    `renew` is as for `start`.
    """
    if is_configured():
        cloud = Cloud.from_environment()
    else:
        progress("no AWS in the environment (AWS_PROFILE, AWS_ACCESS_KEY_ID, ...): using the embedded one")
        started = start(data, port=None, project=project, progress=progress, renew=renew)
        if not started.is_current:
            progress("the embedded AWS runs another state of the code; `genomics down` and run again to renew it")
        cloud = Cloud.from_environment(started.instance.environment())
    return Platform(cloud, find_deployment(cloud, project))


def _stacks_only(progress: Progress) -> Progress:
    """Told of each stack, not of each of its resources."""
    return lambda line: None if "(AWS::" in line else progress(line)


@contextmanager
def _alone(lock: Path, progress: Progress) -> Iterator[None]:
    """While no other process is in here with the same lock."""
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another command that starts the embedded AWS")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _free_port(usual: int) -> int:
    """The usual port, or 0, which means any, where that is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", usual))
        except OSError:
            return 0
    return usual
