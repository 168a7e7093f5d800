"""Environment variables that stacks set and runtimes read, each named once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self


class _Environment:
    """A frozen dataclass whose fields are environment variables, in upper case."""

    def variables(self) -> dict[str, str]:
        """What the stack sets."""
        return {field.name.upper(): str(getattr(self, field.name)) for field in fields(self)}  # type: ignore[arg-type]

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """What the runtime finds; a missing variable is named."""
        values = {}
        for field in fields(cls):  # type: ignore[arg-type]
            name = field.name.upper()
            if name not in environment:
                raise RuntimeError(f"environment variable {name} is not set")
            values[field.name] = int(environment[name]) if field.type is int else environment[name]
        return cls(**values)


@dataclass(frozen=True)
class ToolEnvironment(_Environment):
    """Of every container in batch_tools/. `tool_image` identifies it; `references` and `scratch` are directories."""

    tool_image: str
    vcpus: int
    memory_mib: int
    ledger_table: str
    references: str
    scratch: str
    reference_store: str


@dataclass(frozen=True)
class StartRunEnvironment(_Environment):
    """Of the Lambda that turns inbox events into executions."""

    state_machine_arn: str
    sequencing_bucket: str
    ledger_table: str


@dataclass(frozen=True)
class PlanEnvironment(_Environment):
    """Of the Lambdas that plan runs and samples. `tool_images` is JSON: step -> image identity.

    `reference_store` is the file system that prepared references are looked for on.
    """

    sequencing_bucket: str
    ledger_table: str
    tool_images: str
    reference_store: str


@dataclass(frozen=True)
class LedgerEnvironment(_Environment):
    """Of the Lambdas that record outcomes."""

    sequencing_bucket: str
    ledger_table: str


@dataclass(frozen=True)
class PlanLoadEnvironment(_Environment):
    """Of the Lambdas that decide which sources the lake still has to load, and record what was loaded."""

    data_lake_bucket: str
    sequencing_bucket: str
    ledger_table: str
