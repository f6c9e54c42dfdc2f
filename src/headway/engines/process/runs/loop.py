"""Waits for descriptors and for moments, and calls who is concerned."""

from __future__ import annotations

import heapq
import select
import time
from collections.abc import Callable

_EVENTS_MAX = 256
_WAIT_MAX_S = 3600.0
"""Before a look at the clock: the kernel waits for no longer than 24 days."""

Concerned = Callable[[], None]


class Timer:
    """A moment at which something is called, unless it is called off."""

    __slots__ = ("at", "call")

    def __init__(self, at: float, call: Concerned | None) -> None:
        self.at = at
        self.call = call

    def __lt__(self, other: Timer) -> bool:
        return self.at < other.at

    def cancel(self) -> None:
        """Have nothing called."""
        self.call = None


class Loop:
    """One thread's readiness and time."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._concerned: dict[int, Concerned] = {}
        self._writers: dict[int, Concerned] = {}
        self._timers: list[Timer] = []
        self._soon: list[Concerned] = []

    def add(self, descriptor: int, call: Concerned) -> None:
        """Call when there is something to read: from now on this one, where another was called."""
        if descriptor not in self._concerned:
            self._epoll.register(descriptor, select.EPOLLIN)
        self._concerned[descriptor] = call

    def remove(self, descriptor: int) -> None:
        """Call no more. To be said before the descriptor is closed."""
        if self._concerned.pop(descriptor, None) is not None:
            self._writers.pop(descriptor, None)
            self._epoll.unregister(descriptor)

    def when_writable(self, descriptor: int, call: Concerned | None) -> None:
        """Call, too, when there is room to write; None: no longer."""
        if call is None:
            self._writers.pop(descriptor, None)
            self._epoll.modify(descriptor, select.EPOLLIN)
        else:
            self._writers[descriptor] = call
            self._epoll.modify(descriptor, select.EPOLLIN | select.EPOLLOUT)

    def after(self, seconds: float, call: Concerned) -> Timer:
        """Call once, so many seconds from now."""
        timer = Timer(time.monotonic() + seconds, call)
        heapq.heappush(self._timers, timer)
        return timer

    def soon(self, call: Concerned) -> None:
        """Call once, when everything that has happened by now was seen."""
        self._soon.append(call)

    def turn(self) -> None:
        """Wait until something happens, and see to it."""
        for descriptor, event in self._epoll.poll(self._timeout(), _EVENTS_MAX):
            if event & select.EPOLLOUT and (writer := self._writers.get(descriptor)):
                writer()
            if event & ~select.EPOLLOUT and (concerned := self._concerned.get(descriptor)):
                concerned()
        self._call_due()
        calls, self._soon = self._soon, []
        for call in calls:
            call()

    def _timeout(self) -> float | None:
        if self._soon:
            return 0.0
        while self._timers and self._timers[0].call is None:
            heapq.heappop(self._timers)
        if not self._timers:
            return None
        return min(max(0.0, self._timers[0].at - time.monotonic()), _WAIT_MAX_S)

    def _call_due(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0].at <= now:
            call = heapq.heappop(self._timers).call
            if call is not None:
                call()
