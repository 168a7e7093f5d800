"""The index of an archive: one line of JSON for each member, compressed, in the order of the tars."""

import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path

from batch_tools.archive_study.layout import Member
from batch_tools.tool_runtime.errors import ToolError
from genomics.contracts import codec
from genomics.contracts.archives import IndexEntry


def write_index(entries: Iterable[IndexEntry], members: Iterable[Member], path: Path) -> int:
    """Write the index, if it holds every planned member once and nothing else; ToolError if not.

    Returns how many members were compared with no sum of S3's.
    """
    found, unverified = iter(entries), 0
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        for member in members:
            entry = next(found, None)
            if entry is None or (entry.key, entry.offset, entry.size) != (member.key, member.offset, member.size):
                raise ToolError(f"the tars hold {entry.key if entry else 'nothing'} where {member.key} was planned")
            lines.write(f"{codec.dumps(entry)}\n")
            unverified += not entry.verified_by
    if (more := next(found, None)) is not None:
        raise ToolError(f"the tars hold {more.key}, which was not planned")
    return unverified


def read_index(path: Path) -> Iterator[IndexEntry]:
    """Entries, in order."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            yield codec.loads(IndexEntry, line, where=f"{path.name}:{number}")
