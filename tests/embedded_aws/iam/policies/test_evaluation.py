"""IAM User Guide: "Policy evaluation logic", "Principal", "NotPrincipal"; KMS Developer Guide: "Key policies"."""

import json
from typing import Any

import pytest

from embedded_aws.iam.policies.conditions import PolicyError
from embedded_aws.iam.policies.documents import document_of
from embedded_aws.iam.policies.evaluation import Decision, Policies, Policy, decide
from embedded_aws.iam.policies.patterns import no_keys
from embedded_aws.iam.policies.principals import Caller

ROOT = "arn:aws:iam::123456789012:root"
ROLE = "arn:aws:iam::123456789012:role/tool"
SESSION = "arn:aws:sts::123456789012:assumed-role/tool/job"
CALLER = Caller(SESSION, ROLE, "123456789012")


def policy(*statements: dict[str, Any], name: str = "p") -> Policy:
    return Policy(name, document_of(json.dumps({"Version": "2012-10-17", "Statement": list(statements)})))


def statement(effect: str = "Allow", principal: Any = None, **more: Any) -> dict[str, Any]:
    who = {} if principal is None else {"Principal": principal}
    return {"Effect": effect, "Action": "s3:GetObject", "Resource": "*", **who, **more}


def decided(policies: Policies, caller: Caller = CALLER) -> Decision:
    return decide(caller, "s3:GetObject", "arn:aws:s3:::data/a", no_keys, policies)


def test_nothing_is_allowed_by_default() -> None:
    found = decided(Policies())
    assert (found.is_allowed, found.reason) == (
        False,
        "because no identity-based policy allows the s3:GetObject action",
    )


def test_the_statement_that_decides_is_named() -> None:
    allowing = policy(statement(Action="s3:Put*"), statement(Sid="Read"), name="own")
    assert decided(Policies([allowing])).reason == "own/Read"
    denying = policy(statement("Deny"), name="no")
    assert decided(Policies([allowing, denying])).statement == "no/#0"


@pytest.mark.parametrize(
    ("principal", "is_allowed"),
    [
        ("*", True),
        ({"AWS": "*"}, True),
        ({"AWS": ROLE}, True),
        ({"AWS": [SESSION, "arn:aws:iam::123456789012:role/other"]}, True),
        # "When you specify an AWS account, you delegate authority to the account"
        ({"AWS": ROOT}, False),
        ({"AWS": "123456789012"}, False),
        ({"AWS": "arn:aws:iam::123456789012:role/other"}, False),
        ({"Service": "events.amazonaws.com"}, False),
    ],
)
def test_a_resource_s_policy_allows_whom_it_names(principal: Any, is_allowed: bool) -> None:
    assert decided(Policies(resource=policy(statement(principal=principal)))).is_allowed is is_allowed


def test_a_deny_in_a_resource_s_policy_wins_also_if_it_names_the_account() -> None:
    found = decided(Policies([policy(statement())], resource=policy(statement("Deny", {"AWS": ROOT}))))
    assert (found.is_allowed, found.reason) == (False, "with an explicit deny in a resource-based policy")


# Each of the data buckets' statement, as CDK's `enforce_ssl` synthesizes it. IAM User Guide, "AWS global condition
# context keys", aws:SecureTransport: "whether the request was sent using TLS".
@pytest.mark.parametrize(("is_secure", "is_allowed"), [("true", True), ("false", False)])
def test_a_bucket_that_demands_tls_denies_requests_without(is_secure: str, is_allowed: bool) -> None:
    demanding = statement(
        "Deny",
        {"AWS": "*"},
        Action="s3:*",
        Resource=["arn:aws:s3:::data", "arn:aws:s3:::data/*"],
        Condition={"Bool": {"aws:SecureTransport": "false"}},
    )
    keys = {"aws:securetransport": (is_secure,)}
    policies = Policies([policy(statement())], resource=policy(demanding))
    found = decide(CALLER, "s3:GetObject", "arn:aws:s3:::data/a", keys.get, policies)
    assert found.is_allowed is is_allowed
    assert is_allowed or found.reason == "with an explicit deny in a resource-based policy"


def test_not_principal_spares_whom_it_names_with_account_role_and_session() -> None:
    def spared(*named: str) -> bool:
        denying = {"Effect": "Deny", "Action": "*", "Resource": "*", "NotPrincipal": {"AWS": list(named)}}
        return decided(Policies([policy(statement())], resource=policy(denying))).is_allowed

    assert spared(ROOT, ROLE, SESSION)
    assert not spared(ROOT, ROLE)
    assert not spared("arn:aws:iam::123456789012:role/other")


def test_boundary_and_session_policy_limit_what_is_allowed_to_the_role() -> None:
    allowing, other = policy(statement()), policy(statement(Action="s3:Put*"))
    assert decided(Policies([allowing], boundary=allowing, session=allowing)).is_allowed
    boundary = decided(Policies([allowing], boundary=other))
    assert boundary.reason == "because no permissions boundary allows the s3:GetObject action"
    session = decided(Policies([allowing], session=other))
    assert session.reason == "because no session policy allows the s3:GetObject action"
    # "Resource-based policies that grant permissions to an IAM role ARN are limited by an implicit deny in a boundary";
    # those that name the session are not
    role, itself = policy(statement(principal={"AWS": ROLE})), policy(statement(principal={"AWS": SESSION}))
    assert not decided(Policies(boundary=other, resource=role)).is_allowed
    assert decided(Policies(boundary=other, resource=itself)).is_allowed
    denying = decided(Policies([allowing], boundary=policy(statement(), statement("Deny"))))
    assert denying.reason == "with an explicit deny in a permissions boundary"


def test_a_key_s_policy_decides_whether_iam_policies_count() -> None:
    own = [policy(statement())]
    root, other = policy(statement(principal={"AWS": ROOT})), policy(statement(principal={"AWS": f"{ROLE}-2"}))
    assert decided(Policies(own, resource=root, resource_decides=True)).is_allowed
    assert not decided(Policies(resource=root, resource_decides=True)).is_allowed
    refused = decided(Policies(own, resource=other, resource_decides=True))
    assert refused.reason == "because no resource-based policy allows the s3:GetObject action"


def test_a_service_is_known_with_and_without_its_region() -> None:
    allowing = policy(statement(principal={"Service": "logs.us-east-1.amazonaws.com"}))
    assert decided(Policies(resource=allowing), Caller(service="logs.amazonaws.com")).is_allowed
    assert not decided(Policies(resource=allowing), Caller(service="events.amazonaws.com")).is_allowed


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "the policy is not JSON"),
        ("[]", "the policy is not an object"),
        ('{"Statement": {"Effect": "allow", "Action": "*"}}', "statement #0 has the effect 'allow'"),
        ('{"Statement": [{"Sid": "A", "Effect": "Allow"}]}', "statement A names no action"),
        (
            '{"Statement": [{"Effect": "Deny", "Action": "*", "Condition": {"Like": {"a": "b"}}}]}',
            "statement #0: there is no condition operator Like",
        ),
    ],
)
def test_a_policy_that_makes_no_sense_is_told_by_statement(text: str, complaint: str) -> None:
    with pytest.raises(PolicyError, match=complaint):
        document_of(text)
