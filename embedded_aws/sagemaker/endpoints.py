"""Endpoints: their configurations, the processes that serve them, and their invocation."""

import contextlib
import json
import secrets
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.core.exceptions import JsonRESTError

from embedded_aws import clients
from embedded_aws.context import Context
from embedded_aws.sagemaker.models import Models
from embedded_aws.sagemaker.operations import Answer, Parameters, Shelf, invalid, named, only, some
from embedded_aws.sagemaker.records import Document, Records
from embedded_aws.sagemaker.running import SESSION, Event, JobFailedError, JobStoppedError, Program, start

_LOG_GROUP = "/aws/sagemaker/Endpoints"
_CONFIGURATION = ("EndpointConfigName", "ProductionVariants", "DataCaptureConfig", "KmsKeyId", "Tags")
_VARIANT = (
    "VariantName",
    "ModelName",
    "InitialInstanceCount",
    "InstanceType",
    "InitialVariantWeight",
    "ServerlessConfig",
    "VolumeSizeInGB",
)
_CAPTURE = ("EnableCapture", "InitialSamplingPercentage", "DestinationS3Uri", "CaptureOptions", "KmsKeyId")
# How long a model may take to be loaded when it is asked first after a start, and to answer: Developer Guide, "Endpoint
# quotas".
_LOADING_SECONDS = 120.0
_ANSWER_SECONDS = 60.0
_LARGEST_BODY = 6 << 20


@dataclass
class _Server:
    """A process that serves a model; `listening` is set when it does, or has ended without."""

    program: Program
    secret: str = field(default_factory=lambda: secrets.token_hex(16))
    listening: threading.Event = field(default_factory=threading.Event)
    port: int | None = None
    reason: str = ""


