"""A tour with `cdk`, as it comes: deploy, diff, deploy what has changed, destroy."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from embedded_aws.instance import Instance
from tests.conftest import NO_SETTINGS, ROOT
from tests.embedded_aws.instance_clients import client, outputs, physical_ids

APP = Path(__file__).parent / "cdk_app"


def cdk(small: Instance, *words: str) -> str:
    """What `cdk` says, on whichever channel; it must succeed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_") or name in NO_SETTINGS}
    path = os.pathsep.join((str(Path(sys.executable).parent), kept.get("PATH", os.defpath)))
    ended = subprocess.run(
        [str(ROOT / "node_modules/.bin/cdk"), *words],
        check=False,
        capture_output=True,
        text=True,
        cwd=APP,
        env={**kept, **small.environment(), "PATH": path, "AWS_EC2_METADATA_DISABLED": "true", "NO_COLOR": "1"},
        timeout=600,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def assemblies(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Cloud assemblies of the app's two versions."""
    first, second = (str(tmp_path_factory.mktemp("tour") / "cdk.out") for _ in range(2))
    subprocess.run([sys.executable, "app.py", first, second], check=True, cwd=APP, timeout=120)
    return first, second


def test_a_tour_with_cdk(small: Instance, assemblies: tuple[str, str]) -> None:
    first, second = assemblies
    deploy = ("deploy", "--require-approval", "never", "tour", "--app")
    said = cdk(small, *deploy, first)
    url = outputs(small, "tour")["Url"]
    assert url.endswith("/tour-one")
    assert f"tour.Url = {url}" in said
    (name,) = [
        i
        for logical_id, i in physical_ids(small, "tour").items()
        if logical_id.startswith("Function") and "Role" not in logical_id
    ]
    awslambda = client(small, "lambda")
    assert json.load(awslambda.invoke(FunctionName=name)["Payload"]) == url

    said = cdk(small, "diff", "tour", "--app", second)
    assert "[~] AWS::SQS::Queue" in said
    assert "replace" in said
    assert "tour-two" in said
    assert "Number of stacks with differences: 1" in said
    assert "could not create a change set" not in said.lower()

    cdk(small, *deploy, second)
    url = outputs(small, "tour")["Url"]
    assert url.endswith("/tour-two")
    assert json.load(awslambda.invoke(FunctionName=name)["Payload"]) == url
    assert "no changes" in cdk(small, *deploy, second)

    cdk(small, "destroy", "--force", "tour", "--app", second)
    with pytest.raises(ClientError, match="does not exist"):
        outputs(small, "tour")
    with pytest.raises(ClientError, match="Function not found"):
        awslambda.get_function(FunctionName=name)


def test_what_cdk_does_it_does_in_the_roles_that_bootstrapping_leaves(
    small: Instance, assemblies: tuple[str, str]
) -> None:
    cdk(small, "deploy", "--require-approval", "never", "tour", "--app", assemblies[0])
    requests = [json.loads(line) for line in (small.data / "requests.jsonl").read_text().splitlines()]
    done: dict[str, set[str]] = {}
    for request in requests:
        if request["session"].startswith("aws-cdk-"):
            done.setdefault(request["role"], set()).update(access["action"] for access in request["accesses"])
    deployer, publisher = (
        done[f"cdk-hnb659fds-{name}-123456789012-us-east-1"] for name in ("deploy-role", "file-publishing-role")
    )
    assert {"cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"} <= deployer
    assert "s3:PutObject" in publisher
    assert "s3:PutObject" not in deployer
    cdk(small, "destroy", "--force", "tour", "--app", assemblies[0])
