"""FASTQ: records are checked as the analysis would, names of reads are looked through.

Names come by the hundred million, and in few shapes: digits are all alike in what decides whether a name can hold
something personal, and only names of a shape that can are looked through one by one.
"""

import re
from io import BufferedReader
from pathlib import Path

from batch_tools.scan_delivery.findings import Findings
from batch_tools.scan_delivery.phi import Text, masked
from batch_tools.scan_delivery.phi_shapes import can_hold
from batch_tools.tool_runtime.fastq import FastqError, checked_batches

# Digits are all alike. A colon separates fields here, and is no part of a number or a time of day.
_AS_SHAPE = bytes.maketrans(b"123456789:", b"000000000|")
# MiSeq puts nine zeros before its flow cells.
_MISEQ = b":000000000-"
# Barcodes and molecular identifiers, which would make every name a shape of its own.
_BASES = re.compile(rb"[ACGTN]{6,}")
# Parts of records in what is said of their faults; a character by itself may be read.
_QUOTED = re.compile(r"(['\"]).{3,}\1")
_MANY_SHAPES = 256
_MOST_REMEMBERED = 1 << 20


def inspect_fastq(stream: BufferedReader, findings: Findings, name: str) -> None:
    """Check every record of a FASTQ, and look through the names of its reads."""
    names = ReadNames(findings)
    line = 1
    try:
        for batch in checked_batches(Path(name), stream):
            names.look(batch[0::4], line)
            line += len(batch)
    except FastqError as error:
        problem = _QUOTED.sub(lambda match: masked(match[0]), error.problem)
        raise findings.refuse(problem, line=error.line) from error


class ReadNames:
    """Finds names of reads that are worth a look, and has them looked through."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._harmless: set[bytes] = set()

    def look(self, titles: list[bytes], first_line: int) -> None:
        """Titles of consecutive records, with their line breaks; the first stands in line `first_line`."""
        shapes = _shapes(titles)
        if not (unknown := set(shapes) - self._harmless):
            return
        worth_a_look = {shape for shape in unknown if can_hold(shape[1:].decode("utf-8", "replace"))}
        if len(self._harmless) > _MOST_REMEMBERED:
            self._harmless.clear()
        self._harmless |= unknown - worth_a_look
        if worth_a_look:
            self._findings.look(
                [
                    Text(
                        title[1:].rstrip(b"\r\n").decode("utf-8", "replace").replace(":", "|"),
                        line=first_line + 4 * i,
                        field="read name",
                    )
                    for i, (title, shape) in enumerate(zip(titles, shapes, strict=False))
                    if shape in worth_a_look
                ]
            )


def _shapes(titles: list[bytes]) -> list[bytes]:
    block = b"".join(titles).replace(_MISEQ, b":M-").translate(_AS_SHAPE)
    shapes = block.split(b"\n")
    if len(set(shapes)) > _MANY_SHAPES:
        shapes = _BASES.sub(b"A", block).split(b"\n")
    return shapes
