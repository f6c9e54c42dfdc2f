"""Connects this terminal, or these pipes, with a command in a container."""

import os
import select
import signal
import sys
import termios
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click
import msgspec
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from headway.cli.errors import FAILED, NOT_ALLOWED, fail
from headway.model.terminal import TerminalSize

_STDIN, _STDOUT, _STDERR, _RESIZE, _EXIT = range(5)
_READ_BYTES = 64 * 1024
_ADDRESS_MAX = 60_000
_NOT_ALLOWED_CODE = 4403


def size() -> TerminalSize:
    """Give the size of this terminal, whatever COLUMNS says: that does not follow its window."""
    try:
        here = os.get_terminal_size(sys.stdout.fileno())
    except (OSError, ValueError):
        return TerminalSize()
    return TerminalSize(columns=here.columns, rows=here.lines)


def attach(address: str, headers: dict[str, str], *, terminal: bool) -> int:
    """Carry input and output until the command ends; gives its status."""
    if len(address) > _ADDRESS_MAX:
        fail(f"the command is too long: at most {_ADDRESS_MAX} bytes, so put it into a script")
        return FAILED
    try:
        with (
            connect(address, additional_headers=headers, max_size=None, proxy=None) as socket,
            _raw(terminal),
        ):
            return _carry(socket, terminal=terminal)
    except InvalidStatus as error:
        fail(f"headway refused: HTTP {error.response.status_code}")
    except (OSError, WebSocketException) as error:
        fail(f"the connection broke: {error}")
    return FAILED


@contextmanager
def _raw(terminal: bool) -> Iterator[None]:
    """Pass every key on, and leave the terminal as it was."""
    if not terminal or not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(0)
    try:
        tty.setraw(0)
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


def _carry(socket: ClientConnection, *, terminal: bool) -> int:
    over = threading.Event()
    if terminal:
        signal.signal(signal.SIGWINCH, lambda *_: _resize(socket))
    feeding = threading.Thread(
        target=_feed, args=(socket, over), kwargs={"terminal": terminal}, daemon=True
    )
    feeding.start()
    try:
        while True:
            frame = socket.recv()
            if not isinstance(frame, bytes) or not frame:
                continue
            if frame[0] == _EXIT:
                return int(msgspec.json.decode(frame[1:])["status"])
            out = sys.stderr.buffer if frame[0] == _STDERR else sys.stdout.buffer
            out.write(frame[1:])
            out.flush()
    except ConnectionClosed as closed:
        reason = closed.rcvd.reason if closed.rcvd else "the connection ended"
        click.echo(f"\r\nheadway: {reason or 'the connection ended'}", err=True)
        refused = closed.rcvd is not None and closed.rcvd.code == _NOT_ALLOWED_CODE
        return NOT_ALLOWED if refused else FAILED
    finally:
        over.set()


def _resize(socket: ClientConnection) -> None:
    with suppress(WebSocketException):
        socket.send(bytes([_RESIZE]) + msgspec.json.encode(size()))


def _feed(socket: ClientConnection, over: threading.Event, *, terminal: bool) -> None:
    with suppress(WebSocketException, OSError, ValueError):
        while not over.is_set():
            ready, _, _ = select.select([0], [], [], 0.2)
            if not ready:
                continue
            data = _read(terminal=terminal)
            if not data and terminal:  # it was closed; a hang-up that is ignored says so only here
                socket.close()
                return
            socket.send(bytes([_STDIN]) + data)
            if not data:
                return


def _read(*, terminal: bool) -> bytes:
    """Read what was typed; nothing when there is nobody any more."""
    try:
        return os.read(0, _READ_BYTES)
    except OSError:
        if terminal:
            return b""
        raise
