"""Faults come as often as they were ordered, to what they were aimed at, in the form in which AWS has them."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws import faults
from embedded_aws.faults import Fault, OrderError


@pytest.fixture(autouse=True)
def _none_left() -> Iterator[None]:
    yield
    faults.clear()


def test_a_fault_comes_as_often_as_ordered_and_only_to_its_target() -> None:
    faults.order({"fault": "reclaim", "job": "align-*", "times": 2, "after_seconds": 0.5})
    assert faults.take(Fault.RECLAIM, job="fastp-S1") is None
    assert faults.take(Fault.EXPIRE, job="align-S1") is None
    came = [faults.take(Fault.RECLAIM, job=f"align-S{number}") for number in range(3)]
    assert [order and order.after_seconds for order in came] == [0.5, 0.5, None]


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ({"fault": "flood", "job": "*"}, "fault is one of refuse, crash, reclaim, expire"),
        ({"fault": "crash"}, "crash needs one of function"),
        ({"fault": "crash", "function": "*", "job": "*"}, "crash has no job; it is aimed by function"),
        ({"fault": "expire", "job": "*", "times": "many"}, "times, status and after_seconds are numbers"),
    ],
)
def test_an_order_that_means_nothing_is_refused(order: dict[str, Any], told: str) -> None:
    with pytest.raises(OrderError, match=told):
        faults.order(order)


def asked(method: str, body: bytes = b"") -> tuple[str, dict[str, Any]]:
    answered: list[str] = []
    environ = {"REQUEST_METHOD": method, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    answer = b"".join(faults.respond(environ, lambda status, _headers: answered.append(status)))
    return answered[0], json.loads(answer)


def test_orders_are_given_told_and_forgotten_over_http() -> None:
    assert asked("POST", b'{"fault": "crash", "function": "*Plan*"}')[0] == "200 OK"
    faults.take(Fault.CRASH, function="PlanSample")
    (order,) = asked("GET")[1]["faults"]
    assert (order["patterns"], order["times"], order["came"]) == ({"function": "*Plan*"}, 1, 1)
    assert asked("POST", b"crash")[0] == "400 Bad Request"
    assert asked("DELETE")[1] == {"faults": []}


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "code", "told"),
    [
        ("s3", "list_buckets", {}, "SlowDown", "SlowDown"),
        ("dynamodb", "list_tables", {}, "ProvisionedThroughputExceeded", "ProvisionedThroughputExceededException"),
        ("sqs", "list_queues", {}, "RequestThrottled", "RequestThrottled"),
        ("sns", "list_topics", {}, "InternalError", "InternalError"),
    ],
)
def test_a_refusal_has_the_form_of_the_service(
    services: Any, service: str, operation: str, arguments: dict[str, str], code: str, told: str
) -> None:
    call = getattr(services.client(service), operation)
    faults.order({"fault": "refuse", "action": f"{service}:List*", "status": 503, "code": code})
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    assert refused.value.response["Error"]["Code"] == told
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    call(**arguments)
