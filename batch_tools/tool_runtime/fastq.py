"""FASTQ, read and checked as a stream: what is wrong is named by file and line.

A batch of records is checked at once with operations that run in C; only where a batch fails is it looked through
record by record for the fault. Four lines make a record: sequences that are wrapped over several lines are refused,
as the tools that follow would misread them; so are letters that are no code for DNA, which the aligner would take for
N, and Phred+64 qualities, which it would take for far better ones.
"""

import gzip
import io
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, NoReturn

from batch_tools.tool_runtime.errors import ToolError

GZIP_MAGIC = b"\x1f\x8b"
_RECORDS_PER_BATCH = 4096
_BUFFER_BYTES = 1 << 20
# IUPAC's codes for DNA; a dot is how old instruments write N.
_BASES = b"ACGTRYSWKMBDHVNacgtryswkmbdhvn."
_URACIL = b"Uu"
_QUALITIES = bytes(range(ord("!"), ord("~") + 1))
# In Phred+64 nothing lies below ';' (Solexa's -5); in Phred+33, something does in any lane of paired reads, and nothing
# lies above 'S' (Q50). Cock et al. 2010, "The Sanger FASTQ file format", table 1.
_ONLY_PHRED_33 = bytes(range(ord("!"), ord(";")))
_ONLY_PHRED_64 = bytes(range(ord("T"), ord("~") + 1))
_LINE_ENDS = b"\r\n"


class FastqError(ToolError):
    """A FASTQ cannot be used. The message is `<file> line <number>: <what is wrong>; <what to do>`."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        self.line, self.problem = line, problem
        super().__init__(f"{path.name} line {line}: {problem}; replace the file and start the run again")


def is_gzip(path: Path) -> bool:
    """Whether the content is gzip (or BGZF), whatever the name says."""
    with path.open("rb") as stream:
        return stream.read(2) == GZIP_MAGIC


def check_pairs(reads_1: Path, reads_2: Path) -> int:
    """Check both mates of a lane, record by record and against each other; returns the number of pairs.

    Lines may end in CRLF, records may be empty, and blank lines may follow the last record. FastqError for whatever
    else is wrong: damage, faulty records, mates whose names or numbers do not match, no reads at all.
    """
    pairs = 0
    batches_1, batches_2 = _batches(reads_1), _batches(reads_2)
    while True:
        batch_1, batch_2 = next(batches_1, []), next(batches_2, [])
        titles_1, titles_2 = batch_1[0::4], batch_2[0::4]
        if not pairs:
            for path, titles, mate in ((reads_1, titles_1, b"1"), (reads_2, titles_2, b"2")):
                _check_mate_number(path, titles, mate)
        if titles_1 != titles_2:
            _check_names((reads_1, titles_1), (reads_2, titles_2), pairs)
        if len(titles_1) != len(titles_2):
            _refuse_unequal((reads_1, pairs, len(titles_1), batches_1), (reads_2, pairs, len(titles_2), batches_2))
        if not batch_1:
            return pairs
        pairs += len(titles_1)


def count_records(*paths: Path) -> list[int]:
    """Records in each file, by its lines; all files are read at the same time. FastqError where one is damaged."""
    with ThreadPoolExecutor(max_workers=len(paths)) as pool:
        return list(pool.map(_count, paths))


def _count(path: Path) -> int:
    lines, last = 0, b"\n"
    with _open(path) as stream:
        try:
            while block := stream.read(_BUFFER_BYTES):
                lines += block.count(b"\n")
                last = block[-1:]
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            _refuse_damage(path, lines + 1, error)
    return (lines + (last != b"\n")) // 4


class _Unpacked(io.RawIOBase):
    """Gzip, unpacked piece by piece: what comes before the damage can be read, so that its line is known."""

    def __init__(self, path: Path) -> None:
        self._gzip = gzip.GzipFile(path)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._gzip.read1(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._gzip.close()
        super().close()


def _open(path: Path) -> IO[bytes]:
    if is_gzip(path):
        return io.BufferedReader(_Unpacked(path), _BUFFER_BYTES)
    return path.open("rb", buffering=_BUFFER_BYTES)


def _batches(path: Path) -> Iterator[list[bytes]]:
    with _open(path) as stream:
        yield from checked_batches(path, stream)


def checked_batches(path: Path, stream: IO[bytes]) -> Iterator[list[bytes]]:
    """The records of `stream`, checked, as lists of lines (four each). FastqError names `path` where one is faulty."""
    first, qualities = 1, _Qualities()
    while lines := _lines(path, stream, first):
        complete = len(lines) == 4 * _RECORDS_PER_BATCH
        if not complete:
            lines = _without_blank_end(lines)
        if not _is_sound(lines):
            _refuse_records(path, lines, first)
        qualities.look_at(lines[3::4])
        if lines:
            yield lines
        first += len(lines)
        if not complete:
            break
    if first == 1:
        raise FastqError(path, 1, "the file is empty")
    if qualities.are_phred_64:
        raise FastqError(path, 4, "the qualities are Phred+64 (none below ';', some above 'S'), not Phred+33")


class _Qualities:
    """Tells how qualities are encoded; stops looking at the first that only Phred+33 has."""

    def __init__(self) -> None:
        self._low = self._high = False

    def look_at(self, lines: list[bytes]) -> None:
        """Take the quality lines of a batch."""
        if self._low:
            return
        text = b"".join(lines)
        self._low = len(text.translate(None, _ONLY_PHRED_33 + _LINE_ENDS)) < len(text.translate(None, _LINE_ENDS))
        self._high = self._high or len(text.translate(None, _ONLY_PHRED_64)) < len(text)

    @property
    def are_phred_64(self) -> bool:
        """Whether what was seen can hardly be Phred+33."""
        return self._high and not self._low


def _lines(path: Path, stream: IO[bytes], first: int) -> list[bytes]:
    lines: list[bytes] = []
    try:
        lines.extend(islice(stream, 4 * _RECORDS_PER_BATCH))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        _refuse_damage(path, first + len(lines), error)
    return lines


def _without_blank_end(lines: list[bytes]) -> list[bytes]:
    # An empty read at the very end also ends in blank lines; those belong to it.
    while len(lines) % 4 and not lines[-1].strip():
        lines = lines[:-1]
    while len(lines) >= 4 and not any(line.strip() for line in lines[-4:]):
        lines = lines[:-4]
    return lines


def _is_sound(lines: list[bytes]) -> bool:
    if len(lines) % 4:
        return False
    titles, sequences, separators, qualities = (lines[i::4] for i in range(4))
    return (
        set(map(itemgetter(0), titles)) <= {ord("@")}
        and (set(separators) <= {b"+\n", b"+\r\n"} or [s[1:] for s in separators] == [t[1:] for t in titles])
        and list(map(len, sequences)) == list(map(len, qualities))
        and not b"".join(sequences).translate(None, _BASES + _LINE_ENDS)
        and not b"".join(qualities).translate(None, _QUALITIES + _LINE_ENDS)
    )


def _refuse_records(path: Path, lines: list[bytes], first: int) -> None:
    """Find the fault of a batch that is not sound at first sight; returns if there is none after all."""
    for start in range(0, len(lines), 4):
        record = [line.rstrip(_LINE_ENDS) for line in lines[start : start + 4]]
        number = first + start
        if not record[0].startswith(b"@"):
            raise FastqError(path, number, f"expected a title that begins with '@', found {_shown(record[0])}")
        if len(record) > 2 and not record[2].startswith(b"+"):
            problem = f"expected '+' below a sequence of one line, found {_shown(record[2])}"
            raise FastqError(path, number + 2, problem)
        unfinished = start + 4 >= len(lines) and not lines[-1].endswith(b"\n")
        if len(record) < 4 or (unfinished and len(record[3]) < len(record[1])):
            raise FastqError(path, number, "truncated record")
        _check_record(path, number, record)


def _check_record(path: Path, number: int, record: list[bytes]) -> None:
    title, sequence, separator, quality = record
    if len(separator) > 1 and separator[1:] != title[1:]:
        raise FastqError(path, number + 2, f"{_shown(separator)} does not repeat the title {_shown(title)}")
    for line, text, allowed, name in ((1, sequence, _BASES, "sequence"), (3, quality, _QUALITIES, "quality")):
        if strange := text.translate(None, allowed):
            of_rna = " (RNA; DNA is expected)" if name == "sequence" and strange[:1] in _URACIL else ""
            raise FastqError(path, number + line, f"character {_shown(strange[:1])} in the {name}{of_rna}")
    if len(sequence) != len(quality):
        raise FastqError(path, number + 3, f"{len(quality)} quality values for {len(sequence)} bases")


def _check_names(left: tuple[Path, list[bytes]], right: tuple[Path, list[bytes]], before: int) -> None:
    names_1, names_2 = (list(map(_name, titles)) for _path, titles in (left, right))
    both = min(len(names_1), len(names_2))
    if names_1[:both] == names_2[:both]:
        return
    at = next(i for i in range(both) if names_1[i] != names_2[i])
    line = 4 * (before + at) + 1
    problem = f"read {_shown(names_2[at])} stands opposite {_shown(names_1[at])} of {left[0].name}; mates do not match"
    raise FastqError(right[0], line, problem)


def _name(title: bytes) -> bytes:
    """A read's name without what tells the mates apart: a comment, or the suffix /1 or /2."""
    words = title.split(None, 1)
    name = words[0] if words else b""
    return name[1:-2] if name[-2:] in (b"/1", b"/2") else name[1:]


