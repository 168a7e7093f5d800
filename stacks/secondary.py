"""Stage secondary: run folders that arrive become reads by sample, and reads that arrive in the inbox variants."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from genomics.contracts import events, object_keys
from genomics.contracts.environment import (
    AskSignOffEnvironment,
    KeepTokenEnvironment,
    LedgerEnvironment,
    PlanEnvironment,
    ServiceEnvironment,
    StartRunEnvironment,
)
from genomics.contracts.steps import SHARED, Step
from stacks.constructs.batch_tool import BatchTool
from stacks.constructs.demultiplex_workflow import DemultiplexWorkflow
from stacks.constructs.deployment_outputs import offer
from stacks.constructs.event_queue import EventQueue
from stacks.constructs.inbox import Inbox
from stacks.constructs.lab_service import LabService
from stacks.constructs.lustre_reference_store import LustreReferenceStore
from stacks.constructs.object_access import grant_delete, grant_read, grant_write
from stacks.constructs.python_function import PythonFunction
from stacks.constructs.reference_store import ReferenceStore
from stacks.constructs.run_closing import ClosingFunctions
from stacks.constructs.run_ledger import RunLedger
from stacks.constructs.run_workflow import RunFunctions, RunWorkflow
from stacks.constructs.tool_fleet import ToolFleet
from stacks.constructs.tool_image import ImageRegistry
from stacks.constructs.tool_job import ToolSize

# Of the tool `annotate`, with a program that is not to be had everywhere.
VEP_IMAGE = "annotate_vep"
LATEST_RECIPES = f"{object_keys.STEPS}latest/"

# What users brought, for the steps that read it; every other input was made by a step.
_DELIVERIES = {
    Step.DEMULTIPLEX: object_keys.RUN_FOLDERS,
    **dict.fromkeys(SHARED, object_keys.REFERENCES),
    Step.FASTP: object_keys.INBOX,
}
# Manifests and listings of a run folder of a million files.
_PLAN_LANES_SECONDS = 900


@dataclass(frozen=True)
class SecondaryConfig:
    """`tools` says what one job of each step gets; instances are of `instance_types`, `max_vcpus` per environment.

    `project` is a tag of each job; of a run, `samples_at_once` are worked on. A sign-off is waited for so many hours;
    `lims` and `tickets` are told where there are such. References are on EFS, or on so many GiB of Lustre.
    With `vep`, variants may be annotated with it.
    """

    project: str
    samples_at_once: int
    tools: Mapping[Step, ToolSize]
    instance_types: tuple[str, ...]
    max_vcpus: int
    spot_bid_percentage: int
    scratch_gib: int
    references_lustre_gib: int
    vep: bool
    log_retention_days: int
    image_registry: ImageRegistry
    sign_off_hours: int
    lims: LabService | None
    tickets: LabService | None


class Secondary(cdk.Stack):
    """Inbox, tools, and the state machines that drive them; they end in the event `VariantsCalled`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        sequencing: s3.IBucket,
        ledger: RunLedger,
        vpc: ec2.IVpc,
        tools_security_group: ec2.ISecurityGroup,
        file_systems_security_group: ec2.ISecurityGroup,
        config: SecondaryConfig,
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, **stack)
        self._sequencing, self._ledger, self._config = sequencing, ledger, config
        start_commands: tuple[str, ...] = ()
        self._references: ReferenceStore | LustreReferenceStore
        if gib := config.references_lustre_gib:
            lustre = LustreReferenceStore(
                self, "LustreReferences", vpc=vpc, clients=tools_security_group, storage_gib=gib
            )
            self._references, start_commands = lustre, lustre.instance_commands
        else:
            self._references = ReferenceStore(self, "References", vpc=vpc, security_group=file_systems_security_group)
        self._tools = {step: self._tool(step) for step in Step}
        fleet = ToolFleet(
            self,
            "Fleet",
            vpc=vpc,
            security_group=tools_security_group,
            instance_types=config.instance_types,
            max_vcpus=config.max_vcpus,
            spot_bid_percentage=config.spot_bid_percentage,
            scratch_gib=config.scratch_gib,
            start_commands=start_commands,
        )
        self.queue, self.urgent_queue = fleet.queue, fleet.urgent_queue
        closing = self._closing_functions()
        runs = RunWorkflow(
            self,
            "Runs",
            functions=self._run_functions(),
            closing=closing,
            tools={step: tool for step, tool in self._tools.items() if step is not Step.DEMULTIPLEX},
            queues=[fleet.queue, fleet.urgent_queue],
            sequencing=sequencing,
            project=config.project,
            samples_at_once=config.samples_at_once,
            log_retention_days=config.log_retention_days,
        )
        self.runs = runs.state_machine
        inbox = self._inbox(runs)
        self.dead_letters = inbox.dead_letters
        demultiplexings = self._demultiplexings(closing.record_run_failure, fleet)
        self.demultiplexings = demultiplexings.state_machine
        run_folders = self._run_folders(demultiplexings)
        self.run_folder_dead_letters = run_folders.dead_letters
        offer(
            self,
            run_state_machine_arn=runs.state_machine.state_machine_arn,
            inbox_dead_letter_queue_url=inbox.dead_letters.queue_url,
            run_folder_dead_letter_queue_url=run_folders.dead_letters.queue_url,
            sign_off_activity_arn=closing.sign_off.activity_arn,
        )

    def _tool(self, step: Step) -> BatchTool:
        tool = BatchTool(
            self,
            "".join(word.capitalize() for word in step.split("_")),
            step=step,
            size=self._config.tools[step],
            references=self._references,
            prepares_references=step is Step.PREPARE_REFERENCE,
            ledger_table=self._ledger.table.table_name,
            log_retention_days=self._config.log_retention_days,
            image_registry=self._config.image_registry,
            other_image=VEP_IMAGE if step is Step.ANNOTATE and self._config.vep else None,
        )
        deliveries = [_DELIVERIES[step]] if step in _DELIVERIES else []
        grant_read(self._sequencing, tool.role, object_keys.RUNS, object_keys.STEPS, object_keys.PARTIAL, *deliveries)
        grant_write(self._sequencing, tool.role, object_keys.STEPS, object_keys.PARTIAL)
        grant_delete(self._sequencing, tool.role, object_keys.PARTIAL)
        self._ledger.grant_update(tool.role)
        return tool

    def _run_functions(self) -> RunFunctions:
        functions = RunFunctions(
            plan_reference=self._planner("PlanReference", "Decides whether a run's reference has to be prepared"),
            plan_samples=self._planner("PlanSamples", "Checks a run's regions and lists its samples"),
            plan_sample=self._planner("PlanSample", "Decides which steps of a sample have to run, and why"),
            record_failure=self._failure_recorder("RecordFailure", "Says why a sample failed"),
            collect_results=self._recorder(
                "CollectResults", "Writes what a run's samples came to", timeout_seconds=900, memory_mib=2048
            ),
        )
        grant_read(self._sequencing, functions.collect_results.role, object_keys.RUNS, object_keys.STEPS)
        grant_write(self._sequencing, functions.collect_results.role, object_keys.RUNS)
        return functions

    def _closing_functions(self) -> ClosingFunctions:
        asking = AskSignOffEnvironment(self._ledger.table.table_name, self._config.sign_off_hours * 3600)
        ask_sign_off = self._function(
            "AskSignOff", "Says that a run awaits its sign-off", asking.variables(), timeout_seconds=60
        )
        self._ledger.grant_update(ask_sign_off.role)
        sign_off = sfn.Activity(self, "SignOff")
        return ClosingFunctions(
            sign_off=sign_off,
            record_run_failure=self._failure_recorder("RecordRunFailure", "Says why a run failed"),
            ask_sign_off=ask_sign_off,
            keep_token=self._keep_token(sign_off),
            record_sign_off=self._recorder("RecordSignOff", "Says who has signed a run off"),
            record_hold=self._recorder("RecordHold", "Says what a run has waited for in vain"),
            hold_run=self._function("HoldRun", "Holds a run until it is redriven", {}, timeout_seconds=60),
            upload_to_lims=self._lims(self._config.lims) if self._config.lims else None,
            open_ticket=self._teller("OpenTicket", "Opens a ticket for a run that failed", self._config.tickets)
            if self._config.tickets
            else None,
        )

    def _keep_token(self, sign_off: sfn.Activity) -> PythonFunction:
        environment = KeepTokenEnvironment(self._ledger.table.table_name, sign_off.activity_arn)
        keep = self._function(
            "KeepToken", "Keeps what lets a run go on that is signed off", environment.variables(), timeout_seconds=300
        )
        self._ledger.grant_read(keep.role)
        self._ledger.grant_update(keep.role)
        sign_off.grant(keep.role, "states:GetActivityTask")
        return keep

    def _lims(self, lims: LabService) -> PythonFunction:
        upload = self._teller("UploadToLims", "Tells the LIMS what became of samples", lims)
        grant_read(self._sequencing, upload.role, object_keys.RUNS, object_keys.STEPS)
        return upload

    def _teller(self, name: str, description: str, service: LabService) -> PythonFunction:
        """What tells a service of the lab's something, and the ledger that it has."""
        environment = ServiceEnvironment(
            sequencing_bucket=self._sequencing.bucket_name,
            ledger_table=self._ledger.table.table_name,
            url=service.url,
            secret=service.secret,
        )
        teller = self._function(name, description, environment.variables(), timeout_seconds=900)
        self._ledger.grant_read(teller.role)
        self._ledger.grant_update(teller.role)
        service.grant_token(teller.role)
        return teller

    def _failure_recorder(self, name: str, description: str) -> PythonFunction:
        recorder = self._recorder(name, description)
        grant_read(self._sequencing, recorder.role, object_keys.RUNS)
        for tool in self._tools.values():
            tool.logs.grant_read(recorder.role)
        return recorder

    def _demultiplexings(self, record_run_failure: PythonFunction, fleet: ToolFleet) -> DemultiplexWorkflow:
        plan_lanes = self._planner(
            "PlanLanes", "Decides which lanes of a run folder have to be demultiplexed", _PLAN_LANES_SECONDS
        )
        grant_read(self._sequencing, plan_lanes.role, object_keys.RUN_FOLDERS, object_keys.MANIFESTS)
        request_runs = self._recorder("RequestRuns", "Asks for a run of each study of a run folder")
        grant_read(self._sequencing, request_runs.role, object_keys.RUNS, object_keys.DEMULTIPLEXED)
        grant_write(self._sequencing, request_runs.role, object_keys.INBOX)
        return DemultiplexWorkflow(
            self,
            "Demultiplexings",
            plan_lanes=plan_lanes,
            request_runs=request_runs,
            record_run_failure=record_run_failure,
            tool=self._tools[Step.DEMULTIPLEX],
            queue=fleet.queue,
            project=self._config.project,
            log_retention_days=self._config.log_retention_days,
        )

    def _run_folders(self, demultiplexings: DemultiplexWorkflow) -> EventQueue:
        route_run = self._starter(
            "RouteRun", "Starts the demultiplexing of run folders that arrive", demultiplexings.state_machine
        )
        grant_read(
            self._sequencing, route_run.role, object_keys.RUN_FOLDERS, object_keys.MANIFESTS, object_keys.STUDIES
        )
        run_folders = EventQueue(
            self,
            "RunFolders",
            pattern=aws_events.EventPattern(source=[events.SOURCE], detail_type=[events.RUN_TRANSFERRED]),
            description="Run folders that have arrived, verified",
            function_timeout_seconds=route_run.timeout_seconds,
        )
        run_folders.feed(route_run.function)
        return run_folders

    def _planner(self, name: str, description: str, timeout_seconds: int = 300) -> PythonFunction:
        environment = PlanEnvironment(
            sequencing_bucket=self._sequencing.bucket_name,
            ledger_table=self._ledger.table.table_name,
            tool_images=json.dumps({step.value: tool.image for step, tool in self._tools.items()}),
            reference_store=self._references.file_system_id,
            job_queue=self.queue.job_queue_arn,
            urgent_job_queue=self.urgent_queue.job_queue_arn,
        )
        planner = self._function(
            name, description, environment.variables(), timeout_seconds=timeout_seconds, memory_mib=1024
        )
        grant_read(self._sequencing, planner.role, object_keys.RUNS, object_keys.STEPS)
        grant_write(self._sequencing, planner.role, object_keys.RUNS, LATEST_RECIPES)
        self._ledger.grant_update(planner.role)
        return planner

    def _recorder(
        self, name: str, description: str, *, timeout_seconds: int = 300, memory_mib: int = 512
    ) -> PythonFunction:
        environment = LedgerEnvironment(
            sequencing_bucket=self._sequencing.bucket_name, ledger_table=self._ledger.table.table_name
        )
        recorder = self._function(
            name, description, environment.variables(), timeout_seconds=timeout_seconds, memory_mib=memory_mib
        )
        self._ledger.grant_read(recorder.role)
        self._ledger.grant_update(recorder.role)
        return recorder

    def _inbox(self, runs: RunWorkflow) -> Inbox:
        start_run = self._starter("StartRun", "Starts the runs that arrive in the inbox", runs.state_machine)
        inbox = Inbox(
            self,
            "Inbox",
            bucket=self._sequencing,
            # Not the reads, of which there are many more.
            key_wildcard=object_keys.run_request("*"),
            function_timeout_seconds=start_run.timeout_seconds,
        )
        inbox.feed(start_run.function)
        grant_read(
            self._sequencing, start_run.role, object_keys.INBOX, object_keys.REFERENCES, object_keys.DEMULTIPLEXED
        )
        return inbox

    def _starter(self, name: str, description: str, machine: sfn.IStateMachine) -> PythonFunction:
        """What starts executions of a machine, each once."""
        environment = StartRunEnvironment(
            state_machine_arn=machine.state_machine_arn,
            sequencing_bucket=self._sequencing.bucket_name,
            ledger_table=self._ledger.table.table_name,
        )
        starter = self._function(name, description, environment.variables(), timeout_seconds=60)
        grant_write(self._sequencing, starter.role, object_keys.RUNS)
        self._ledger.grant_read(starter.role)
        self._ledger.grant_update(starter.role)
        machine.grant_start_execution(starter.role)
        return starter

    def _function(
        self,
        name: str,
        description: str,
        environment: Mapping[str, str],
        *,
        timeout_seconds: int,
        memory_mib: int = 512,
    ) -> PythonFunction:
        return PythonFunction(
            self,
            f"{name}Function",
            stage="secondary",
            module="".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_"),
            description=description,
            environment=environment,
            timeout_seconds=timeout_seconds,
            memory_mib=memory_mib,
            log_retention_days=self._config.log_retention_days,
        )
