"""What a case says, and words to say it with."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/iam-caller"
NO_IDENTITY = "because no identity-based policy allows the {action} action"
NO_RESOURCE = "because no resource-based policy allows the {action} action"
DENIED = "with an explicit deny in an identity-based policy"
DENIED_THERE = "with an explicit deny in a resource-based policy"

Statement = dict[str, Any]


def allow(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> Statement:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> Statement:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:us-east-1:{ACCOUNT}:{resource}"


def when(operator: str, key: str, *values: str) -> dict[str, Any]:
    return {"Condition": {operator: {key: list(values)}}}


@dataclass(frozen=True)
class Case:
    """A call by a role with only these statements. `denied` is the end of the refusal; None, where it is allowed.

    `action` is what the statements decide on, of an allowed call only where IAM names it otherwise than the API.
    """

    name: str
    call: tuple[str, str, dict[str, Any]]
    statements: Sequence[Statement]
    denied: str | None = None
    action: str = ""
    boundary: Sequence[Statement] = ()


def policy(*statements: Statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
