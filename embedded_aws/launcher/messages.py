"""What the launcher and the process that uses it tell each other: JSON behind its length, with file descriptors."""

import json
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_LENGTH = struct.Struct("!I")
_MOST_DESCRIPTORS = 16


@dataclass(frozen=True)
class Command:
    """What is to be started: `argv` in `directory`, with `environment` and nothing else, on the processors `cores`.

    Of the descriptors sent along, the first two become standard output and standard error, and each further one the
    descriptor of its number in `descriptors`. The directories `read_only` cannot be written to by it,
    on a machine that can have that.
    """

    argv: Sequence[str]
    environment: Mapping[str, str]
    directory: str
    cores: Sequence[int]
    descriptors: Sequence[int] = ()
    read_only: Sequence[str] = ()


def send(channel: socket.socket, message: Mapping[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Send a message; OSError when the other end is gone."""
    body = json.dumps(message).encode()
    length = _LENGTH.pack(len(body))
    if descriptors:
        socket.send_fds(channel, [length], list(descriptors))
    else:
        channel.sendall(length)
    channel.sendall(body)


def receive(channel: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """The next message and its descriptors, which are then open here; EOFError when the other end is gone."""
    length, descriptors, _, _ = socket.recv_fds(channel, _LENGTH.size, _MOST_DESCRIPTORS)
    length += _exactly(channel, _LENGTH.size - len(length))
    body: dict[str, Any] = json.loads(_exactly(channel, *_LENGTH.unpack(length)))
    return body, descriptors


def _exactly(channel: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = channel.recv(size - len(data))
        if not chunk:
            raise EOFError
        data += chunk
    return data
