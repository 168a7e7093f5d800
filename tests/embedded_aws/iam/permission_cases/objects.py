"""The policy language, and S3."""

from tests.embedded_aws.iam.permission_cases.case import (
    DENIED,
    DENIED_THERE,
    NO_IDENTITY,
    Case,
    allow,
    deny,
    when,
)

GET = ("s3", "get_object", {"Bucket": "iam-data", "Key": "runs/r1/reads"})
PUT = ("s3", "put_object", {"Bucket": "iam-data", "Key": "runs/r1/new", "Body": b"1"})
DATA = "arn:aws:s3:::iam-data"

CASES = [
    # S3 User Guide, "Required permissions for Amazon S3 API operations"
    Case("get", GET, [allow("s3:GetObject", f"{DATA}/runs/*")]),
    Case("get in another prefix", GET, [allow("s3:GetObject", f"{DATA}/steps/*")], NO_IDENTITY, "s3:GetObject"),
    Case("get of the bucket only", GET, [allow("s3:GetObject", DATA)], NO_IDENTITY, "s3:GetObject"),
    # IAM User Guide, "IAM JSON policy elements: Action": actions are case-insensitive; "Resource": ARNs are not
    Case("action in another case", GET, [allow("S3:getobject", f"{DATA}/*")]),
    Case("resource in another case", GET, [allow("s3:GetObject", f"{DATA}/RUNS/*")], NO_IDENTITY, "s3:GetObject"),
    # IAM User Guide, "Resource": "?" stands for one character
    Case("? for one character", GET, [allow("s3:GetObject", f"{DATA}/runs/r?/reads")]),
    Case("? is not two", GET, [allow("s3:GetObject", f"{DATA}/runs/?/reads")], NO_IDENTITY, "s3:GetObject"),
    Case("? in an action", GET, [allow("s3:G?tObject", f"{DATA}/*")]),
    # IAM User Guide, "IAM JSON policy elements: NotResource" and "NotAction"
    Case("NotResource elsewhere", GET, [{"Effect": "Allow", "Action": "s3:*", "NotResource": f"{DATA}/steps/*"}]),
    Case(
        "NotResource here",
        GET,
        [{"Effect": "Allow", "Action": "s3:*", "NotResource": f"{DATA}/runs/*"}],
        NO_IDENTITY,
        "s3:GetObject",
    ),
    Case("NotAction of another", GET, [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]),
    Case(
        "NotAction of this",
        GET,
        [{"Effect": "Allow", "NotAction": "s3:Get*", "Resource": "*"}],
        NO_IDENTITY,
        "s3:GetObject",
    ),
    # IAM User Guide, "Policy evaluation logic": an explicit deny overrides allows
    Case("explicit deny", GET, [allow("s3:*"), deny("s3:GetObject", f"{DATA}/runs/*")], DENIED, "s3:GetObject"),
    Case("deny of what is not asked", GET, [allow("s3:*"), deny("s3:GetObject", f"{DATA}/steps/*")]),
    Case(
        "deny with NotResource",
        GET,
        [allow("s3:*"), {"Effect": "Deny", "Action": "s3:*", "NotResource": f"{DATA}/steps/*"}],
        DENIED,
        "s3:GetObject",
    ),
    # IAM User Guide, "Condition operators": an unmet condition makes a statement not apply, be it Allow or Deny
    Case(
        "unmet condition of a deny",
        GET,
        [allow("s3:*"), deny("s3:*", "*", **when("Bool", "aws:SecureTransport", "false"))],
    ),
    Case(
        "unmet condition of an allow",
        GET,
        [allow("s3:*", "*", **when("StringEquals", "aws:RequestedRegion", "eu-west-1"))],
        NO_IDENTITY,
        "s3:GetObject",
    ),
    Case(
        "pattern of ARNs", GET, [allow("s3:*", "*", **when("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/iam-*"))]
    ),
    # IAM User Guide, "...IfExists" and "Null"
    Case(
        "absent key", GET, [allow("s3:*", "*", **when("StringEquals", "s3:prefix", "x"))], NO_IDENTITY, "s3:GetObject"
    ),
    Case("absent key, IfExists", GET, [allow("s3:*", "*", **when("StringEqualsIfExists", "s3:prefix", "x"))]),
    Case("absent key, negated", GET, [allow("s3:*", "*", **when("StringNotEquals", "s3:prefix", "x"))]),
    Case("Null", GET, [allow("s3:*", "*", **when("Null", "aws:MultiFactorAuthAge", "true"))]),
    # IAM User Guide, "IAM policy elements: Variables and tags"
    Case("variable", GET, [allow("s3:GetObject", f"{DATA}/runs/${{aws:PrincipalTag/run}}/*")]),
    Case("variable without a value", GET, [allow("s3:*", f"{DATA}/${{aws:username}}/*")], NO_IDENTITY, "s3:GetObject"),
    # IAM User Guide, "Permissions boundaries for IAM entities"
    Case("inside the boundary", GET, [allow("s3:*")], boundary=[allow("s3:Get*")]),
    Case(
        "outside the boundary",
        PUT,
        [allow("s3:*")],
        "because no permissions boundary allows the {action} action",
        "s3:PutObject",
        boundary=[allow("s3:Get*")],
    ),
    # S3 API Reference, "ListObjectsV2": s3:ListBucket on the bucket; User Guide, "s3:prefix"
    Case(
        "list a prefix",
        ("s3", "list_objects_v2", {"Bucket": "iam-data", "Prefix": "runs/"}),
        [allow("s3:ListBucket", DATA, **when("StringLike", "s3:prefix", "runs/*"))],
        action="s3:ListBucket",
    ),
    Case(
        "list another prefix",
        ("s3", "list_objects_v2", {"Bucket": "iam-data", "Prefix": "steps/"}),
        [allow("s3:ListBucket", DATA, **when("StringLike", "s3:prefix", "runs/*"))],
        NO_IDENTITY,
        "s3:ListBucket",
    ),
    # S3 API Reference, "CopyObject": s3:GetObject on the source, s3:PutObject on the destination
    Case(
        "copy without reading",
        ("s3", "copy_object", {"Bucket": "iam-data", "Key": "copy", "CopySource": "iam-data/runs/r1/reads"}),
        [allow("s3:PutObject", f"{DATA}/*")],
        NO_IDENTITY,
        "s3:GetObject",
    ),
    Case(
        "copy",
        ("s3", "copy_object", {"Bucket": "iam-data", "Key": "copy", "CopySource": "iam-data/runs/r1/reads"}),
        [allow(["s3:PutObject", "s3:GetObject"], f"{DATA}/*")],
        action="s3:GetObject",
    ),
    # S3 User Guide, "Multipart upload API and permissions": s3:PutObject; abort has an action of its own
    Case(
        "begin multipart",
        ("s3", "create_multipart_upload", {"Bucket": "iam-data", "Key": "m"}),
        [allow("s3:PutObject")],
        action="s3:PutObject",
    ),
    Case(
        "abort multipart",
        ("s3", "abort_multipart_upload", {"Bucket": "iam-data", "Key": "m", "UploadId": "u"}),
        [allow("s3:PutObject")],
        NO_IDENTITY,
        "s3:AbortMultipartUpload",
    ),
    # S3 API Reference, "PutObject": to set tags, s3:PutObjectTagging; "DeleteObject": a version, s3:DeleteObjectVersion
    Case(
        "put with tags",
        ("s3", "put_object", {**PUT[2], "Tagging": "a=b"}),
        [allow("s3:PutObject")],
        NO_IDENTITY,
        "s3:PutObjectTagging",
    ),
    Case(
        "delete a version",
        ("s3", "delete_object", {"Bucket": "iam-data", "Key": "gone", "VersionId": "v1"}),
        [allow("s3:DeleteObject")],
        NO_IDENTITY,
        "s3:DeleteObjectVersion",
    ),
    Case(
        "configuration",
        ("s3", "get_bucket_encryption", {"Bucket": "iam-data"}),
        [allow("s3:GetBucket*")],
        NO_IDENTITY,
        "s3:GetEncryptionConfiguration",
    ),
    # S3 User Guide, "Bucket policy examples": TLS is demanded by a Deny, which nothing here runs into; a version of
    # TLS that nobody speaks is demanded of the other bucket
    Case("TLS bucket", ("s3", "get_object", {"Bucket": "iam-tls", "Key": "a"}), [allow("s3:*")]),
    Case(
        "TLS 1.4 bucket",
        ("s3", "get_object", {"Bucket": "iam-tls-14", "Key": "a"}),
        [allow("s3:*")],
        DENIED_THERE,
        "s3:GetObject",
    ),
    # IAM User Guide, "Policy evaluation for requests within a single account": a bucket policy that names the role
    # is enough
    Case("bucket policy names the role", ("s3", "get_object", {"Bucket": "iam-shared", "Key": "a"}), []),
    Case(
        "bucket policy allows reading only",
        ("s3", "put_object", {"Bucket": "iam-shared", "Key": "a"}),
        [],
        NO_IDENTITY,
        "s3:PutObject",
    ),
    # S3 User Guide, "Using server-side encryption with AWS KMS keys (SSE-KMS)": kms:Decrypt to read,
    # kms:GenerateDataKey to write
    Case(
        "sealed object",
        ("s3", "get_object", {"Bucket": "iam-sealed", "Key": "a"}),
        [allow("s3:*")],
        NO_IDENTITY,
        "kms:Decrypt",
    ),
    Case(
        "sealed object with its key",
        ("s3", "get_object", {"Bucket": "iam-sealed", "Key": "a"}),
        [
            allow("s3:*"),
            allow("kms:Decrypt", "{key}", **when("StringEquals", "kms:ViaService", "s3.us-east-1.amazonaws.com")),
        ],
    ),
    Case(
        "seal an object",
        ("s3", "put_object", {"Bucket": "iam-sealed", "Key": "b"}),
        [allow("s3:*"), allow("kms:Decrypt")],
        NO_IDENTITY,
        "kms:GenerateDataKey",
    ),
]
