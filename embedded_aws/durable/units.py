"""A unit is what is kept or lost as a whole: what one request changed, or one step of a service's own thread."""

import errno
import sqlite3
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from embedded_aws.durable import database
from embedded_aws.durable.database import Database, NotKeptError

# Writes how one thing stands in memory; what it returns is done when that is committed.
Save = Callable[[Database], Callable[[], None] | None]
_LOOKS = 20
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass
class _Unit:
    changes: dict[Hashable, Save] = field(default_factory=dict)
    afterwards: list[Callable[[], None]] = field(default_factory=list)
    takes_in: bool = False


_here = threading.local()
# What a full disk could not take, still to be written: memory has it already.
_left: dict[Hashable, Save] = {}


@contextmanager
def unit() -> Iterator[None]:
    """Changes inside are kept together, when the block ends well or ill. Raises NotKeptError where they are not.

    A unit inside a unit, a request that a service makes while it carries out another, stands alone.
    """
    outer: _Unit | None = getattr(_here, "unit", None)
    if outer and outer.takes_in:
        yield
        return
    with _open(_Unit()):
        yield


@contextmanager
def whole() -> Iterator[None]:
    """A unit that takes in the units inside it: a deployment, of which a half would be in the way of the next."""
    with _open(_Unit(takes_in=True)):
        yield


@contextmanager
def _open(own: _Unit) -> Iterator[None]:
    outer = getattr(_here, "unit", None)
    _here.unit = own
    try:
        yield
    finally:
        _here.unit = outer
        _commit(own)


def changed(what: Hashable, save: Save) -> None:
    """Note that `what` has changed. `save` writes how it then stands, once for each unit."""
    if database.current() is None:
        return
    own: _Unit | None = getattr(_here, "unit", None)
    if own is None:
        _commit(_Unit({what: save}))
    else:
        own.changes[what] = save


def afterwards(action: Callable[[], None]) -> None:
    """Do something when the unit is kept: tell others of what must not be gone again by the time they look."""
    own: _Unit | None = getattr(_here, "unit", None)
    if own is None:
        action()
    else:
        own.afterwards.append(action)


def document_changed(kind: str, owner: str, name: str, document: Callable[[], object | None]) -> None:
    """Note that a thing which is one document has changed; `document` gives it as it then is, None where it is gone."""
    changed((kind, owner, name), partial(_save_document, kind, owner, name, document))


def _save_document(kind: str, owner: str, name: str, document: Callable[[], object | None], kept_in: Database) -> None:
    found = document()
    if found is None:
        kept_in.remove(kind, owner, name)
    else:
        kept_in.put(kind, owner, name, found)


def _commit(own: _Unit) -> None:
    kept_in = database.current()
    if own.changes and kept_in:
        done = _write(kept_in, own.changes)
        for action in done:
            action()
    for action in own.afterwards:
        action()


def _write(kept_in: Database, changes: dict[Hashable, Save]) -> list[Callable[[], None]]:
    try:
        wanted, done = _saved(kept_in, changes)
    except (sqlite3.Error, OSError) as error:
        _left.update(changes)
        raise not_kept(kept_in, error) from error
    for what in wanted:
        _left.pop(what, None)
    return done


def _saved(kept_in: Database, changes: dict[Hashable, Save]) -> tuple[dict[Hashable, Save], list[Callable[[], None]]]:
    looks = 0
    while True:
        try:
            with kept_in.transaction():
                wanted = {**_left, **changes}
                return wanted, [action for save in wanted.values() if (action := save(kept_in))]
        except RuntimeError:
            # Another request changed the same thing, a dictionary, while it was read; it is looked at again.
            looks += 1
            if looks == _LOOKS:
                raise


def is_no_room(error: BaseException) -> bool:
    """Whether the disk, or what one may have of it, is full."""
    return isinstance(error, OSError) and error.errno in _NO_ROOM


def not_kept(kept_in: Database, error: Exception) -> NotKeptError:
    """What to say to whoever asked for what could not be written."""
    return NotKeptError(f"{kept_in.directory} cannot be written ({error}); free some space and repeat the request")
