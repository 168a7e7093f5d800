"""Text, plain, gzip or BGZF, line by line."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from batch_tools.tool_runtime.errors import ToolError


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, from 1. ToolError if the file is empty, damaged or no text."""
    number = 0
    with path.open("rb") as stream:
        compressed = stream.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path, "rt", encoding="utf-8") if compressed else path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                yield number, line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ToolError(f"{path.name} line {number + 1}: the gzip data is damaged or ends early ({error})") from error
    except UnicodeDecodeError as error:
        raise ToolError(f"{path.name} line {number + 1}: is not text in UTF-8") from error
    if not number:
        raise ToolError(f"{path.name}: is empty")
