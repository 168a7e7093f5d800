"""Decides which Batch jobs run: dependencies, queue priority, and room on this machine."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable

from embedded_aws.batch.jobs import ARRAY_CHILD_FAILED, DEPENDENCY_FAILED, Job, State, now
from embedded_aws.batch.machines import Fleet, Room


class Scheduler:
    """Moves jobs between states. `launch` starts a job that has its place; `changed` is told of every new state.

    `blocked` is told of a job at the head of its queue that will never find a place.

    There is no thread of its own: whatever changes a job's state looks at once which jobs can move on. Both callbacks
    run under `lock` and must not wait.
    """

    def __init__(
        self,
        fleet: Fleet,
        *,
        launch: Callable[[Job], None],
        changed: Callable[[Job], None],
        blocked: Callable[[Job], None],
        priority: Callable[[str], int],
    ) -> None:
        self.lock = threading.RLock()
        self._fleet = fleet
        self._launch = launch
        self._changed = changed
        self._blocked = blocked
        self._priority = priority
        self._runnable: dict[str, list[Job]] = defaultdict(list)
        self._waiting: dict[str, list[Job]] = defaultdict(list)

    def submit(self, job: Job, dependencies: Iterable[Job]) -> None:
        """Take a job (or a whole array job) in; `dependencies` must succeed before it may run."""
        with self.lock:
            self._changed(job)
            if job.children:
                self._move(job, State.PENDING)
            for member in job.children or [job]:
                self._await(member, dependencies)
            for member in job.children or [job]:
                self._consider(member)
            self._place()

    def retry(self, job: Job) -> None:
        """Another attempt follows one that failed."""
        with self.lock:
            self._fleet.give_back(job)
            self._queue(job)
            self._place()

    def end(self, job: Job, state: State, reason: str | None) -> None:
        """A job has reached its final state; others may now run, or fail with it."""
        with self.lock:
            if job.state.is_final:
                return
            if job.state.is_placed:
                self._fleet.give_back(job)
            elif job.state is State.RUNNABLE:
                self._runnable[job.request.queue_arn].remove(job)
            job.status_reason = reason
            job.stopped_at = now()
            self._move(job, state)
            job.ended.set()
            if job.parent is not None:
                self._child_ended(job.parent)
            for dependent in self._waiting.pop(job.id, []):
                dependent.waits_for.discard(job.id)
                if state is State.FAILED:
                    self.end(dependent, State.FAILED, DEPENDENCY_FAILED)
                else:
                    self._consider(dependent)
            self._place()

    def starting(self, job: Job, state: State) -> None:
        """Record STARTING or RUNNING."""
        with self.lock:
            self._move(job, state)

    def _await(self, job: Job, dependencies: Iterable[Job]) -> None:
        for dependency in [*_numbered(job, dependencies), *_previous(job)]:
            if not dependency.state.is_final:
                job.waits_for.add(dependency.id)
                self._waiting[dependency.id].append(job)
            elif dependency.state is State.FAILED:
                self.end(job, State.FAILED, DEPENDENCY_FAILED)

    def _consider(self, job: Job) -> None:
        if job.state.is_final:
            return
        if job.waits_for:
            self._move(job, State.PENDING)
        else:
            self._queue(job)

    def _queue(self, job: Job) -> None:
        self._move(job, State.RUNNABLE)
        self._runnable[job.request.queue_arn].append(job)

    def _place(self) -> None:
        """First in, first out; a queue of higher priority goes first, and what the machine has no room for waits there.

        What only its compute environments have no room for holds up its own queue alone.
        """
        for queue in sorted(self._runnable, key=self._priority, reverse=True):
            jobs, placed, room = self._runnable[queue], 0, Room.FOUND
            for job in jobs:
                if (room := self._room(job)) is not Room.FOUND:
                    break
                placed += 1
            ready, jobs[:placed] = jobs[:placed], []
            for job in ready:
                job.status_reason = None
                self._move(job, State.STARTING)
                self._launch(job)
            if room is Room.NOT_ON_MACHINE:
                return

    def _room(self, job: Job) -> Room:
        room = self._fleet.take(job)
        if room is Room.NOT_IN_ENVIRONMENT and (obstacle := self._fleet.obstacle(job)) != job.status_reason:
            job.status_reason = obstacle
            self._blocked(job)
        return room

    def _child_ended(self, parent: Job) -> None:
        states = {child.state for child in parent.children}
        if all(state.is_final for state in states):
            failed = State.FAILED in states
            reason = parent.stop_reason or (ARRAY_CHILD_FAILED if failed else None)
            self.end(parent, State.FAILED if failed else State.SUCCEEDED, reason)

    def _move(self, job: Job, state: State) -> None:
        if job.state is not state:
            job.state = state
            self._changed(job)


def _numbered(job: Job, dependencies: Iterable[Job]) -> list[Job]:
    """N_TO_N: a child waits for the other array's child of its own index only."""
    types = {item.get("jobId"): item.get("type") for item in job.request.depends_on}
    return [
        dependency.children[job.index]
        if types.get(dependency.id) == "N_TO_N" and job.index is not None and job.index < len(dependency.children)
        else dependency
        for dependency in dependencies
    ]


def _previous(job: Job) -> list[Job]:
    """SEQUENTIAL without a job: a child waits for the child before it."""
    sequential = any(item.get("type") == "SEQUENTIAL" and "jobId" not in item for item in job.request.depends_on)
    if not sequential or job.parent is None or not job.index:
        return []
    return [job.parent.children[job.index - 1]]
