"""The embedded AWS before it has back what it kept: nobody outside is told that something is not there."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from embedded_aws import requests, server
from embedded_aws.context import OPERATOR_ENVIRONMENT
from embedded_aws.http_server import HttpServer
from embedded_aws.instance import READY_PATH


@pytest.fixture
def application(tmp_path: Path) -> server.Application:
    return server.Application(server.State(), requests.open_log(tmp_path))


@pytest.fixture
def connect(application: server.Application) -> Iterator[Callable[[str], Any]]:
    listening = HttpServer(0, application)
    listening.start()
    make: Any = boto3.client

    def client(service: str) -> Any:
        return make(
            service,
            endpoint_url=f"http://127.0.0.1:{listening.port}",
            region_name="us-east-1",
            aws_access_key_id=OPERATOR_ENVIRONMENT["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key="any",
            config=Config(retries={"total_max_attempts": 1}),
        )

    yield client
    listening.stop()


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [("s3", "list_objects_v2", {"Bucket": "b"}), ("dynamodb", "describe_table", {"TableName": "t"})],
)
def test_a_connection_is_asked_to_come_again_until_all_is_restored(
    application: server.Application,
    connect: Callable[[str], Any],
    service: str,
    operation: str,
    arguments: dict[str, str],
) -> None:
    call = getattr(connect(service), operation)
    # SDKs and Tools Reference Guide, "Retry behavior": 503 is among the transient errors that SDKs retry.
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    application.is_restored = True
    with pytest.raises(ClientError, match=r"NoSuchBucket|ResourceNotFound"):
        call(**arguments)


def test_clients_inside_are_answered_while_the_restoring_goes_on(application: server.Application) -> None:
    statuses = []
    operator = f"Credential={OPERATOR_ENVIRONMENT['AWS_ACCESS_KEY_ID']}/20260101/us-east-1/s3/aws4_request"
    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/never-made",
        "QUERY_STRING": "list-type=2",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "1",
        "HTTP_HOST": "127.0.0.1:1",
        "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 {operator}",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
    }
    list(application(environ, lambda status, headers, exc_info=None: statuses.append(status[:3])))
    list(application({**environ, "PATH_INFO": READY_PATH}, lambda status, headers: statuses.append(status[:3])))
    assert statuses == ["404", "503"]
