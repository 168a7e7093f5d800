import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from embedded_aws import instance
from embedded_aws.instance import Instance, InstanceError
from genomics_cli import embedded
from genomics_cli.cloud import Cloud
from genomics_cli.errors import UserError
from genomics_cli.main import cli

ANSWER = {"ready": True, "executing": 129, "inert": 33, "stacks": ["genomics-storage", "genomics-lake"]}


class Instances:
    """Plays `embedded_aws.instance`."""

    def __init__(self, data: Path) -> None:
        self.running: Instance | None = None
        self.data = data
        self.ports: list[int] = []
        self.fault: str | None = None
        self.starts_seconds = 0.0

    def find(self, data: Path) -> Instance | None:
        return self.running

    @contextmanager
    def warming_up(self, data: Path, port: int) -> Iterator[int]:
        yield port

    def start(self, data: Path, port: int, assembly: Path, progress: Callable[[str], None], *, warm: int) -> Instance:
        assert warm == port
        if self.fault:
            raise InstanceError(self.fault)
        self.ports.append(port)
        time.sleep(self.starts_seconds)
        progress("genomics-storage: Key (AWS::KMS::Key)")
        progress("genomics-storage")
        self.running = Instance(data, port or 40_000, 1, "123456789012", "us-east-1")
        return self.running

    def stop(self, data: Path) -> bool:
        self.running = None
        return True

    def wait_until_ready(self, running: Instance, progress: Callable[[str], None]) -> Instance:
        return running


@pytest.fixture
def instances(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Instances:
    played = Instances(tmp_path)
    for name in ("find", "warming_up", "start", "stop", "wait_until_ready"):
        monkeypatch.setattr(instance, name, getattr(played, name))
    monkeypatch.setattr(Instance, "readiness", lambda _: ANSWER)
    monkeypatch.setattr(embedded, "synthesize", lambda *_, **__: tmp_path / "assembly")
    monkeypatch.setattr(embedded, "deployment_key", lambda **_: "key-1")
    return played


def _start(data: Path, **options: Any) -> tuple[embedded.Started, list[str]]:
    said: list[str] = []
    return embedded.start(data, **{"port": None, "project": "genomics", **options}, progress=said.append), said


def test_what_runs_is_found_and_not_started_again(instances: Instances, tmp_path: Path) -> None:
    first, said = _start(tmp_path, port=5000)
    second, said_again = _start(tmp_path)
    assert instances.ports == [5000]
    assert first.instance == second.instance
    assert (first.seconds is None, second.seconds is None) == (False, True)
    assert second.is_current
    assert said == ["starting the embedded AWS", "genomics-storage"]
    assert said_again == []


def test_what_runs_from_other_sources_is_said(
    instances: Instances, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _start(tmp_path)
    monkeypatch.setattr(embedded, "deployment_key", lambda **_: "key-2")
    started, _ = _start(tmp_path)
    assert not started.is_current
    assert "`genomics down` and `genomics up` renew it" in embedded.describe(started, asked_port=None)[-1]


def test_the_demonstration_renews_what_runs_from_other_sources(
    instances: Instances, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _start(tmp_path, port=5000)
    again, said = _start(tmp_path, renew=True)
    assert (again.seconds, said) == (None, [])
    monkeypatch.setattr(embedded, "deployment_key", lambda **_: "key-2")
    renewed, said = _start(tmp_path, renew=True)
    assert renewed.seconds is not None
    assert renewed.is_current
    assert said[0] == "the embedded AWS runs another state of the code; it is stopped and started anew"
    assert instances.ports == [5000, 5000]
    assert _start(tmp_path)[0].is_current


def test_only_one_of_several_commands_starts_it(instances: Instances, tmp_path: Path) -> None:
    instances.starts_seconds = 0.3
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda _: _start(tmp_path, port=5000), range(2)))
    assert instances.ports == [5000]
    assert sorted(started.seconds is None for started, _ in outcomes) == [False, True]
    waiting = next(said for started, said in outcomes if started.seconds is None)
    assert waiting == ["waiting for another command that starts the embedded AWS"]


@pytest.mark.parametrize("configured", [False, True])
def test_a_command_says_that_it_uses_the_embedded_aws(
    instances: Instances, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, configured: bool
) -> None:
    monkeypatch.setattr(embedded, "is_configured", lambda: configured)
    monkeypatch.setattr(embedded, "find_deployment", lambda cloud, project: None)
    monkeypatch.setattr(Cloud, "from_environment", lambda environment=None: environment)
    said: list[str] = []
    embedded.connect(tmp_path, project="genomics", progress=said.append)
    line = "no AWS in the environment (AWS_PROFILE, AWS_ACCESS_KEY_ID, ...): using the embedded one"
    assert said[:1] == ([] if configured else [line])


def test_up_and_down_speak_json(instances: Instances, tmp_path: Path) -> None:
    data = ["--data", str(tmp_path)]
    up = json.loads(CliRunner().invoke(cli, ["up", "--json", "--port", "5000", *data]).stdout)
    assert (up["endpoint"], up["data"], up["is_current"]) == ("http://127.0.0.1:5000", str(tmp_path), True)
    assert (up["executing"], up["inert"], up["stacks"]) == (129, 33, ANSWER["stacks"])
    assert up["environment"]["AWS_ENDPOINT_URL"] == "http://127.0.0.1:5000"
    down = CliRunner().invoke(cli, ["down", "--json", *data])
    assert json.loads(down.stdout) == {"data": str(tmp_path), "stopped": True, "erased": False}


def test_up_says_where_it_is_and_what_executes(instances: Instances, tmp_path: Path) -> None:
    first, _ = _start(tmp_path, port=5000)
    lines = embedded.describe(first, asked_port=5000)
    assert lines[0].startswith("the embedded AWS is up at http://127.0.0.1:5000 after ")
    assert lines[0].endswith(f" s (data: {tmp_path})")
    assert lines[1:] == ["129 resources executing, 33 inert, in stacks genomics-storage, genomics-lake"]
    again, _ = _start(tmp_path, port=6000)
    lines = embedded.describe(again, asked_port=6000)
    assert lines[0].startswith("the embedded AWS was already up at http://127.0.0.1:5000")
    assert lines[2] == "it keeps port 5000; `genomics down` first to have it on another"


def test_what_cannot_start_says_why(instances: Instances, tmp_path: Path) -> None:
    instances.fault = "moto changed moto.s3:Thing"
    with pytest.raises(UserError, match=r"^moto changed moto\.s3:Thing$"):
        _start(tmp_path)
