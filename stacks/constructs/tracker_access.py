"""What the run tracker on the lab's machine may do, and how it gets in: by a certificate, without a long-lived key."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rolesanywhere as rolesanywhere
from aws_cdk import aws_s3 as s3
from constructs import Construct

from genomics.contracts import object_keys
from stacks.constructs.findings import acknowledge, resource_finding
from stacks.constructs.landing_task import LandingTask
from stacks.constructs.object_access import grant_write

_SESSION_HOURS = 1


class TrackerAccess(Construct):
    """A `role` for IAM Roles Anywhere; its ARN, `profile_arn` and `trust_anchor_arn` go into the lab's configuration.

    `trust_anchor` is the ARN of one that exists, or the certificates (PEM) of the authority to be trusted. Only a
    certificate whose common name is `certificate_name` gets in.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        trust_anchor: str,
        certificate_name: str,
        bucket: s3.IBucket,
        task: LandingTask,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        self.trust_anchor_arn = trust_anchor if trust_anchor.startswith("arn:") else self._anchor(trust_anchor)
        self.role = role = iam.Role(
            self,
            "Role",
            max_session_duration=cdk.Duration.hours(_SESSION_HOURS),
            assumed_by=iam.SessionTagsPrincipal(
                iam.ServicePrincipal(
                    "rolesanywhere.amazonaws.com",
                    conditions={
                        "StringEquals": {"aws:PrincipalTag/x509Subject/CN": certificate_name},
                        "ArnEquals": {"aws:SourceArn": self.trust_anchor_arn},
                    },
                )
            ),
        )
        trust = role.assume_role_policy
        assert trust is not None  # noqa: S101 every role has one
        trust.add_statements(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("rolesanywhere.amazonaws.com")],
                actions=["sts:SetSourceIdentity"],
                conditions={"ArnEquals": {"aws:SourceArn": self.trust_anchor_arn}},
            )
        )
        grant_write(bucket, role, object_keys.MANIFESTS)
        # Whose a manifest is that lies there already.
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:GetObject"], resources=[bucket.arn_for_objects(f"{object_keys.MANIFESTS}*")]
            )
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["datasync:StartTaskExecution", "datasync:ListTaskExecutions"], resources=[task.task_arn]
            )
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["datasync:DescribeTaskExecution", "datasync:ListTagsForResource", "datasync:TagResource"],
                resources=[task.execution_arns],
            )
        )
        acknowledge(
            role,
            "AwsSolutions-IAM5",
            "Executions get their ids when they are started; all of this one task are the tracker's.",
            resource_finding(task.execution_arns, seen_from=self),
        )
        profile = rolesanywhere.CfnProfile(
            self,
            "Profile",
            name=f"{stack.stack_name}-run-tracker",
            role_arns=[role.role_arn],
            enabled=True,
            duration_seconds=_SESSION_HOURS * 3600,
        )
        self.profile_arn = profile.attr_profile_arn

    def _anchor(self, certificates: str) -> str:
        anchor = rolesanywhere.CfnTrustAnchor(
            self,
            "Anchor",
            name=f"{cdk.Stack.of(self).stack_name}-run-tracker",
            enabled=True,
            source=rolesanywhere.CfnTrustAnchor.SourceProperty(
                source_type="CERTIFICATE_BUNDLE",
                source_data=rolesanywhere.CfnTrustAnchor.SourceDataProperty(x509_certificate_data=certificates),
            ),
        )
        return anchor.attr_trust_anchor_arn
