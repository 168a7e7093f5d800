"""How a study's objects lie in a tar: every offset is known before a byte is read, and is the same in every attempt."""

import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from batch_tools.tool_runtime.errors import ToolError

# The limit that every S3 client has known; larger objects are newer than many tools.
LARGEST_OBJECT = 5 << 40


@dataclass(frozen=True)
class Member:
    """A version of an object, and its place in tar number `tar` (from 1): header at `start`, content at `offset`.

    Sizes and offsets in bytes; `last_modified` in seconds since the epoch.
    """

    key: str
    version_id: str
    size: int
    etag: str
    storage_class: str
    last_modified: int
    tar: int = 0
    start: int = 0
    offset: int = 0

    @property
    def end(self) -> int:
        """Where its content ends."""
        return self.offset + self.size

    @property
    def padded_end(self) -> int:
        """Where the next member's header begins."""
        return _padded(self.end, tarfile.BLOCKSIZE)


def header(member: Member) -> bytes:
    """What stands before its content: POSIX (pax) format, which has no limits to names and sizes."""
    info = tarfile.TarInfo(member.key)
    info.size, info.mtime, info.mode = member.size, member.last_modified, 0o644
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def placed(members: Iterable[Member], *, tar_bytes: int) -> Iterator[Member]:
    """Members with their places, in the order given. A new tar is begun when `tar_bytes` would be exceeded."""
    tar, position = 1, 0
    for member in members:
        length = len(header(member))
        found = replace(member, tar=tar, start=position, offset=position + length)
        if position and tar_size(found.padded_end) > tar_bytes:
            tar, position = tar + 1, 0
            found = replace(member, tar=tar, start=0, offset=length)
        if tar_size(found.padded_end) > LARGEST_OBJECT:
            raise ToolError(f"{member.key} has {member.size} bytes, more than fit into one object of S3 with a header")
        position = found.padded_end
        yield found


def tar_size(end: int) -> int:
    """Size of a tar whose last member's padding ends at `end`: two empty blocks, and a full record."""
    return _padded(end + 2 * tarfile.BLOCKSIZE, tarfile.RECORDSIZE)


def _padded(position: int, block: int) -> int:
    return -(-position // block) * block
