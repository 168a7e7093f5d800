"""A small CDK app in two versions: `python app.py ONE TWO` writes the cloud assembly of each to its directory.

In the second the queue has another name and another timeout.
"""

import sys

import aws_cdk as cdk
from aws_cdk import aws_lambda as awslambda
from aws_cdk import aws_sqs as sqs


def synthesize(directory: str, *, name: str, seconds: int) -> None:
    app = cdk.App(analytics_reporting=False, outdir=directory)
    stack = cdk.Stack(app, "tour", env=cdk.Environment(account="123456789012", region="us-east-1"))
    queue = sqs.Queue(stack, "Queue", queue_name=name, visibility_timeout=cdk.Duration.seconds(seconds))
    awslambda.Function(
        stack,
        "Function",
        runtime=awslambda.Runtime.PYTHON_3_11,
        handler="index.handler",
        code=awslambda.Code.from_asset("code"),
        environment={"QUEUE": queue.queue_url},
    )
    cdk.CfnOutput(stack, "Url", value=queue.queue_url)
    app.synth()


synthesize(sys.argv[1], name="tour-one", seconds=30)
synthesize(sys.argv[2], name="tour-two", seconds=60)
