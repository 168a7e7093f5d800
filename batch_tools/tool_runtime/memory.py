"""How much memory this process and all that it started hold at their highest."""

import os
import threading
from pathlib import Path
from types import TracebackType

_PROC = Path("/proc")
# Frequent at first, so that programs that end at once are seen; then cheap.
_FIRST_INTERVAL_SECONDS = 0.01
_LONGEST_INTERVAL_SECONDS = 0.5


class MemoryMeter:
    """A context manager that samples resident memory while it is open; `peak_mib` says the highest sum seen.

    Pages that several processes share are counted for each of them.
    """

    def __init__(self) -> None:
        self._peak_kib = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "MemoryMeter":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    @property
    def peak_mib(self) -> int:
        """Rounded up, in MiB."""
        return -(-self._peak_kib // 1024)

    def _watch(self) -> None:
        interval = _FIRST_INTERVAL_SECONDS
        while True:
            sizes = _tree_kib(os.getpid())
            self._peak_kib = max(self._peak_kib, sum(sizes))
            if self._done.wait(interval):
                return
            interval = min(interval * 1.5, _LONGEST_INTERVAL_SECONDS)


def _tree_kib(root: int) -> list[int]:
    """Resident KiB of `root` and its descendants."""
    parents, resident = {}, {}
    for directory in _PROC.iterdir():
        if directory.name.isdigit() and (status := _status(directory)):
            parents[int(directory.name)] = int(status.get("PPid", "0"))
            resident[int(directory.name)] = int(status.get("VmRSS", "0 kB").split()[0])
    family, added = {root}, True
    while added:
        children = {pid for pid, parent in parents.items() if parent in family and pid not in family}
        family |= children
        added = bool(children)
    return [resident.get(pid, 0) for pid in family]


def _status(directory: Path) -> dict[str, str]:
    try:
        lines = (directory / "status").read_text().splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
