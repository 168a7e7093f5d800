"""Every other service of the templates.

SAR is the Service Authorization Reference: its page of the service says which actions take which resources and keys.
"""

from tests.embedded_aws.iam.permission_cases.case import (
    DENIED_THERE,
    NO_IDENTITY,
    Case,
    allow,
    arn,
    when,
)

ITEM = ("dynamodb", "get_item", {"TableName": "iam-ledger", "Key": {"run": {"S": "r1"}}})
SEND = ("sqs", "send_message", {"QueueUrl": "{queue}", "MessageBody": "x"})
TABLE = arn("dynamodb", "table/iam-ledger")
SECRET = ("secretsmanager", "get_secret_value", {"SecretId": "iam/token"})
READ_SECRET = "secretsmanager:GetSecretValue"
ACTIVITY = ("stepfunctions", "describe_activity", {"activityArn": "{activity}"})

CASES = [
    # SAR, Secrets Manager: a secret's ARN ends with six random characters, also where it is asked for by its name
    Case("secret", SECRET, [allow(READ_SECRET, arn("secretsmanager", "secret:iam/token-??????"))]),
    Case(
        "secret by its bare name",
        SECRET,
        [allow(READ_SECRET, arn("secretsmanager", "secret:iam/token"))],
        NO_IDENTITY,
        READ_SECRET,
    ),
    # Secrets Manager User Guide, "Secret encryption and decryption": who reads it decrypts with the key of the secret
    Case(
        "secret with a key of its own",
        ("secretsmanager", "get_secret_value", {"SecretId": "iam/sealed"}),
        [
            allow(READ_SECRET, arn("secretsmanager", "secret:iam/sealed-??????")),
            allow(
                "kms:Decrypt",
                "{key}",
                **when("StringEquals", "kms:ViaService", "secretsmanager.us-east-1.amazonaws.com"),
            ),
        ],
    ),
    Case(
        "secret whose key is not allowed",
        ("secretsmanager", "get_secret_value", {"SecretId": "iam/sealed"}),
        [allow("secretsmanager:*")],
        NO_IDENTITY,
        "kms:Decrypt",
    ),
    # SAR, Step Functions: activities are resources; tasks are named by their tokens only
    Case("activity", ACTIVITY, [allow("states:DescribeActivity", "{activity}")], action="states:DescribeActivity"),
    Case(
        "worker of another activity",
        ("stepfunctions", "get_activity_task", {"activityArn": "{activity}"}),
        [allow("states:GetActivityTask", arn("states", "activity:other"))],
        NO_IDENTITY,
        "states:GetActivityTask",
    ),
    Case(
        "answer to a task",
        ("stepfunctions", "send_task_success", {"taskToken": "t", "output": "{{}}"}),
        [allow("states:SendTaskSuccess", "{activity}")],
        NO_IDENTITY,
        "states:SendTaskSuccess",
    ),
    # SAR, DynamoDB; Developer Guide, "Using IAM policy conditions for fine-grained access control"
    Case("item", ITEM, [allow("dynamodb:GetItem", TABLE)]),
    Case(
        "item of another table",
        ITEM,
        [allow("dynamodb:*", arn("dynamodb", "table/other"))],
        NO_IDENTITY,
        "dynamodb:GetItem",
    ),
    Case(
        "leading key",
        ITEM,
        [allow("dynamodb:GetItem", TABLE, **when("ForAllValues:StringEquals", "dynamodb:LeadingKeys", "r1"))],
    ),
    Case(
        "another leading key",
        ITEM,
        [allow("dynamodb:GetItem", TABLE, **when("ForAllValues:StringEquals", "dynamodb:LeadingKeys", "r2"))],
        NO_IDENTITY,
        "dynamodb:GetItem",
    ),
    Case(
        "batch of two tables",
        (
            "dynamodb",
            "batch_get_item",
            {"RequestItems": {"iam-ledger": {"Keys": [{"run": {"S": "a"}}]}, "other": {"Keys": [{"run": {"S": "a"}}]}}},
        ),
        [allow("dynamodb:BatchGetItem", TABLE)],
        NO_IDENTITY,
        "dynamodb:BatchGetItem",
    ),
    # SAR, DynamoDB: transactions are authorised by their operations
    Case(
        "transaction",
        (
            "dynamodb",
            "transact_write_items",
            {"TransactItems": [{"Put": {"TableName": "iam-ledger", "Item": {"run": {"S": "t"}}}}]},
        ),
        [allow("dynamodb:PutItem", TABLE)],
        action="dynamodb:PutItem",
    ),
    Case(
        "index",
        (
            "dynamodb",
            "query",
            {
                "TableName": "iam-ledger",
                "IndexName": "by-state",
                "KeyConditionExpression": "run = :r",
                "ExpressionAttributeValues": {":r": {"S": "a"}},
            },
        ),
        [allow("dynamodb:Query", TABLE)],
        NO_IDENTITY,
        "dynamodb:Query",
    ),
    # SAR, SQS: SendMessageBatch is authorised as sqs:SendMessage
    Case("send", SEND, [allow("sqs:SendMessage", arn("sqs", "iam-queue"))]),
    Case("send elsewhere", SEND, [allow("sqs:SendMessage", arn("sqs", "iam-other"))], NO_IDENTITY, "sqs:SendMessage"),
    Case(
        "send many",
        ("sqs", "send_message_batch", {"QueueUrl": "{queue}", "Entries": [{"Id": "1", "MessageBody": "x"}]}),
        [allow("sqs:SendMessage", arn("sqs", "iam-queue"))],
        action="sqs:SendMessage",
    ),
    # SQS Developer Guide, "Basic examples of Amazon SQS policies": a queue's policy allows, and denies
    Case(
        "queue policy denies",
        ("sqs", "purge_queue", {"QueueUrl": "{queue}"}),
        [allow("sqs:*")],
        DENIED_THERE,
        "sqs:PurgeQueue",
    ),
    Case("queue policy allows the role", ("sqs", "receive_message", {"QueueUrl": "{queue}"}), []),
    # SQS Developer Guide, "Key management": a producer needs kms:GenerateDataKey and kms:Decrypt
    Case(
        "sealed queue",
        ("sqs", "send_message", {"QueueUrl": "{sealed_queue}", "MessageBody": "x"}),
        [allow("sqs:*")],
        NO_IDENTITY,
        "kms:GenerateDataKey",
    ),
    # SAR, SNS
    Case(
        "publish",
        ("sns", "publish", {"TopicArn": arn("sns", "iam-topic"), "Message": "x"}),
        [allow("sns:Publish", arn("sns", "iam-topic"))],
    ),
    Case(
        "publish elsewhere",
        ("sns", "publish", {"TopicArn": arn("sns", "iam-topic"), "Message": "x"}),
        [allow("sns:Publish", arn("sns", "other"))],
        NO_IDENTITY,
        "sns:Publish",
    ),
    # SAR, Step Functions: executions have ARNs of their own
    Case(
        "start",
        ("stepfunctions", "start_execution", {"stateMachineArn": arn("states", "stateMachine:iam-runs")}),
        [allow("states:StartExecution", arn("states", "stateMachine:iam-*"))],
        action="states:StartExecution",
    ),
    Case(
        "stop",
        ("stepfunctions", "stop_execution", {"executionArn": arn("states", "execution:iam-runs:r1")}),
        [allow("states:StopExecution", arn("states", "stateMachine:iam-runs"))],
        NO_IDENTITY,
        "states:StopExecution",
    ),
    # SAR, Glue: a table is asked for with its database and the catalog
    Case(
        "table",
        ("glue", "get_table", {"DatabaseName": "iam_lake", "Name": "variants"}),
        [
            allow(
                "glue:GetTable",
                [arn("glue", "catalog"), arn("glue", "database/iam_lake"), arn("glue", "table/iam_lake/variants")],
            )
        ],
    ),
    Case(
        "table without its database",
        ("glue", "get_table", {"DatabaseName": "iam_lake", "Name": "variants"}),
        [allow("glue:GetTable", [arn("glue", "catalog"), arn("glue", "table/iam_lake/variants")])],
        NO_IDENTITY,
        "glue:GetTable",
    ),
    Case(
        "job",
        ("glue", "start_job_run", {"JobName": "iam-variants"}),
        [allow("glue:StartJobRun", arn("glue", "job/iam-*"))],
    ),
    Case(
        "stop job",
        ("glue", "batch_stop_job_run", {"JobName": "iam-variants", "JobRunIds": ["jr"]}),
        [allow("glue:StartJobRun")],
        NO_IDENTITY,
        "glue:BatchStopJobRun",
    ),
    # SAR, Batch: SubmitJob takes the queue and the definition
    Case(
        "submit",
        ("batch", "submit_job", {"jobName": "ab", "jobQueue": "iam-queue", "jobDefinition": "align:1"}),
        [allow("batch:SubmitJob", [arn("batch", "job-queue/iam-queue"), arn("batch", "job-definition/align:*")])],
    ),
    Case(
        "submit another definition",
        ("batch", "submit_job", {"jobName": "ab", "jobQueue": "iam-queue", "jobDefinition": "align:1"}),
        [allow("batch:SubmitJob", [arn("batch", "job-queue/iam-queue"), arn("batch", "job-definition/call:*")])],
        NO_IDENTITY,
        "batch:SubmitJob",
    ),
    # AWS Batch User Guide, "Tag your resources": tags given on creation need batch:TagResource
    Case(
        "submit with tags",
        (
            "batch",
            "submit_job",
            {"jobName": "ab", "jobQueue": "iam-queue", "jobDefinition": "align:1", "tags": {"run": "1"}},
        ),
        [allow("batch:SubmitJob"), allow("batch:TagResource", arn("batch", "job/*"))],
    ),
    Case(
        "submit with tags that it may not give",
        (
            "batch",
            "submit_job",
            {"jobName": "ab", "jobQueue": "iam-queue", "jobDefinition": "align:1", "tags": {"run": "1"}},
        ),
        [allow("batch:SubmitJob")],
        NO_IDENTITY,
        "batch:TagResource",
    ),
    Case(
        "jobs cannot be narrowed",
        ("batch", "describe_jobs", {"jobs": ["j"]}),
        [allow("batch:DescribeJobs", arn("batch", "job/j"))],
        NO_IDENTITY,
        "batch:DescribeJobs",
    ),
    # SAR, Lambda: the action of Invoke is lambda:InvokeFunction
    Case(
        "invoke",
        ("lambda", "invoke", {"FunctionName": "iam-none"}),
        [allow("lambda:InvokeFunction", arn("lambda", "function:iam-none"))],
        action="lambda:InvokeFunction",
    ),
    Case(
        "invoke another",
        ("lambda", "invoke", {"FunctionName": "iam-none"}),
        [allow("lambda:Invoke*", arn("lambda", "function:other"))],
        NO_IDENTITY,
        "lambda:InvokeFunction",
    ),
    # SAR, CloudWatch Logs
    Case(
        "log",
        (
            "logs",
            "put_log_events",
            {"logGroupName": "iam", "logStreamName": "s", "logEvents": [{"timestamp": 1, "message": "m"}]},
        ),
        [allow("logs:PutLogEvents", arn("logs", "log-group:iam:*"))],
    ),
    Case(
        "log elsewhere",
        ("logs", "create_log_stream", {"logGroupName": "iam", "logStreamName": "s"}),
        [allow("logs:*", arn("logs", "log-group:other:*"))],
        NO_IDENTITY,
        "logs:CreateLogStream",
    ),
    # SAR, EventBridge: events:source
    Case(
        "event",
        ("events", "put_events", {"Entries": [{"Source": "genomics", "DetailType": "d", "Detail": "{{}}"}]}),
        [
            allow(
                "events:PutEvents",
                arn("events", "event-bus/default"),
                **when("StringEquals", "events:source", "genomics"),
            )
        ],
    ),
    Case(
        "event of another source",
        ("events", "put_events", {"Entries": [{"Source": "other", "DetailType": "d", "Detail": "{{}}"}]}),
        [allow("events:PutEvents", "*", **when("StringEquals", "events:source", "genomics"))],
        NO_IDENTITY,
        "events:PutEvents",
    ),
    # SAR, Athena: queries belong to their workgroup
    Case(
        "query in a workgroup",
        ("athena", "get_work_group", {"WorkGroup": "primary"}),
        [allow("athena:GetWorkGroup", arn("athena", "workgroup/primary"))],
    ),
    Case(
        "query in another workgroup",
        ("athena", "start_query_execution", {"QueryString": "SELECT 1"}),
        [allow("athena:*", arn("athena", "workgroup/cohorts"))],
        NO_IDENTITY,
        "athena:StartQueryExecution",
    ),
    # SAR, Elastic File System
    Case(
        "file system",
        ("efs", "describe_file_systems", {"FileSystemId": "fs-1"}),
        [allow("elasticfilesystem:Describe*", arn("elasticfilesystem", "file-system/fs-1"))],
        action="elasticfilesystem:DescribeFileSystems",
    ),
    Case(
        "another file system",
        ("efs", "describe_file_systems", {"FileSystemId": "fs-1"}),
        [allow("elasticfilesystem:*", arn("elasticfilesystem", "file-system/fs-2"))],
        NO_IDENTITY,
        "elasticfilesystem:DescribeFileSystems",
    ),
    # SAR, Systems Manager: a name's first slash is not doubled in its ARN
    Case(
        "parameter",
        ("ssm", "get_parameter", {"Name": "/iam/name"}),
        [allow("ssm:GetParameter", arn("ssm", "parameter/iam/name"))],
    ),
    Case(
        "other parameter",
        ("ssm", "get_parameters", {"Names": ["/iam/name", "/x"]}),
        [allow("ssm:GetParameters", arn("ssm", "parameter/iam/*"))],
        NO_IDENTITY,
        "ssm:GetParameters",
    ),
    # SAR, Elastic Container Registry; CloudWatch: cloudwatch:namespace
    Case(
        "registry",
        ("ecr", "describe_repositories", {"repositoryNames": ["fastp"]}),
        [allow("ecr:GetAuthorizationToken")],
        NO_IDENTITY,
        "ecr:DescribeRepositories",
    ),
    Case(
        "metric",
        ("cloudwatch", "put_metric_data", {"Namespace": "Glue", "MetricData": [{"MetricName": "m", "Value": 1}]}),
        [allow("cloudwatch:PutMetricData", "*", **when("StringEquals", "cloudwatch:namespace", "Glue"))],
    ),
    Case(
        "metric of another namespace",
        ("cloudwatch", "put_metric_data", {"Namespace": "AWS/x", "MetricData": [{"MetricName": "m", "Value": 1}]}),
        [allow("cloudwatch:PutMetricData", "*", **when("StringEquals", "cloudwatch:namespace", "Glue"))],
        NO_IDENTITY,
        "cloudwatch:PutMetricData",
    ),
    # EC2 API Reference, "Error codes for the Amazon EC2 API": UnauthorizedOperation
    Case("network", ("ec2", "describe_vpcs", {}), [], NO_IDENTITY, "ec2:DescribeVpcs"),
]
