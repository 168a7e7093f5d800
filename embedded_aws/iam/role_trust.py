"""Services look, when they are handed a role, whether its trust policy lets them assume it.

Others find out when they need it: `authorization.require` asks `sts:AssumeRole` for them then.
"""

from collections.abc import Callable, Iterable, Mapping

from embedded_aws.iam.denials import Refusal
from embedded_aws.requests import Access

# Lambda Developer Guide, "Troubleshoot execution issues"; Step Functions API Reference, "CreateStateMachine"; AWS Glue
# User Guide, "Troubleshooting errors".
_REFUSALS: Mapping[str, Refusal] = {
    "lambda.amazonaws.com": Refusal(
        "InvalidParameterValue", "The role defined for the function cannot be assumed by Lambda.", 400
    ),
    "states.amazonaws.com": Refusal(
        "AccessDenied",
        "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the "
        "provided role.",
        400,
    ),
    "glue.amazonaws.com": Refusal(
        "InvalidInput", "Service is unable to assume provided role. Please verify role's TrustPolicy", 400
    ),
    "sagemaker.amazonaws.com": Refusal(
        "Validation",
        "Could not assume the role. Please ensure that the role exists and allows principal 'sagemaker.amazonaws.com' "
        "to assume the role.",
        400,
    ),
}


def refusal(asked: Iterable[Access], trusts: Callable[[str, str], bool]) -> Refusal | None:
    """How a request is refused that passes a role to a service which `trusts(role_arn, service)` does not cover."""
    for access in asked:
        if access.action == "iam:PassRole":
            service = access.keys["iam:passedtoservice"][0]
            if service in _REFUSALS and not trusts(access.resource, service):
                return _REFUSALS[service]
    return None
