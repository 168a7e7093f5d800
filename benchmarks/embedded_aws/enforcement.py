"""What the check of permissions adds to a call: medians with a role's session and as the operator, whom nothing limits.

`python -m benchmarks.embedded_aws.enforcement [--calls N]`. One instance of its own gets a bucket and a queue that are
encrypted with a customer's key, and a table; its role's policy has as many statements as those of the app's tools.
Calls as the operator and as the role alternate, so that whatever else the machine does meets both alike.
"""

import argparse
import functools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3

from embedded_aws import instance

# What a check may add to a call, in milliseconds.
MOST_ADDED = 1.0
_ACCOUNT = "arn:aws:iam::123456789012"


def _assembly(directory: Path) -> Path:
    """A cloud assembly of nothing: the resources are made by calls."""
    directory.mkdir()
    (directory / "manifest.json").write_text(json.dumps({"version": "1", "artifacts": {}}))
    return directory


def _client(of: instance.Instance, service: str, keys: dict[str, str]) -> Any:
    make: Any = boto3.client
    return make(service, endpoint_url=of.endpoint, region_name=of.region, **keys)


def _operator(of: instance.Instance) -> dict[str, str]:
    told = of.environment()
    return {
        "aws_access_key_id": told["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": told["AWS_SECRET_ACCESS_KEY"],
    }


def _statement(actions: list[str], resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def _prepare(of: instance.Instance) -> dict[str, str]:
    """Make the resources and the role; the credentials of a session of it."""
    operator = _operator(of)
    key = _client(of, "kms", operator).create_key()["KeyMetadata"]["Arn"]
    s3 = _client(of, "s3", operator)
    s3.create_bucket(Bucket="data")
    sealed = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.put_bucket_encryption(Bucket="data", ServerSideEncryptionConfiguration={"Rules": [sealed]})
    tls_only = {
        **_statement(["s3:*"], "arn:aws:s3:::data/*"),
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket="data", Policy=_document([tls_only]))
    _client(of, "sqs", operator).create_queue(QueueName="work", Attributes={"KmsMasterKeyId": key})
    _client(of, "dynamodb", operator).create_table(
        TableName="ledger",
        KeySchema=[{"AttributeName": "run", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "run", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    iam = _client(of, "iam", operator)
    trust = {"Effect": "Allow", "Principal": {"AWS": f"{_ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName="tool", AssumeRolePolicyDocument=_document([trust]))["Role"]["Arn"]
    statements = [
        _statement(["elasticfilesystem:ClientMount"], "arn:aws:elasticfilesystem:us-east-1:123456789012:file-system/x"),
        _statement(["s3:GetObject*", "s3:GetBucket*", "s3:List*"], "arn:aws:s3:::data/steps/*"),
        _statement(["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"], key),
        _statement(["s3:PutObject", "s3:PutObjectTagging", "s3:Abort*"], "arn:aws:s3:::data/steps/*"),
        _statement(["s3:DeleteObject*"], "arn:aws:s3:::data/partial/*"),
        _statement(["dynamodb:GetItem", "dynamodb:UpdateItem"], "arn:aws:dynamodb:us-east-1:123456789012:table/ledger"),
        _statement(["sqs:SendMessage"], "arn:aws:sqs:us-east-1:123456789012:work"),
    ]
    iam.put_role_policy(RoleName="tool", PolicyName="tool", PolicyDocument=_document(statements))
    given = _client(of, "sts", operator).assume_role(RoleArn=role, RoleSessionName="job")["Credentials"]
    return {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }


def _document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _calls(of: instance.Instance, keys: dict[str, str]) -> dict[str, Callable[[], Any]]:
    s3, dynamodb, sqs = (_client(of, service, keys) for service in ("s3", "dynamodb", "sqs"))
    queue = f"{of.endpoint}/{of.account}/work"
    return {
        "PutObject": functools.partial(s3.put_object, Bucket="data", Key="steps/a", Body=b"1"),
        "GetObject": functools.partial(_read, s3),
        "GetItem": functools.partial(dynamodb.get_item, TableName="ledger", Key={"run": {"S": "r"}}),
        "SendMessage": functools.partial(sqs.send_message, QueueUrl=queue, MessageBody="x"),
    }


def _read(s3: Any) -> None:
    s3.get_object(Bucket="data", Key="steps/a")["Body"].read()


def measure(calls: int) -> dict[str, tuple[float, float]]:
    """Median milliseconds of each kind of call as the operator and as the role."""
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory) / "data"
        running = instance.start(data, 0, _assembly(Path(directory) / "cdk.out"))
        try:
            role = _calls(running, _prepare(running))
            operator = _calls(running, _operator(running))
            return {name: _medians(operator[name], role[name], calls) for name in operator}
        finally:
            instance.stop(data)


def _medians(free: Callable[[], Any], checked: Callable[[], Any], calls: int) -> tuple[float, float]:
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(calls + 20):
        for call, seconds in zip((free, checked), taken, strict=True):
            started = time.perf_counter()
            call()
            if number >= 20:  # the first ones open connections
                seconds.append(time.perf_counter() - started)
    return statistics.median(taken[0]) * 1e3, statistics.median(taken[1]) * 1e3


def main() -> None:
    """Measure and print; ends with a line for each kind of call that takes too much longer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=300)
    options = parser.parse_args()
    print(f"{'call':<12} {'unchecked':>10} {'checked':>10} {'more':>10}   (medians, ms)")
    measured = measure(options.calls)
    for name, (free, checked) in measured.items():
        print(f"{name:<12} {free:>10.2f} {checked:>10.2f} {checked - free:>10.2f}")
    if slow := [name for name, (free, checked) in measured.items() if checked - free > MOST_ADDED]:
        sys.exit("\n".join(f"{name}: checking it takes more than {MOST_ADDED} ms" for name in slow))


if __name__ == "__main__":
    main()
