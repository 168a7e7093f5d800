from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embedded_aws import instance
from embedded_aws.instance import Instance, InstanceError
from genomics_cli import embedded
from genomics_cli.errors import UserError

ANSWER = {"ready": True, "executing": 129, "inert": 33, "stacks": ["genomics-storage", "genomics-lake"]}


class Instances:
    """Plays `embedded_aws.instance`."""

    def __init__(self, data: Path) -> None:
        self.running: Instance | None = None
        self.data = data
        self.ports: list[int] = []
        self.fault: str | None = None

    def find(self, data: Path) -> Instance | None:
        return self.running

    def start(self, data: Path, port: int, assembly: Path, progress: Callable[[str], None]) -> Instance:
        if self.fault:
            raise InstanceError(self.fault)
        self.ports.append(port)
        progress("genomics-storage: Key (AWS::KMS::Key)")
        progress("genomics-storage")
        self.running = Instance(data, port or 40_000, 1, "123456789012", "us-east-1")
        return self.running

    def wait_until_ready(self, running: Instance, progress: Callable[[str], None]) -> Instance:
        return running


@pytest.fixture
def instances(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Instances:
    played = Instances(tmp_path)
    for name in ("find", "start", "wait_until_ready"):
        monkeypatch.setattr(instance, name, getattr(played, name))
    monkeypatch.setattr(Instance, "readiness", lambda _: ANSWER)
    monkeypatch.setattr(embedded, "synthesize", lambda *_, **__: tmp_path / "key-1")
    monkeypatch.setattr(embedded, "source_key", lambda **_: "key-1")
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
    monkeypatch.setattr(embedded, "source_key", lambda **_: "key-2")
    started, _ = _start(tmp_path)
    assert not started.is_current
    assert "`genomics down` and `genomics up` renew it" in embedded.describe(started, asked_port=None)[-1]


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
