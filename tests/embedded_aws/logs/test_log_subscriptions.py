"""Which log events a subscription's function is invoked with."""

import io
import json
import time
import zipfile

import pytest
from botocore.exceptions import ClientError

from embedded_aws.logs.subscriptions import pattern
from tests.embedded_aws.conftest import Services
from tests.waiting import until

ENTRY = json.dumps({"type": "InaccessibleStorageClass", "detail": {"code": "x"}, "number": 3})


# CloudWatch Logs User Guide, "Filter pattern syntax for metric filters, subscription filters".
@pytest.mark.parametrize(
    ("text", "message", "fits"),
    [
        ("", "anything", True),
        ("ERROR", "an ERROR happened", True),
        ("ERROR", "an error happened", False),
        ('"an ERROR"', "an ERROR happened", True),
        ('{ $.type = "InaccessibleStorageClass" }', ENTRY, True),
        ('{ $.type = "ObjectMissing" }', ENTRY, False),
        ('{$.detail.code="x"}', ENTRY, True),
        ('{ $.type = "InaccessibleStorageClass" }', "InaccessibleStorageClass", False),
        ('{ $.absent = "x" }', ENTRY, False),
    ],
)
def test_a_pattern_fits(text: str, message: str, fits: bool) -> None:
    assert pattern(text)(message) is fits


def test_a_pattern_that_is_not_understood_is_refused() -> None:
    with pytest.raises(NotImplementedError, match=r"the filter pattern \{ \$\.number > 2 \}"):
        pattern("{ $.number > 2 }")


@pytest.fixture(scope="module")
def function(services: Services) -> str:
    """The ARN of a function that prints what it is invoked with."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("module.py", "def handler(event, context): print('told', sorted(event))")
    made = services.client("lambda").create_function(
        FunctionName="subscribed",
        Runtime="python3.11",
        Role=services.role("subscribed"),
        Handler="module.handler",
        Code={"ZipFile": package.getvalue()},
    )
    return str(made["FunctionArn"])


def test_a_function_is_subscribed_and_invoked_only_as_long_as_its_policy_lets_the_log_group(
    services: Services, function: str
) -> None:
    # CloudWatch Logs User Guide, "Log group-level subscription filters", Example 2: Principal logs.amazonaws.com,
    # source ARN log-group:<name>:*
    logs, functions = services.client("logs"), services.client("lambda")
    arn = "arn:aws:logs:us-east-1:123456789012:log-group:subscribed-to:*"
    subscription = {"logGroupName": "subscribed-to", "filterName": "f", "filterPattern": "", "destinationArn": function}
    logs.create_log_group(logGroupName="subscribed-to")
    logs.create_log_stream(logGroupName="subscribed-to", logStreamName="s")
    permission = {"FunctionName": function, "Action": "lambda:InvokeFunction", "Principal": "logs.amazonaws.com"}
    functions.add_permission(**permission, StatementId="other", SourceArn=arn.replace("subscribed-to", "other"))
    with pytest.raises(ClientError, match=r"InvalidParameterException.*Could not execute the lambda function"):
        logs.put_subscription_filter(**subscription)
    functions.add_permission(**permission, StatementId="this", SourceArn=arn)
    logs.put_subscription_filter(**subscription)

    def log(message: str) -> None:
        event = {"timestamp": int(time.time() * 1000), "message": message}
        logs.put_log_events(logGroupName="subscribed-to", logStreamName="s", logEvents=[event])

    log("one")
    until(lambda: bool(logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/subscribed")["logGroups"]))
    until(lambda: "told ['awslogs']" in services.log_lines("/aws/lambda/subscribed"))
    functions.remove_permission(FunctionName=function, StatementId="this")
    log("two")
    time.sleep(0.3)
    assert services.log_lines("/aws/lambda/subscribed").count("told ['awslogs']") == 1
