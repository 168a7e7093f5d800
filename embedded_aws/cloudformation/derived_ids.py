"""Ids that services make up, derived from what they are made for: the same in every life of an instance."""

import contextlib
import contextvars
import hashlib
import random
from collections.abc import Iterator

from moto.moto_api._internal import mock_random
from moto.moto_api._internal.moto_random import MotoRandom

from embedded_aws.guard import Patch

# Not replaced: the one object of this class, from which all of moto's services take their ids, is made a subclass's.
PATCHES = (Patch("moto.moto_api._internal.moto_random:MotoRandom", "22b9dfd0ef63cb3d"),)

_source: contextvars.ContextVar[random.Random | None] = contextvars.ContextVar("source", default=None)


class _Derived(MotoRandom):
    def random(self) -> float:
        source = _source.get()
        return source.random() if source else super().random()

    def getrandbits(self, k: int) -> int:
        source = _source.get()
        return source.getrandbits(k) if source else super().getrandbits(k)


def install() -> None:
    """Let `derived_from` take effect."""
    mock_random.__class__ = _Derived


@contextlib.contextmanager
def derived_from(name: str) -> Iterator[None]:
    """Inside, what services make up in this thread is derived from `name`, in the order of their asking."""
    seed = hashlib.sha256(name.encode()).digest()
    token = _source.set(random.Random(seed))  # noqa: S311 ids, not secrets
    try:
        yield
    finally:
        _source.reset(token)
