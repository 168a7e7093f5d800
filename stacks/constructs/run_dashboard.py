"""The one page that shows how runs, loads, jobs, functions and queues are doing."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_batch as batch
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from genomics.contracts.monitoring import NAMESPACE, PROJECT, QUEUE, TOOL, JobMetric
from genomics.contracts.steps import Step
from stacks.constructs.python_function import PythonFunction

_FULL_WIDTH = 24
_FIVE_MINUTES, _DAY = cdk.Duration.minutes(5), cdk.Duration.days(1)


class RunDashboard(Construct):
    """`dashboard`, a row for each of: executions, durations, jobs by queue, jobs by tool, cost, functions and queues.

    Job queues and tools are found by the metrics that there are: one that is new shows up without a deployment.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: str,
        machines: Mapping[str, sfn.IStateMachine],
        functions: Sequence[PythonFunction],
        dead_letters: Mapping[str, sqs.IQueue],
    ) -> None:
        super().__init__(scope, construct_id)
        self._project = project
        self.dashboard = cloudwatch.Dashboard(self, "Dashboard", default_interval=cdk.Duration.days(7))
        self.dashboard.add_widgets(*(_executions(name, machine) for name, machine in machines.items()))
        self.dashboard.add_widgets(*(_durations(name, machine) for name, machine in machines.items()))
        self.dashboard.add_widgets(*self._jobs_by_queue())
        self.dashboard.add_widgets(*self._jobs_by_tool())
        self.dashboard.add_widgets(*self._costs())
        self.dashboard.add_widgets(_errors(functions), _depths(dead_letters))

    def job_metric(self, metric: JobMetric, queue: batch.IJobQueue, statistic: str) -> cloudwatch.Metric:
        """A metric of the jobs in a queue."""
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=metric.value,
            dimensions_map={PROJECT: self._project, QUEUE: queue.job_queue_name},
            statistic=statistic,
            label=f"{metric.value} {statistic}",
        )

    def _jobs_by_queue(self) -> list[cloudwatch.GraphWidget]:
        counts = {
            "succeeded": JobMetric.SUCCEEDED,
            "failed": JobMetric.FAILED,
            "Spot interruptions": JobMetric.SPOT_INTERRUPTIONS,
        }
        ended = [self._found(QUEUE, metric, "Sum", label) for label, metric in counts.items()]
        wait = [self._found(QUEUE, JobMetric.WAIT, statistic, statistic) for statistic in ("p50", "p95")]
        return [
            _graph("Jobs that ended, by queue", ended, of=2),
            _graph("Jobs' wait for a machine by queue, seconds", wait, of=2),
        ]

    def _jobs_by_tool(self) -> list[cloudwatch.GraphWidget]:
        shown = {
            "Failed jobs by tool": (JobMetric.FAILED, "Sum"),
            "Spot interruptions by tool": (JobMetric.SPOT_INTERRUPTIONS, "Sum"),
            "Run time by tool, p95, seconds": (JobMetric.RUN, "p95"),
        }
        return [_graph(title, [self._found(TOOL, *metric)], of=len(shown)) for title, metric in shown.items()]

    def _costs(self) -> list[cloudwatch.GraphWidget]:
        """By day. A sample has one job that gathers its variants."""
        samples = cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=JobMetric.SUCCEEDED.value,
            dimensions_map={PROJECT: self._project, TOOL: Step.GATHER_VARIANTS.value},
            statistic="Sum",
            period=_DAY,
            label="samples",
        )
        cost = self._search(TOOL, JobMetric.COST, "Sum", _DAY)
        per_sample = cloudwatch.MathExpression(
            expression=f"SUM({cost}) / samples", label="a sample", using_metrics={"samples": samples}, period=_DAY
        )
        return [
            _graph("Estimated cost by tool and day, US dollars", [_expression(cost, _DAY)], of=2),
            _graph("Estimated cost of a sample, by day, US dollars", [per_sample], of=2),
        ]

    def _found(self, by: str, metric: JobMetric, statistic: str, label: str = "") -> cloudwatch.MathExpression:
        return _expression(self._search(by, metric, statistic, _FIVE_MINUTES), _FIVE_MINUTES, label)

    def _search(self, by: str, metric: JobMetric, statistic: str, period: cdk.Duration) -> str:
        wanted = f'{{{NAMESPACE},{PROJECT},{by}}} {PROJECT}="{self._project}" MetricName="{metric.value}"'
        return f"SEARCH('{wanted}', '{statistic}', {period.to_seconds():.0f})"


def _expression(search: str, period: cdk.Duration, label: str = "") -> cloudwatch.MathExpression:
    """All metrics that a search finds, each by its own name, behind `label`."""
    return cloudwatch.MathExpression(expression=search, label=label, using_metrics={}, period=period)


def _executions(name: str, machine: sfn.IStateMachine) -> cloudwatch.GraphWidget:
    counted = {
        "started": machine.metric_started,
        "succeeded": machine.metric_succeeded,
        "failed": machine.metric_failed,
        "timed out": machine.metric_timed_out,
        "aborted": machine.metric_aborted,
    }
    return _graph(name, [metric(statistic="Sum", label=label) for label, metric in counted.items()], of=2)


def _durations(name: str, machine: sfn.IStateMachine) -> cloudwatch.GraphWidget:
    metrics = [machine.metric_time(statistic=statistic, label=statistic) for statistic in ("p50", "p95")]
    return _graph(f"{name}: duration, milliseconds", metrics, of=2)


def _errors(functions: Sequence[PythonFunction]) -> cloudwatch.GraphWidget:
    errors = [each.function.metric_errors(label=each.node.id.removesuffix("Function")) for each in functions]
    return _graph("Functions that failed", errors, of=2)


def _depths(queues: Mapping[str, sqs.IQueue]) -> cloudwatch.GraphWidget:
    depths = [
        queue.metric_approximate_number_of_messages_visible(statistic="Maximum", label=name)
        for name, queue in queues.items()
    ]
    return _graph("Dead letters", depths, of=2)


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric], *, of: int) -> cloudwatch.GraphWidget:
    """One of a row's `of` graphs of equal width."""
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=_FULL_WIDTH // of)
