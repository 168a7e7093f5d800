"""Stage transfer: run folders come from the lab's landing folder into S3, and are reconciled with what was sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from genomics.contracts import object_keys
from genomics.contracts.environment import ReconcileEnvironment, SweepTransfersEnvironment
from stacks.constructs.alarm_topic import AlarmTopic
from stacks.constructs.deployment_outputs import offer
from stacks.constructs.event_queue import EventQueue
from stacks.constructs.findings import acknowledge, resource_finding
from stacks.constructs.landing_task import Landing, LandingTask, TransferOptions
from stacks.constructs.object_access import grant_read, grant_write
from stacks.constructs.python_function import PythonFunction
from stacks.constructs.run_ledger import RunLedger
from stacks.constructs.tracker_access import TrackerAccess

# All that a function can have: a run of 1.4 million files takes a third of it.
_RECONCILE_SECONDS = 900
_SWEEP_MINUTES = 15


@dataclass(frozen=True)
class TransferConfig:
    """`tracker_trust_anchor` lets the run tracker in (see TrackerAccess); without it, the lab brings credentials."""

    landing: Landing
    options: TransferOptions
    tracker_trust_anchor: str | None
    tracker_certificate_name: str
    alarm_email: str | None
    log_retention_days: int


class Transfer(cdk.Stack):
    """A DataSync task for the landing folder, and what follows each of its executions; it ends in `RunTransferred`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        sequencing: s3.IBucket,
        ledger: RunLedger,
        config: TransferConfig,
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, **stack)
        self._sequencing, self._ledger, self._config = sequencing, ledger, config
        self._task = LandingTask(
            self,
            "LandingTask",
            landing=config.landing,
            bucket=sequencing,
            options=config.options,
            log_retention_days=config.log_retention_days,
        )
        self._alarms = AlarmTopic(self, "Alarms", description="Transfers that need a person", email=config.alarm_email)
        ends = self._ends()
        self.dead_letters = ends.dead_letters
        ends.feed(self._reconcile().function, batch_size=1)
        self._sweep(ends)
        self._watch(ends)
        offer(self, transfer_task_arn=self._task.task_arn, transfer_alarm_topic_arn=self._alarms.topic.topic_arn)
        if config.tracker_trust_anchor:
            self._let_tracker_in(config.tracker_trust_anchor)

    def _ends(self) -> EventQueue:
        return EventQueue(
            self,
            "Ends",
            pattern=events.EventPattern(
                source=["aws.datasync"],
                detail_type=["DataSync Task Execution State Change"],
                resources=events.Match.prefix(f"{self._task.task_arn}/"),
                detail={"State": ["SUCCESS", "ERROR"]},
            ),
            description="Executions of the landing task that have ended",
            function_timeout_seconds=_RECONCILE_SECONDS,
        )

    def _reconcile(self) -> PythonFunction:
        environment = ReconcileEnvironment(
            sequencing_bucket=self._sequencing.bucket_name,
            ledger_table=self._ledger.table.table_name,
            alarm_topic_arn=self._alarms.topic.topic_arn,
        )
        reconcile = self._function(
            "reconcile",
            "Compares what was transferred with what was to be",
            environment.variables(),
            timeout_seconds=_RECONCILE_SECONDS,
            memory_mib=1769,
        )
        grant_read(self._sequencing, reconcile.role, object_keys.MANIFESTS, object_keys.TRANSFER_REPORTS)
        grant_write(self._sequencing, reconcile.role, object_keys.TRANSFERS)
        self._ledger.grant_update(reconcile.role)
        self._grant_executions(reconcile.role, "datasync:DescribeTaskExecution", "datasync:ListTagsForResource")
        events.EventBus.from_event_bus_name(self, "DefaultBus", "default").grant_put_events_to(reconcile.role)
        self._alarms.grant_publish(reconcile.role)
        return reconcile

    def _sweep(self, ends: EventQueue) -> None:
        environment = SweepTransfersEnvironment(
            task_arn=self._task.task_arn,
            ledger_table=self._ledger.table.table_name,
            queue_url=ends.queue.queue_url,
        )
        sweep = self._function(
            "sweep", "Finds executions whose end was not reconciled", environment.variables(), timeout_seconds=300
        )
        ends.queue.grant_send_messages(sweep.role)
        self._ledger.grant_read(sweep.role)
        self._grant_executions(sweep.role, "datasync:ListTagsForResource")
        sweep.role.add_to_policy(
            iam.PolicyStatement(actions=["datasync:ListTaskExecutions"], resources=[self._task.task_arn])
        )
        events.Rule(
            self,
            "SweepSchedule",
            description="Executions whose event was lost",
            schedule=events.Schedule.rate(cdk.Duration.minutes(_SWEEP_MINUTES)),
            targets=[targets.LambdaFunction(sweep.function)],
        )

    def _watch(self, ends: EventQueue) -> None:
        self._alarms.watch(
            "Unreconciled",
            "Ends of transfers that could not be reconciled, in the dead-letter queue",
            ends.dead_letters.metric_approximate_number_of_messages_visible(statistic="Maximum"),
        )

    def _let_tracker_in(self, trust_anchor: str) -> None:
        access = TrackerAccess(
            self,
            "Tracker",
            trust_anchor=trust_anchor,
            certificate_name=self._config.tracker_certificate_name,
            bucket=self._sequencing,
            task=self._task,
        )
        # The tracker has alarms of its own: what is unsent for too long, a landing folder that fills up.
        self._alarms.grant_publish(access.role)
        offer(
            self,
            tracker_role_arn=access.role.role_arn,
            tracker_profile_arn=access.profile_arn,
            tracker_trust_anchor_arn=access.trust_anchor_arn,
        )

    def _grant_executions(self, role: iam.Role, *names: str) -> None:
        arns = self._task.execution_arns
        role.add_to_policy(iam.PolicyStatement(actions=list(names), resources=[arns]))
        reason = "Executions get their ids when they are started; these are of this one task."
        acknowledge(role, "AwsSolutions-IAM5", reason, resource_finding(arns, seen_from=self))

    def _function(
        self,
        module: str,
        description: str,
        environment: Mapping[str, str],
        *,
        timeout_seconds: int,
        memory_mib: int = 512,
    ) -> PythonFunction:
        return PythonFunction(
            self,
            f"{module.capitalize()}Function",
            stage="transfer",
            module=module,
            description=description,
            environment=environment,
            timeout_seconds=timeout_seconds,
            memory_mib=memory_mib,
            log_retention_days=self._config.log_retention_days,
        )
