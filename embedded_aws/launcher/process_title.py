"""The command line and environment that others see of this process, in /proc and so in `ps`."""

import ctypes
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

# Of /proc/<pid>/stat, counted behind the command's name: arg_start, arg_end, env_start, env_end (proc(5)).
_FIELDS = slice(45, 49)


def take(argv: Sequence[str], environment: Mapping[str, str]) -> None:
    """Show `argv` and `environment`, as far as the room goes that this process was started with.

    Nothing may use any more what the process was started with: it is overwritten.
    """
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[_FIELDS]
    argv_start, argv_end, environment_start, environment_end = map(int, fields)
    if 0 in (argv_start, environment_start):
        return  # this machine does not tell
    _write(argv_start, argv_end, argv)
    _write(environment_start, environment_end, (f"{name}={value}" for name, value in environment.items()))


def _write(start: int, end: int, texts: Iterable[str]) -> None:
    size = end - start
    text = b"".join(text.encode(errors="surrogateescape") + b"\0" for text in texts)
    # A last byte other than zero would say that the text goes on where the environment is.
    ctypes.memmove(start, text[: size - 1].ljust(size, b"\0"), size)
