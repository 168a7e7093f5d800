from pathlib import Path

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
        with pytest.raises(UserError, match="project 'lab' is not deployed here: there is no stack lab-storage"):
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
