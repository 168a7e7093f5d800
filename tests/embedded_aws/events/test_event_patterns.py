"""EventBridge User Guide, "Comparison operators for use in event patterns" and "Creating event patterns"."""

from typing import Any

import pytest
from moto.events.exceptions import InvalidEventPatternException

from embedded_aws.events.patterns import check, matches

IMAGES = {"anything-but": {"wildcard": ["*/lib/*", "*/bin/*"]}}

CASES = [
    # the guide's own examples: operator, what it lets through, what it does not
    ({"Region": [{"anything-but": {"prefix": "us-"}}]}, {"Region": "eu-west-1"}, {"Region": "us-east-1"}),
    ({"Region": [{"anything-but": {"prefix": ["us-", "ca-"]}}]}, {"Region": "eu-west-1"}, {"Region": "ca-west-1"}),
    ({"File": [{"anything-but": {"suffix": ".png"}}]}, {"File": "a.jpg"}, {"File": "a.png"}),
    ({"File": [{"anything-but": {"suffix": [".png", ".rtf"]}}]}, {"File": "a.jpg"}, {"File": "a.rtf"}),
    ({"s": [{"anything-but": {"equals-ignore-case": "initializing"}}]}, {"s": "stopped"}, {"s": "INITIALIZING"}),
    ({"s": [{"anything-but": {"equals-ignore-case": ["a", "b"]}}]}, {"s": "c"}, {"s": "B"}),
    ({"Path": [IMAGES]}, {"Path": "src/a"}, {"Path": "dir/bin/a"}),
    ({"n": [{"anything-but": [100, 200, 300]}]}, {"n": 101}, {"n": 200.0}),
    ({"s": [{"anything-but": "a"}]}, {"s": 1}, {}),
    ({"service": [{"prefix": {"equals-ignore-case": "EventB"}}]}, {"service": "eventbridge"}, {"service": "events"}),
    ({"service": [{"suffix": {"equals-ignore-case": ".PNG"}}]}, {"service": "a.png"}, {"service": "a.gif"}),
    ({"name": [""]}, {"name": ""}, {"name": None}),
    ({"price": [{"numeric": [">", 10, "<=", 20]}]}, {"price": 20}, {"price": 10}),
    ({"price": [{"numeric": ["<", 10]}]}, {"price": 9.5}, {"price": "9.5"}),
    ({"ip": [{"cidr": "10.0.0.0/24"}]}, {"ip": "10.0.0.9"}, {"ip": "no address"}),
    ({"ip": [{"cidr": "2001:db8::/32"}]}, {"ip": "2001:db8::1"}, {"ip": "2001:db9::1"}),
    ({"file": [{"wildcard": "dir/*.png"}]}, {"file": "dir/a\nb.png"}, {"file": "a/dir/b.png"}),
    # "To match asterisk or backslash characters themselves, escape them"
    ({"file": [{"wildcard": "a\\*b*"}]}, {"file": "a*bc"}, {"file": "axbc"}),
    ({"file": [{"wildcard": "a\\\\b"}]}, {"file": "a\\b"}, {"file": "a\\\\b"}),
    # "For numbers, EventBridge uses string representation. For example, 300, 300.0, and 3.0e2 are not considered
    # equal."
    ({"n": [300]}, {"n": 300}, {"n": 300.0}),
    ({"n": [1]}, {"n": 1}, {"n": True}),
    ({"n": [True]}, {"n": True}, {"n": 1}),
    # "Exists matching only works on leaf nodes. It does not work on intermediate nodes."
    ({"state": [{"exists": True}]}, {"state": "on"}, {"state": {"c-count": 1}}),
    ({"state": [{"exists": False}]}, {"state": {"c-count": 1}}, {"state": "on"}),
    # "If the value in the event is an array, the pattern matches if the intersection is non-empty."
    ({"tags": [{"prefix": "b"}]}, {"tags": ["a", "bc"]}, {"tags": ["a", "c"]}),
    ({"parts": {"n": [2], "s": ["k"]}}, {"parts": [{"n": 1}, {"n": 2, "s": "k"}]}, {"parts": [{"n": 2}, {"s": "k"}]}),
    ({"$or": [{"a": [1]}, {"$or": [{"b": [2]}, {"c": [3]}]}]}, {"c": 3}, {"c": 2}),
    ({"d": {"$or": [{"a": [{"exists": False}]}, {"b": [{"prefix": "x"}]}]}}, {"d": {"b": "x"}}, {"d": {"a": 1}}),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "matching", "other"), CASES)
def test_an_operator_lets_through_what_the_user_guide_says(pattern: Any, matching: Any, other: Any) -> None:
    check(pattern)
    assert matches(pattern, matching)
    assert not matches(pattern, other)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ({"a": []}, "Empty arrays are not allowed"),
        ({"a": "b"}, "'a' must be an object or an array"),
        ({"a": [{"like": "b"}]}, "Unrecognized match type like"),
        ({"a": [{"prefix": "b", "suffix": "c"}]}, "Only one key allowed"),
        ({"a": [{"prefix": 1}]}, "prefix"),
        ({"a": [{"exists": "yes"}]}, "exists"),
        ({"a": [{"numeric": [">"]}]}, "numeric"),
        ({"a": [{"numeric": ["~", 1]}]}, "numeric"),
        ({"a": [{"cidr": "10.0.0.0/40"}]}, "cidr"),
        ({"a": [{"wildcard": "a**b"}]}, "wildcard"),
        ({"a": [{"anything-but": {"cidr": "10.0.0.0/8"}}]}, "anything-but"),
        ({"a": [{"anything-but": ["a", 1]}]}, "anything-but"),
        ({"$or": [{"a": [{"like": 1}]}, {"b": [1]}]}, "Unrecognized match type like"),
    ],
)
def test_what_is_no_pattern_is_refused_with_its_reason(pattern: Any, reason: str) -> None:
    with pytest.raises(InvalidEventPatternException, match=reason):
        check(pattern)
