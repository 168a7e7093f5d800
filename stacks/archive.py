"""Stage archive: studies that have become old go to Deep Archive, and come back when somebody asks for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_batch as batch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_logs_destinations as destinations
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from genomics.contracts import object_keys
from genomics.contracts.environment import (
    FindDueStudiesEnvironment,
    NoticeReadsEnvironment,
    NotifyEnvironment,
    RestoreEnvironment,
    StudyLedgerEnvironment,
)
from stacks.constructs.alarm_topic import AlarmTopic
from stacks.constructs.archive_tool import ArchiveTool
from stacks.constructs.dead_letters import undelivered_events
from stacks.constructs.deployment_outputs import offer
from stacks.constructs.log_group import log_group
from stacks.constructs.object_access import grant_delete, grant_read, grant_write
from stacks.constructs.python_function import PythonFunction
from stacks.constructs.run_ledger import RunLedger
from stacks.constructs.study_workflows import ArchiveWorkflow, RestoreFunctions, RestoreWorkflow, StudyJobs
from stacks.constructs.tool_image import ImageRegistry
from stacks.constructs.tool_job import ToolSize

# What a study consists of.
_ORIGINALS = (object_keys.RUN_FOLDERS, object_keys.INBOX, object_keys.STEPS)


@dataclass(frozen=True)
class ArchiveConfig:
    """Days count from an object's writing. `restore_tier` is S3's; restored tars can be read for `restored_days`.

    `owner` is told of studies that name none; `file_share_arns` are file shares of the sequencing bucket that the
    platform has not made; `alarm_email` hears what needs a person; `project` is a tag of each job.
    """

    project: str
    archive_after_days: int
    tar_gib: int
    part_mib: int
    job: ToolSize
    restore_tier: str
    restored_days: int
    owner: str | None
    file_share_arns: tuple[str, ...]
    alarm_email: str | None
    log_retention_days: int
    image_registry: ImageRegistry


class Archive(cdk.Stack):
    """The daily look for due studies, the tool, the state machines Archives and Restores, and who is told."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        sequencing: s3.IBucket,
        ledger: RunLedger,
        queue: batch.IJobQueue,
        file_share_arns: Sequence[str] = (),
        config: ArchiveConfig,
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, **stack)
        self._sequencing, self._ledger, self._config = sequencing, ledger, config
        self._requesters = AlarmTopic(
            self, "Requesters", description="Studies that are back from the archive", email=None
        )
        self._alarms = AlarmTopic(
            self, "Alarms", description="Archives and restores that need a person", email=config.alarm_email
        )
        self.dead_letters = undelivered_events(self)
        jobs = StudyJobs(self._tool(), queue, self._failure_recorder(), config.project)
        archives = ArchiveWorkflow(self, "Archives", jobs=jobs, log_retention_days=config.log_retention_days)
        restores = RestoreWorkflow(
            self,
            "Restores",
            jobs=jobs,
            functions=self._restore_functions(),
            file_share_arns=[*file_share_arns, *config.file_share_arns],
            log_retention_days=config.log_retention_days,
        )
        self._find_due_studies_daily(archives)
        self._go_on_when_tars_are_restored()
        self._record_what_has_stopped([archives.state_machine, restores.state_machine])
        self._watch({"Archives": archives.state_machine, "Restores": restores.state_machine})
        self.gateway_log = self._gateway_log(restores)
        offer(
            self,
            archive_state_machine_arn=archives.state_machine.state_machine_arn,
            restore_state_machine_arn=restores.state_machine.state_machine_arn,
            restore_topic_arn=self._requesters.topic.topic_arn,
            gateway_log_group=self.gateway_log.log_group_name,
        )

    def _tool(self) -> ArchiveTool:
        tool = ArchiveTool(
            self,
            "ArchiveStudy",
            size=self._config.job,
            ledger_table=self._ledger.table.table_name,
            log_retention_days=self._config.log_retention_days,
            image_registry=self._config.image_registry,
        )
        for grant in (grant_read, grant_write):
            grant(self._sequencing, tool.role, *_ORIGINALS, object_keys.ARCHIVES, object_keys.VCF_COPIES)
        # Originals and placeholders, version by version; and what it notes of uploads.
        grant_delete(self._sequencing, tool.role, *_ORIGINALS, object_keys.ARCHIVES)
        self._ledger.grant_update(tool.role)
        return tool

    def _failure_recorder(self) -> PythonFunction:
        environment = StudyLedgerEnvironment(ledger_table=self._ledger.table.table_name)
        function = self._function("record_failure", "Says why a study failed", environment.variables())
        self._grant_ledger(function)
        return function

    def _restore_functions(self) -> RestoreFunctions:
        functions = RestoreFunctions(
            begin_restore=self._waiting("begin_restore", "Asks S3 for a study's tars"),
            await_tars=self._waiting("await_tars", "Waits until a study's tars can be read"),
            notify_requesters=self._function(
                "notify_requesters",
                "Writes to those who asked for a study",
                self._notify_environment(),
            ),
        )
        self._grant_task_success(functions.await_tars.role)
        begin = functions.begin_restore.role
        grant_read(self._sequencing, begin, object_keys.STUDIES)
        grant_write(self._sequencing, begin, object_keys.ARCHIVES)
        begin.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:RestoreObject"], resources=[self._sequencing.arn_for_objects(f"{object_keys.ARCHIVES}*")]
            )
        )
        # Whoever asks is subscribed with their address, and confirms it while the tars are on their way.
        self._requesters.topic.grant_subscribe(begin)
        grant_read(self._sequencing, functions.notify_requesters.role, object_keys.ARCHIVES)
        self._grant_telling(functions.notify_requesters)
        return functions

    def _notify_environment(self) -> dict[str, str]:
        topic = self._requesters.topic.topic_arn
        return NotifyEnvironment(ledger_table=self._ledger.table.table_name, topic_arn=topic).variables()

    def _grant_telling(self, function: PythonFunction) -> None:
        self._requesters.grant_publish(function.role)
        self._grant_ledger(function)

    def _waiting(self, module: str, description: str) -> PythonFunction:
        """A function that looks after tars, and may let a restore's execution go on."""
        environment = RestoreEnvironment(
            sequencing_bucket=self._sequencing.bucket_name,
            ledger_table=self._ledger.table.table_name,
            topic_arn=self._requesters.topic.topic_arn,
            restore_tier=self._config.restore_tier,
            restored_days=self._config.restored_days,
            owner=self._config.owner or "",
        )
        function = self._function(module, description, environment.variables())
        grant_read(self._sequencing, function.role, object_keys.ARCHIVES)
        self._grant_ledger(function)
        return function

    def _find_due_studies_daily(self, archives: ArchiveWorkflow) -> None:
        machine = archives.state_machine
        environment = FindDueStudiesEnvironment(
            sequencing_bucket=self._sequencing.bucket_name,
            ledger_table=self._ledger.table.table_name,
            state_machine_arn=machine.state_machine_arn,
            archive_after_days=self._config.archive_after_days,
            tar_gib=self._config.tar_gib,
            part_mib=self._config.part_mib,
        )
        function = self._function(
            "find_due_studies", "Starts archives of old studies", environment.variables(), timeout_seconds=900
        )
        grant_read(
            self._sequencing, function.role, *_ORIGINALS, object_keys.RUNS, object_keys.STUDIES, object_keys.ARCHIVES
        )
        grant_write(self._sequencing, function.role, object_keys.ARCHIVES)
        self._grant_ledger(function)
        machine.grant_start_execution(function.role)
        events.Rule(
            self,
            "Daily",
            description="Looks for studies that are old enough to be archived",
            schedule=events.Schedule.cron(hour="2", minute="15"),
            targets=[self._target(function)],
        )

    def _go_on_when_tars_are_restored(self) -> None:
        function = self._waiting("tar_restored", "Lets a restore go on when its last tar can be read")
        self._grant_task_success(function.role)
        events.Rule(
            self,
            "TarsRestored",
            description="Tars that can be read by now",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Restore Completed"],
                detail={
                    "bucket": {"name": [self._sequencing.bucket_name]},
                    "object": {"key": [{"prefix": object_keys.ARCHIVES}]},
                },
            ),
            targets=[self._target(function)],
        )

    def _record_what_has_stopped(self, machines: Sequence[sfn.StateMachine]) -> None:
        function = self._function("record_stopped", "Says that a study's work has stopped", self._notify_environment())
        self._grant_telling(function)
        events.Rule(
            self,
            "Stopped",
            description="Archives and restores that have failed, or were stopped",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={
                    "stateMachineArn": [machine.state_machine_arn for machine in machines],
                    "status": ["FAILED", "ABORTED", "TIMED_OUT"],
                },
            ),
            targets=[self._target(function)],
        )

    def _watch(self, machines: Mapping[str, sfn.StateMachine]) -> None:
        """Tell of executions that end badly, and of events that reached no function."""
        undelivered = self.dead_letters.metric_approximate_number_of_messages_visible(statistic="Maximum")
        self._alarms.watch("Undelivered", "Events of the archive that reached no function", undelivered)
        for name, machine in machines.items():
            self._alarms.watch(f"{name}Failed", f"{name} that have failed", machine.metric_failed(statistic="Sum"))
            timed_out = machine.metric_timed_out(statistic="Sum")
            self._alarms.watch(f"{name}TimedOut", f"{name} that have timed out", timed_out)

    def _gateway_log(self, restores: RestoreWorkflow) -> logs.LogGroup:
        """Where the file gateway is to write its health log; a placeholder that it cannot read starts a restore."""
        machine = restores.state_machine
        environment = NoticeReadsEnvironment(
            sequencing_bucket=self._sequencing.bucket_name, state_machine_arn=machine.state_machine_arn
        )
        function = self._function("notice_reads", "Starts restores of studies that are read", environment.variables())
        grant_read(self._sequencing, function.role, *_ORIGINALS)
        machine.grant_start_execution(function.role)
        group = log_group(self, "GatewayLog", retention_days=self._config.log_retention_days)
        logs.SubscriptionFilter(
            self,
            "PlaceholderReads",
            log_group=group,
            destination=destinations.LambdaDestination(function.function),
            filter_pattern=logs.FilterPattern.string_value("$.type", "=", "InaccessibleStorageClass"),
        )
        return group

    def _target(self, function: PythonFunction) -> targets.LambdaFunction:
        return targets.LambdaFunction(
            function.function,
            dead_letter_queue=self.dead_letters,
            retry_attempts=8,
            max_event_age=cdk.Duration.hours(6),
        )

    def _grant_task_success(self, role: iam.Role) -> None:
        # A waiting task is named by its token, which nobody can guess and no policy can name.
        role.add_to_policy(iam.PolicyStatement(actions=["states:SendTaskSuccess"], resources=["*"]))

    def _grant_ledger(self, function: PythonFunction) -> None:
        self._ledger.grant_read(function.role)
        self._ledger.grant_update(function.role)

    def _function(
        self, module: str, description: str, environment: Mapping[str, str], *, timeout_seconds: int = 300
    ) -> PythonFunction:
        return PythonFunction(
            self,
            f"{module.title().replace('_', '')}Function",
            stage="archive",
            module=module,
            description=description,
            environment=environment,
            timeout_seconds=timeout_seconds,
            log_retention_days=self._config.log_retention_days,
        )
