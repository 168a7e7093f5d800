"""Mocks of AWS that do once in a process what moto does for each of them, or for each request."""

from typing import Any

from moto.core import models
from moto.core.base_backend import BaseBackend


def keep() -> None:
    """Take the short ways, from now on."""
    # A thousand patterns for each mock, of requests that are made past botocore: nothing here makes any.
    models.RESPONSES_METHODS.clear()
    # Made for each request; S3 even has its module read again.
    make: Any = vars(BaseBackend)["urls"].fget
    made: dict[type[BaseBackend], Any] = {}

    def urls(backend: BaseBackend) -> Any:
        kind = type(backend)
        if kind not in made:
            made[kind] = make(backend)
        return made[kind]

    BaseBackend.urls = property(urls)  # type: ignore[method-assign,assignment]