class Endpoints:
    """The operations, and SageMaker Runtime's InvokeEndpoint."""

    def __init__(self, context: Context, records: Records, models: Models) -> None:
        self._context, self._models = context, models
        self._configurations = Shelf(context, records, "EndpointConfig")
        self._endpoints = Shelf(context, records, "Endpoint")
        self._servers: dict[str, _Server] = {}
        self._lock = threading.RLock()

    def settle(self) -> None:
        """After a start: what was being made has failed; what served is served again when it is asked."""
        for name, endpoint in self._endpoints.all().items():
            if endpoint["status"] in ("Creating", "Updating"):
                self._endpoints.change(name, status="Failed", FailureReason="the embedded AWS was stopped meanwhile")

    def create_endpoint_config(self, parameters: Parameters) -> Answer:
        """CreateEndpointConfig, of one variant."""
        only("CreateEndpointConfig", parameters, _CONFIGURATION)
        name = named(parameters.get("EndpointConfigName"))
        variants = parameters.get("ProductionVariants") or []
        if len(variants) != 1:
            raise invalid(f"The embedded SageMaker serves one variant on an endpoint, not {len(variants)}")
        only("CreateEndpointConfig's ProductionVariants", variants[0], _VARIANT)
        only("CreateEndpointConfig's DataCaptureConfig", parameters.get("DataCaptureConfig") or {}, _CAPTURE)
        self._models.served(variants[0]["ModelName"])
        self._configurations.add(name, parameters)
        return {"EndpointConfigArn": self._configurations.arn(name)}

    def describe_endpoint_config(self, parameters: Parameters) -> Answer:
        """DescribeEndpointConfig."""
        name = str(parameters.get("EndpointConfigName"))
        found = self._configurations.get(name)
        return {
            "EndpointConfigName": name,
            "EndpointConfigArn": self._configurations.arn(name),
            "CreationTime": found["created"],
            **some(found["given"], "ProductionVariants", "DataCaptureConfig", "KmsKeyId"),
        }

    def list_endpoint_configs(self, parameters: Parameters) -> Answer:
        """ListEndpointConfigs."""
        return self._configurations.list(
            parameters,
            "EndpointConfigs",
            lambda name, found: {
                "EndpointConfigName": name,
                "EndpointConfigArn": self._configurations.arn(name),
                "CreationTime": found["created"],
            },
        )

    def delete_endpoint_config(self, parameters: Parameters) -> Answer:
        """DeleteEndpointConfig."""
        name = str(parameters.get("EndpointConfigName"))
        self._configurations.get(name)
        self._configurations.remove(name)
        return {}

    def create_endpoint(self, parameters: Parameters) -> Answer:
        """CreateEndpoint: the model's process is started; the endpoint is in service when it has loaded the model."""
        only("CreateEndpoint", parameters, ("EndpointName", "EndpointConfigName", "Tags"))
        name = named(parameters.get("EndpointName"))
        configuration = self._configurations.get(parameters.get("EndpointConfigName"))["given"]
        self._endpoints.add(name, parameters, status="Creating", configuration=configuration)
        self._serve(name, configuration)
        return {"EndpointArn": self._endpoints.arn(name)}

    def update_endpoint(self, parameters: Parameters) -> Answer:
        """UpdateEndpoint: the earlier model serves until the new one is loaded."""
        only("UpdateEndpoint", parameters, ("EndpointName", "EndpointConfigName"))
        name = str(parameters.get("EndpointName"))
        endpoint = self._endpoints.get(name)
        if endpoint["status"] not in ("InService", "Failed"):
            raise invalid(f'Cannot update in-progress endpoint "{self._endpoints.arn(name)}".')
        configuration = self._configurations.get(parameters.get("EndpointConfigName"))["given"]
        self._endpoints.change(name, status="Updating")
        self._serve(name, configuration)
        return {"EndpointArn": self._endpoints.arn(name)}

    def describe_endpoint(self, parameters: Parameters) -> Answer:
        """DescribeEndpoint."""
        name = str(parameters.get("EndpointName"))
        endpoint = self._endpoints.get(name)
        variant = endpoint["configuration"]["ProductionVariants"][0]
        count = int(variant.get("InitialInstanceCount") or 1)
        answer = {
            **self._summary(name, endpoint),
            "EndpointConfigName": endpoint["configuration"]["EndpointConfigName"],
            "ProductionVariants": [
                {
                    "VariantName": variant["VariantName"],
                    "CurrentWeight": float(variant.get("InitialVariantWeight") or 1.0),
                    "DesiredWeight": float(variant.get("InitialVariantWeight") or 1.0),
                    "CurrentInstanceCount": count,
                    "DesiredInstanceCount": count,
                }
            ],
            **some(endpoint, "FailureReason"),
        }
        if capture := endpoint["configuration"].get("DataCaptureConfig"):
            answer["DataCaptureConfig"] = {
                "EnableCapture": bool(capture.get("EnableCapture")),
                "CaptureStatus": "Started" if capture.get("EnableCapture") else "Stopped",
                "CurrentSamplingPercentage": int(capture["InitialSamplingPercentage"]),
                "DestinationS3Uri": capture["DestinationS3Uri"],
                "KmsKeyId": capture.get("KmsKeyId") or "",
            }
        return answer

    def list_endpoints(self, parameters: Parameters) -> Answer:
        """ListEndpoints."""
        return self._endpoints.list(parameters, "Endpoints", self._summary)

    def delete_endpoint(self, parameters: Parameters) -> Answer:
        """DeleteEndpoint: its process ends."""
        name = str(parameters.get("EndpointName"))
        self._endpoints.get(name)
        self._endpoints.remove(name)
        with self._lock:
            server = self._servers.pop(name, None)
        if server:
            server.program.stop()
        return {}

    def invoke(self, name: str, body: bytes, content_type: str) -> tuple[str, bytes, str]:
        """InvokeEndpoint: the answer's content type, the answer, and the variant that gave it."""
        endpoint = self._endpoints.find(name)
        if endpoint is None:
            raise JsonRESTError("ValidationError", f"Endpoint {name} of account {self._context.account} not found.")
        if endpoint["status"] not in ("InService", "Updating"):
            raise JsonRESTError("ValidationError", f"Endpoint {name} is {endpoint['status']}, not InService.")
        if len(body) > _LARGEST_BODY:
            raise JsonRESTError(
                "ValidationError", f"The body has {len(body)} bytes; at most {_LARGEST_BODY} are allowed."
            )
        answer_type, answer = self._ask(name, self._listening(name, endpoint), body, content_type)
        _capture(name, self._models, endpoint, (body, content_type), (answer, answer_type))
        return answer_type, answer, endpoint["configuration"]["ProductionVariants"][0]["VariantName"]

    def _ask(self, name: str, server: _Server, body: bytes, content_type: str) -> tuple[str, bytes]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{server.port}/invocations",
            data=body,
            headers={"Content-Type": content_type, "Authorization": server.secret},
        )
        try:
            with urllib.request.urlopen(request, timeout=_ANSWER_SECONDS) as response:  # noqa: S310
                return str(response.headers["Content-Type"]), response.read()
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            raise JsonRESTError(
                "ModelError",
                f'Received client error ({error.code}) from primary with message "{said}". See {_LOG_GROUP}/{name}',
            ) from error
        except OSError as error:
            raise JsonRESTError("ModelError", f"The model's process of {name} does not answer: {error}") from error

    def _listening(self, name: str, endpoint: Document) -> _Server:
        """The endpoint's process; a new one where an earlier life of the instance had it, or it has died."""
        with self._lock:
            server = self._servers.get(name) or self._start(name, endpoint["configuration"])
            self._servers[name] = server
        if not server.listening.wait(_LOADING_SECONDS) or server.port is None:
            with self._lock:
                self._servers.pop(name, None)
            raise JsonRESTError("ModelError", f"The model of {name} cannot be loaded: {server.reason or 'no answer'}")
        return server

    def _serve(self, name: str, configuration: Parameters) -> None:
        server = self._start(name, configuration)

        def settle() -> None:
            server.listening.wait(_LOADING_SECONDS)
            with self._lock:
                if self._endpoints.find(name) is None:
                    server.program.stop()
                    return
                if server.port is None:
                    told = {"FailureReason": server.reason or "the model was not loaded in time"}
                    self._endpoints.change(name, status="Failed", **told)
                    return
                earlier, self._servers[name] = self._servers.get(name), server
            self._endpoints.change(name, status="InService", configuration=configuration, FailureReason=None)
            if earlier:
                earlier.program.stop()

        start(settle, f"endpoint-{name}")

    def _start(self, name: str, configuration: Parameters) -> _Server:
        served = self._models.served(configuration["ProductionVariants"][0]["ModelName"])
        program = Program(
            self._context,
            "serve",
            role_arn=served["role_arn"],
            job_arn=f"{self._endpoints.arn(name)}/{secrets.token_hex(4)}",
            logs=(f"{_LOG_GROUP}/{name}", configuration["ProductionVariants"][0]["VariantName"]),
        )
        server = _Server(program)

        def on_event(event: Event) -> None:
            server.port = event["port"]
            server.listening.set()

        def run() -> None:
            try:
                program.run({**served, "secret": server.secret}, on_event)
            except JobFailedError as error:
                server.reason = str(error)
            except JobStoppedError:
                server.reason = "it was stopped"
            server.port = None
            server.listening.set()
            with self._lock:
                if self._servers.get(name) is server:
                    del self._servers[name]

        start(run, f"serve-{name}")
        return server

    def _summary(self, name: str, endpoint: Document) -> Answer:
        return {
            "EndpointName": name,
            "EndpointArn": self._endpoints.arn(name),
            "EndpointStatus": endpoint["status"],
            "CreationTime": endpoint["created"],
            "LastModifiedTime": endpoint["modified"],
        }


