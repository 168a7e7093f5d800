"""Container images, played by the directories that they would have been built from."""

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from dockerfile_parse import DockerfileParser

_PYTHON_NAMES = ("python", "python3")
# Set by this machine, not by an image: they name places inside the container.
_NOT_FROM_IMAGE = ("PATH", "HOME", "PYTHONPATH")
_REGISTERED: dict[str, "Image"] = {}
_SOURCES: list[Callable[[str], Path | None]] = []


class UnknownImageError(LookupError):
    """No image is registered under this URI."""


@dataclass(frozen=True)
class Image:
    """`directory` holds what the Dockerfile copies to `working_directory`."""

    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    environment: dict[str, str]
    directory: Path
    working_directory: PurePosixPath

    def argv(self, command: tuple[str, ...]) -> list[str]:
        """The command line for `command`, or for the image's own when that is empty.

        python3 is the interpreter that this process runs with, which has the packages that the images install.
        """
        argv = [*self.entrypoint, *(command or self.command)]
        return [sys.executable, *argv[1:]] if argv and argv[0] in _PYTHON_NAMES else argv


def register(uri: str, directory: Path, dockerfile: Path) -> None:
    """Make `uri` resolvable: the image is what `dockerfile` says, its code is `directory`."""
    _REGISTERED[uri] = parse(dockerfile.read_bytes(), directory)


def look_in(sources: Callable[[str], Path | None]) -> None:
    """Have `sources` give the folder that an image was to be built from, by its tag, when nobody has registered it."""
    _SOURCES[:] = [sources]


def resolve(uri: str) -> Image:
    """The image registered as `uri`, or whose sources are found by its tag; UnknownImageError otherwise."""
    if uri not in _REGISTERED:
        repository, _, tag = uri.rpartition(":")
        folders = (sources(tag) for sources in _SOURCES)
        folder = next((folder for folder in folders if folder), None)
        name = repository.rpartition("/")[2]
        dockerfiles = sorted(folder.glob(f"**/{name}/Dockerfile")) if folder else []
        if folder is None or not dockerfiles:
            raise UnknownImageError(uri)
        register(uri, folder, dockerfiles[0])
    return _REGISTERED[uri]


def parse(dockerfile: bytes, directory: Path) -> Image:
    """The last stage of a Dockerfile: ENTRYPOINT, CMD, ENV and WORKDIR."""
    parser = DockerfileParser(fileobj=io.BytesIO(dockerfile))
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    working_directory = PurePosixPath("/")
    for instruction in parser.structure:
        value = instruction["value"]
        match instruction["instruction"]:
            case "FROM":
                entrypoint, command, working_directory = (), (), PurePosixPath("/")
            case "ENTRYPOINT":
                entrypoint = _words(value)
            case "CMD":
                command = _words(value)
            case "WORKDIR":
                working_directory /= value.strip()
    environment = {name: value for name, value in parser.envs.items() if name not in _NOT_FROM_IMAGE}
    return Image(entrypoint, command, environment, directory, working_directory)


def _words(value: str) -> tuple[str, ...]:
    """ENTRYPOINT and CMD: a JSON array (exec form), or else a line for the shell."""
    try:
        words: Any = json.loads(value)
    except json.JSONDecodeError:
        words = None
    if isinstance(words, list):
        return tuple(str(word) for word in words)
    return ("/bin/sh", "-c", value)
