"""Which log events a subscription's function is invoked with."""

import json

import pytest

from embedded_aws.logs.subscriptions import pattern

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
