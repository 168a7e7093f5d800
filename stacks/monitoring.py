"""Stage monitoring: what runs, loads and jobs come to can be seen at a glance, and what needs a person is mailed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_batch as batch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from genomics.contracts.environment import RecordExecutionEnvironment, RecordJobEnvironment
from genomics.contracts.events import SIGN_OFF_AWAITED, SOURCE
from genomics.contracts.monitoring import JobMetric
from stacks.constructs.alarm_topic import AlarmTopic
from stacks.constructs.dead_letters import undelivered_events
from stacks.constructs.deployment_outputs import offer
from stacks.constructs.load_checks import Notice
from stacks.constructs.python_function import PythonFunction
from stacks.constructs.run_dashboard import RunDashboard
from stacks.constructs.run_ledger import RunLedger
from stacks.constructs.workflow import grant_describe_executions

# A run with many samples may have 50,000 steps to end in the ledger.
_STOPPED_SECONDS = 900
# What CloudWatch has learnt of the weeks before is rough; three times in a row above a wide band is no chance.
_BAND_STD_DEVS, _BAND_PERIODS = 3.0, 3


@dataclass(frozen=True)
class MonitoringConfig:
    """`project` is a dimension of the jobs' metrics; `alarm_email` hears what needs a person.

    Jobs' cost is estimated from `usd_per_vcpu_hour`.
    """

    project: str
    alarm_email: str | None
    usd_per_vcpu_hour: float
    log_retention_days: int


@dataclass(frozen=True)
class Machines:
    """The state machines that are watched: of runs, of loads into the lake, and of demultiplexings."""

    runs: sfn.StateMachine
    loads: sfn.StateMachine
    demultiplexings: sfn.StateMachine


class Monitoring(cdk.Stack):
    """The dashboard, the alarms, and the two functions that record what Batch and Step Functions say of ends."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        machines: Machines,
        queues: Sequence[batch.JobQueue],
        dead_letters: Mapping[str, sqs.IQueue],
        notices: Mapping[str, Notice],
        watched: Sequence[cdk.Stack],
        ledger: RunLedger,
        sequencing: s3.IBucket,
        config: MonitoringConfig,
        **stack: Any,
    ) -> None:
        """The first of `queues` has most jobs, and so the alarms on them. `dead_letters` are by their titles, `notices`
        of other stages by the names of their rules.

        The functions of the `watched` stacks are on the dashboard.
        """
        super().__init__(scope, construct_id, **stack)
        self._machines, self._queues, self._config = machines, queues, config
        self._alarms = AlarmTopic(self, "Alarms", description="Runs that need a person", email=config.alarm_email)
        self._undelivered = undelivered_events(self)
        self._record_jobs()
        record = self._record_executions(ledger)
        self._tell_of_stopped(record)
        self._tell_of_redriven(record)
        self._tell_of_sign_offs(sequencing)
        for name, notice in notices.items():
            rule = events.Rule(self, name, description=notice.description, event_pattern=notice.pattern)
            self._alarms.tell_of(rule, notice.message, dead_letters=self._undelivered)
        letters = {**dead_letters, "Events to record": self._undelivered}
        page = RunDashboard(
            self,
            "Page",
            project=config.project,
            machines={"Runs": machines.runs, "Loads": machines.loads},
            functions=[each for stack in (*watched, self) for each in PythonFunction.in_stack(stack)],
            dead_letters=letters,
        )
        self._watch(page, letters)
        offer(self, dashboard=page.dashboard.dashboard_name, alarm_topic_arn=self._alarms.topic.topic_arn)

    def _record_jobs(self) -> None:
        environment = RecordJobEnvironment(
            project=self._config.project, usd_per_vcpu_hour=self._config.usd_per_vcpu_hour
        )
        function = self._function("record_job", "Writes the metrics of a job that has ended", environment.variables())
        events.Rule(
            self,
            "JobsEnded",
            description="Jobs of this deployment that have ended",
            event_pattern=events.EventPattern(
                source=["aws.batch"],
                detail_type=["Batch Job State Change"],
                detail={
                    "jobQueue": [queue.job_queue_arn for queue in self._queues],
                    "status": ["SUCCEEDED", "FAILED"],
                },
            ),
            targets=[self._target(function)],
        )

    def _record_executions(self, ledger: RunLedger) -> PythonFunction:
        environment = RecordExecutionEnvironment(
            ledger_table=ledger.table.table_name, load_state_machine_arn=self._machines.loads.state_machine_arn
        )
        function = self._function(
            "record_execution", "Ends in the ledger what a stopped run has left open", environment.variables()
        )
        ledger.grant_read(function.role)
        ledger.grant_update(function.role)
        for machine in (self._machines.runs, self._machines.loads, self._machines.demultiplexings):
            grant_describe_executions(machine, function.role)
        return function

    def _tell_of_stopped(self, record: PythonFunction) -> None:
        """Mail, and bring the ledger to what is so, for each execution that ends otherwise than well."""
        field = events.EventField.from_path
        cause, status = field("$.detail.cause"), field("$.detail.status")
        name = field("$.detail.name")
        messages = {
            "Runs": f"Run {name}: {status}. {cause} (`genomics status {name}` shows where it stands.)",
            "Loads": f"Loading a run into the lake: {status}. {cause} It was started with {field('$.detail.input')}",
            "Demultiplexings": f"Demultiplexing {name}: {status}. {cause} (`genomics status {name}` says more.)",
        }
        machines = {
            "Runs": self._machines.runs,
            "Loads": self._machines.loads,
            "Demultiplexings": self._machines.demultiplexings,
        }
        for title, machine in machines.items():
            rule = events.Rule(
                self,
                f"{title}Stopped",
                description=f"{title} that have failed, timed out or were stopped",
                event_pattern=_status_changes([machine], status=["FAILED", "TIMED_OUT", "ABORTED"]),
                targets=[self._target(record)],
            )
            self._alarms.tell_of(rule, messages[title], dead_letters=self._undelivered)

    def _tell_of_redriven(self, record: PythonFunction) -> None:
        """Bring the ledger to what is so when an execution goes on, whoever has redriven it, and from where."""
        redriven = events.Match.greater_than(0)
        events.Rule(
            self,
            "Redriven",
            description="Runs and demultiplexings that go on after they had ended",
            event_pattern=_status_changes(
                [self._machines.runs, self._machines.demultiplexings], status=["RUNNING"], redriveCount=redriven
            ),
            targets=[self._target(record)],
        )

    def _tell_of_sign_offs(self, sequencing: s3.IBucket) -> None:
        """Mail that a run's results await somebody's decision."""
        rule = events.Rule(
            self,
            "SignOffsAwaited",
            description="Runs that a person has to sign off",
            event_pattern=events.EventPattern(
                source=[SOURCE],
                detail_type=[SIGN_OFF_AWAITED],
                # The bus is shared by all deployments of the account; the results' bucket tells whose run it is.
                detail={"results": [{"prefix": f"s3://{sequencing.bucket_name}/"}]},
            ),
        )
        run, study, results, until = (
            events.EventField.from_path(f"$.detail.{name}") for name in ("run_id", "study", "results", "until")
        )
        message = (
            f"Run {run} of study {study} awaits its sign-off until {until}. `genomics status {run}` shows its samples; "
            f"their reports are listed in {results}. Decide with `genomics sign-off {run} --approve --by NAME --reason "
            f"TEXT`, or with --reject. If nobody does, it ends FAILED, and `genomics redrive {run}` asks again."
        )
        self._alarms.tell_of(rule, message, dead_letters=self._undelivered)

    def _watch(self, page: RunDashboard, queues: Mapping[str, sqs.IQueue]) -> None:
        for title, queue in queues.items():
            depth = queue.metric_approximate_number_of_messages_visible(statistic="Maximum")
            self._alarms.watch(f"{title.title().replace(' ', '')}NotEmpty", f"{title}: dead letters", depth)
        unusual = {
            "Runs take longer than they used to": self._machines.runs.metric_time(statistic="p95"),
            "More jobs fail than used to": page.job_metric(JobMetric.FAILED, self._queues[0], "Sum"),
        }
        for description, metric in unusual.items():
            self._alarms.watch_anomaly(
                description.title().replace(" ", ""),
                description,
                metric.with_(period=cdk.Duration.hours(1)),
                std_devs=_BAND_STD_DEVS,
                periods=_BAND_PERIODS,
            )

    def _target(self, function: PythonFunction) -> targets.LambdaFunction:
        return targets.LambdaFunction(
            function.function,
            dead_letter_queue=self._undelivered,
            retry_attempts=8,
            max_event_age=cdk.Duration.hours(6),
        )

    def _function(self, module: str, description: str, environment: Mapping[str, str]) -> PythonFunction:
        return PythonFunction(
            self,
            f"{module.title().replace('_', '')}Function",
            stage="monitoring",
            module=module,
            description=description,
            environment=environment,
            timeout_seconds=_STOPPED_SECONDS,
            log_retention_days=self._config.log_retention_days,
        )


def _status_changes(machines: Sequence[sfn.IStateMachine], **detail: Any) -> events.EventPattern:
    """Executions of these machines whose status has become what `detail` says."""
    return events.EventPattern(
        source=["aws.states"],
        detail_type=["Step Functions Execution Status Change"],
        detail={"stateMachineArn": [machine.state_machine_arn for machine in machines], **detail},
    )
