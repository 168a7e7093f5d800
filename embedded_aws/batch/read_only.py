"""Read-only mounts of a command, in a mount namespace of its own, where this machine lets an ordinary user have one.

Some do not (a container's seccomp profile, Ubuntu's AppArmor): there, what a container must not write it can write.
"""

import functools
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

_UNSHARE = ("unshare", "--user", "--mount", "--map-current-user", "--keep-caps")
# What a mount already forbids has to be said again, and cannot be read from a shell.
_BIND = """\
count=$1; shift
while [ "$count" -gt 0 ]; do
  mount --bind "$1" "$1" && {
    mount -o remount,bind,ro "$1" || mount -o remount,bind,ro,nosuid,nodev "$1" ||
    mount -o remount,bind,ro,nosuid,nodev,noexec "$1"
  } 2>/dev/null || exit 125
  shift; count=$((count - 1))
done
exec "$@"
"""


@functools.cache
def is_enforced() -> bool:
    """Whether this machine can."""
    if shutil.which(_UNSHARE[0]) is None:
        return False
    with tempfile.TemporaryDirectory() as place:
        probe = [*_UNSHARE, "sh", "-c", _BIND, "sh", "1", place, "sh", "-c", f"! touch {place}/x"]
        return subprocess.run(probe, check=False, capture_output=True, stdin=subprocess.DEVNULL).returncode == 0


def wrapped(argv: Sequence[str], places: Sequence[Path]) -> list[str]:
    """The command line for `argv` with `places` (directories that are there) read-only to it and all it starts.

    The process stays the one that was started: each program on the way replaces the one before.
    """
    if not places or not is_enforced():
        return list(argv)
    return [*_UNSHARE, "sh", "-c", _BIND, "sh", str(len(places)), *map(str, places), *argv]
