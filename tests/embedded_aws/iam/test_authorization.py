"""Which calls IAM lets through, and how it refuses the others. permission_cases has the table of calls."""

import dataclasses
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import boto3
import botocore
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from embedded_aws import clients
from embedded_aws.iam import authorization, identity
from embedded_aws.iam.denials import AccessDeniedError
from embedded_aws.requests import Access, Verdict
from tests.embedded_aws.iam.permission_cases import objects, roles_and_keys, services
from tests.embedded_aws.iam.permission_cases.case import ACCOUNT, ROLE, Case, Statement, allow, arn, deny, policy, when
from tests.embedded_aws.iam.permission_cases.objects import DATA, GET
from tests.embedded_aws.iam.permission_cases.services import ITEM, SEND, TABLE

CASES = [*objects.CASES, *services.CASES, *roles_and_keys.CASES]
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/iam-caller/job"
NO_CONDITION: dict[str, Any] = {}
REFUSALS = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "403"}


class World:
    """The resources that the cases are about, and a role without policies."""

    def __init__(self, services: Any) -> None:
        self.services = services
        self.made: dict[str, Any] = {}
        self.names: dict[str, str] = {}
        self._roles()
        self._keys()
        self._buckets()
        self._others()

    def operator(self, service: str) -> Any:
        return clients.client(service)

    def caller(self, service: str) -> Any:
        if service not in self.made:
            self.made[service] = clients.client(service, role_arn=ROLE, session="job")
        return self.made[service]

    def give(self, statements: Sequence[Statement], boundary: Sequence[Statement]) -> None:
        """Have the role be allowed these statements, and nothing else."""
        iam = self.operator("iam")
        iam.put_role_policy(
            RoleName="iam-caller",
            PolicyName="own",
            PolicyDocument=policy(*(filled(each, self.names) for each in statements or [deny("none:Such")])),
        )
        iam.delete_role_permissions_boundary(RoleName="iam-caller")
        if boundary:
            iam.create_policy_version(
                PolicyArn=self.names["boundary"], PolicyDocument=policy(*boundary), SetAsDefault=True
            )
            iam.put_role_permissions_boundary(RoleName="iam-caller", PermissionsBoundary=self.names["boundary"])

    def _roles(self) -> None:
        iam = self.operator("iam")
        root, lab = f"arn:aws:iam::{ACCOUNT}:root", when("StringEquals", "sts:ExternalId", "lab")
        for name, principal, condition in (
            ("iam-caller", {"AWS": root}, NO_CONDITION),
            ("iam-open", {"AWS": root}, NO_CONDITION),
            ("iam-near", {"AWS": ROLE}, NO_CONDITION),
            ("iam-service", {"Service": "glue.amazonaws.com"}, NO_CONDITION),
            ("iam-outside", {"AWS": ROLE}, lab),
        ):
            trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **condition}
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))
        iam.tag_role(RoleName="iam-caller", Tags=[{"Key": "run", "Value": "r1"}])
        made = iam.create_policy(PolicyName="iam-boundary", PolicyDocument=policy(allow("*")))
        self.names["boundary"] = made["Policy"]["Arn"]

    def _keys(self) -> None:
        kms = self.operator("kms")
        account = allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
        mine = allow("kms:Encrypt", Principal={"AWS": ROLE})
        for name, statement in (("key", account), ("closed_key", mine)):
            self.names[name] = kms.create_key(Policy=policy(statement))["KeyMetadata"]["Arn"]
        kms.create_alias(AliasName="alias/iam", TargetKeyId=self.names["key"])

    def _buckets(self) -> None:
        s3 = self.operator("s3")
        everyone: Any = {"Principal": {"AWS": "*"}}
        policies = {
            "iam-data": None,
            "iam-sealed": None,
            "iam-tls": deny("s3:*", **everyone, **when("Bool", "aws:SecureTransport", "false")),
            "iam-tls-14": deny("s3:*", **everyone, **when("NumericLessThan", "s3:TlsVersion", "1.4")),
            "iam-shared": allow("s3:GetObject", "arn:aws:s3:::iam-shared/*", Principal={"AWS": ROLE}),
            "iam-public": allow("s3:GetObject", "arn:aws:s3:::iam-public/*", Principal="*"),
        }
        for bucket, statement in policies.items():
            s3.create_bucket(Bucket=bucket)
            if statement:
                s3.put_bucket_policy(Bucket=bucket, Policy=policy(statement))
            default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": self.names["key"]}
            if bucket == "iam-sealed":
                rule = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
                s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=rule)
            s3.put_object(Bucket=bucket, Key="a", Body=b"1")
        s3.put_object(Bucket="iam-data", Key="runs/r1/reads", Body=b"1")

    def _others(self) -> None:
        mine: Any = {"Principal": {"AWS": ROLE}}
        statements = [allow("sqs:ReceiveMessage", **mine), deny("sqs:PurgeQueue", Principal="*")]
        sqs = self.operator("sqs")
        for name, attributes in (
            ("queue", {"Policy": policy(*statements)}),
            ("sealed_queue", {"KmsMasterKeyId": self.names["key"]}),
        ):
            made = sqs.create_queue(QueueName=f"iam-{name.replace('_', '-')}", Attributes=attributes)
            self.names[name] = made["QueueUrl"]
        self.operator("sns").create_topic(Name="iam-topic")
        secrets = self.operator("secretsmanager")
        secrets.create_secret(Name="iam/token", SecretString="t")
        secrets.create_secret(Name="iam/sealed", SecretString="t", KmsKeyId=self.names["key"])
        self.names["activity"] = self.operator("stepfunctions").create_activity(name="iam-activity")["activityArn"]
        self.operator("dynamodb").create_table(
            TableName="iam-ledger",
            KeySchema=[{"AttributeName": "run", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "run", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )


@pytest.fixture(scope="module")
def world(services: Any) -> World:
    return World(services)


def filled(value: Any, names: Mapping[str, str]) -> Any:
    """`value` with the names of resources that only their creation has made known."""
    if isinstance(value, dict):
        return {key: filled(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, names) for item in value]
    return names.get(value[1:-1], value) if isinstance(value, str) and value[:1] == "{" else value


def refusal(call: Callable[[], Any]) -> dict[str, Any] | None:
    """The error with which IAM refuses the call; None where it lets it through, to whatever the service says then."""
    try:
        call()
    except ClientError as error:
        told: dict[str, Any] = {**error.response["Error"], **error.response["ResponseMetadata"]}
        return told if told["Code"] in REFUSALS else None
    return None


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The accesses as the request log has them."""
    entries: list[dict[str, Any]] = []
    made = authorization.Request

    def request(principal: identity.Principal, verdicts: tuple[Verdict, ...]) -> authorization.Request:
        entries.extend(verdict.entry() for verdict in verdicts)
        return made(principal, verdicts)

    monkeypatch.setattr(authorization, "Request", request)
    return entries


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_call_is_allowed_or_denied_as_the_documentation_says(
    world: World, case: Case, logged: list[dict[str, Any]]
) -> None:
    world.give(case.statements, case.boundary)
    service, operation, arguments = case.call
    caller, given = world.caller(service), filled(arguments, world.names)
    logged.clear()
    refused = refusal(lambda: getattr(caller, operation)(**given))
    if case.denied is None:
        assert refused is None
        action = case.action or f"{service}:{caller.meta.method_to_api_mapping[operation]}"
        allowed = {entry["action"]: entry.get("allowed_by") for entry in logged if "denied" not in entry}
        # whoever asks is told who he is without any statement
        assert (allowed[action] is None) == (action == "sts:GetCallerIdentity")
    else:
        assert refused is not None
        assert f"User: {SESSION} is not authorized to perform: {case.action} " in refused["Message"]
        assert refused["Message"].endswith(case.denied.format(action=case.action))


# IAM User Guide, "Troubleshoot access denied error messages": what a message says; each service's API reference,
# "Common Errors", and the protocol: code and status.
@pytest.mark.parametrize(
    ("call", "code", "status", "message"),
    [
        (GET, "AccessDenied", 403, f's3:GetObject on resource: "{DATA}/runs/r1/reads" because'),
        (("s3", "head_object", {"Bucket": "iam-data", "Key": "runs/r1/reads"}), "403", 403, "Forbidden"),
        (ITEM, "AccessDeniedException", 400, f"dynamodb:GetItem on resource: {TABLE} because"),
        (SEND, "AccessDenied", 403, f"sqs:SendMessage on resource: {arn('sqs', 'iam-queue')} because"),
        (("sns", "list_topics", {}), "AuthorizationError", 403, "sns:ListTopics on resource: * because"),
        (
            ("batch", "describe_jobs", {"jobs": ["j"]}),
            "AccessDeniedException",
            403,
            "batch:DescribeJobs on resource: *",
        ),
        (("iam", "get_role", {"RoleName": "iam-open"}), "AccessDenied", 403, f"arn:aws:iam::{ACCOUNT}:role/iam-open"),
        (
            ("ec2", "describe_vpcs", {}),
            "UnauthorizedOperation",
            403,
            "You are not authorized to perform this operation.",
        ),
    ],
)
def test_a_denial_looks_as_its_service_s(
    world: World, call: tuple[str, str, dict[str, Any]], code: str, status: int, message: str
) -> None:
    world.give([], [])
    service, operation, arguments = call
    refused = refusal(lambda: getattr(world.caller(service), operation)(**filled(arguments, world.names)))
    assert refused is not None
    assert (refused["Code"], refused["HTTPStatusCode"]) == (code, status)
    assert message in refused["Message"]


def test_that_an_object_is_absent_is_told_to_those_who_may_list(world: World) -> None:
    # S3 API Reference, "GetObject": without s3:ListBucket a missing key is answered with 403, with it 404
    s3 = world.caller("s3")
    world.give([allow("s3:GetObject")], [])
    for read in (s3.get_object, s3.head_object):
        refused = refusal(lambda read=read: read(Bucket="iam-data", Key="none"))  # type: ignore[misc]
        assert refused is not None
        assert refused["HTTPStatusCode"] == 403
    world.give([allow("s3:GetObject"), allow("s3:ListBucket", DATA)], [])
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket="iam-data", Key="none")


def test_of_several_objects_those_are_deleted_that_may_be(world: World) -> None:
    # S3 API Reference, "DeleteObjects": the answer lists each object that was not deleted, with the error
    for key in ("mine/x&y", "others/1"):
        world.operator("s3").put_object(Bucket="iam-data", Key=key, Body=b"1")
    world.give([allow("s3:DeleteObject", f"{DATA}/mine/*")], [])
    asked = {"Objects": [{"Key": "mine/x&y"}, {"Key": "others/1"}]}
    answer = world.caller("s3").delete_objects(Bucket="iam-data", Delete=asked)
    assert [each["Key"] for each in answer["Deleted"]] == ["mine/x&y"]
    assert [(each["Key"], each["Code"]) for each in answer["Errors"]] == [("others/1", "AccessDenied")]
    assert world.operator("s3").get_object(Bucket="iam-data", Key="others/1")["Body"].read() == b"1"
    answer = world.caller("s3").delete_objects(Bucket="iam-data", Delete={"Objects": [{"Key": "others/1"}]})
    assert "Deleted" not in answer


def test_a_session_policy_narrows_the_role(world: World) -> None:
    # IAM User Guide, "Session policies": the intersection of the role's policies and the session's
    world.give([allow("s3:*"), allow("sts:AssumeRole")], [])
    world.operator("iam").put_role_policy(RoleName="iam-open", PolicyName="own", PolicyDocument=policy(allow("s3:*")))
    keys = world.caller("sts").assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/iam-open", RoleSessionName="ab", Policy=policy(allow("s3:Get*"))
    )["Credentials"]
    s3 = clients.on_behalf_of("s3", keys["AccessKeyId"], keys["SessionToken"])
    assert s3.get_object(Bucket="iam-data", Key="a")["Body"].read() == b"1"
    refused = refusal(lambda: s3.put_object(Bucket="iam-data", Key="a"))
    assert refused is not None
    assert refused["Message"].endswith("because no session policy allows the s3:PutObject action")


def test_a_user_s_key_acts_as_the_user(world: World) -> None:
    iam = world.operator("iam")
    iam.create_user(UserName="iam-user")
    key = iam.create_access_key(UserName="iam-user")["AccessKey"]["AccessKeyId"]
    iam.put_user_policy(UserName="iam-user", PolicyName="own", PolicyDocument=policy(allow("sqs:ListQueues")))
    clients.on_behalf_of("sqs", key, None).list_queues()
    refused = refusal(lambda: clients.on_behalf_of("dynamodb", key, None).list_tables())
    assert refused is not None
    assert f"User: arn:aws:iam::{ACCOUNT}:user/iam-user is not authorized to perform" in refused["Message"]


# IAM User Guide, "Troubleshoot IAM": InvalidClientTokenId; S3 API Reference, "Error responses": InvalidAccessKeyId;
# EC2 API Reference: AuthFailure
@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("s3", "list_buckets", "InvalidAccessKeyId"),
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
        ("dynamodb", "list_tables", "UnrecognizedClientException"),
        ("lambda", "list_functions", "UnrecognizedClientException"),
        ("ec2", "describe_vpcs", "AuthFailure"),
    ],
)
def test_a_key_that_is_nobody_s_is_refused(world: World, service: str, operation: str, code: str) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(clients.on_behalf_of(service, "AKIAOPERATOR00000001", None), operation)()
    assert refused.value.response["Error"]["Code"] == code


def test_a_session_without_its_token_or_past_its_time_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = world.operator("sts").assume_role(RoleArn=ROLE, RoleSessionName="ab", DurationSeconds=900)["Credentials"]
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        clients.on_behalf_of("sts", keys["AccessKeyId"], None).get_caller_identity()
    known, assumed = identity._sessions[keys["AccessKeyId"]]
    assert known.expires == keys["Expiration"]
    expired = dataclasses.replace(known, expires=datetime.now(UTC))
    monkeypatch.setitem(identity._sessions, keys["AccessKeyId"], (expired, assumed))
    client = clients.on_behalf_of("sts", keys["AccessKeyId"], keys["SessionToken"])
    # STS API Reference, "Common Errors": ExpiredTokenException, in the query protocol ExpiredToken
    with pytest.raises(ClientError, match="ExpiredToken"):
        client.get_caller_identity()


def test_nobody_reads_but_what_is_public(world: World) -> None:
    # IAM User Guide, "AWS JSON policy elements: Principal": "*" includes anonymous users
    s3 = clients._session().client(
        "s3",
        region_name="us-east-1",
        endpoint_url=world.services.context.endpoint,
        config=Config(signature_version=botocore.UNSIGNED, s3={"addressing_style": "path"}),
    )
    assert s3.get_object(Bucket="iam-public", Key="a")["Body"].read() == b"1"
    for bucket in ("iam-data", "iam-shared"):
        refused = refusal(lambda bucket=bucket: s3.get_object(Bucket=bucket, Key="a"))  # type: ignore[misc]
        assert refused is not None
        assert refused["HTTPStatusCode"] == 403


@pytest.mark.parametrize(
    ("service", "operation"), [("s3", "list_buckets"), ("sqs", "list_queues"), ("ec2", "describe_vpcs")]
)
def test_a_request_for_another_region_is_refused(world: World, service: str, operation: str) -> None:
    keys = {"aws_access_key_id": "AKIAEMBEDDEDOPERATOR", "aws_secret_access_key": "x"}
    there = boto3.client(service, endpoint_url=world.services.context.endpoint, region_name="eu-west-1", **keys)
    with pytest.raises(ClientError, match="the embedded AWS is us-east-1, the request is for eu-west-1"):
        getattr(there, operation)()


def test_a_presigned_url_acts_as_who_signed_it(world: World) -> None:
    world.give([allow("s3:GetObject", f"{DATA}/runs/*")], [])
    keys = identity.credentials(ROLE, "job")
    s3 = boto3.client(
        "s3",
        endpoint_url=world.services.context.endpoint,
        region_name=world.services.context.region,
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=keys["AWS_SESSION_TOKEN"],
    )
    for key, status in (("runs/r1/reads", 200), ("a", 403)):
        url = s3.generate_presigned_url("get_object", Params={"Bucket": "iam-data", "Key": key})
        try:
            with urllib.request.urlopen(url) as answer:  # noqa: S310 the instance's own
                found = answer.status
        except urllib.error.HTTPError as error:
            found = error.code
        assert found == status


def test_what_a_service_does_for_itself_is_checked_by_the_resource_s_policy(world: World) -> None:
    # EventBridge User Guide, "Amazon SQS permissions": Principal events.amazonaws.com, aws:SourceArn the rule
    rule, queue = arn("events", "rule/iam"), arn("sqs", "iam-told")
    told = allow(
        "sqs:SendMessage",
        queue,
        Principal={"Service": "events.amazonaws.com"},
        **when("ArnEquals", "aws:SourceArn", rule),
    )
    world.operator("sqs").create_queue(QueueName="iam-told", Attributes={"Policy": policy(told)})
    access = Access("sqs:SendMessage", queue)
    authorization.require(identity.service("events"), [access], by="events", source_arn=rule)
    for principal, source in ((identity.service("events"), rule + "2"), (identity.service("s3"), rule)):
        with pytest.raises(AccessDeniedError, match="sqs:SendMessage on resource: arn:aws:sqs"):
            authorization.require(principal, [access], by="events", source_arn=source)


def test_a_delivery_that_the_queue_s_policy_forbids_ends_in_the_dead_letter_queue(world: World) -> None:
    # EventBridge User Guide, "Using dead-letter queues": NO_PERMISSIONS, sent without a retry
    sqs, events = world.operator("sqs"), world.operator("events")
    rule = arn("events", "rule/iam-forbidden")
    told = allow(
        "sqs:SendMessage", Principal={"Service": "events.amazonaws.com"}, **when("ArnEquals", "aws:SourceArn", rule)
    )
    sqs.create_queue(QueueName="iam-closed", Attributes={"Policy": policy(deny("sqs:SendMessage", Principal="*"))})
    dead = sqs.create_queue(QueueName="iam-dead", Attributes={"Policy": policy(told)})["QueueUrl"]
    events.put_rule(Name="iam-forbidden", EventPattern=json.dumps({"source": ["iam.test"]}))
    letters = {"Arn": arn("sqs", "iam-dead")}
    target = {"Id": "1", "Arn": arn("sqs", "iam-closed"), "DeadLetterConfig": letters}
    events.put_targets(Rule="iam-forbidden", Targets=[target])
    events.put_events(Entries=[{"Source": "iam.test", "DetailType": "d", "Detail": "{}"}])
    [letter] = sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=10, MessageAttributeNames=["All"])["Messages"]
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert attributes["ERROR_CODE"] == "NO_PERMISSIONS"
    assert attributes["RETRY_ATTEMPTS"] == "0"
    assert "User: events.amazonaws.com is not authorized to perform: sqs:SendMessage" in attributes["ERROR_MESSAGE"]


# Lambda Developer Guide, "Troubleshoot execution issues in Lambda"; Step Functions API Reference, "CreateStateMachine"
@pytest.mark.parametrize(
    ("call", "code", "message"),
    [
        (
            ("lambda", "create_function", {"FunctionName": "iam-f", "Code": {"ZipFile": b"x"}, "Role": "{near}"}),
            "InvalidParameterValueException",
            "The role defined for the function cannot be assumed by Lambda.",
        ),
        (
            ("stepfunctions", "create_state_machine", {"name": "iam-s", "definition": "x", "roleArn": "{near}"}),
            "AccessDeniedException",
            "Neither the global service principal states.amazonaws.com",
        ),
        (
            ("glue", "create_job", {"Name": "iam-j", "Command": {"Name": "glueetl"}, "Role": "{near}"}),
            "InvalidInputException",
            "Service is unable to assume provided role.",
        ),
    ],
)
def test_a_service_refuses_a_role_that_does_not_trust_it(
    world: World, call: tuple[str, str, dict[str, Any]], code: str, message: str
) -> None:
    service, operation, arguments = call
    near = {"near": f"arn:aws:iam::{ACCOUNT}:role/iam-near"}
    with pytest.raises(ClientError) as refused:
        getattr(world.operator(service), operation)(**filled(arguments, near))
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["Error"]["Message"].startswith(message)
