"""AWS Batch: a job's command runs here as a process of its own, under its own role, with Batch's states and retries.

A job runs on as many cores as it has vCPUs and is killed when it takes more memory than it asked for. What differs from
AWS: one machine plays all of a compute environment's instances (see batch_machines), a read-only root file system
can be written to, and jobStateTimeLimitActions are not carried out.
"""

import json
import signal
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from moto.batch.exceptions import ClientException
from moto.batch.models import batch_backends

from embedded_aws import faults
from embedded_aws.batch import containers
from embedded_aws.batch import submissions as batch_requests
from embedded_aws.batch.container_permissions import RefusedStartError
from embedded_aws.batch.images import UnknownImageError
from embedded_aws.batch.jobs import (
    ESSENTIAL_CONTAINER_EXITED,
    NOT_STARTED,
    OUT_OF_MEMORY,
    TIMED_OUT,
    Attempt,
    Job,
    State,
    now,
)
from embedded_aws.batch.machines import Environment, Fleet, Machine
from embedded_aws.batch.scheduling import Scheduler
from embedded_aws.batch.submissions import array_size, request_of
from embedded_aws.context import Context
from embedded_aws.events import service as events
from embedded_aws.guard import Patch
from embedded_aws.logs.streams import LogStream
from embedded_aws.memory_limits import limited
from embedded_aws.processes import Process

_SUBMIT = Patch("moto.batch.responses:BatchResponse.submitjob", "2ba7d660df00037b")
_DESCRIBE = Patch("moto.batch.responses:BatchResponse.describejobs", "ca9d9759a3ea43c1")
_LIST = Patch("moto.batch.responses:BatchResponse.listjobs", "819c0df57bb93fd4")
_CANCEL = Patch("moto.batch.responses:BatchResponse.canceljob", "75d319fc621d4779")
_TERMINATE = Patch("moto.batch.responses:BatchResponse.terminatejob", "0c267a3c08d0f4ed")
PATCHES = (_SUBMIT, _DESCRIBE, _LIST, _CANCEL, _TERMINATE, *batch_requests.PATCHES)

DEFAULT_LOG_GROUP = "/aws/batch/job"
# Batch keeps ended jobs for at least seven days, this server the last so many (an array job with its children is one).
_ENDED_JOBS_KEPT = 1000
_LOCAL_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_MIB = 2**20
_INSTALLED: "list[Batch]" = []


def install(context: Context) -> None:
    """Put this service in the place of moto's jobs."""
    containers.clean(context)
    batch_requests.install()
    batch = Batch(context, Machine.this())
    _INSTALLED[:] = [batch]
    _SUBMIT.apply(lambda response: json.dumps(batch.submit(_parameters(response))))
    _DESCRIBE.apply(lambda response: json.dumps(batch.describe(_parameters(response))))
    _LIST.apply(lambda response: json.dumps(batch.list_jobs(_parameters(response))))
    _CANCEL.apply(lambda response: json.dumps(batch.cancel(_parameters(response))))
    _TERMINATE.apply(lambda response: json.dumps(batch.terminate(_parameters(response))))


def reclaim(job_id: str) -> None:
    """Take the machine from under a job, as when a Spot instance is reclaimed."""
    _INSTALLED[0].reclaim(job_id)


def wait(job_id: str, seconds: float) -> bool:
    """Wait until a job has ended, for `seconds` at most; whether it has. An unknown job counts as ended."""
    job = _INSTALLED[0].find(job_id)
    return job is None or job.ended.wait(seconds)


