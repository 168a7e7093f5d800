"""Remembers what was found in a file, so that it is not read again as long as it has not changed.

Only a hint: it is believed where device, inode, size and both times are as they were. The change time cannot be set,
so a file whose content was changed is always read again, and a touched one gives the same sum.
"""

import contextlib
import json
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from genomics_cli.inputs.fastq_files import FileFacts

# A file changed so lately might change again without its times showing it.
_SETTLED_SECONDS = 2.0


class KnownFiles:
    """Facts by path, kept in a JSON file. Safe to use from several threads."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._known = _read(store)

    def facts(self, path: Path, inspect: Callable[[Path], FileFacts]) -> FileFacts:
        """What `inspect` found in the file, or finds now where it is not known."""
        signature = _signature(path)
        known = self._known.get(str(path))
        if known and known["signature"] == signature:
            return FileFacts(**known["facts"])
        facts = inspect(path)
        settled = time.time() - max(signature[3], signature[4]) / 1e9 > _SETTLED_SECONDS
        if settled and _signature(path) == signature:
            with self._lock:
                self._known[str(path)] = {"signature": signature, "facts": asdict(facts)}
        return facts

    def save(self) -> None:
        """Write what is known; files that are gone are forgotten. Where it cannot be written, it is found out again."""
        kept = {path: entry for path, entry in self._known.items() if Path(path).exists()}
        with contextlib.suppress(OSError):
            self._store.parent.mkdir(parents=True, exist_ok=True)
            _write(self._store, json.dumps(kept, indent=1))


def _signature(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _write(store: Path, text: str) -> None:
    """Put the file in place whole; other commands may be doing the same."""
    with tempfile.NamedTemporaryFile("w", dir=store.parent, prefix=f".{store.name}.", delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(text)
            file.flush()
            temporary.replace(store)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def _read(store: Path) -> dict[str, dict[str, Any]]:
    try:
        return dict(json.loads(store.read_text()))
    except (OSError, ValueError):
        return {}
