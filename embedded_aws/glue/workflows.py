"""Glue's triggers and workflows: what starts which jobs and crawlers, and when a workflow's run is over.

Scheduled triggers go by the instance's clock. What differs from AWS: a workflow's graph is not part of its answers, and
runs cannot be resumed.
"""

import contextlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.glue.exceptions import ConcurrentRunsExceededException, EntityNotFoundException, InvalidInputException
from moto.glue.models import glue_backends
from moto.glue.responses import GlueResponse

from embedded_aws import clock
from embedded_aws.context import Context
from embedded_aws.events.cron import Cron, due_times
from embedded_aws.glue.origins import Origin
from embedded_aws.glue.triggers import cron, require_known_actions, require_sound
from embedded_aws.guard import Patch

_CREATE = Patch("moto.glue.responses:GlueResponse.create_trigger", "848d44ed50c30983")
_START = Patch("moto.glue.responses:GlueResponse.start_trigger", "212dc05568494766")
_START_RUN = Patch("moto.glue.models:FakeWorkflow.start_run", "25b5a20aa1df6adf")
_STOP_RUN = Patch("moto.glue.models:FakeWorkflow.stop_run", "65aa1b21dec2ef98")
_DESCRIBE_RUN = Patch("moto.glue.models:FakeWorkflowRun.as_dict", "05f4fe94d3aeaa7f")
PATCHES = (_CREATE, _START, _START_RUN, _STOP_RUN, _DESCRIBE_RUN)
_DEFAULT_WINDOW_SECONDS = 900
_UPDATED = {"Description": "description", "Schedule": "schedule", "EventBatchingCondition": "event_batching_condition"}


@dataclass
class _Action:
    """An action of a trigger that was fired: `state` is the run's, or ERROR where it could not be started."""

    kind: str
    name: str
    state: str = "RUNNING"
    run_id: str | None = None


@dataclass
class _Course:
    """What has happened since a trigger was fired, in a workflow's run or outside of one."""

    workflow: str | None
    run: Any = None
    actions: list[_Action] = field(default_factory=list)
    fired: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Scheduled:
    """Something that the clock starts."""

    at: Cron
    fire: Callable[[], None]


@dataclass
class _Batch:
    """Events that wait until a trigger's batch is full or its window over."""

    first: float
    events: list[str]


