"""A made-up network: who listens where, and what they answer to a health check."""

import asyncio
from collections.abc import Callable
from typing import Any

_YES = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
_NO = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\nno"

Answering = Callable[[str, int], bool | None]
"""Host and port to whether who listens there is well; None when nobody listens."""


class _Wire(asyncio.Transport):
    """One connection: what is written is answered at once, and then it is closed."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, protocol: asyncio.Protocol, answer: bytes
    ) -> None:
        super().__init__()
        self._loop = loop
        self._protocol = protocol
        self._answer = answer
        self._closing = False

    def write(self, data: "bytes | bytearray | memoryview[Any]") -> None:  # noqa: ARG002
        if self._answer and not self._closing:
            self._loop.call_soon(self._protocol.data_received, self._answer)
            self._loop.call_soon(self._protocol.eof_received)
            self._answer = b""

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self._protocol.connection_lost, None)

    def abort(self) -> None:
        self.close()

    def pause_reading(self) -> None:
        """Nothing comes that could be held back."""

    def resume_reading(self) -> None:
        """Nothing was held back."""


class MadeUpNetwork:
    """Leads connections to whoever a world says listens."""

    def __init__(self) -> None:
        self.answering: Answering = lambda _host, _port: None

    def connect(
        self, loop: asyncio.AbstractEventLoop, protocol: asyncio.Protocol, host: str, port: int
    ) -> asyncio.Transport:
        """Open a connection.

        Raises:
            ConnectionRefusedError: Nobody listens there.
        """
        is_well = self.answering(host, port)
        if is_well is None:
            raise ConnectionRefusedError(f"nobody listens on {host}:{port}")
        wire = _Wire(loop, protocol, _YES if is_well else _NO)
        protocol.connection_made(wire)
        return wire
