import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from genomics_cli.cloud import Cloud, find_deployment, is_configured
from genomics_cli.data_directory import data_directory
from genomics_cli.errors import UserError


@pytest.mark.parametrize(
    ("environment", "configured"),
    [
        ({}, False),
        ({"AWS_REGION": "eu-central-1"}, False),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:4599"}, True),
        ({"AWS_PROFILE": "hospital"}, True),
        ({"AWS_ACCESS_KEY_ID": ""}, False),
        ({"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2"}, True),
    ],
)
def test_the_environment_says_whether_an_aws_is_meant(environment: dict[str, str], configured: bool) -> None:
    assert is_configured(environment) is configured


def test_a_project_that_is_not_deployed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        cloud = Cloud.from_environment(
            {
                "AWS_ACCESS_KEY_ID": "operator",
                "AWS_SECRET_ACCESS_KEY": "x",
                "AWS_REGION": "us-east-1",
                "AWS_ENDPOINT_URL": "https://cloudformation.us-east-1.amazonaws.com",
            }
        )
        missing = r"project 'lab' is not deployed here: there is no stack lab-storage .*`cdk deploy --all`"
        with pytest.raises(UserError, match=missing):
            find_deployment(cloud, "lab")


def test_the_data_directory_is_the_one_given_or_named(tmp_path: Path) -> None:
    assert data_directory(tmp_path / "a", {"GENOMICS_DATA": "/b"}) == tmp_path / "a"
    assert data_directory(None, {"GENOMICS_DATA": str(tmp_path / "b")}) == tmp_path / "b"


def test_the_data_directory_belongs_to_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = tmp_path / "project" / "sub"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    (tmp_path / "project" / ".git").mkdir()
    assert data_directory(None, {}) == tmp_path / "project" / ".genomics"


EMBEDDED = {
    "AWS_ACCESS_KEY_ID": "operator",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_REGION": "us-east-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:4599",
}


class Answering(BaseHTTPRequestHandler):
    """Answers every call as CloudFormation does where there is no such stack."""

    def do_POST(self) -> None:
        """Answer one call."""
        self.rfile.read(int(self.headers["Content-Length"]))
        error = "<Error><Code>ValidationError</Code><Message>Stack does not exist</Message></Error>"
        body = f"<ErrorResponse>{error}</ErrorResponse>".encode()
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def endpoint() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("exported", [True, False])
def test_the_embedded_aws_is_reached_without_the_proxy(
    endpoint: str, exported: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the shell has what `genomics up` prints as well as where a command found the instance itself."""
    environment = EMBEDDED | {"AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": "us-east-1"}
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nothing listens there
    for name in ("no_proxy", "NO_PROXY", "AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    if exported:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
    cloud = Cloud.from_environment(None if exported else environment)
    with pytest.raises(UserError, match=r"there is no stack lab-storage .*`genomics up --project lab`"):
        find_deployment(cloud, "lab")


def test_a_proxy_is_used_for_an_aws_that_is_elsewhere() -> None:
    cloud = Cloud.from_environment(EMBEDDED | {"AWS_ENDPOINT_URL": "https://aws.example.org"})
    config: Any = cloud.s3.meta.config
    assert config.proxies is None  # botocore's word for the environment's