class Workflows:
    """All triggers and workflow runs of the instance.

    `start_job` starts a run with a job's name, parameters and origin, and returns its id; `stop_job` ends one.
    """

    def __init__(
        self,
        context: Context,
        start_job: Callable[[Mapping[str, Any], Origin], str],
        stop_job: Callable[[str, str], None],
    ) -> None:
        self._context = context
        self._start_job, self._stop_job = start_job, stop_job
        self._courses: dict[str, _Course] = {}
        self._crawling: dict[str, tuple[_Course, _Action]] = {}
        self._batches: dict[str, _Batch] = {}
        self._seen: dict[str, float] = {}
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)

    # What starts runs

    def fire_trigger(self, name: str, properties: Mapping[str, str] | None = None) -> None:
        """Carry out a trigger's actions; one that starts a workflow starts a run of it."""
        trigger = self._backend().get_trigger(name)
        if trigger.workflow_name:
            workflow = self._workflow(trigger.workflow_name)
            workflow.start_run(dict(properties or {}))
            return
        with self._lock:
            course = _Course(None)
            self._act(course, trigger)
            self._finish(course)

    def begin(self, workflow: Any, run: Any) -> None:
        """Start a workflow's run with the triggers that wait for nothing."""
        starting = [trigger for trigger in self.triggers(workflow.name) if trigger.trigger_type != "CONDITIONAL"]
        course = _Course(workflow.name, run)
        with self._lock:
            self._courses[run.run_id] = course
            for trigger in starting:
                self._act(course, trigger)
            self._finish(course)

    def notify(self, workflow_name: str, event_id: str) -> None:
        """An event from EventBridge for a workflow whose starting trigger waits for events."""
        self._workflow(workflow_name)
        for trigger in self.triggers(workflow_name):
            if trigger.trigger_type != "EVENT":
                continue
            with self._lock:
                batch = self._batches.setdefault(trigger.name, _Batch(clock.now(), []))
                batch.events.append(event_id)
                self._changed.notify_all()
        self.look()

    # What has ended

    def job_ended(self, origin: Origin | None, run_id: str, state: str) -> None:
        """A job's last attempt is over."""
        if origin is None:
            return
        with self._lock:
            for course in self._of(origin):
                for action in course.actions:
                    if action.run_id == run_id.partition("_attempt_")[0]:
                        action.state = state
                        self._go_on(course)

    def crawl_ended(self, name: str, status: str) -> None:
        """A crawl is over."""
        with self._lock:
            if name in self._crawling:
                course, action = self._crawling.pop(name)
                action.state = status
                self._go_on(course)

    def stop(self, run_id: str) -> None:
        """StopWorkflowRun: what runs is stopped, and nothing more is started."""
        with self._lock:
            course = self._courses.get(run_id)
            if course is None or course.run.status != "RUNNING":
                raise JsonRESTError("IllegalWorkflowStateException", f"Workflow run {run_id} is not running")
            course.run.status = "STOPPING"
            running = [action for action in course.actions if action.state == "RUNNING"]
            self._finish(course)
        for action in running:
            if action.kind == "job" and action.run_id:
                self._stop_job(action.name, action.run_id)
            elif action.kind == "crawler":
                self._backend().stop_crawler(action.name)

    # The clock

    def start(self) -> None:
        """Begin to watch the clock."""
        clock.on_advance(self.look)
        threading.Thread(target=self._watch, name="glue-triggers", daemon=True).start()

    def look(self) -> None:
        """Fire what has become due."""
        with self._lock:
            now = clock.now()
            due = [name for name in list(self._batches) if self._is_full(name, now)]
            for name in due:
                # "Starting an AWS Glue workflow with an Amazon EventBridge event": the run's property aws:eventIds
                properties = {"aws:eventIds": json.dumps(self._batches.pop(name).events)}
                with contextlib.suppress(JsonRESTError):
                    self.fire_trigger(name, properties)
            for name, scheduled in self._scheduled().items():
                seen, self._seen[name] = self._seen[name], now
                for _ in due_times(scheduled.at, seen, now, now):
                    # What is refused, as a run beyond a limit, is not tried again.
                    with contextlib.suppress(JsonRESTError):
                        scheduled.fire()
            self._changed.notify_all()

    def _watch(self) -> None:
        with self._changed:
            while True:
                self._changed.wait(self._until_due())
                self.look()

    def _until_due(self) -> float | None:
        now = clock.now()
        times = [batch.first + self._window(name) for name, batch in self._batches.items()]
        for name, scheduled in self._scheduled().items():
            following = scheduled.at.after(self._seen[name], now)
            times += [following] if following is not None else []
        return max(0.0, min(times) - now) if times else None

    def _scheduled(self) -> dict[str, _Scheduled]:
        """Triggers and crawlers that have a schedule, by a name for each."""
        backend = self._backend()
        found = {
            f"trigger {trigger.name}": _Scheduled(cron(trigger.schedule), partial(self.fire_trigger, trigger.name))
            for trigger in backend.triggers.values()
            if trigger.trigger_type == "SCHEDULED" and trigger.state == "ACTIVATED"
        }
        for crawler in backend.crawlers.values():
            if crawler.schedule:
                fire = partial(backend.start_crawler, crawler.name)
                found[f"crawler {crawler.name}"] = _Scheduled(cron(crawler.schedule), fire)
        self._seen = {name: self._seen.get(name, clock.now()) for name in found}
        return found

    def _is_full(self, name: str, now: float) -> bool:
        batch, condition = self._batches[name], self._batching(name)
        return len(batch.events) >= int(condition.get("BatchSize") or 1) or now >= batch.first + self._window(name)

    def _window(self, name: str) -> float:
        return float(self._batching(name).get("BatchWindow") or _DEFAULT_WINDOW_SECONDS)

    def _batching(self, name: str) -> Mapping[str, Any]:
        condition: Mapping[str, Any] = self._backend().get_trigger(name).event_batching_condition or {}
        return condition

    # A course

    def _act(self, course: _Course, trigger: Any) -> None:
        course.fired.add(trigger.name)
        run_id = course.run.run_id if course.run else None
        origin = Origin(trigger.name, course.workflow, run_id)
        if run_id is None:
            run_id = f"{trigger.name}/{id(course)}"
            origin = Origin(trigger.name, None, run_id)
            self._courses[run_id] = course
        for told in (action.as_dict() for action in trigger.actions):
            course.actions.append(self._started(told, course, origin))

    def _started(self, told: Mapping[str, Any], course: _Course, origin: Origin) -> _Action:
        kind = "job" if told.get("JobName") else "crawler"
        action = _Action(kind, told.get("JobName") or told["CrawlerName"])
        try:
            if kind == "job":
                action.run_id = self._start_job(_run_parameters(told, course), origin)
            else:
                self._crawling[action.name] = course, action
                self._backend().start_crawler(action.name)
        except JsonRESTError:
            action.state = "ERROR"
            if kind == "crawler" and self._crawling.get(action.name, (None, None))[1] is action:
                del self._crawling[action.name]
        return action

    def _go_on(self, course: _Course) -> None:
        if course.run is None or course.run.status == "RUNNING":
            for trigger in self.triggers(course.workflow):
                waits = trigger.trigger_type == "CONDITIONAL" and trigger.state == "ACTIVATED"
                if waits and trigger.name not in course.fired and _is_met(trigger.predicate.as_dict(), course.actions):
                    self._act(course, trigger)
        self._finish(course)

    def _finish(self, course: _Course) -> None:
        if any(action.state == "RUNNING" for action in course.actions):
            return
        if course.run is not None:
            course.run.status = "STOPPED" if course.run.status == "STOPPING" else "COMPLETED"
            course.run.completed_on = utcnow()
        else:
            self._courses = {name: one for name, one in self._courses.items() if one is not course}

    def statistics(self, run: Any) -> dict[str, int]:
        """WorkflowRunStatistics."""
        course = self._courses.get(run.run_id)
        actions = course.actions if course else []
        every = sum(len(trigger.actions) for trigger in self.triggers(run.workflow_name))

        def count(*states: str) -> int:
            return sum(action.state in states for action in actions)

        return {
            "TotalActions": every,
            "SucceededActions": count("SUCCEEDED"),
            "FailedActions": count("FAILED"),
            "TimeoutActions": count("TIMEOUT"),
            "StoppedActions": count("STOPPED", "CANCELLED"),
            "RunningActions": count("RUNNING"),
            "ErroredActions": count("ERROR"),
            "WaitingActions": every - len(actions) if run.status == "RUNNING" else 0,
        }

    def _of(self, origin: Origin) -> Sequence[_Course]:
        found = self._courses.get(origin.workflow_run or "")
        return [found] if found else []

    def triggers(self, workflow: str | None) -> list[Any]:
        """Those of a workflow, or those of none."""
        return [t for t in self._backend().triggers.values() if (t.workflow_name or None) == (workflow or None)]

    def _workflow(self, name: str) -> Any:
        workflow = self._backend().workflows.get(name)
        if workflow is None:
            raise EntityNotFoundException("Entity not found")
        return workflow

    def _backend(self) -> Any:
        return glue_backends[self._context.account][self._context.region]