def _check_mate_number(path: Path, titles: list[bytes], mate: bytes) -> None:
    if not titles:
        return
    name, _, comment = titles[0].rstrip().partition(b" ")
    found = name[-1:] if name[-2:-1] == b"/" else comment[:1] if comment[1:2] == b":" else mate
    if found in (b"1", b"2") and found != mate:
        problem = f"{_shown(titles[0])} is mate {found.decode()}, in the place of mate {mate.decode()}"
        raise FastqError(path, 1, problem)


_Side = tuple[Path, int, int, Iterator[list[bytes]]]


def _refuse_unequal(*sides: _Side) -> NoReturn:
    """One file ended before the other: count what is left of both, so that the message can say how many there are."""
    totals = [before + now + sum(len(batch) // 4 for batch in rest) for _path, before, now, rest in sides]
    counted = [(side[0], total) for side, total in zip(sides, totals, strict=True)]
    (short, fewer), (long, more) = sorted(counted, key=itemgetter(1))
    problem = f"the file ends after {fewer} reads, its mate {long.name} has {more}"
    raise FastqError(short, 4 * fewer + 1, problem)


def _refuse_damage(path: Path, line: int, error: Exception) -> NoReturn:
    if isinstance(error, EOFError):
        raise FastqError(path, line, "the gzip data ends early, the file is truncated") from error
    raise FastqError(path, line, f"the gzip data is damaged ({error})") from error


def _shown(text: bytes) -> str:
    return repr(text.rstrip(_LINE_ENDS)[:60].decode("utf-8", "backslashreplace"))
