"""What the engine's client and its agent say to one another: a line of JSON each way.

A connection carries one request. `observe` is answered by a listing and then by every change;
`exec` turns the connection into frames.
"""

import struct
from typing import Any

import msgspec

from headway.model.node import Node
from headway.model.order import NodeReading, Observed, Order, Usage
from headway.model.terminal import TerminalSize

LINE_BYTES_MAX = 4 * 1024 * 1024
"""A request may hold the whole config of an app."""

STDIN, STDOUT, STDERR, RESIZE, EXIT = range(5)
"""Kinds of frames of an `exec`."""
FRAME = struct.Struct(">BI")
FRAME_BYTES_MAX = 256 * 1024


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is asked of the agent."""

    verb: str
    order: Order | None = None
    node: str = ""
    container: str = ""
    grace_s: float = 0.0
    argv: tuple[str, ...] = ()
    terminal: TerminalSize | None = None
    ports: tuple[int, ...] = ()
    """Of the machine, with `nodes`: it is looked whether others have them."""


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the agent answers."""

    error: str = ""
    code: str = ""
    """`refused` (asking again is useless), `unknown` (no such container) or `failed`."""
    observed: Observed | None = None
    listing: tuple[Observed, ...] | None = None
    nodes: tuple[Node, ...] = ()
    usage: Usage | None = None
    reading: NodeReading | None = None
    addresses: tuple[str, ...] = ()
    pid: int = 0
    version: str = ""
    """Headway's, of the agent that answers `nodes`; one of before it was told says none."""


def encode(message: Any) -> bytes:
    """Write a message as a line."""
    return msgspec.json.encode(message) + b"\n"


decode_request = msgspec.json.Decoder(Request).decode
decode_answer = msgspec.json.Decoder(Answer).decode
