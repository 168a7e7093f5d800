"""What makes the process start in seconds: called before moto is imported, which takes most of that time.

- botocore's service models and moto's resource files are JSON that takes a second to read: what was read is kept,
  beside the Python installation, in Python's own format.
- moto reads the instance types that every region of AWS offers; an instance plays one region.
- Collecting garbage finds none while modules are being imported, and takes a third of the time.
"""

import contextlib
import gc
import hashlib
import json
import marshal
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from embedded_aws import guard
from embedded_aws.context import Context
from embedded_aws.guard import Patch

_LOAD_MODEL = Patch("botocore.loaders:JSONFileLoader._load_file", "8e9da7ac3d7d5c30")
_LOAD_RESOURCE = Patch("moto.utilities.utils:load_resource", "2ca8e1c4a17c371e")
PATCHES = (_LOAD_MODEL, _LOAD_RESOURCE)

_OFFERINGS = "ec2/resources/instance_type_offerings/"


def prepare() -> None:
    """Take the short ways. Raises ChangedSymbolError."""
    gc.disable()
    guard.check(PATCHES)

    def load_model(loader: Any, full_path: str, open_method: Callable[..., Any]) -> Any:
        if not os.path.isfile(full_path):  # noqa: PTH113 asked for thousands of names, most of them absent
            return None
        return _kept_file(Path(full_path), lambda: read_model(loader, full_path, open_method))

    def load_resource(resource: str) -> Any:
        name = Path(resource).name.partition(".")[0]
        if _OFFERINGS in resource and name != Context.region:
            return []
        path = package / resource
        compressed = path.with_name(f"{path.name}.gz")
        return _kept_file(compressed if compressed.exists() else path, lambda: read_resource(resource))

    read_model = _LOAD_MODEL.apply(load_model)
    read_resource = _LOAD_RESOURCE.apply(load_resource)
    package = Path(sys.modules["moto"].__path__[0])


def settle() -> None:
    """All is imported: what is there now will stay, and is not looked at again."""
    gc.collect()
    gc.freeze()


def finish() -> None:
    """The process has started: garbage is collected from now on."""
    gc.enable()


def kept(name: str, make: Callable[[], Any]) -> Any:
    """What `make` gives, a JSON document: made once for an installation and `name`, unless it cannot be kept."""
    file = Path(
        sys.prefix, "embedded-aws-kept", hashlib.sha256(f"{sys.implementation.cache_tag}\n{name}".encode()).hexdigest()
    )
    with contextlib.suppress(OSError, ValueError, EOFError, TypeError):
        return marshal.loads(file.read_bytes())  # noqa: S302 written below, in the installation itself
    # Through JSON once more: ordered dictionaries become plain ones, which are as ordered.
    document = json.loads(json.dumps(make()))
    with contextlib.suppress(OSError):
        _put(file, marshal.dumps(document))
    return document


def _kept_file(path: Path, read: Callable[[], Any]) -> Any:
    found = path.stat()
    return kept(f"{path}\n{found.st_size}\n{found.st_mtime_ns}", read)


def _put(file: Path, content: bytes) -> None:
    file.parent.mkdir(exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    Path(temporary).replace(file)
