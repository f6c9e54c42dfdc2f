"""Runs a command inside a running container: same namespaces, limits, user and environment."""

import asyncio
import fcntl
import json
import os
import pty
import signal
import struct
import sys
import termios
import time
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from headway.engines.process import messages
from headway.engines.process.spool import Launch
from headway.model.terminal import TerminalSize
from headway.ports.engine import EngineError, NoSuchContainer

_GUEST = Path(__file__).with_name("guest.py")
_READ_BYTES = 65536
_SET_UP_S = 10.0
_LOOK_S = 0.01
_QUIET_S = 2.0
_LEFT_BYTES_MAX = 1024 * 1024
"""After a command's end: what it wrote is waited for until nothing has come for so long, or so much
has: something that it left behind may hold its output, and write on."""


class Entered:
    """A command in a container; its connection carries frames both ways."""

    def __init__(self, process: asyncio.subprocess.Process, terminal: int | None) -> None:
        self._process = process
        self._terminal = terminal
        self._carried_bytes = 0

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry input and output until the command ends, then wait until the caller goes.

        A caller that still writes to a command that has ended would not read its status from a
        connection that was closed. One that goes first ends the command.
        """
        pumps = {asyncio.create_task(pump) for pump in self._outputs(writer)}
        inputs = asyncio.create_task(self._inputs(reader))
        ended = asyncio.create_task(self._process.wait())
        try:
            await asyncio.wait({ended, inputs}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():  # the caller went
                self._end()
            status = await ended
            await self._carry_rest(pumps, writer)
            code = status if status >= 0 else 128 - status
            writer.write(frame(messages.EXIT, json.dumps({"status": code}).encode()))
            await writer.drain()
            inputs.cancel()
            await asyncio.wait({inputs})
            while await reader.read(_READ_BYTES):
                pass
        finally:
            for task in (*pumps, inputs):
                task.cancel()
            self._end()
            if self._terminal is not None:
                os.close(self._terminal)

    async def _carry_rest(
        self, pumps: set["asyncio.Task[None]"], writer: asyncio.StreamWriter
    ) -> None:
        """Wait for what the command had written, however slowly the caller reads."""
        most = self._carried_bytes + _LEFT_BYTES_MAX
        while True:
            before = self._carried_bytes
            _, going = await asyncio.wait(pumps, timeout=_QUIET_S)
            is_read = writer.transport.get_write_buffer_size() == 0
            is_quiet = is_read and self._carried_bytes == before
            if not going or is_quiet or self._carried_bytes >= most:
                break
        for pump in going:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)

    def _end(self) -> None:
        """End the command and what it started; one with a terminal leads a session of its own."""
        if self._process.returncode is not None:
            return
        with suppress(OSError):
            for child in _children(self._process.pid):
                os.killpg(child, signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _outputs(self, writer: asyncio.StreamWriter) -> list[Coroutine[Any, Any, None]]:
        if self._terminal is not None:
            return [self._pump_terminal(writer)]
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        return [
            self._pump(self._process.stdout, messages.STDOUT, writer),
            self._pump(self._process.stderr, messages.STDERR, writer),
        ]

    async def _pump(
        self, source: asyncio.StreamReader, kind: int, writer: asyncio.StreamWriter
    ) -> None:
        while data := await source.read(_READ_BYTES):
            await self._show(kind, data, writer)

    async def _show(self, kind: int, data: bytes, writer: asyncio.StreamWriter) -> None:
        self._carried_bytes += len(data)
        writer.write(frame(kind, data))
        await writer.drain()

    async def _pump_terminal(self, writer: asyncio.StreamWriter) -> None:
        assert self._terminal is not None
        loop = asyncio.get_running_loop()
        while True:
            ready: asyncio.Future[None] = loop.create_future()
            loop.add_reader(self._terminal, _settle, ready)
            try:
                await ready
            finally:
                loop.remove_reader(self._terminal)
            try:
                data = os.read(self._terminal, _READ_BYTES)
            except OSError:  # the last holder of the other side closed it
                return
            if not data:
                return
            await self._show(messages.STDOUT, data, writer)

    async def _inputs(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                head = await reader.readexactly(messages.FRAME.size)
                kind, length = messages.FRAME.unpack(head)
                if length > messages.FRAME_BYTES_MAX:
                    return
                data = await reader.readexactly(length)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            if kind == messages.STDIN:
                await self._feed(data)
            elif kind == messages.RESIZE and self._terminal is not None:
                resize(self._terminal, msgspec.json.decode(data, type=TerminalSize))

    async def _feed(self, data: bytes) -> None:
        if self._terminal is not None:
            while data:
                try:
                    data = data[os.write(self._terminal, data) :]
                except BlockingIOError:
                    await asyncio.sleep(0.01)
                except OSError:
                    return
            return
        stdin = self._process.stdin
        assert stdin is not None
        with suppress(ConnectionError, RuntimeError):
            if data:
                stdin.write(data)
                await stdin.drain()
            else:
                stdin.close()


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def frame(kind: int, data: bytes) -> bytes:
    """Write a frame."""
    return messages.FRAME.pack(kind, len(data)) + data


def resize(terminal: int, size: TerminalSize) -> None:
    """Tell a terminal its size."""
    packed = struct.pack("HHHH", size.possible.rows, size.possible.columns, 0, 0)
    with suppress(OSError):
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, packed)


async def environment(init: int) -> bytes:
    """Give the environment of a container's main process, as the kernel keeps it.

    While the sandbox is being set up that process is missing, or is still the sandbox's own, which
    has no environment: then it is waited for.

    Raises:
        NoSuchContainer: The container ended meanwhile.
    """
    ends_at = time.monotonic() + _SET_UP_S
    while True:
        try:
            found = _environment(init)
        except OSError as error:
            raise NoSuchContainer("it has just ended") from error
        if found:
            return found
        if time.monotonic() > ends_at:
            raise NoSuchContainer(f"it was not set up in {_SET_UP_S:g} s")
        await asyncio.sleep(_LOOK_S)


def _environment(init: int) -> bytes:
    children = _children(init)
    return Path(f"/proc/{children[0]}/environ").read_bytes() if children else b""


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def enter(
    init: int, launch: Launch, argv: tuple[str, ...], *, terminal: TerminalSize | None
) -> Entered:
    """Start a command in the namespaces of a container's first process.

    Raises:
        NoSuchContainer: The container ended meanwhile.
        EngineError: There is no command, or none that could be.
    """
    if not argv or not argv[0]:
        raise EngineError("no command was given")
    if any("\0" in word for word in argv):
        raise EngineError("a command's words have no zero bytes")
    asked = {
        "init": init,
        "uid": launch.uid,
        "argv": argv,
        "directory": launch.directory,
        "network": launch.network,
        "seccomp": launch.seccomp,
        "joins": launch.group["joins"],
        "rlimits": launch.rlimits,
        "terminal": terminal is not None,
    }
    variables = await environment(init)
    secret = os.memfd_create("guest")
    os.write(secret, json.dumps(asked).encode() + b"\0\0" + variables)
    os.lseek(secret, 0, os.SEEK_SET)
    outer, inner = pty.openpty() if terminal else (None, None)
    if outer is not None and terminal is not None:
        resize(outer, terminal)
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(_GUEST),
            str(secret),
            stdin=inner if inner is not None else pipe,
            stdout=inner if inner is not None else pipe,
            stderr=inner if inner is not None else pipe,
            pass_fds=(secret,),
            start_new_session=True,
            env={},
        )
    finally:
        os.close(secret)
        if inner is not None:
            os.close(inner)
    if outer is not None:
        os.set_blocking(outer, False)
    return Entered(process, outer)
