"""Inline Map states: as many iterations at once as AWS runs, and any number of items."""

import threading
from typing import Any

from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.job import JobPool

from embedded_aws.guard import Patch

_ITERATION = "moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration"
_BODY = Patch(f"{_ITERATION}.inline_iteration_component:InlineIterationComponent._eval_body", "1a65306eb3ca3961")
_POOL = Patch(f"{_ITERATION}.iteration_worker:IterationWorker._eval_pool", "45ca0026e8cc8e85")
PATCHES = (_BODY, _POOL)

# Step Functions Developer Guide, "Inline mode": up to 40 concurrent iterations.
_CONCURRENT_ITERATIONS = 40


def install() -> None:
    """Replace moto's, which takes a thread for each item, and a level of recursion."""
    _BODY.apply(_eval_body)
    _POOL.apply(_eval_pool)


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
