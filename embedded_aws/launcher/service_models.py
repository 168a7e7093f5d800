"""What botocore knows of services, read once in a process."""

import functools
from typing import Any

from botocore.loaders import JSONFileLoader, Loader


def keep() -> None:
    """Botocore looks for a service's model, and reads it, again for each session: most of what a client takes."""
    files: Any = JSONFileLoader
    read = functools.cache(functools.partial(files.load_file, files()))
    files.load_file = lambda _, path: read(path)
    loader: Any = Loader
    list_services = loader.list_available_services
    listed: dict[tuple[Any, ...], list[str]] = {}

    def list_available_services(self: Any, type_name: str) -> list[str]:
        key = (type_name, *self.search_paths)
        if key not in listed:
            listed[key] = list_services(self, type_name)
        return listed[key]

    loader.list_available_services = list_available_services
