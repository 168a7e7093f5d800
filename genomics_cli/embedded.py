"""The embedded AWS as commands use it: started when there is none, found when there is one."""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from embedded_aws import instance
from embedded_aws.instance import Instance, InstanceError
from genomics_cli.cloud import Cloud, Platform, find_deployment, is_configured
from genomics_cli.cloud_assembly import source_key, synthesize
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


def start(data: Path, *, port: int | None, project: str, progress: Progress) -> Started:
    """Start an embedded AWS on `data`, with every stack deployed, unless one runs there. Raises UserError."""
    deployed = data / "deployed"
    try:
        if running := instance.find(data):
            instance.wait_until_ready(running, progress)
            is_current = deployed.is_file() and deployed.read_text() == source_key(project=project)
            return Started(running, seconds=None, is_current=is_current)
        assembly = synthesize(data, project=project, progress=progress)
        progress("starting the embedded AWS")
        deployed.write_text(assembly.name)
        began = time.monotonic()
        started = instance.start(data, _usual_port() if port is None else port, assembly, _stacks_only(progress))
    except InstanceError as error:
        raise UserError(str(error)) from error
    return Started(started, seconds=time.monotonic() - began, is_current=True)


def stop(data: Path) -> bool:
    """Stop the instance on `data`; False where none runs."""
    try:
        return instance.stop(data)
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


def connect(data: Path, *, project: str, progress: Progress) -> Platform:
    """The deployment in the AWS that the environment points at; with nothing configured, in the embedded one."""
    if is_configured():
        cloud = Cloud.from_environment()
    else:
        started = start(data, port=None, project=project, progress=progress)
        if not started.is_current:
            progress("the embedded AWS runs another state of the code; `genomics down` and run again to renew it")
        cloud = Cloud.from_environment(started.instance.environment())
    return Platform(cloud, find_deployment(cloud, project))


def _stacks_only(progress: Progress) -> Progress:
    """Told of each stack, not of each of its resources."""
    return lambda line: None if "(AWS::" in line else progress(line)


def _usual_port() -> int:
    """The usual port, or 0, which means any, where that is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", instance.DEFAULT_PORT))
        except OSError:
            return 0
    return instance.DEFAULT_PORT
