"""The shape that all tools have: what one is given, what it gives back, and how it is described to the runtime."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeVar

from batch_tools.tool_runtime.errors import ToolError
from genomics.contracts.codec import ContractError, from_dict
from genomics.contracts.environment import ToolEnvironment
from genomics.contracts.steps import Scalar, Step, Task

P = TypeVar("P")


@dataclass(frozen=True)
class Attempt:
    """One try of a Batch job. `number` counts from 1; AWS Batch runs a job's attempts one after the other."""

    job_id: str
    number: int

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """From what AWS Batch sets; a tool started by hand gets a job id of its own."""
        return cls(
            job_id=environment.get("AWS_BATCH_JOB_ID") or f"unbatched-{uuid.uuid4().hex}",
            number=int(environment.get("AWS_BATCH_JOB_ATTEMPT") or 1),
        )

    @property
    def name(self) -> str:
        """Unique among attempts; part of keys and directories."""
        return self._name(self.number)

    @property
    def earlier_names(self) -> tuple[str, ...]:
        """Names of the attempts before, which have ended and may have left something behind."""
        return tuple(self._name(number) for number in range(1, self.number))

    def _name(self, number: int) -> str:
        # The id of an array job's child holds a colon.
        return f"{self.job_id.replace(':', '-')}-{number}"


@dataclass(frozen=True)
class Outcome:
    """What a tool made: a file for each output of the task, and numbers worth keeping."""

    outputs: Mapping[str, Path]
    metrics: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """What a tool's adapter is given: the task, its inputs on scratch, and an empty directory to work in.

    `folder` is where the files of the task's folder are, for a task that has one.
    """

    task: Task
    environment: ToolEnvironment
    attempt: Attempt
    inputs: Mapping[str, tuple[Path, ...]]
    directory: Path
    folder: Path | None = None

    def files(self, name: str) -> tuple[Path, ...]:
        """All files of an input."""
        if not self.inputs.get(name):
            raise ToolError(f"the task of {self.task.step} has no input {name!r}")
        return self.inputs[name]

    def file(self, name: str) -> Path:
        """The only file of an input."""
        files = self.files(name)
        if len(files) != 1:
            raise ToolError(f"the task of {self.task.step} has {len(files)} files for input {name!r}, expected one")
        return files[0]

    def parameters(self, kind: type[P]) -> P:
        """The task's parameters as the dataclass that defines them."""
        try:
            return from_dict(kind, dict(self.task.parameters), where=f"parameters of {self.task.step}")
        except ContractError as error:
            raise ToolError(str(error)) from error


def _none(_task: Task) -> tuple[str, ...]:
    return ()


def _always(_task: Task, _environment: ToolEnvironment) -> bool:
    return True


@dataclass(frozen=True)
class Tool:
    """A tool as the runtime sees it.

    `programs` are those whose versions are recorded, but for the `unused` ones, which a task's parameters leave aside.
    `scratch_per_input_byte` is how much scratch space it may need for each byte of input, the staged inputs and all
    outputs included. `is_complete` says whether what the tool keeps outside S3 is there, for a task whose record is
    valid.
    """

    step: Step
    run: Callable[[Job], Outcome]
    programs: tuple[str, ...]
    scratch_per_input_byte: float
    is_complete: Callable[[Task, ToolEnvironment], bool] = _always
    unused: Callable[[Task], tuple[str, ...]] = _none
