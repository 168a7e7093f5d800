"""Interactive sessions of Glue for analysts: the role that a session has, and the policy of those who may start one."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from genomics.contracts import object_keys
from stacks.constructs.findings import acknowledge, resource_finding
from stacks.constructs.glue_security import GlueSecurity
from stacks.constructs.lake_table import catalog_arns
from stacks.constructs.object_access import grant_delete, grant_read, grant_write

_READ_CATALOG = (
    "glue:GetDatabase",
    "glue:GetDatabases",
    "glue:GetTable",
    "glue:GetTables",
    "glue:GetPartition",
    "glue:GetPartitions",
    "glue:BatchGetPartition",
)
# https://docs.aws.amazon.com/glue/latest/dg/glue-is-security.html: what who uses sessions needs.
_USE_SESSIONS = (
    "glue:CreateSession",
    "glue:GetSession",
    "glue:StopSession",
    "glue:DeleteSession",
    "glue:RunStatement",
    "glue:GetStatement",
    "glue:ListStatements",
    "glue:CancelStatement",
)


class SessionRole(Construct):
    """`role` reads all tables of the `databases`, and writes below `sessions/` of the data lake, nowhere else.

    `users` is the policy to attach to analysts: they may start sessions that have the role, and pass it to Glue alone.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        databases: Sequence[glue.Database],
        data_lake: s3.IBucket,
        security: GlueSecurity,
    ) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("glue.amazonaws.com"),
            description="Interactive sessions: reads the lake's tables",
        )
        grant_read(data_lake, self.role, object_keys.TABLES, object_keys.TENANTS, object_keys.SESSIONS)
        grant_write(data_lake, self.role, object_keys.SESSIONS)
        grant_delete(data_lake, self.role, object_keys.SESSIONS)
        security.grant(self.role, "sessions")
        for database in databases:
            self._grant_catalog(database)
        self.users = self._users_policy()

    def _grant_catalog(self, database: glue.Database) -> None:
        arns = catalog_arns(database, ["*"])
        self.role.add_to_policy(iam.PolicyStatement(actions=list(_READ_CATALOG), resources=arns))
        acknowledge(
            self.role,
            "AwsSolutions-IAM5",
            "Every table of the database may be read, those too that are yet to be made.",
            resource_finding(arns[-1], seen_from=self.role),
        )

    def _users_policy(self) -> iam.ManagedPolicy:
        sessions = cdk.Stack.of(self).format_arn(service="glue", resource="session", resource_name="*")
        policy = iam.ManagedPolicy(
            self,
            "Users",
            description="Starts interactive sessions of Glue that read the lake",
            statements=[
                iam.PolicyStatement(actions=list(_USE_SESSIONS), resources=[sessions]),
                iam.PolicyStatement(
                    actions=["iam:PassRole"],
                    resources=[self.role.role_arn],
                    conditions={"StringEquals": {"iam:PassedToService": "glue.amazonaws.com"}},
                ),
            ],
        )
        acknowledge(
            policy,
            "AwsSolutions-IAM5",
            "Whoever starts a session gives it its name; what a session may do is for its role to say.",
            resource_finding(sessions, seen_from=policy),
        )
        return policy
