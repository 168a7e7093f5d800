"""The table that says what ran, what was skipped and why (genomics.contracts.ledger)."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from genomics.contracts.ledger import PARTITION_KEY, SORT_KEY
from stacks.constructs.findings import acknowledge


class RunLedger(Construct):
    """`table`, encrypted with its own key, restorable to any second of the last 35 days."""

    def __init__(self, scope: Construct, construct_id: str, *, disposable: bool) -> None:
        super().__init__(scope, construct_id)
        removal_policy = cdk.RemovalPolicy.DESTROY if disposable else cdk.RemovalPolicy.RETAIN
        self.key = kms.Key(
            self, "Key", description="Run ledger", enable_key_rotation=True, removal_policy=removal_policy
        )
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name=PARTITION_KEY, type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name=SORT_KEY, type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=self.key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=not disposable,
            removal_policy=removal_policy,
        )

    def grant_update(self, role: iam.Role) -> None:
        """Let the role set fields of entries."""
        self.table.grant(role, "dynamodb:UpdateItem")
        self._grant_key(role)

    def grant_read(self, role: iam.Role) -> None:
        """Let the role read entries."""
        self.table.grant(role, "dynamodb:GetItem", "dynamodb:Query")
        self._grant_key(role)

    def _grant_key(self, role: iam.Role) -> None:
        self.key.grant_encrypt_decrypt(role)
        reason = "The key's grant names both families of calls, on this one key."
        acknowledge(role, "AwsSolutions-IAM5", reason, "Action::kms:ReEncrypt*", "Action::kms:GenerateDataKey*")
