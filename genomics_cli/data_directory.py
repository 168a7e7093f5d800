"""Where the command line keeps its own things: the embedded AWS, synthesized templates, what it knows of files."""

import os
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "GENOMICS_DATA"


def data_directory(given: Path | None, environment: Mapping[str, str] = os.environ) -> Path:
    """The directory given on the command line, else GENOMICS_DATA, else `.genomics` in the project of this directory.

    The project is the nearest directory upwards that holds a `.genomics`, or a repository; else this one.
    """
    if given:
        return given.absolute()
    if named := environment.get(VARIABLE):
        return Path(named).absolute()
    here = Path.cwd()
    project = next((d for d in (here, *here.parents) if (d / ".genomics").is_dir() or (d / ".git").exists()), here)
    return project / ".genomics"
