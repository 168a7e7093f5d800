"""The rules by which Step Functions learns of the end of what a `.sync` Task has started.

It makes them when a state machine is created or updated, as that machine's role.
"""

from collections.abc import Mapping
from typing import Any

from moto.core.exceptions import AWSError

from embedded_aws.context import Context
from embedded_aws.guard import Patch
from embedded_aws.iam import authorization, identity
from embedded_aws.iam.denials import AccessDeniedError
from embedded_aws.requests import Access

_BACKEND = "moto.stepfunctions.parser.models:StepFunctionsParserBackend"
_CREATE = Patch(f"{_BACKEND}.create_state_machine", "dc56ec54216f7b97")
_UPDATE = Patch(f"{_BACKEND}.update_state_machine", "03b6b2ec8ffdfbb0")
PATCHES = (_CREATE, _UPDATE)

# Step Functions Developer Guide, "Run AWS Batch workloads with Step Functions" and "Start a new AWS Step Functions
# state machine from a running execution": IAM policies. Those of Glue name no rule: its runs are polled.
_RULES: Mapping[str, str] = {
    ":::batch:submitJob.sync": "StepFunctionsGetEventsForBatchJobsRule",
    ":::states:startExecution.sync": "StepFunctionsGetEventsForStepFunctionsExecutionRule",
}
_ACTIONS = ("events:PutTargets", "events:PutRule", "events:DescribeRule")


class ManagedRuleRefusedError(AWSError):
    """The role may not make the rule."""

    TYPE = "AccessDeniedException"
    STATUS = 400


def install(context: Context) -> None:
    """Refuse state machines whose roles may not make the rules that they need."""

    def create(backend: Any, name: str, definition: str, roleArn: str, *rest: Any, **more: Any) -> Any:  # noqa: N803
        _require(context, roleArn, definition)
        return original_create(backend, name, definition, roleArn, *rest, **more)

    def update(backend: Any, arn: str, definition: Any = None, role_arn: Any = None, *rest: Any, **more: Any) -> Any:
        machine = backend.describe_state_machine(arn)
        _require(context, role_arn or machine.roleArn, definition or machine.definition)
        return original_update(backend, arn, definition, role_arn, *rest, **more)

    original_create = _CREATE.apply(create)
    original_update = _UPDATE.apply(update)


def _require(context: Context, role_arn: str, definition: str) -> None:
    for resource, name in _RULES.items():
        if resource in definition:
            rule = context.arn("events", f"rule/{name}")
            caller = identity.role(role_arn, "states")
            try:
                authorization.require(caller, [Access(action, rule) for action in _ACTIONS], by="states")
            except AccessDeniedError as error:
                raise ManagedRuleRefusedError(f"'{role_arn}' is not authorized to create managed-rule.") from error
