"""The bytes of S3 objects: small ones in memory, others in files, read and joined without holding them whole."""

import base64
import hashlib
import os
import uuid
import zlib
from collections.abc import Iterable, Iterator, Sequence
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
    """Holds the bytes of one object. `directory` is where its file goes, when there is one."""

    def __init__(self, directory: Path, content: "bytes | Contents") -> None:
        self.size = len(content)
        self._memory: bytes | None = None
        self._path: Path | None = None
        if self.size <= _IN_MEMORY:
            self._memory = bytes(content)
            return
        self._path = _new_file(directory)
        if isinstance(content, Contents):
            content.put(self._path)
        else:
            self._path.write_bytes(content)

    def contents(self) -> "bytes | Contents":
        """The bytes: as they are when few, else as Contents."""
        return self._memory if self._path is None else Contents(self._path, 0, self.size)  # type: ignore[return-value]

    def opened(self) -> "bytes | Contents":
        """The same, but readable also when the object is replaced or deleted meanwhile."""
        if self._memory is not None or self._path is None:
            return self.contents()
        return Contents(self._path, 0, self.size, file=self._path.open("rb"))

    def md5(self) -> str:
        """MD5 in hex, the entity tag of an object put in one piece."""
        return checksum("MD5", blocks_of(self.contents())).hex()

    def discard(self) -> None:
        """Remove the bytes."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def blocks_of(content: "bytes | Contents") -> Iterable[bytes]:
    """The bytes a block at a time."""
    return [content] if isinstance(content, bytes) else content


def joined(directory: Path, parts: Sequence["bytes | Contents"]) -> "bytes | Contents":
    """The parts one after the other."""
    if sum(map(len, parts)) <= _IN_MEMORY:
        return b"".join(map(bytes, parts))
    path = _new_file(directory)
    _write(path, (block for part in parts for block in blocks_of(part)))
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
