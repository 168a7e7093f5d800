"""The way in: documents that arrive start a function, and what cannot be started is kept for a person."""

from aws_cdk import aws_events as events
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.event_queue import EventQueue


class Inbox(EventQueue):
    """`bucket` announces its objects on EventBridge; those whose key `key_wildcard` fits reach the queue."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket,
        key_wildcard: str,
        function_timeout_seconds: int,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={"bucket": {"name": [bucket.bucket_name]}, "object": {"key": [{"wildcard": key_wildcard}]}},
            ),
            description=f"Objects that arrive as {key_wildcard}",
            function_timeout_seconds=function_timeout_seconds,
        )
