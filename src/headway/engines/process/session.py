"""A command that runs inside a container, over a connection to its agent."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress

import msgspec

from headway.engines.process import messages
from headway.model.terminal import TerminalSize
from headway.ports.engine import EngineUnavailable


class ProcessSession:
    """A command running in a container, over a connection to the agent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._status: int | None = None

    async def output(self) -> AsyncIterator[tuple[str, bytes]]:
        """Give what the command writes, until it ends."""
        names = {messages.STDOUT: "stdout", messages.STDERR: "stderr"}
        while self._status is None:
            try:
                head = await self._reader.readexactly(messages.FRAME.size)
                kind, length = messages.FRAME.unpack(head)
                data = await self._reader.readexactly(length)
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                raise EngineUnavailable("the agent went away while the command ran") from error
            if kind == messages.EXIT:
                self._status = int(json.loads(data)["status"])
            elif kind in names:
                yield names[kind], data

    async def send(self, data: bytes) -> None:
        """Write to the command's input. Empty bytes end the input."""
        for start in range(0, len(data), messages.FRAME_BYTES_MAX) or (0,):
            part = data[start : start + messages.FRAME_BYTES_MAX]
            self._writer.write(messages.FRAME.pack(messages.STDIN, len(part)) + part)
        with suppress(ConnectionError):
            await self._writer.drain()

    async def resize(self, size: TerminalSize) -> None:
        """Tell the command's terminal its size."""
        data = msgspec.json.encode(size)
        self._writer.write(messages.FRAME.pack(messages.RESIZE, len(data)) + data)
        with suppress(ConnectionError):
            await self._writer.drain()

    async def close(self) -> int:
        """End the session, the command with it, and give its exit status."""
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()
        return self._status if self._status is not None else 137
