"""The transfer of a run folder: the tags on its DataSync execution, and the manifest of what must arrive.

A manifest is text: a JSON header, one line per file, a JSON trailer. A file's line is `size<TAB>path`. Paths begin with
the run folder's name, as the keys below the destination's prefix will; backslash, tab and line breaks in them are
escaped by a backslash. Without its trailer a manifest is cut short.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from genomics.contracts.codec import ContractError, dumps, loads

# On every execution the run tracker starts. Together they name one attempt, so that it can be found again.
RUN_TAG = "genomics:run"
GENERATION_TAG = "genomics:generation"
ATTEMPT_TAG = "genomics:attempt"

# What sequencers write and no analysis reads, as DataSync's patterns: thumbnails are a third of a HiSeq X run's files.
DEFAULT_EXCLUDES = ("*/Thumbnail_Images", "*/Logs", "*/RTALogs", "*/InstrumentAnalyticsLogs", "*.log")

_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))
_UNESCAPED = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True)
class ManifestHeader:
    """Whose files follow. `generation` counts a run's manifests: files written late make a further one."""

    run_id: str
    generation: int
    format: str = "genomics-transfer-manifest/1"


@dataclass(frozen=True)
class ManifestTrailer:
    """What was listed: number of files and their bytes together."""

    files: int
    bytes: int


@dataclass(frozen=True)
class ManifestFile:
    """A file that must arrive. `size` in bytes, `path` begins with the run folder's name."""

    size: int
    path: str


def escape_path(path: str) -> str:
    """A path as a manifest writes it."""
    for character, escaped in _ESCAPES:
        path = path.replace(character, escaped)
    return path


def unescape_path(text: str) -> str:
    """The path that a manifest's line means."""
    if "\\" not in text:
        return text
    return _ESCAPED.sub(lambda match: _UNESCAPED.get(match[1], match[1]), text)


def file_line(file: ManifestFile) -> str:
    """A file's line, without its line break."""
    return f"{file.size}\t{escape_path(file.path)}"


def header_line(header: ManifestHeader) -> str:
    """A manifest's first line."""
    return dumps(header)


def trailer_line(trailer: ManifestTrailer) -> str:
    """A manifest's last line."""
    return dumps(trailer)


def read_header(line: str) -> ManifestHeader:
    """The first line of a manifest; ContractError where it is none."""
    header = loads(ManifestHeader, line, where="manifest header")
    if header.format != ManifestHeader.format:
        raise ContractError(f"manifest header: expected format {ManifestHeader.format}, found {header.format!r}")
    return header


def read_files(lines: Iterable[str]) -> Iterator[ManifestFile]:
    """The files of a manifest, from the lines that follow its header. Raises ContractError where it is cut short."""
    files = size = 0
    trailer: ManifestTrailer | None = None
    for number, text in enumerate(lines, start=2):
        line = text.removesuffix("\n")
        if trailer is not None:
            raise ContractError(f"manifest:{number}: a line follows the trailer")
        if line.startswith("{"):
            trailer = loads(ManifestTrailer, line, where=f"manifest:{number}")
            continue
        file = _file(line, number)
        files, size = files + 1, size + file.size
        yield file
    if trailer != ManifestTrailer(files=files, bytes=size):
        raise ContractError(f"manifest: cut short after {files} files; write it again")


def _file(line: str, number: int) -> ManifestFile:
    size, _, path = line.partition("\t")
    if not size.isdecimal() or not path or "\t" in path:
        raise ContractError(f"manifest:{number}: expected size<TAB>path, found {line!r}")
    return ManifestFile(size=int(size), path=unescape_path(path))
