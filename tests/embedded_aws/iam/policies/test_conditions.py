"""IAM User Guide: "Condition operators", "Multivalued context keys", "IAM policy elements: Variables and tags"."""

from typing import Any

import pytest

from embedded_aws.iam.policies.conditions import PolicyError, are_met, conditions_of

KEYS = {
    "aws:principalarn": ["arn:aws:iam::123456789012:role/tools/align"],
    "aws:sourceip": ["203.0.113.7"],
    "aws:currenttime": ["2026-03-01T12:00:00Z"],
    "s3:max-keys": ["10"],
    "aws:username": ["anna*"],
    "aws:tagkeys": ["cost", "run"],
    "aws:viaawsservice": ["false"],
}


def met(block: dict[str, dict[str, Any]], *, has_variables: bool = True) -> bool:
    return are_met(conditions_of(block, has_variables=has_variables), KEYS.get)


@pytest.mark.parametrize(
    ("operator", "key", "value", "expected"),
    [
        ("StringEquals", "s3:max-keys", "10", True),
        ("StringEquals", "s3:max-keys", ["9", "10"], True),
        ("StringNotEquals", "s3:max-keys", ["9", "10"], False),
        ("StringNotEquals", "s3:max-keys", ["8", "9"], True),
        ("StringEqualsIgnoreCase", "aws:UserName", "ANNA*", True),
        ("StringLike", "aws:PrincipalArn", "*:role/tools/?lign", True),
        ("StringNotLike", "aws:PrincipalArn", "*:role/tools/*", False),
        # "StringLike ... The values can include a multi-character match wildcard (*)"; "StringEquals: exact matching"
        ("StringEquals", "aws:PrincipalArn", "arn:aws:iam::123456789012:role/*", False),
        # "Each of the six colon-delimited components of the ARN is checked separately"
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/tools/*", True),
        ("ArnEquals", "aws:PrincipalArn", "arn:aws:*/tools/align", False),
        ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:role/other/*", True),
        ("NumericLessThan", "s3:max-keys", "11", True),
        ("NumericLessThanEquals", "s3:max-keys", 10, True),
        ("NumericGreaterThan", "s3:max-keys", "10", False),
        ("NumericEquals", "s3:max-keys", "ten", False),
        ("DateGreaterThan", "aws:CurrentTime", "2026-02-28T00:00:00Z", True),
        ("DateLessThan", "aws:CurrentTime", "1772280000", False),
        ("IpAddress", "aws:SourceIp", ["203.0.113.0/24", "2001:DB8:1234:5678::/64"], True),
        ("NotIpAddress", "aws:SourceIp", "203.0.113.0/24", False),
        ("Bool", "aws:ViaAWSService", False, True),
        ("Bool", "aws:ViaAWSService", "true", False),
        # "If the key that you specify in a policy condition is not present in the request context, the values do not
        # match"; for negated operators that is a match
        ("StringEquals", "s3:prefix", "x", False),
        ("StringNotEquals", "s3:prefix", "x", True),
        ("Bool", "aws:MultiFactorAuthPresent", "false", False),
        ("BoolIfExists", "aws:MultiFactorAuthPresent", "true", True),
        ("StringEqualsIfExists", "s3:max-keys", "9", False),
        ("Null", "s3:prefix", "true", True),
        ("Null", "s3:max-keys", "true", False),
        ("Null", "s3:max-keys", False, True),
        # "ForAllValues: ... returns true if there are no keys in the request"; "ForAnyValue: ... false"
        ("ForAllValues:StringEquals", "aws:TagKeys", ["cost", "run", "sample"], True),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["cost"], False),
        ("ForAllValues:StringEquals", "dynamodb:LeadingKeys", ["r1"], True),
        ("ForAnyValue:StringEquals", "aws:TagKeys", ["run", "sample"], True),
        ("ForAnyValue:StringEquals", "aws:TagKeys", ["sample"], False),
        ("ForAnyValue:StringEquals", "dynamodb:LeadingKeys", ["r1"], False),
        ("ForAnyValue:StringNotEquals", "aws:TagKeys", ["cost"], True),
        ("ForAllValues:StringNotEquals", "aws:TagKeys", ["cost"], False),
        # A variable's value is no pattern, and "${*}" is a star
        ("StringLike", "aws:username", "${aws:username}", True),
        ("StringEquals", "aws:username", "anna${*}", True),
        ("StringLike", "aws:PrincipalArn", "*:role/${aws:PrincipalTag/team, 'tools'}/*", True),
        ("StringLike", "aws:PrincipalArn", "*:role/${aws:PrincipalTag/team}/*", False),
    ],
)
def test_an_operator_compares_as_documented(operator: str, key: str, value: Any, expected: bool) -> None:
    assert met({operator: {key: value}}) is expected


def test_all_operators_and_keys_must_be_met() -> None:
    both = {"StringEquals": {"s3:max-keys": "10", "aws:username": "anna*"}, "Bool": {"aws:ViaAWSService": "false"}}
    assert met(both)
    assert not met({**both, "Bool": {"aws:ViaAWSService": "true"}})


def test_policies_of_the_older_version_have_no_variables() -> None:
    # "If you do not include the Version element ... variables are treated as literal strings"
    assert not met({"StringEquals": {"s3:max-keys": "${s3:max-keys}"}}, has_variables=False)
    assert met({"StringEquals": {"s3:max-keys": "${s3:max-keys}"}})


def test_an_unknown_operator_is_named() -> None:
    with pytest.raises(PolicyError, match=r"there is no condition operator StringEqual$"):
        met({"StringEqual": {"s3:max-keys": "10"}})
