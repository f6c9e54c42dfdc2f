"""Carries connections of one run to the node's loopback, to the same ports, and nowhere else.

A process of its own, outside of the run's network: the run has the other ends of what it reads and
writes, and nothing else of it.
"""

from __future__ import annotations

import select
import socket
import struct

_READ_BYTES = 65536
_UNSENT_MAX = 262_144
_CONNECTIONS_MAX = 200
_BREAK_OFF = struct.pack("ii", 1, 0)
_LOOPBACK = "127.0.0.1"


class Side:
    """One end of a connection, and what is on its way to it."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self.end = end
        self.descriptor = end.fileno()
        self.other = self
        self.unsent = bytearray()
        self.is_read = False
        """Nothing more will come from it."""
        self.is_told = False
        """It knows that nothing more will come."""
        self.is_watched = False
        self.is_open = False
        """It is connected."""

    @property
    def events(self) -> int:
        """What is to be waited for."""
        events = 0
        if not self.is_read and len(self.other.unsent) < _UNSENT_MAX:
            events |= select.EPOLLIN
        if not self.is_open or self.unsent or (self.other.is_read and not self.is_told):
            events |= select.EPOLLOUT
        return events

    def read(self) -> None:
        """Take what it says."""
        if self.is_read or len(self.other.unsent) >= _UNSENT_MAX:
            return
        try:
            data = self.end.recv(_READ_BYTES)
        except BlockingIOError:
            return
        self.other.unsent += data
        self.is_read = not data

    def write(self) -> None:
        """Give it what is for it, and the end of that."""
        if not self.is_open and not self._connected():
            return
        try:
            if self.unsent:
                del self.unsent[: self.end.send(self.unsent)]
        except BlockingIOError:
            return
        if not self.unsent and self.other.is_read and not self.is_told:
            self.is_told = True
            self.end.shutdown(socket.SHUT_WR)

    def _connected(self) -> bool:
        try:
            self.end.getpeername()
        except OSError:
            return False
        self.is_open = True
        return True


class Relay:
    """All connections of a run."""

    def __init__(self, listeners: dict[int, socket.socket]) -> None:
        """Listen by these, each for its port."""
        self._poll = select.epoll()
        self._listeners = {one.fileno(): (port, one) for port, one in listeners.items()}
        self._sides: dict[int, Side] = {}
        self._listens = False
        self._listen()

    def serve(self) -> None:
        """Carry until killed."""
        while True:
            for descriptor, event in self._poll.poll():
                if descriptor in self._listeners:
                    self._accept(descriptor)
                elif descriptor in self._sides:
                    self._carry(self._sides[descriptor], event)
            self._listen()

    def _listen(self) -> None:
        """Take no more connections while there are too many: those that ask wait."""
        wanted = len(self._sides) < 2 * _CONNECTIONS_MAX
        if wanted != self._listens:
            self._listens = wanted
            for descriptor in self._listeners:
                if wanted:
                    self._poll.register(descriptor, select.EPOLLIN)
                else:
                    self._poll.unregister(descriptor)

    def _accept(self, descriptor: int) -> None:
        port, listener = self._listeners[descriptor]
        try:
            theirs = Side(listener.accept()[0])
        except OSError:
            return
        ours = Side(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        theirs.other, ours.other = ours, theirs
        ours.end.connect_ex((_LOOPBACK, port))
        for side in (theirs, ours):
            self._sides[side.descriptor] = side
            self._watch(side)

    def _watch(self, side: Side) -> None:
        """Wait for what is wanted of it; for nothing, not even its end, while that is nothing."""
        if side.is_watched:
            self._poll.unregister(side.descriptor)
        side.is_watched = bool(side.events)
        if side.is_watched:
            self._poll.register(side.descriptor, side.events)

    def _carry(self, side: Side, event: int) -> None:
        try:
            if event & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
                side.read()
            for one in (side, side.other):
                one.write()
            is_over = side.is_told and side.other.is_told
        except OSError:
            for one in (side, side.other):  # broken off, and so it looks from the other side
                one.end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _BREAK_OFF)
            is_over = True
        if is_over:
            self._close(side)
            return
        for one in (side, side.other):
            self._watch(one)

    def _close(self, side: Side) -> None:
        for one in (side, side.other):
            if one.is_watched:
                self._poll.unregister(one.descriptor)
            del self._sides[one.descriptor]
            one.end.close()
