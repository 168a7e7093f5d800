"""The versions of the programs in the image, as they print them, or as they were installed by."""

import contextlib
import importlib.metadata
import platform
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.snpeff import JAR

_VERSION = re.compile(r"\bv?(\d+\.\d[\w.+-]*)")
# bwa has no option that prints its version; it stands in the usage. Picard's programs print it, itself it does not.
_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "bwa": (),
    "vep": ("--help",),
    "PicardCommandLine": ("ExtractIlluminaBarcodes", "--version"),
}
# What prints others' versions before its own.
_OWN_LINES = {"vep": re.compile(r"ensembl-vep\s*:\s*(\S+)")}
# What not every deployment has.
_WHERE = {"vep": "; only the image annotate_vep has it, for production: batch_tools/annotate_vep/README.md"}
# Java's programs are no commands.
_JARS = {"snpeff": (JAR, "-version")}


def tool_versions(programs: Iterable[str]) -> dict[str, str]:
    """Program -> version, and Python's own. ToolError names a program that is not there."""
    return {**{program: _version(program) for program in programs}, "python": platform.python_version()}


def installed(program: str) -> str:
    """How to start a program: where Python's packages put theirs, else by its name, on the PATH."""
    beside_python = Path(sys.executable).with_name(program)
    return str(beside_python) if beside_python.is_file() else program


def _question(program: str) -> list[str]:
    """The command that makes a program print its version."""
    if program in _JARS:
        return ["java", "-jar", *map(str, _JARS[program])]
    return [installed(program), *_ARGUMENTS.get(program, ("--version",))]


def _version(program: str) -> str:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        # One that Python's packages brought would be loaded whole, to print what is on record.
        return importlib.metadata.version(program)
    try:
        done = subprocess.run(
            _question(program),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except FileNotFoundError as error:
        raise ToolError(f"the program {program} is not installed{_WHERE.get(program, '')}") from error
    match = _OWN_LINES.get(program, _VERSION).search(done.stdout + done.stderr)
    if not match:
        raise ToolError(f"the program {program} does not print its version")
    return match[1]