def _capture(
    name: str, models: Models, endpoint: Document, asked: tuple[bytes, str], answered: tuple[bytes, str]
) -> None:
    """Write what was asked and answered, as DataCaptureConfig has it: Developer Guide, "Capture data from real-time
    endpoint". Each invocation is an object here.
    """
    capture: Mapping[str, Any] = endpoint["configuration"].get("DataCaptureConfig") or {}
    if not capture.get("EnableCapture") or secrets.randbelow(100) >= int(capture["InitialSamplingPercentage"]):
        return
    modes = {option["CaptureMode"] for option in capture.get("CaptureOptions") or ()}
    sides = {"Input": ("endpointInput", "INPUT", asked), "Output": ("endpointOutput", "OUTPUT", answered)}
    data = {
        place: {"observedContentType": kind, "mode": mode, "data": content.decode(errors="replace"), "encoding": "CSV"}
        for side, (place, mode, (content, kind)) in sides.items()
        if side in modes
    }
    now = datetime.now(UTC)
    identifier = f"{now:%M-%S}-{now.microsecond:06d}-{secrets.token_hex(8)}"
    line = {
        "captureData": data,
        "eventMetadata": {"eventId": identifier, "inferenceTime": now.isoformat(timespec="seconds")},
        "eventVersion": "0",
    }
    variant = endpoint["configuration"]["ProductionVariants"][0]
    bucket, _, prefix = capture["DestinationS3Uri"].removeprefix("s3://").partition("/")
    key = "/".join(
        filter(None, [prefix.strip("/"), name, variant["VariantName"], f"{now:%Y/%m/%d/%H}", f"{identifier}.jsonl"])
    )
    role_arn = models.served(variant["ModelName"])["role_arn"]
    # What cannot be captured keeps nobody from the answer, as on AWS.
    with contextlib.suppress(Exception):
        s3 = clients.client("s3", role_arn=role_arn, session=SESSION)
        s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(line).encode() + b"\n")
