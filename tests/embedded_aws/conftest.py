"""The services of the embedded AWS inside the test's own process, with nothing deployed."""

import inspect
import json
import pkgutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import create_backend_app

from embedded_aws import athena, clients, datasync, dynamodb, file_systems, guard, instance, processes
from embedded_aws.batch import images
from embedded_aws.batch import service as batch
from embedded_aws.context import Context
from embedded_aws.events import delivery as event_delivery
from embedded_aws.events import service as events
from embedded_aws.functions import service as functions
from embedded_aws.glue import service as glue
from embedded_aws.http_server import HttpServer
from embedded_aws.iam import authorization, identity
from embedded_aws.instance import Instance
from embedded_aws.lake_formation import service as lake_formation
from embedded_aws.logs import subscriptions as log_subscriptions
from embedded_aws.messaging import mail
from embedded_aws.monitoring import service as monitoring
from embedded_aws.s3 import archive_tiers
from embedded_aws.s3 import lifecycle as object_lifecycle
from embedded_aws.sagemaker import service as sagemaker
from embedded_aws.server import Dispatcher
from embedded_aws.step_functions import service as step_functions
from tests.embedded_aws import small_assembly
from tests.embedded_aws.event_bus import Bus

SERVICES = (
    dynamodb,
    file_systems,
    identity,
    authorization,
    lake_formation,
    batch,
    functions,
    events,
    step_functions,
    glue,
    athena,
    archive_tiers,
    object_lifecycle,
    datasync,
    sagemaker,
    log_subscriptions,
    mail,
    monitoring,
)


ROLE_TAKERS = ("lambda", "glue", "states", "batch", "ecs-tasks", "events", "scheduler", "datasync", "sagemaker")


def open_to_services(params: dict[str, Any], **_: Any) -> None:
    """Give a queue or a topic a policy that lets every service of AWS send to it."""
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["sqs:SendMessage", "sns:Publish"],
        "Resource": "*",
        "Condition": {"Bool": {"aws:PrincipalIsAWSService": "true"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    params["Attributes"] = {"Policy": policy, **params.get("Attributes", {})}


@dataclass(frozen=True)
class Services:
    """The running services; `client` makes operators' clients.

    Queues, topics and functions that are made with it let AWS's services in, unless they are given another policy.
    """

    context: Context

    def client(self, service: str) -> Any:
        made = clients.client(service)
        made.meta.events.register("before-parameter-build.*.CreateQueue", open_to_services, "queues")
        made.meta.events.register("before-parameter-build.*.CreateTopic", open_to_services, "topics")
        made.meta.events.register("after-call.lambda.CreateFunction", self._let_invoke, "functions")
        return made

    def _let_invoke(self, parsed: dict[str, Any], **_: Any) -> None:
        for service in ("events", "s3", "sns") if "FunctionName" in parsed else ():
            self.client("lambda").add_permission(
                FunctionName=parsed["FunctionName"],
                StatementId=service,
                Action="lambda:InvokeFunction",
                Principal=f"{service}.amazonaws.com",
            )

    def role(self, name: str, *actions: str) -> str:
        """A role that may do `actions` on everything; its ARN."""
        iam = self.client("iam")
        services = [f"{service}.amazonaws.com" for service in ROLE_TAKERS]
        trust = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        statement = {"Effect": "Allow", "Action": list(actions) or ["*"], "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy)
        return role

    def image(self, uri: str, directory: Path, dockerfile: str) -> str:
        """Register an image whose code is `directory`."""
        path = directory / "Dockerfile"
        path.write_text(dockerfile)
        images.register(uri, directory, path)
        return uri

    def log_lines(self, group: str, stream: str | None = None) -> list[str]:
        """Messages in a log group, in order, of one stream or of all."""
        logs = self.client("logs")
        streams = (
            [stream]
            if stream
            else [s["logStreamName"] for s in logs.describe_log_streams(logGroupName=group)["logStreams"]]
        )
        return [
            event["message"]
            for name in streams
            for event in logs.get_log_events(logGroupName=group, logStreamName=name, startFromHead=True)["events"]
        ]


@pytest.fixture(scope="package")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Ends with the package's tests, and leaves moto to those after it as it was."""
    with pytest.MonkeyPatch.context() as moto:
        for patch in (patch for service in SERVICES for patch in service.PATCHES):
            module, _, qualified = patch.symbol.partition(":")
            owner_name, _, name = qualified.rpartition(".")
            owner = pkgutil.resolve_name(f"{module}:{owner_name}")
            moto.setattr(owner, name, inspect.getattr_static(owner, name))
        moto.setitem(default_user_config, "stepfunctions", {"execute_state_machine": True})
        for of_containers in ("lambda", "batch"):
            moto.setitem(default_user_config, of_containers, {"use_docker": False})
        moto.setattr(processes, "_ending", threading.Event())
        application = Dispatcher(create_backend_app)
        server = HttpServer(0, application)
        context = Context(port=server.port, data=tmp_path_factory.mktemp("embedded"))
        for service in SERVICES:
            guard.check(service.PATCHES)
        clients.install(context, application)
        for service in SERVICES:
            service.install(context)
        server.start()
        yield Services(context)
        processes.kill_all()
        server.shutdown()


@pytest.fixture(scope="package")
def bus(services: Services) -> Bus:
    """The default bus."""
    services.role("events")
    return Bus(services)


@pytest.fixture
def disturb() -> Iterator[Callable[[Callable[[Any], tuple[float, ...]]], None]]:
    """Has each event arrive as many times, and as much later, as a function of it says."""
    delivery = events.delivery()

    def use(delays: Callable[[Any], tuple[float, ...]]) -> None:
        delivery.disturbance = lambda parcel: delays(parcel.event)

    yield use
    delivery.disturbance = event_delivery.undisturbed


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An instance with two small stacks, in a process of its own."""
    assembly = small_assembly.write(tmp_path_factory.mktemp("small") / "cdk.out")
    data = tmp_path_factory.mktemp("small-data")
    yield instance.start(data, 0, assembly)
    instance.stop(data)
