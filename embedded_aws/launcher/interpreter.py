"""Runs a Python command line in this process, as a new interpreter would: Python's manual, "Command line"."""

import builtins
import contextlib
import importlib
import io
import os
import runpy
import sys
import tempfile
import time
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from embedded_aws.launcher import service_models

# Clients that most programs make.
_SERVICES = ("cloudwatch", "dynamodb", "events", "s3", "sqs", "stepfunctions")
# What the environment says to an interpreter and is done here too; anything else needs a new one.
_HEEDED = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
_INSTALLED: list[str] = []


def prepare(modules: Sequence[str] = ()) -> None:
    """Import what most programs import, and forget this repository: a program must not find what it did not bring.

    Of `modules` those that are not installed are left to the programs to miss.
    """
    service_models.keep()
    session = boto3.Session("none", "none", region_name="us-east-1")
    for service in _SERVICES:
        session.client(service)  # type: ignore[call-overload]
    for module in modules:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    # As isolation/sitecustomize.py does for an interpreter that is started.
    _INSTALLED[:] = [place for place in sys.path if place.startswith((sys.prefix, sys.base_prefix))]
    for name in [name for name in sys.modules if name.partition(".")[0] == __name__.partition(".")[0]]:
        del sys.modules[name]


@dataclass(frozen=True)
class Program:
    """`option` is `-m`, `-c`, or empty for the path of a script; `name` is what follows it."""

    option: str
    name: str
    arguments: Sequence[str]
    is_unbuffered: bool

    def run(self) -> None:
        """Run it in this process, whose environment it has. Raises SystemExit as it does, or for its exception."""
        own = os.environ.get("PYTHONPATH", "")
        sys.path[:] = [self._first_place(), *(own.split(os.pathsep) if own else ()), *_INSTALLED]
        sys.argv[:] = [self.option or self.name, *self.arguments]
        sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
        time.tzset()
        tempfile.tempdir = None
        _open_streams(self.is_unbuffered)
        main = types.ModuleType("__main__")
        main.__dict__["__builtins__"] = builtins
        sys.modules["__main__"] = main
        try:
            self._execute(main.__dict__)
        except Exception as error:
            _show(error)
            sys.exit(1)

    def _first_place(self) -> str:
        match self.option:
            case "-m":
                return str(Path.cwd())
            case "-c":
                return ""
            case _:
                return str(Path(self.name).resolve().parent)

    def _execute(self, names: dict[str, Any]) -> None:
        match self.option:
            case "-m":
                runpy._run_module_as_main(self.name)  # type: ignore[attr-defined]
            case "-c":
                exec(compile(self.name, "<string>", "exec", dont_inherit=True), names)  # noqa: S102
            case _:
                names["__file__"] = self.name
                exec(compile(Path(self.name).read_bytes(), self.name, "exec", dont_inherit=True), names)  # noqa: S102


def parse(argv: Sequence[str], environment: Mapping[str, str]) -> Program | None:
    """The program that a command line runs, if it can run here: with this interpreter, and no more options than -u.

    A script is one that is there, in source; to say what is wrong with any other is the interpreter's own task.
    """
    if argv[0] != sys.executable:
        return None
    if any(name.startswith("PYTHON") and name not in _HEEDED for name, value in environment.items() if value):
        return None
    rest = list(argv[1:])
    is_unbuffered = bool(environment.get("PYTHONUNBUFFERED"))
    if rest[:1] == ["-u"]:
        is_unbuffered = True
        del rest[0]
    option = rest.pop(0) if rest[:1] in (["-m"], ["-c"]) else ""
    if not rest or (not option and not (rest[0].endswith(".py") and Path(rest[0]).is_file())):
        return None
    return Program(option, rest[0], rest[1:], is_unbuffered)


def _open_streams(is_unbuffered: bool) -> None:
    """Standard streams as of an interpreter whose standard output is a pipe."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        old = getattr(sys, f"__{name}__")
        raw: Any = io.FileIO(number, f"{mode}b", closefd=False)
        raw.name = f"<{name}>"
        buffered = io.BufferedReader(raw) if mode == "r" else raw if is_unbuffered else io.BufferedWriter(raw)
        stream: Any = io.TextIOWrapper(
            buffered, old.encoding, old.errors, line_buffering=name == "stderr", write_through=is_unbuffered
        )
        stream.mode = mode
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _show(error: Exception) -> None:
    """Print the exception as the interpreter does, from the program's own first line."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    sys.excepthook(type(error), error.with_traceback(trace), trace)
