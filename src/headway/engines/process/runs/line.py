"""The runner's side of the line: one connection at a time, lines of JSON."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from typing import Any

from headway.engines.process.runs.channel import Channel
from headway.engines.process.runs.ledger import Ledger
from headway.engines.process.runs.loop import Loop

SOCKET = "runner.sock"
_UNSENT_MAX = 64 * 1024 * 1024
_ROOM_BYTES = 4 * 1024 * 1024
_LATER_S = 0.02
"""Beginnings are told this much later, with the ends that come meanwhile: of short runs, both.
So are ends that can wait: to write them down together costs a fraction of doing so one by one."""


class Line:
    """Whoever is connected last hears everything; what others had sent and we not read is gone."""

    def __init__(self, loop: Loop, ledger: Ledger, said: Callable[[dict[str, Any]], None]) -> None:
        self._loop = loop
        self._ledger = ledger
        self._said = said
        self._channel: Channel | None = None
        self._is_due = False
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        earlier = os.umask(0o177)
        try:
            self._listening.bind(SOCKET)
        finally:
            os.umask(earlier)
        self._listening.listen(16)
        self._listening.setblocking(False)
        loop.add(self._listening.fileno(), self._accept)

    @property
    def is_clear(self) -> bool:
        """Whether nothing is on its way to who listens."""
        return self._channel is None or not self._channel.unsent_bytes

    def tell(self) -> None:
        """Send what is new, now or a little later."""
        if self._ledger.is_pressing:
            self._tell()
        elif self._ledger.has_news and not self._is_due:
            self._is_due = True
            self._loop.after(_LATER_S, self._tell_late)

    def close(self) -> None:
        """Hang up, and take no call any more."""
        self._cut()
        self._loop.remove(self._listening.fileno())
        self._listening.close()

    def _tell_late(self) -> None:
        self._is_due = False
        self._tell()

    def _tell(self) -> None:
        news = self._ledger.news()
        if self._channel is None or not news:
            return
        self._channel.send(b'{"facts":[' + ",".join(news).encode() + b"]}\n")
        if self._channel.unsent_bytes > _UNSENT_MAX:
            self._cut()  # everything is kept for the next who asks

    def _accept(self) -> None:
        try:
            connection, _ = self._listening.accept()
        except BlockingIOError:
            return
        self._cut()
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            connection.setsockopt(socket.SOL_SOCKET, option, _ROOM_BYTES)
        self._channel = Channel(self._loop, connection, self._heard)
        self._channel.send(b'{"listing":[' + ",".join(self._ledger.listing()).encode() + b"]}\n")

    def _heard(self, lines: list[bytes] | None) -> None:
        if lines is None:
            self._channel = None
            return
        for line in lines:
            self._said(json.loads(line))

    def _cut(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
