import os
from typing import TYPE_CHECKING

import pytest
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from embedded_aws.iam import identity

if TYPE_CHECKING:
    from tests.embedded_aws.conftest import Services

ROLE = "arn:aws:iam::123456789012:role/of-a-job"


def signed(keys: dict[str, str]) -> dict[str, str]:
    return {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={keys['AWS_ACCESS_KEY_ID']}/20260101/us-east-1/s3/x",
        "X-Amz-Security-Token": keys["AWS_SESSION_TOKEN"],
    }


def test_a_process_gets_neither_proxy_nor_credentials_of_the_operator(
    services: "Services", monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTPS_PROXY", "all_proxy", "NO_PROXY", "AWS_PROFILE"):
        monkeypatch.setenv(name, "of-the-operator")
    environment = identity.process_environment(services.context, ROLE, "job")
    assert "of-the-operator" not in environment.values()
    assert environment["EMBEDDED_AWS_DATA"] == str(services.context.data)
    assert environment["PATH"].endswith(os.environ["PATH"])


def test_sessions_are_forgotten_when_newer_ones_are_used(services: "Services", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "_sessions", type(identity._sessions)())
    monkeypatch.setattr(identity, "_SESSIONS_KEPT", 3)
    assumed, keys = sts_backends["123456789012"]["aws"].assumed_roles, iam_backends["123456789012"]["aws"].access_keys
    before = len(assumed), len(keys)
    long_lived = identity.credentials(ROLE, "long-lived")
    for number in range(10):
        given = identity.credentials(ROLE, f"job-{number}")
        assert identity.principal(signed(long_lived)).session == "long-lived"
    assert identity.principal(signed(given)).session == "job-9"
    assert (len(assumed), len(keys)) == (before[0] + 3, before[1] + 3)
