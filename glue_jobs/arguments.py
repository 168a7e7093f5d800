"""A job's options as arguments of Glue's: the stack writes them, the job reads them. Standard library only."""

import argparse
from collections.abc import Sequence
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Options = TypeVar("_Options", bound="DataclassInstance")


def written(options: "DataclassInstance") -> dict[str, str]:
    """`--name` to text. Values may be references that are resolved later."""
    return {f"--{field.name}": str(getattr(options, field.name)) for field in fields(options)}


def parse(kind: type[_Options], argv: Sequence[str], *, job: str) -> _Options:
    """Read arguments (without the script's name). Those that Glue adds of its own (`--JOB_NAME`) are ignored.

    A missing or malformed argument ends the process with a line that names it.
    """
    parser = argparse.ArgumentParser(prog=job, allow_abbrev=False)
    for field in fields(kind):
        required = field.default is MISSING
        default = None if required else field.default
        parser.add_argument(f"--{field.name}", type=type(default or ""), required=required, default=default)
    known, _ = parser.parse_known_args(argv)
    return kind(**vars(known))
