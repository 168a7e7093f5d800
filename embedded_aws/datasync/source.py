"""What lies in a source folder, as one execution sees it."""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from embedded_aws.datasync.filters import Filters

# Tells of an entry that cannot be transferred: its path, and why.
Refuse = Callable[[str, str], None]


@dataclass(frozen=True)
class Entry:
    """A file or folder. `path` begins with `/`, at the source location."""

    path: str
    size: int
    mtime_ns: int
    mode: int
    uid: int
    gid: int
    is_folder: bool

    @property
    def metadata(self) -> dict[str, str]:
        """As user metadata of an object: DataSync User Guide, "How DataSync handles file and object metadata"."""
        return {
            "file-mtime": f"{self.mtime_ns}ns",
            "file-owner": str(self.uid),
            "file-group": str(self.gid),
            "file-permissions": f"{stat.S_IMODE(self.mode):04o}",
            "user-agent": "aws-datasync",
        }

    @property
    def report(self) -> dict[str, object]:
        """As a task report describes it."""
        return {
            "Type": "Directory" if self.is_folder else "Regular",
            "ContentSize": self.size,
            "Uid": self.uid,
            "Gid": self.gid,
            "Mode": f"{stat.S_IMODE(self.mode):04o}",
        }


def entries(root: Path, filters: Filters, refuse: Refuse) -> Iterator[Entry]:
    """Everything that the filters take, folders before what they hold.

    Links and devices are passed over: DataSync copies none into S3. OSError if `root` cannot be read.
    """
    pending = [(os.fsencode(root), "")]
    while pending:
        directory, above = pending.pop()
        for item in _listed(directory, above, refuse):
            try:
                path = f"{above}/{item.name.decode()}"
            except UnicodeDecodeError:
                refuse(f"{above}/{item.name!r}", "its name is not UTF-8")
                continue
            is_folder = item.is_dir(follow_symlinks=False)
            if is_folder and filters.enters(path):
                pending.append((item.path, path))
            if (is_folder or item.is_file(follow_symlinks=False)) and filters.takes(path):
                try:
                    found = item.stat(follow_symlinks=False)
                except OSError as error:
                    refuse(path, error.strerror or str(error))
                    continue
                size = 0 if is_folder else found.st_size
                yield Entry(path, size, found.st_mtime_ns, found.st_mode, found.st_uid, found.st_gid, is_folder)


def _listed(directory: bytes, above: str, refuse: Refuse) -> list["os.DirEntry[bytes]"]:
    try:
        with os.scandir(directory) as found:
            return sorted(found, key=lambda item: item.name)
    except OSError as error:
        if not above:
            raise
        refuse(above, error.strerror or str(error))
        return []