class Batch:
    """All jobs of the instance."""

    def __init__(self, context: Context, machine: Machine) -> None:
        self._context = context
        self._prefix = f"arn:{context.partition}:batch:{context.region}:{context.account}:"
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._ended: OrderedDict[str, Job] = OrderedDict()
        self._processes: dict[str, Process] = {}
        self._scheduler = Scheduler(
            Fleet(machine, self._environments),
            launch=self._launch,
            changed=self._changed,
            blocked=self._blocked,
            priority=self._priority,
        )

    def find(self, job_id: str) -> Job | None:
        """A job by its id or ARN."""
        return self._jobs.get(job_id.rpartition("/")[2])

    def submit(self, parameters: Mapping[str, Any]) -> dict[str, str]:
        """SubmitJob."""
        request = request_of(self._context, parameters)
        dependencies = [self._dependency(item["jobId"]) for item in request.depends_on if item.get("jobId")]
        job = Job(request, self._prefix)
        if size := array_size(parameters):
            job.children = [Job(request, self._prefix, parent=job, index=index) for index in range(size)]
        with self._scheduler.lock:
            self._jobs.update((member.id, member) for member in [job, *job.children])
            self._scheduler.submit(job, dependencies)
        return {"jobId": job.id, "jobName": request.name, "jobArn": job.arn}

    def describe(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """DescribeJobs: what is unknown is left out."""
        with self._scheduler.lock:
            found = [self.find(identifier) for identifier in parameters.get("jobs") or []]
            return {"jobs": [job.describe() for job in found if job is not None]}

    def list_jobs(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """ListJobs, of a queue or of an array job."""
        with self._scheduler.lock:
            jobs = sorted(self._candidates(parameters), key=lambda job: job.created_at, reverse=True)
        if filters := parameters.get("filters"):
            jobs = [job for job in jobs if all(_passes(job, item["name"], item["values"]) for item in filters)]
        else:
            status = parameters.get("jobStatus") or State.RUNNING
            if status not in list(State):
                raise ClientException(f"Job status must be one of {', '.join(State)}.")
            jobs = [job for job in jobs if job.state == status]
        start = int(parameters.get("nextToken") or 0)
        end = start + int(parameters.get("maxResults") or 1000)
        answer: dict[str, Any] = {"jobSummaryList": [job.summary() for job in jobs[start:end]]}
        return {**answer, "nextToken": str(end)} if end < len(jobs) else answer

    def cancel(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """CancelJob: what has not yet started ends as FAILED; what has goes on."""
        for job in self._members(parameters):
            with self._scheduler.lock:
                if not job.state.is_placed and not job.state.is_final:
                    job.is_cancelled = True
                    self._scheduler.end(job, State.FAILED, parameters["reason"])
        return {}

    def terminate(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """TerminateJob: a running job's process group is ended; it is not retried."""
        for job in self._members(parameters):
            with self._scheduler.lock:
                job.is_terminated = True
                job.stop_reason = job.stop_reason or parameters["reason"]
                process = self._processes.get(job.id)
                if not job.state.is_placed:
                    self._scheduler.end(job, State.FAILED, job.stop_reason)
            if process is not None:
                process.stop()
        return {}

    def reclaim(self, job_id: str) -> None:
        """End a job's attempt as the loss of its instance would; its retry strategy decides what follows."""
        with self._scheduler.lock:
            job, process = self._jobs[job_id], self._processes.get(job_id)
            if process is not None:
                instance = f"i-{uuid.uuid4().hex[:17]}"
                job.attempts[-1].status_reason = f"Host EC2 (instance {instance}) terminated."
        if process is not None:
            process.signal(signal.SIGKILL)

    def _lose_host(self, job: Job, attempt: Attempt) -> None:
        """Reclaim the machine of an attempt, if that still runs."""
        if attempt is job.attempts[-1] and not job.state.is_final:
            self.reclaim(job.id)

    def _dependency(self, job_id: str) -> Job:
        job = self.find(job_id)
        if job is None:
            raise ClientException(f"Job {job_id} in dependsOn does not exist")
        return job

    def _candidates(self, parameters: Mapping[str, Any]) -> Iterable[Job]:
        if array := parameters.get("arrayJobId"):
            job = self.find(array)
            return list(job.children) if job else []
        backend = batch_backends[self._context.account][self._context.region]
        queue = backend.get_job_queue(parameters.get("jobQueue") or "")
        if queue is None:
            raise ClientException(f"Job queue {parameters.get('jobQueue')} does not exist")
        return [job for job in self._jobs.values() if job.request.queue_arn == queue.arn and job.parent is None]

    def _members(self, parameters: Mapping[str, Any]) -> list[Job]:
        for name in ("jobId", "reason"):
            if not parameters.get(name):
                raise ClientException(f"'{name}' is a required field (cannot be an empty string)")
        job = self.find(parameters["jobId"])
        if job is None:
            return []
        if job.children:
            job.stop_reason = parameters["reason"]
        return list(job.children) or [job]

    def _priority(self, queue_arn: str) -> int:
        queue = batch_backends[self._context.account][self._context.region].get_job_queue_by_arn(queue_arn)
        return int(queue.priority) if queue is not None else 0

    def _environments(self, queue_arn: str) -> list[Environment]:
        queue = batch_backends[self._context.account][self._context.region].get_job_queue_by_arn(queue_arn)
        found = queue.environments if queue is not None else []
        return [Environment.of(environment) for environment in found if environment.state == "ENABLED"]

    def _blocked(self, job: Job) -> None:
        """AWS Batch User Guide, "Job queue blocked events"."""
        events.emit(
            self._context,
            source="aws.batch",
            detail_type="Batch Job Queue Blocked",
            resources=[job.arn, job.request.queue_arn],
            detail=job.describe,
        )

    def _changed(self, job: Job) -> None:
        events.emit(
            self._context,
            source="aws.batch",
            detail_type="Batch Job State Change",
            resources=[job.arn],
            detail=job.describe,
        )
        if job.state.is_final and job.parent is None:
            self._ended[job.id] = job
            while len(self._ended) > _ENDED_JOBS_KEPT:
                _, oldest = self._ended.popitem(last=False)
                for member in [oldest, *oldest.children]:
                    self._jobs.pop(member.id, None)

    def _launch(self, job: Job) -> None:
        threading.Thread(target=self._run, args=[job], name=f"batch-{job.id}", daemon=True).start()

    def _run(self, job: Job) -> None:
        """One attempt, in a thread of its own."""
        task = uuid.uuid4().hex
        options = job.request.log_options
        prefix = options.get("awslogs-stream-prefix") or job.request.definition_name
        attempt = Attempt(
            task=f"arn:{self._context.partition}:ecs:{self._context.region}:{self._context.account}:task/embedded/{task}",
            log_stream=f"{prefix}/default/{task}",
        )
        with self._scheduler.lock:
            job.attempts.append(attempt)
        try:
            self._execute(job, attempt, options.get("awslogs-group") or DEFAULT_LOG_GROUP)
        except UnknownImageError as error:
            attempt.status_reason = NOT_STARTED
            attempt.reason = f"CannotPullContainerError: no image is registered as {error}"
        except RefusedStartError as error:
            attempt.status_reason = NOT_STARTED
            attempt.reason = str(error)
        except Exception as error:  # whatever keeps a container from starting is the job's failure
            attempt.status_reason = NOT_STARTED
            attempt.reason = f"CannotStartContainerError: {error}"
        attempt.stopped_at = now()
        self._settle(job, attempt)

    def _execute(self, job: Job, attempt: Attempt, log_group: str) -> None:
        request = job.request
        prepared = containers.prepare(
            self._context, request.container, request.command, self._variables(job), session=attempt.task[-32:]
        )
        try:
            log = LogStream(self._context, log_group, attempt.log_stream)
            process = Process(
                prepared.argv,
                environment=prepared.environment,
                directory=prepared.working_directory,
                cores=job.cores,
                read_only=prepared.read_only,
            )
            with self._scheduler.lock:
                self._processes[job.id] = process
                attempt.started_at = job.started_at = now()
                self._scheduler.starting(job, State.RUNNING)
                is_stopped = job.stop_reason is not None
            if is_stopped:
                process.signal(signal.SIGKILL)
            if fault := faults.take(faults.Fault.RECLAIM, job=request.name):
                threading.Timer(fault.after_seconds, self._lose_host, [job, attempt]).start()
            expiry = faults.take(faults.Fault.EXPIRE, job=request.name)
            timeout = expiry.after_seconds if expiry else request.timeout_seconds
            with limited(process, request.memory_mib * _MIB) as memory:
                ending = process.wait(output=log.write, timeout=timeout)
        finally:
            self._processes.pop(job.id, None)
            prepared.clean()
        attempt.exit_code = ending.exit_code
        attempt.timed_out = ending.timed_out
        if memory.exceeded:
            attempt.reason = OUT_OF_MEMORY
        if ending.timed_out:
            attempt.status_reason = TIMED_OUT
        attempt.status_reason = attempt.status_reason or ESSENTIAL_CONTAINER_EXITED

    def _settle(self, job: Job, attempt: Attempt) -> None:
        with self._scheduler.lock:
            if job.stop_reason is not None:
                attempt.status_reason = job.stop_reason
                self._scheduler.end(job, State.FAILED, job.stop_reason)
            elif attempt.exit_code == 0 and not attempt.timed_out:
                self._scheduler.end(job, State.SUCCEEDED, attempt.status_reason)
            elif not attempt.timed_out and job.request.retries(attempt, len(job.attempts)):
                self._scheduler.retry(job)
            else:
                self._scheduler.end(job, State.FAILED, attempt.status_reason)

    def _variables(self, job: Job) -> dict[str, str]:
        """What Batch itself puts into a container's environment."""
        variables = {
            "AWS_BATCH_JOB_ID": job.id,
            "AWS_BATCH_JOB_ATTEMPT": str(len(job.attempts)),
            "AWS_BATCH_JQ_NAME": job.request.queue_arn.rpartition("/")[2],
            "AWS_BATCH_CE_NAME": job.environment[0],
        }
        given = {item["name"] for item in job.request.container.get("environment") or []}
        variables |= {name: str(len(job.cores)) for name in _LOCAL_THREAD_VARIABLES if name not in given}
        return variables if job.index is None else {**variables, "AWS_BATCH_JOB_ARRAY_INDEX": str(job.index)}


def _passes(job: Job, name: str, values: Iterable[str]) -> bool:
    tests: Mapping[str, Callable[[str], bool]] = {
        "JOB_NAME": lambda value: _is_like(job.request.name.lower(), value.lower()),
        "JOB_DEFINITION": lambda value: (
            _is_like(job.request.definition_name, value) or job.request.definition_arn == value
        ),
        "BEFORE_CREATED_AT": lambda value: job.created_at < int(value),
        "AFTER_CREATED_AT": lambda value: job.created_at > int(value),
    }
    if name not in tests:
        raise ClientException(f"Filter name must be one of {', '.join(tests)}.")
    return any(tests[name](value) for value in values)


def _is_like(value: str, pattern: str) -> bool:
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern


def _parameters(response: Any) -> Mapping[str, Any]:
    body: Mapping[str, Any] = json.loads(response.body or "{}")
    return body
