"""Which metrics a log line carries."""

import json
from typing import Any

import pytest

from embedded_aws.monitoring.log_metrics import values_in
from embedded_aws.monitoring.metrics import Value


def line(**changes: Any) -> str:
    """CloudWatch User Guide, "Specification: Embedded metric format", example of a valid document, simplified."""
    directive = {
        "Namespace": "lambda-function-metrics",
        "Dimensions": [["functionVersion"], ["functionVersion", "region"]],
        "Metrics": [{"Name": "time", "Unit": "Milliseconds"}],
    }
    document = {
        "_aws": {"Timestamp": 1574109732004, "CloudWatchMetrics": [directive | changes.pop("directive", {})]},
        "functionVersion": "$LATEST",
        "region": "us-east-1",
        "time": 100,
        "requestId": "989ffbf8-9ace-4817-a57c-e4dd734019ee",
    }
    return json.dumps(document | changes)


def test_a_metric_has_each_dimension_set_and_the_lines_time() -> None:
    both = {"functionVersion": "$LATEST", "region": "us-east-1"}
    assert values_in(line()) == [
        Value("lambda-function-metrics", "time", 100.0, "Milliseconds", {"functionVersion": "$LATEST"}, 1574109732.004),
        Value("lambda-function-metrics", "time", 100.0, "Milliseconds", both, 1574109732.004),
    ]


def test_an_array_is_so_many_values_and_a_unit_may_be_left_out() -> None:
    found = values_in(line(time=[1, 2.5], directive={"Dimensions": [[]], "Metrics": [{"Name": "time"}]}))
    assert [(value.value, value.unit, value.dimensions) for value in found] == [(1, "None", {}), (2.5, "None", {})]


@pytest.mark.parametrize(
    "text",
    [
        "Duration: 100 ms",
        "{not json",
        "START " + line(),
        line(_aws={"CloudWatchMetrics": []}),
        line(_aws="none"),
        line(time="100"),
        line(time=True),
        line(time=[1] * 101),
        line(functionVersion=7, region=None),
        line(directive={"Dimensions": [["absent"]]}),
        line(directive={"Metrics": [{"Name": "time"}] * 101}),
        line(directive={"Namespace": None, "Dimensions": None}),
    ],
    ids=lambda text: text[-40:],
)
def test_a_line_that_breaks_the_format_has_no_metric(text: str) -> None:
    assert values_in(text) == []
