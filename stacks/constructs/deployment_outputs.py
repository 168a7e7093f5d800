"""What a stack offers to those outside the deployment (genomics.contracts.deployment)."""

from dataclasses import fields

import aws_cdk as cdk

from genomics.contracts.deployment import Deployment, output_name


def offer(stack: cdk.Stack, **values: str) -> None:
    """Put fields of `Deployment` among the stack's outputs."""
    known = {field.name for field in fields(Deployment)}
    for field, value in values.items():
        if field not in known:
            raise ValueError(f"a deployment has no field {field}; it has {', '.join(sorted(known))}")
        cdk.CfnOutput(stack, f"Output{output_name(field)}", value=value).override_logical_id(output_name(field))
