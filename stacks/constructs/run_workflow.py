"""The state machine of a run. What passes between its states is told in lambdas/secondary/README.md."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import aws_batch as batch
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from genomics.contracts import object_keys
from genomics.contracts.steps import Step
from stacks.constructs.batch_tool import BatchTool
from stacks.constructs.job_access import grant_jobs
from stacks.constructs.listed_map import ListedMap, acknowledge_executions
from stacks.constructs.object_access import grant_read
from stacks.constructs.python_function import PythonFunction
from stacks.constructs.run_closing import ClosingFunctions, RunClosing
from stacks.constructs.tool_task import run_tool
from stacks.constructs.workflow import ERROR, Workflow, invoke, rethrow


@dataclass(frozen=True)
class RunFunctions:
    """What decides and records, by the names of their states."""

    plan_reference: PythonFunction
    plan_samples: PythonFunction
    plan_sample: PythonFunction
    record_failure: PythonFunction
    collect_results: PythonFunction

    def all(self) -> tuple[PythonFunction, ...]:
        """Every one of them."""
        return tuple(vars(self).values())


class RunWorkflow(Construct):
    """`state_machine` takes a run from its request to `VariantsCalled`: reference, then samples, each on its own."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        functions: RunFunctions,
        closing: ClosingFunctions,
        tools: Mapping[Step, BatchTool],
        queues: Sequence[batch.IJobQueue],
        sequencing: s3.IBucket,
        project: str,
        samples_at_once: int,
        log_retention_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self._functions, self._tools, self._project = functions, tools, project
        self._sequencing, self._samples_at_once = sequencing, samples_at_once
        self._closing = RunClosing(self, "Closing", functions=closing)
        workflow = Workflow(
            self,
            "Workflow",
            definition=self._run(),
            functions=(*functions.all(), *closing.all()),
            comment="One run: every sample from its reads to its variants",
            timeout_days=14,
            log_retention_days=log_retention_days,
        )
        self.state_machine = workflow.state_machine
        acknowledge_executions(self.state_machine, label="Samples")
        grant_read(sequencing, workflow.role, object_keys.RUNS)
        grant_jobs(workflow.role, queues, [tool.job_definition for tool in tools.values()])

    def _run(self) -> sfn.Chain:
        plan_reference = invoke(self, "PlanReference", self._functions.plan_reference)
        prepare_reference = self._job("PrepareReference", Step.PREPARE_REFERENCE, "$.reference", of_sample=False)
        prepare_annotation = self._job("PrepareAnnotation", Step.PREPARE_ANNOTATION, "$.annotation", of_sample=False)
        plan_samples = invoke(self, "PlanSamples", self._functions.plan_samples)
        samples = self._samples()
        collect_results = invoke(self, "CollectResults", self._functions.collect_results)
        shared = (plan_reference, prepare_reference, prepare_annotation, plan_samples)
        for state in (*shared, samples, collect_results):
            state.add_catch(self._closing.failed, errors=["States.ALL"], result_path=ERROR)

        plan_samples.next(samples).next(collect_results).next(self._closing.begin)
        annotation_ready = (
            sfn.Choice(self, "AnnotationReady?")
            .when(sfn.Condition.boolean_equals("$.annotation.run", True), prepare_annotation.next(plan_samples))
            .otherwise(plan_samples)
        )
        reference_ready = (
            sfn.Choice(self, "ReferenceReady?")
            .when(sfn.Condition.boolean_equals("$.reference.run", True), prepare_reference.next(annotation_ready))
            .otherwise(annotation_ready)
        )
        return plan_reference.next(reference_ready)

    def _samples(self) -> ListedMap:
        """Each sample by itself, in an execution of its own: one that fails is recorded, and the others go on.

        How many may fail is for CollectResults to say, which also finds those whose execution ended without a word.
        """
        plan = invoke(self, "PlanSample", self._functions.plan_sample)
        lanes = self._each(
            "Lanes", "$.lanes", self._job("Fastp", Step.FASTP, "$.job", is_last=True), failed="LaneFailed"
        )
        align = self._job("Align", Step.ALIGN, "$.align")
        aligned = self._aligned()
        quality = self._job("Quality", Step.QUALITY, "$.quality")
        failed = self._sample_failed()
        for state in (plan, lanes, align, aligned, quality):
            state.add_catch(failed, errors=["States.ALL"], result_path=ERROR)

        done = sfn.Pass(self, "SampleDone", parameters=_outcome("SUCCEEDED"))
        aligned.next(
            sfn.Choice(self, "QualityNeeded?")
            .when(sfn.Condition.boolean_equals("$.quality.run", True), quality.next(done))
            .otherwise(done)
        )
        align_needed = (
            sfn.Choice(self, "AlignNeeded?")
            .when(sfn.Condition.boolean_equals("$.align.run", True), align.next(aligned))
            .otherwise(aligned)
        )
        given = {name: sfn.JsonPath.string_at(f"$.{name}") for name in ("run_id", "study", "request", "queue")}
        samples = ListedMap(
            self,
            "Samples",
            bucket=self._sequencing,
            key="$.samples",
            item_selector={**given, "sample": sfn.JsonPath.string_at("$$.Map.Item.Value.sample")},
            max_concurrency=self._samples_at_once,
        )
        samples.item_processor(plan.next(lanes).next(align_needed))
        return samples

    def _aligned(self) -> sfn.Parallel:
        """What is made of a sample's alignments, side by side: the first that fails ends all, with its error."""
        coverage = self._branch_job("Coverage", Step.COVERAGE, "$.coverage")
        call = self._job("CallVariants", Step.CALL_VARIANTS, "$.job", is_last=True)
        regions = self._each("Regions", "$.regions", call, failed="RegionFailed")
        regions.add_catch(rethrow(self, "RegionsFailed"), errors=["States.ALL"], result_path=ERROR)
        annotate = self._branch_job("Annotate", Step.ANNOTATE, "$.annotate")
        gather = self._branch_job("GatherVariants", Step.GATHER_VARIANTS, "$.gather", then=annotate)
        return (
            sfn.Parallel(self, "Aligned", result_path=sfn.JsonPath.DISCARD)
            .branch(coverage)
            .branch(regions.next(gather))
        )

    def _branch_job(self, state: str, step: Step, job: str, then: sfn.IChainable | None = None) -> sfn.Choice:
        """A job of a branch, if it has to run, and what comes then, or the branch's end."""
        task = self._job(state, step, job, is_last=then is None)
        task.add_catch(rethrow(self, f"{state}Failed"), errors=["States.ALL"], result_path=ERROR)
        done = then or sfn.Succeed(self, f"{state}Done", output_path=sfn.JsonPath.DISCARD)
        return (
            sfn.Choice(self, f"{state}Needed?")
            .when(sfn.Condition.boolean_equals(f"{job}.run", True), task.next(then) if then else task)
            .otherwise(done)
        )

    def _each(self, state: str, items: str, job: sfn.CustomState, *, failed: str) -> sfn.Map:
        """A Map over jobs: the first that fails ends it, with that job's error."""
        job.add_catch(rethrow(self, failed), errors=["States.ALL"], result_path=ERROR)
        given = {name: sfn.JsonPath.string_at(f"$.{name}") for name in ("run_id", "sample", "queue")}
        return sfn.Map(
            self,
            state,
            items_path=items,
            item_selector={**given, "job": sfn.JsonPath.object_at("$$.Map.Item.Value")},
            result_path=sfn.JsonPath.DISCARD,
        ).item_processor(job)

    def _job(
        self, state: str, step: Step, job: str, *, of_sample: bool = True, is_last: bool = False
    ) -> sfn.CustomState:
        return run_tool(
            self,
            state,
            tool=self._tools[step],
            queue="$.queue",
            project=self._project,
            job=job,
            of_sample=of_sample,
            is_last=is_last,
        )

    def _sample_failed(self) -> sfn.IChainable:
        record = invoke(self, "RecordFailure", self._functions.record_failure)
        outcome = sfn.Pass(self, "SampleFailed", parameters=_outcome("FAILED"))
        record.add_catch(outcome, errors=["States.ALL"], result_path=sfn.JsonPath.DISCARD)
        return record.next(outcome)


def _outcome(state: str) -> dict[str, str]:
    return {"state": state}
