"""Directories that a process cannot write to, in a mount namespace of its own: mount_namespaces(7), user_namespaces(7).

Some machines do not let an ordinary user have one (a container's seccomp profile, Ubuntu's AppArmor).
"""

import ctypes
import functools
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

# <linux/sched.h>, <linux/mount.h>
_NEW_MOUNTS, _NEW_USERS = 0x00020000, 0x10000000
_READ_ONLY, _NO_SUID, _NO_DEVICES, _NO_EXEC, _REMOUNT, _BIND = 1, 2, 4, 8, 32, 4096
# What a mount already forbids has to be said again, and cannot be asked for.
_ALSO = (0, _NO_SUID | _NO_DEVICES, _NO_SUID | _NO_DEVICES | _NO_EXEC)


def protect(places: Sequence[str]) -> None:
    """From now on `places` are read-only to this process and all that it starts. OSError if that cannot be had."""
    if not places:
        return
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    _checked(libc.unshare(_NEW_USERS | _NEW_MOUNTS), "")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    for place in places:
        target = os.fsencode(place)
        _checked(libc.mount(target, target, None, _BIND, None), place)
        flags = _READ_ONLY | _BIND | _REMOUNT
        if all(libc.mount(None, target, None, flags | also, None) for also in _ALSO):
            _checked(-1, place)


@functools.cache
def is_possible() -> bool:
    """Whether this machine lets an ordinary user have such directories."""
    with tempfile.TemporaryDirectory() as place:
        pid = os.fork()
        if pid == 0:
            try:
                protect([place])
                os._exit(0 if not os.access(place, os.W_OK) else 1)
            except OSError:
                os._exit(1)
        return os.waitpid(pid, 0)[1] == 0


def _checked(result: int, place: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), place)
