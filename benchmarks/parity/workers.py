"""Judges files in a process of their own each time one is late or dies, so that no file holds up the others."""

import multiprocessing
import tempfile
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.parity.verdicts import Outcome, Verdict

Judge = Callable[[Path, Path], Verdict]


def judged(files: Iterable[Path], judge: Judge, timeout: float) -> Iterator[tuple[Path, Verdict]]:
    """Each file with its verdict. One that takes longer than `timeout` seconds, or kills its process, fails."""
    context = multiprocessing.get_context("fork")
    worker = None
    try:
        for path in files:
            if worker is None:
                ours, theirs = context.Pipe()
                worker = context.Process(target=_serve, args=(theirs, judge), daemon=True)
                worker.start()
                theirs.close()
            ours.send(path)
            try:
                verdict = ours.recv() if ours.poll(timeout) else None
            except EOFError:
                verdict = Verdict(Outcome.FAILS, "the process died")
            else:
                verdict = verdict or Verdict(Outcome.FAILS, f"took more than {timeout:.0f} s")
            yield path, verdict
            if verdict.outcome is Outcome.FAILS:
                worker.kill()
                worker.join()
                worker = None
    finally:
        if worker is not None:
            worker.kill()
            worker.join()


def _serve(asked: Connection, judge: Judge) -> None:
    with tempfile.TemporaryDirectory(prefix="parity-") as name:
        while True:
            path = asked.recv()
            try:
                verdict = judge(path, Path(name))
            # Whatever a reader raises is what is looked for.
            except Exception as error:
                verdict = Verdict(Outcome.FAILS, f"{type(error).__name__}: {error}")
            asked.send(verdict)
