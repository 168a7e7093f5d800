"""The bytes of S3 objects: small ones in the database, others in files, read and joined without holding them whole."""

import base64
import hashlib
import os
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Self

_IN_MEMORY = 64 * 1024
_BLOCK = 256 * 1024


class Contents:
    """Some consecutive bytes of a file that nobody changes. Slices are Contents too; iterating gives blocks.

    A `temporary` file may be taken over by whoever stores the contents. With `file`, open for reading, they stay
    readable when the file is removed.
    """

    def __init__(
        self, path: Path, start: int, stop: int, *, temporary: bool = False, file: IO[bytes] | None = None
    ) -> None:
        self.path, self._start, self._stop, self._temporary, self._file = path, start, stop, temporary, file

    def __len__(self) -> int:
        return self._stop - self._start

    def __getitem__(self, part: slice) -> Self:
        start, stop, _ = part.indices(len(self))
        return type(self)(self.path, self._start + start, self._start + max(start, stop), file=self._file)

    def __iter__(self) -> Iterator[bytes]:
        file, position = self._file or self.path.open("rb"), self._start
        while block := os.pread(file.fileno(), min(_BLOCK, self._stop - position), position):
            position += len(block)
            yield block

    def __bytes__(self) -> bytes:
        return b"".join(self)

    def put(self, path: Path) -> None:
        """Make these bytes the file at `path`, without copying them where that can be."""
        if self._temporary:
            self.path.rename(path)
            return
        try:
            if self._start == 0 and self._stop == self.path.stat().st_size:
                os.link(self.path, path)
                return
        except FileNotFoundError:
            # Removed meanwhile, but still open.
            path.unlink(missing_ok=True)
        _write(path, self)


class Store:
    """Holds the bytes of one object: in memory until they are kept in the database, or in a file below `directory`."""

    def __init__(self, directory: Path, content: "bytes | Contents") -> None:
        self.directory, self.size = directory, len(content)
        self._memory: bytes | None = None
        self._path: Path | None = None
        self._read: Callable[[], bytes] | None = None
        self._detached = False
        if self.size <= _IN_MEMORY:
            self._memory = bytes(content)
            return
        self._path = _new_file(directory)
        try:
            if isinstance(content, Contents):
                content.put(self._path)
            else:
                self._path.write_bytes(content)
        except OSError:
            self._path.unlink(missing_ok=True)
            raise

    @classmethod
    def kept(cls, directory: Path, size: int, *, file: str | None, read: Callable[[], bytes]) -> Self:
        """Bytes that are on disk already: in `file`, relative to `directory`, or where `read` finds them."""
        made = cls.__new__(cls)
        made.directory, made.size, made._memory, made._detached = directory, size, None, False
        made._path, made._read = (directory / file, None) if file else (None, read)
        return made

    @property
    def file(self) -> str | None:
        """Name of the file relative to `directory`, when there is one."""
        return self._path.relative_to(self.directory).as_posix() if self._path else None

    @property
    def memory(self) -> bytes | None:
        """The bytes, when nothing on disk has them."""
        return self._memory

    def is_kept(self, read: Callable[[], bytes]) -> None:
        """Let go of what is in memory: `read` finds it."""
        if self._memory is not None and not self._detached:
            self._read, self._memory = read, None

    def detach(self) -> None:
        """Stay readable to those who have it at hand although its row is about to go."""
        self._detached = True
        if self._read is not None:
            self._memory, self._read = self._read(), None

    def contents(self) -> "bytes | Contents":
        """The bytes: as they are when few, else as Contents."""
        if self._path is not None:
            return Contents(self._path, 0, self.size)
        memory, read = self._memory, self._read
        if memory is not None:
            return memory
        assert read is not None  # noqa: S101 is_kept and detach set one before they clear the other
        return read()

    def opened(self) -> "bytes | Contents":
        """The same, but readable also when the object is replaced or deleted meanwhile."""
        if self._path is None:
            return self.contents()
        return Contents(self._path, 0, self.size, file=self._path.open("rb"))

    def md5(self) -> str:
        """MD5 in hex, the entity tag of an object put in one piece."""
        return checksum("MD5", blocks_of(self.contents())).hex()


class Part:
    """The bytes of one part of an object that was put in several; they lie in the whole's."""

    def __init__(self, whole: Store, start: int, size: int) -> None:
        self._whole, self._start, self.size = whole, start, size

    def contents(self) -> "bytes | Contents":
        """The bytes."""
        return self._whole.contents()[self._start : self._start + self.size]

    def opened(self) -> "bytes | Contents":
        """The same, but readable also when the object is replaced or deleted meanwhile."""
        return self._whole.opened()[self._start : self._start + self.size]

    def detach(self) -> None:
        """Nothing of its own has to be held."""


def blocks_of(content: "bytes | Contents") -> Iterable[bytes]:
    """The bytes a block at a time."""
    return [content] if isinstance(content, bytes) else content


def joined(directory: Path, parts: Sequence["bytes | Contents"]) -> "bytes | Contents":
    """The parts one after the other."""
    if sum(map(len, parts)) <= _IN_MEMORY:
        return b"".join(map(bytes, parts))
    path = _new_file(directory)
    try:
        _write(path, (block for part in parts for block in blocks_of(part)))
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return Contents(path, 0, path.stat().st_size, temporary=True)


def can_check(algorithm: str) -> bool:
    """Whether `checksum` knows the algorithm; the others are taken from the client and not computed."""
    return algorithm.upper() in ("CRC32", "SHA1", "SHA256")


def checksum(algorithm: str, blocks: Iterable[bytes]) -> bytes:
    """The checksum over all blocks as S3 knows it by the name of `algorithm`, as raw bytes."""
    if algorithm.upper() == "CRC32":
        value = 0
        for block in blocks:
            value = zlib.crc32(block, value)
        return value.to_bytes(4, "big")
    digest = hashlib.new(algorithm.lower(), usedforsecurity=False)
    for block in blocks:
        digest.update(block)
    return digest.digest()


def encoded(value: bytes) -> str:
    """A checksum as it stands in headers."""
    return base64.b64encode(value).decode()


def _new_file(directory: Path) -> Path:
    name = uuid.uuid4().hex
    folder = directory / name[:2]
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


def _write(path: Path, blocks: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        for block in blocks:
            file.write(block)
