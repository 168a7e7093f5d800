"""Where commands print to."""

from typing import IO

from rich.console import Console

# Wide enough that nothing is folded in a file or a pipe.
_WIDTH_WITHOUT_TERMINAL = 200


def open_console(*, stderr: bool = False, file: IO[str] | None = None) -> Console:
    """A console on stdout, stderr or a file; as wide as the terminal, where there is one."""
    console = Console(stderr=stderr, file=file, highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH_WITHOUT_TERMINAL
    return console
