"""boto3 clients for an instance, as any user has them, and what its stacks say of themselves."""

from typing import Any

import boto3

from embedded_aws.instance import Instance


def client(of: Instance, service: str, **credentials: str) -> Any:
    """A client as the operator, or with the given aws_... credentials."""
    where = of.environment()
    keys = {
        "aws_access_key_id": where["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": where["AWS_SECRET_ACCESS_KEY"],
        **credentials,
    }
    make: Any = boto3.client
    return make(service, endpoint_url=where["AWS_ENDPOINT_URL"], region_name=where["AWS_REGION"], **keys)


def outputs(of: Instance, stack: str) -> dict[str, str]:
    (found,) = client(of, "cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}


def physical_ids(of: Instance, stack: str) -> dict[str, str]:
    found = client(of, "cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}
