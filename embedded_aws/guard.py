"""Notices when moto changes under us: each symbol that a service replaces is listed with the hash of its source."""

import hashlib
import importlib
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


class ChangedSymbolError(RuntimeError):
    """A moto symbol is not the one a service was written for; the message names it."""


@dataclass(frozen=True)
class Patch:
    """`symbol` is `module:Qualified.name`; `sha256` the first 16 hex digits of the SHA-256 of its source."""

    symbol: str
    sha256: str

    def apply(self, replacement: Any) -> Any:
        """Put `replacement` in the symbol's place; returns the original."""
        owner, name = _owner(self.symbol)
        original = inspect.getattr_static(owner, name)
        setattr(owner, name, replacement)
        return getattr(original, "__func__", original)


def source_hash(symbol: str) -> str:
    """The hash that a Patch of the installed moto must carry."""
    owner, name = _owner(symbol)
    target: Callable[..., Any] = getattr(owner, name)
    return hashlib.sha256(inspect.getsource(target).encode()).hexdigest()[:16]


def check(patches: Iterable[Patch]) -> None:
    """Raise ChangedSymbolError for the first symbol that is gone or whose source has changed."""
    for patch in patches:
        try:
            found = source_hash(patch.symbol)
        except (ImportError, AttributeError) as error:
            raise ChangedSymbolError(f"moto no longer has {patch.symbol} ({error})") from error
        if found != patch.sha256:
            raise ChangedSymbolError(f"moto changed {patch.symbol}: its source hashes to {found}, not {patch.sha256}")


def _owner(symbol: str) -> tuple[Any, str]:
    module, _, qualified = symbol.partition(":")
    owner: Any = importlib.import_module(module)
    *parents, name = qualified.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    return owner, name
