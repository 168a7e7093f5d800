"""States that hold states: Maps of any number of items, as many at once as on AWS, and errors that pass upwards."""

import threading
from typing import Any

from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.job import JobPool

from embedded_aws.guard import Patch

_STATES = "moto.stepfunctions.parser.asl.component.state"
_ITERATION = "moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration"
_BODY = Patch(f"{_ITERATION}.inline_iteration_component:InlineIterationComponent._eval_body", "1a65306eb3ca3961")
_POOL = Patch(f"{_ITERATION}.iteration_worker:IterationWorker._eval_pool", "45ca0026e8cc8e85")
_MAP_ERROR = Patch(f"{_ITERATION}.iteration_worker:CustomErrorName", "40a96f8ab3691437")
_PARALLEL_ERROR = Patch(f"{_STATES}.exec.state_parallel.branches_decl:CustomErrorName", "40a96f8ab3691437")
_FAIL_ERROR = Patch(f"{_STATES}.fail.state_fail:CustomErrorName", "40a96f8ab3691437")
PATCHES = (_BODY, _POOL, _MAP_ERROR, _PARALLEL_ERROR, _FAIL_ERROR)

# Step Functions Developer Guide, "Inline mode": up to 40 concurrent iterations.
_CONCURRENT_ITERATIONS = 40


def install() -> None:
    """Replace moto's: a thread and a level of recursion for each item, and no way up for a States.* error."""
    for patch in (_MAP_ERROR, _PARALLEL_ERROR, _FAIL_ERROR):
        patch.apply(_named)
    _BODY.apply(_eval_body)
    _POOL.apply(_eval_pool)


def _named(error_name: str | None) -> ErrorName:
    """An error by its name, be it one of the language's own or a task's."""
    if error_name is not None and error_name.startswith("States."):
        try:
            return StatesErrorName.from_name(error_name)
        except ValueError:
            return ErrorName(error_name)
    return CustomErrorName(error_name)


def _eval_body(component: Any, env: Any) -> None:
    eval_input = env.stack.pop()
    pool = JobPool(job_program=component._get_iteration_program(), job_inputs=eval_input.input_items)
    wanted = eval_input.max_concurrency or _CONCURRENT_ITERATIONS
    for _ in range(min(len(eval_input.input_items), wanted, _CONCURRENT_ITERATIONS)):
        worker = component._create_worker(env=env, eval_input=eval_input, job_pool=pool)
        threading.Thread(target=worker.eval, name="map-iteration", daemon=True).start()
    pool.await_jobs()
    if (error := pool.get_worker_exception()) is not None:
        raise error
    env.stack.append([closed.job_output for closed in pool.get_closed_jobs()])


def _eval_pool(worker: Any, job: Any, worker_frame: Any) -> None:
    """Evaluate one item after another, as moto does, in a loop."""
    while job is not None:
        frame = worker_frame.open_inner_frame()
        worker._eval_job(env=frame, job=job)
        worker_frame.close_frame(frame)
        has_failed = isinstance(job.job_output, Exception) or worker.stopped()
        following = None if has_failed else worker._job_pool.next_job()
        if following is None:
            if not has_failed:
                worker_frame.event_history_context.source_event_id = frame.event_history_context.last_published_event_id
            # The frame is closed before the job: the state awaits its jobs, not its workers.
            worker._env.close_frame(worker_frame)
            worker._job_pool.close_job(job)
            return
        worker._job_pool.close_job(job)
        job = following
    worker._env.close_frame(worker_frame)