def install(workflows: Workflows, context: Context) -> None:
    """Put triggers that fire and runs that go on in the place of moto's."""

    def created(response: Any) -> Any:
        parameters = json.loads(response.body)
        require_sound(parameters, glue_backends[context.account][context.region])
        answer = create(response)
        workflows.look()
        return answer

    def started(response: Any) -> Any:
        name = json.loads(response.body)["Name"]
        trigger = glue_backends[context.account][context.region].get_trigger(name)
        if trigger.trigger_type == "ON_DEMAND":
            # "ON_DEMAND triggers are fired when you start them" and "never enter the ACTIVATED state"
            workflows.fire_trigger(name)
        else:
            trigger.start_trigger()
            workflows.look()
        return ActionResult({"Name": name})

    def started_run(workflow: Any, properties: Mapping[str, str] | None) -> Any:
        active = [run for run in workflow.runs.values() if run.status in ("RUNNING", "STOPPING")]
        if workflow.max_concurrent_runs and len(active) >= workflow.max_concurrent_runs:
            raise ConcurrentRunsExceededException(f"Concurrent runs exceeded for workflow {workflow.name}")
        if not any(t.trigger_type != "CONDITIONAL" for t in workflows.triggers(workflow.name)):
            raise InvalidInputException("StartWorkflowRun", f"Workflow {workflow.name} has no trigger that starts it")
        run_id = start_run(workflow, properties)
        workflows.begin(workflow, workflow.get_run(run_id))
        return run_id

    def stopped_run(workflow: Any, run_id: str) -> None:
        workflow.get_run(run_id)
        workflows.stop(run_id)

    def described_run(run: Any) -> dict[str, Any]:
        return {**describe_run(run), "Statistics": workflows.statistics(run)}

    create: Any = _CREATE.apply(created)
    _START.apply(started)
    start_run: Any = _START_RUN.apply(started_run)
    _STOP_RUN.apply(stopped_run)
    describe_run: Any = _DESCRIBE_RUN.apply(described_run)
    operations: Any = GlueResponse  # moto does not have it
    operations.update_trigger = lambda response: _update(response, workflows)
    workflows.start()


