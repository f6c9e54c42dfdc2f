"""A socket that carries lines both ways, and never makes its holder wait."""

from __future__ import annotations

import socket
from collections.abc import Callable

from headway.engines.process.runs.loop import Loop

_READ_BYTES = 1024 * 1024


class Channel:
    """One connection. Lines go to who holds it; None in their place means that it ended."""

    def __init__(
        self, loop: Loop, connection: socket.socket, heard: Callable[[list[bytes] | None], None]
    ) -> None:
        self._loop = loop
        self._connection = connection
        self._heard = heard
        self._kept: list[bytes] = []
        self.kept_bytes = 0
        """Of a line that has not ended."""
        self._unsent = bytearray()
        self._open = True
        connection.setblocking(False)
        loop.add(connection.fileno(), self.read)

    @property
    def unsent_bytes(self) -> int:
        """What waits for the other side to read."""
        return len(self._unsent)

    def send(self, data: bytes) -> None:
        """Send, now or when there is room."""
        if not self._open:
            return
        if not self._unsent:
            try:
                done = self._connection.send(data)
            except BlockingIOError:
                done = 0
            except OSError:
                return  # its end is read, too
            if done == len(data):
                return
            data = data[done:]
            self._loop.when_writable(self._connection.fileno(), self._write)
        self._unsent += data

    def close(self) -> None:
        """End it. Who holds it hears nothing of it any more."""
        if self._open:
            self._open = False
            self._loop.remove(self._connection.fileno())
            self._connection.close()

    def _write(self) -> None:
        try:
            del self._unsent[: self._connection.send(self._unsent)]
        except BlockingIOError:
            return
        except OSError:
            self._unsent.clear()
        if not self._unsent:
            self._loop.when_writable(self._connection.fileno(), None)

    def read(self) -> None:
        """Hear what has come by now."""
        if not self._open:
            return
        try:
            data = self._connection.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            self._heard(None)
            return
        *lines, rest = data.split(b"\n")
        if lines:
            self._kept.append(lines[0])
            lines[0] = b"".join(self._kept)
            self._kept, self.kept_bytes = [], 0
        self._kept.append(rest)
        self.kept_bytes += len(rest)
        self._heard(lines)
