"""Instances as the command line handles them: each a process of its own."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from embedded_aws import instance, orphans
from embedded_aws.instance import Instance, InstanceError
from tests.embedded_aws import small_assembly
from tests.embedded_aws.instance_clients import client, physical_ids
from tests.waiting import until


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_assembly.write(tmp_path_factory.mktemp("assembly") / "cdk.out")


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    instance.stop(tmp_path / "data")


def test_a_started_instance_is_ready_found_taken_again_and_stopped(small: Instance, assembly: Path) -> None:
    assert instance.find(small.data) == small
    assert instance.start(small.data, 0, assembly) == small
    answer = small.readiness()
    assert answer["ready"] is True
    assert answer["stacks"] == ["small-storage", "small-work"]
    # 5 + 6 resources, of which the VPC does nothing, and those that `cdk bootstrap` leaves.
    assert (answer["executing"], answer["inert"]) == (10 + 7, 1 + 1)
    assert answer["inert_types"]["AWS::EC2::VPC"] == (
        "every process runs on this machine; there is no network between them"
    )
    assert small.pid != os.getpid()
    assert psutil.Process(small.pid).is_running()


def test_two_instances_do_not_meet(small: Instance, assembly: Path, data: Path) -> None:
    told: list[str] = []
    other = instance.start(data, 0, assembly, told.append)
    assert other.port != small.port
    assert any("small-storage" in line for line in told)
    client(small, "s3").create_bucket(Bucket="only-in-the-first")
    names = [bucket["Name"] for bucket in client(other, "s3").list_buckets()["Buckets"]]
    assert "only-in-the-first" not in names
    assert instance.stop(data) is True
    assert instance.find(data) is None
    assert small.readiness()["ready"] is True
    assert instance.stop(data) is False


def test_stopping_ends_every_process_of_the_instance(assembly: Path, data: Path) -> None:
    started = instance.start(data, 0, assembly)
    work = physical_ids(started, "small-work")
    client(started, "lambda").invoke(FunctionName=work["Function"], Payload=b"{}")
    family = [psutil.Process(started.pid), *psutil.Process(started.pid).children(recursive=True)]
    assert len(family) > 1
    assert instance.stop(data) is True
    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []


def test_what_a_killed_instance_leaves_behind_is_no_instance(assembly: Path, data: Path) -> None:
    first = instance.start(data, 0, assembly)
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: instance.find(data) is None)
    assert (data / "instance.json").exists()
    # The number of the dead process may be taken by another, which must not count as the instance either.
    (data / "instance.json").write_text(
        json.dumps({**json.loads((data / "instance.json").read_text()), "pid": os.getpid()})
    )
    assert instance.find(data) is None
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(instance.start, data, 0, assembly)
        found = set()
        while not starting.done():
            found.add(instance.find(data))
        second = starting.result()
    assert second.pid != first.pid
    assert found <= {None, second}


def test_what_a_killed_instance_left_running_is_ended_by_the_next_start(assembly: Path, data: Path) -> None:
    first = instance.start(data, 0, assembly)
    # Deployed functions' workers are processes of the instance; this is one that has also left its group.
    runaway = _runaway(data)
    client(first, "lambda").invoke(FunctionName=physical_ids(first, "small-work")["Function"], Payload=b"{}")
    family = [*psutil.Process(first.pid).children(recursive=True), runaway]
    assert len(family) > 1
    os.kill(first.pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(first.pid)] if psutil.pid_exists(first.pid) else [], timeout=5)
    second = instance.start(data, 0, assembly)
    _, alive = psutil.wait_procs(family, timeout=0.1)
    assert alive == []
    assert second.readiness()["ready"] is True


def test_stopping_a_killed_instance_ends_what_it_left_running(data: Path, tmp_path: Path) -> None:
    data.mkdir()
    (data / "instance.lock").touch()
    of_another = _runaway(tmp_path / "elsewhere")
    of_this = _runaway(data)
    assert instance.stop(data) is False
    assert psutil.wait_procs([of_this], timeout=1)[1] == []
    assert of_another.is_running()
    of_another.kill()
    of_another.wait()


def test_erasing_deletes_what_an_instance_holds_and_nothing_else(small: Instance, tmp_path: Path) -> None:
    with pytest.raises(InstanceError, match=f"an embedded AWS runs on {small.data}; `genomics down` stops it"):
        instance.erase(small.data)
    for name in (
        "objects/ab/file",
        "state.sqlite",
        "state.sqlite-wal",
        "requests.jsonl.1",
        "file-systems/fs-1/index",
        "mail/a@lab.example/000001.eml",
        "image-sources/tag/Dockerfile",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "samples.csv").touch()
    instance.erase(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["instance.lock", "samples.csv"]


def test_the_port_is_free_and_no_process_is_left_once_an_instance_has_stopped(assembly: Path, data: Path) -> None:
    started = instance.start(data, 0, assembly)
    runaway = _runaway(data)
    instance.stop(data)
    assert not runaway.is_running() or runaway.status() == psutil.STATUS_ZOMBIE
    with socket.create_server(("127.0.0.1", started.port)):
        pass


def test_an_instance_is_found_and_works_where_a_proxy_is_set(
    assembly: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    started = instance.start(data, 0, assembly, timeout_seconds=60)
    assert started.readiness()["ready"] is True
    names = {name.lower() for name in psutil.Process(started.pid).environ()}
    assert not [name for name in names if name.endswith("_proxy")]


def test_those_who_look_at_the_same_time_do_not_take_each_other_for_an_instance(tmp_path: Path) -> None:
    lock = tmp_path / "instance.lock"
    lock.touch()
    with lock.open("rb+") as first:
        fcntl.flock(first, fcntl.LOCK_SH)
        (tmp_path / "instance.json").write_text(
            json.dumps({"data": str(tmp_path), "port": 1, "pid": 1, "account": "1", "region": "r"})
        )
        assert instance.find(tmp_path) is None
    with ThreadPoolExecutor(8) as pool:
        assert not any(pool.map(lambda _: instance.find(tmp_path), range(400)))


def _runaway(data: Path) -> psutil.Popen:
    """A process of the instance on `data` in a session of its own."""
    return psutil.Popen(["sleep", "600"], env={**os.environ, **orphans.mark(data)}, start_new_session=True)


def test_an_unknown_type_stops_everything_before_anything_is_made(tmp_path: Path, data: Path) -> None:
    storage = json.loads(json.dumps(small_assembly.STORAGE))
    storage["Resources"]["Odd"] = {"Type": "AWS::Odd::Thing"}
    work = json.loads(json.dumps(small_assembly.WORK))
    work["Resources"]["Odder"] = {"Type": "AWS::Odd::Thing"}
    work["Resources"]["Other"] = {"Type": "Custom::Other"}
    assembly = small_assembly.write(tmp_path / "cdk.out", storage=storage, work=work)
    command = [sys.executable, "-m", "embedded_aws", "--port", "0", "--data", str(data)]
    ended = subprocess.run(
        [*command, "--cloud-assembly", str(assembly)], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.strip().splitlines()[-1] == (
        "resource types unknown to the embedded AWS: "
        "AWS::Odd::Thing (small-storage/Odd, small-work/Odder); Custom::Other (small-work/Other)"
    )
    # Only the toolkit was: the bucket for assets and what goes with it.
    requests = (data / "requests.jsonl").read_text()
    assert "cdk-hnb659fds-assets" in requests
    assert "small-" not in requests
    assert instance.find(data) is None


def test_a_start_that_fails_says_why_in_one_line(tmp_path: Path, assembly: Path, data: Path) -> None:
    with pytest.raises(InstanceError, match="holds no cloud assembly; run `cdk synth`"):
        instance.start(data, 0, tmp_path / "missing")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InstanceError, match=f"port {port} is taken; choose another with --port"):
            instance.start(data, port, assembly)


def test_a_second_process_on_the_same_data_is_refused(small: Instance, assembly: Path) -> None:
    command = [sys.executable, "-m", "embedded_aws", "--port", "0", "--data", str(small.data)]
    ended = subprocess.run(
        [*command, "--cloud-assembly", str(assembly)], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 1
    assert f"an embedded AWS already runs on {small.data}" in ended.stderr
    assert instance.find(small.data) == small


def test_what_is_not_implemented_is_said_in_the_clients_protocol(small: Instance) -> None:
    with pytest.raises(client(small, "glue").exceptions.ClientError, match="NotImplemented"):
        client(small, "glue").get_mapping(Source={"DatabaseName": "x", "TableName": "y"})


def test_a_directory_that_cannot_be_used_is_named_in_one_line(assembly: Path) -> None:
    command = [sys.executable, "-m", "embedded_aws", "--port", "0", "--data", "/proc/nowhere"]
    ended = subprocess.run(
        [*command, "--cloud-assembly", str(assembly)], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.strip().splitlines() == [
        "/proc/nowhere cannot be used: [Errno 2] No such file or directory: '/proc/nowhere'"
    ]


def test_a_process_that_was_warmed_up_deploys_what_it_is_told(data: Path, assembly: Path) -> None:
    with instance.warming_up(data, 0) as warm:
        started = instance.start(data, 0, assembly, warm=warm)
    assert started.pid == warm.process.pid
    assert started.readiness()["stacks"] == ["small-storage", "small-work"]


def test_a_process_that_is_never_told_what_to_deploy_ends(data: Path) -> None:
    with pytest.raises(KeyError), instance.warming_up(data, 0) as warm:
        raise KeyError
    assert warm.process.returncode is not None
    assert instance.find(data) is None


def test_a_process_that_waits_for_its_templates_can_be_stopped(data: Path) -> None:
    with instance.warming_up(data, 0) as warm:
        waiting = until(lambda: instance.find(data))
        until(lambda: waiting.readiness().get("progress") == "waiting for the templates")
        began = time.monotonic()
        assert instance.stop(data)
        assert time.monotonic() - began < 10  # and not killed after 20
        assert warm.process.wait(10) == 1
    assert "stopped before there was anything to deploy" in waiting.log.read_text().splitlines()[-1]


def test_motos_own_controls_are_closed(small: Instance) -> None:
    # Anybody could empty every service by them.
    request = urllib.request.Request(f"{small.endpoint}/moto-api/reset", method="POST")  # noqa: S310 ours
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(request, timeout=10)  # noqa: S310 ours
