"""A Map over a list in S3, each of whose items is an execution of its own."""

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.constructs.findings import acknowledge
from stacks.constructs.workflow import OF_ONE_MACHINE, executions_finding


class ListedMap(sfn.DistributedMap):
    """A distributed Map over the JSON list in `bucket` whose key stands at the path `key`; its input goes on unchanged.

    Items that fail fail by themselves: whoever follows has to look for what came of them. The machine's role has to be
    granted the list; the library's own reader would let it read the whole bucket.
    """

    def __init__(
        self,
        scope: Construct,
        state: str,
        *,
        bucket: s3.IBucket,
        key: str,
        item_selector: Mapping[str, Any],
        max_concurrency: int,
    ) -> None:
        super().__init__(
            scope,
            state,
            label=state,
            item_selector=item_selector,
            max_concurrency=max_concurrency,
            tolerated_failure_percentage=100,
            result_path=sfn.JsonPath.DISCARD,
        )
        self._reader = {
            "Resource": f"arn:{cdk.Aws.PARTITION}:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSON"},
            "Parameters": {"Bucket": bucket.bucket_name, "Key.$": key},
        }

    def to_state_json(self, top_level_query_language: sfn.QueryLanguage | None = None) -> Mapping[str, Any]:
        """The state, with its reader."""
        return {**super().to_state_json(top_level_query_language), "ItemReader": self._reader}


def acknowledge_executions(machine: sfn.StateMachine, *, label: str) -> None:
    """Accept that a machine with such a Map may look at, stop and redrive its own executions."""
    for map_label in ("", label):
        finding = executions_finding(machine, seen_from=machine, label=map_label)
        acknowledge(machine, "AwsSolutions-IAM5", OF_ONE_MACHINE, finding)
