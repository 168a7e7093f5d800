"""Packs genomics.contracts into the distributions, so that the tracker installs where there is no repository."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_PACKED = ("genomics/__init__.py", "genomics/contracts")


class ContractsHook(BuildHookInterface[Any]):
    """Adds the contracts from the repository; from a source distribution, from where that has put them."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add them, but to no editable install: there the repository itself is on the path."""
        if version == "editable":
            return
        here = Path(self.root)
        repository = here if (here / _PACKED[0]).exists() else here.parent
        for path in _PACKED:
            build_data["force_include"][str(repository / path)] = path
