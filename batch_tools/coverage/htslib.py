"""Debian's mosdepth loads `libhts.so`, a name that only htslib's development package has."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NAME = "libhts.so"
_INSTALLED = "*/libhts.so.3"
_VARIABLE = "LD_LIBRARY_PATH"


@contextmanager
def findable_htslib() -> Iterator[None]:
    """Programs started meanwhile find the installed htslib under the name that mosdepth asks for."""
    before = os.environ.get(_VARIABLE)
    with tempfile.TemporaryDirectory(prefix="htslib-") as directory:
        for library in sorted(Path("/usr/lib").glob(_INSTALLED))[:1]:
            (Path(directory) / _NAME).symlink_to(library)
        os.environ[_VARIABLE] = os.pathsep.join([directory, *([before] if before else [])])
        try:
            yield
        finally:
            if before is None:
                del os.environ[_VARIABLE]
            else:
                os.environ[_VARIABLE] = before
