"""Where a stage tells people that something needs them."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.constructs.findings import acknowledge


class AlarmTopic(Construct):
    """`topic`, encrypted with a key that CloudWatch's alarms may use too; `email`, if given, hears it."""

    def __init__(self, scope: Construct, construct_id: str, *, description: str, email: str | None) -> None:
        super().__init__(scope, construct_id)
        self._key = kms.Key(
            self,
            "Key",
            description=description,
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self.topic = sns.Topic(self, "Topic", display_name=description, master_key=self._key, enforce_ssl=True)
        alarms = iam.ServicePrincipal(
            "cloudwatch.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}}
        )
        self._key.grant_encrypt_decrypt(alarms)
        # A topic with a policy, which here asks for TLS, lets in nobody but whom the policy names.
        self.topic.grant_publish(alarms)
        if email:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))

    def watch(self, construct_id: str, description: str, metric: cloudwatch.IMetric) -> None:
        """Tell it when the metric's sum or maximum of a period is 1 or more."""
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            alarm_description=description,
            metric=metric,
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))

    def watch_anomaly(
        self, construct_id: str, description: str, metric: cloudwatch.IMetric, *, std_devs: float, periods: int
    ) -> None:
        """Tell it when the metric lies above what CloudWatch expects from the weeks before, `periods` times in a row.

        The band about the expected value is `std_devs` standard deviations wide on each side.
        """
        alarm = cloudwatch.AnomalyDetectionAlarm(
            self,
            construct_id,
            alarm_description=description,
            metric=metric,
            std_devs=std_devs,
            evaluation_periods=periods,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_UPPER_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))

    def tell_of(self, rule: events.Rule, message: str, *, dead_letters: sqs.IQueue) -> None:
        """Send it `message`, which may hold EventFields, for each of the rule's events."""
        # Without a condition, as in SNS's guide, "Enable compatibility between event sources from AWS services and
        # encrypted topics": which rules may publish is for the topic's own policy to say.
        self._key.grant(iam.ServicePrincipal("events.amazonaws.com"), "kms:Decrypt", "kms:GenerateDataKey")
        target = targets.SnsTopic(
            self.topic, message=events.RuleTargetInput.from_text(message), dead_letter_queue=dead_letters
        )
        rule.add_target(target)

    def grant_publish(self, role: iam.Role) -> None:
        """Let the role tell it something."""
        self.topic.grant_publish(role)
        self._key.grant_encrypt_decrypt(role)
        reason = "The key's grant names both families of calls, on this one key."
        acknowledge(role, "AwsSolutions-IAM5", reason, "Action::kms:ReEncrypt*", "Action::kms:GenerateDataKey*")