def _update(response: Any, workflows: Workflows) -> ActionResult:
    """UpdateTrigger: "The new values with which to update the trigger"."""
    parameters = json.loads(response.body)
    trigger = response.glue_backend.get_trigger(parameters["Name"])
    told = parameters["TriggerUpdate"]
    require_known_actions(told.get("Actions") or (), "UpdateTrigger", response.glue_backend)
    for name, attribute in _UPDATED.items():
        if name in told:
            setattr(trigger, attribute, told[name])
    if "Actions" in told:
        trigger.actions = [type(trigger.actions[0])(one) for one in told["Actions"]]
    if "Predicate" in told:
        trigger.predicate = type(trigger.predicate)(told["Predicate"])
    workflows.look()
    return ActionResult({"Trigger": trigger.as_dict()})


def _run_parameters(told: Mapping[str, Any], course: _Course) -> dict[str, Any]:
    """StartJobRun's parameters; in a workflow the job learns which run it is part of."""
    arguments = dict(told.get("Arguments") or {})
    if course.run is not None:
        arguments |= {"--WORKFLOW_NAME": course.workflow or "", "--WORKFLOW_RUN_ID": course.run.run_id}
    kept = ("JobName", "Timeout", "SecurityConfiguration", "NotificationProperty")
    return {**{name: told[name] for name in kept if told.get(name)}, "Arguments": arguments}


def _is_met(predicate: Mapping[str, Any], actions: Sequence[_Action]) -> bool:
    def holds(condition: Mapping[str, Any]) -> bool:
        kind = "job" if condition.get("JobName") else "crawler"
        name = condition.get("JobName") or condition.get("CrawlerName")
        state = condition.get("State") or condition.get("CrawlState")
        return any((one.kind, one.name, one.state) == (kind, name, state) for one in actions)

    conditions = [holds(condition) for condition in predicate.get("Conditions") or ()]
    return any(conditions) if predicate.get("Logical") == "ANY" else bool(conditions) and all(conditions)
