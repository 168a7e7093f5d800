"""The command line that all tools share: `--task s3://bucket/key`, one line on stderr and an exit code on failure."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import NoReturn

import boto3
from botocore.config import Config

from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.execution import Execution, one_line
from batch_tools.tool_runtime.objects import read_document
from batch_tools.tool_runtime.tool import Attempt, Tool
from genomics.contracts.codec import ContractError
from genomics.contracts.environment import ToolEnvironment
from genomics.contracts.steps import Task

TERMINATED = 128 + signal.SIGTERM
RETRIES = Config(retries={"mode": "standard", "total_max_attempts": 8})
_log = logging.getLogger(__name__)


def launch(tool: Tool, arguments: Sequence[str] | None = None) -> int:
    """Carry out the task that the command line names; returns the exit code.

    0: the outputs are there. 1: they cannot be made, the last line on stderr says why. 128 + n: signal n ended the
    attempt or one of its programs, and another attempt may succeed.
    """
    parser = argparse.ArgumentParser(prog=f"batch_tools.{tool.step}.cli", description=f"Do one {tool.step} task.")
    parser.add_argument("--task", required=True, metavar="URI", help="s3:// URI of the task's JSON")
    options = parser.parse_args(arguments)
    return report(tool.step, lambda: _execute(tool, options.task))


def report(name: str, work: Callable[[], object]) -> int:
    """Do `work`; returns the exit code, and says in one line on stderr why it is not 0."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    signal.signal(signal.SIGTERM, _terminate)
    try:
        work()
    except ToolError as error:
        return _say(str(error), error.exit_code)
    except Exception as error:
        _log.exception("unexpected")
        return _say(one_line(error), 1)
    except SystemExit as stopped:
        return _say(f"{name} was told to stop (SIGTERM) and has cleaned up", int(stopped.code or 0))
    return 0


def _execute(tool: Tool, uri: str) -> None:
    environment = ToolEnvironment.read()
    s3 = boto3.client("s3", config=RETRIES)
    try:
        task = read_document(s3, uri, Task)
    except (ContractError, ValueError) as error:
        raise ToolError(f"--task: {error}") from error
    _log.info("%s %s %s: %s", task.sample, task.step, task.part, task.reason or "no reason given")
    Execution(
        tool=tool,
        task=task,
        environment=environment,
        attempt=Attempt.read(os.environ),
        s3=s3,
        dynamodb=boto3.client("dynamodb", config=RETRIES),
    ).run()


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    # Once is enough: cleaning up is not to be interrupted.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(TERMINATED)


def _say(line: str, exit_code: int) -> int:
    logging.shutdown()
    print(line, file=sys.stderr, flush=True)
    return exit_code
