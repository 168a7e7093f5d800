"""A service of the lab's own, the LIMS or the ticket system, which functions tell something by REST."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam


@dataclass(frozen=True)
class LabService:
    """`secret` is the name or the ARN of the secret that holds its token; `key_arn` of the KMS key, if it has its own.

    The functions that speak to it are in no VPC, so that it needs no way out of one; it must be reachable from there.
    """

    url: str
    secret: str
    key_arn: str | None = None

    def grant_token(self, role: iam.Role) -> None:
        """Let the role read the token, and nothing else."""
        arn = self.secret
        if not arn.startswith("arn:"):
            # Secrets Manager ends the ARN of each secret with six characters of its own.
            arn = cdk.Stack.of(role).format_arn(
                service="secretsmanager",
                resource="secret",
                resource_name=f"{self.secret}-??????",
                arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
            )
        role.add_to_policy(iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[arn]))
        if self.key_arn:
            role.add_to_policy(iam.PolicyStatement(actions=["kms:Decrypt"], resources=[self.key_arn]))
