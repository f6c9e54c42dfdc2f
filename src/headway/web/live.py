"""Keeps open pages true: what changed on one is drawn again and sent, and nothing else."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import datetime
from time import monotonic
from typing import Any, NamedTuple

from headway.control.errors import HeadwayError
from headway.control.world import World
from headway.web.drawing import Visit, digest, fragments, rows
from headway.web.house import House
from headway.web.page import Appended, Ask, Page
from headway.web.shared import Shared

_HEARTBEAT_S = 20.0
_HEARTBEATS = 3
"""Until a page is drawn again although nothing happened: some things change by time alone."""
_HEARTBEAT = b": still here\n\n"
GONE = b"event: gone\ndata: gone\n\n"
"""Has the page asked for again, whole: it says what became of it."""
_LEAST_S = 0.5
"""Between two drawings of one page."""
_MOVING_S = 1.0
"""Until what no event tells of is looked at again, while there is such a thing."""
_SHARE = 0.2
"""Of one core's time, at most so much goes to drawing for all open pages together."""
_AT_ONCE = 1000
"""So much is added by one message."""
_LINE = re.compile(r"\r\n|\r|\n")


def pause_s(took_s: float, streams: int) -> float:
    """Say how long a page rests before it is drawn again, so that many open ones cost little.

    >>> pause_s(0.004, 1), pause_s(0.01, 200)
    (0.5, 10.0)
    """
    return max(_LEAST_S, took_s * streams / _SHARE)


class Watch(NamedTuple):
    """One page that is open in one browser."""

    page: Page
    ask: Ask
    visit: Visit
    seen: str
    """Digests of what it shows, as the page had them when it was drawn whole; of a page that is
    added to, from where."""
    is_again: bool = False
    """Whether an earlier stream broke off: then what is `seen` is the id of its last message."""


class Pulse:
    """Follows the event log once for all open pages, while there are any."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._waiting: set[asyncio.Event] = set()
        self._following: asyncio.Task[None] | None = None
        self.streams = 0
        self.sequence = 0

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Have the log followed."""
        self.streams += 1
        try:
            if self._following is None or self._following.done():
                self._following = asyncio.create_task(self._follow(), name="pages")
                self.sequence = 0
            while not self.sequence and not self._following.done():
                await self._rung()
            yield
        finally:
            self.streams -= 1
            if not self.streams and self._following is not None:
                self._following.cancel()
                self._following = None

    async def beyond(self, sequence: int) -> None:
        """Wait for an event behind this one."""
        while self.sequence <= sequence:
            await self._rung()

    async def _rung(self) -> None:
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            await event.wait()
        finally:
            self._waiting.discard(event)

    async def _follow(self) -> None:
        store = self._world.store
        newest = await store.read(lambda reader: reader.events(newest_first=True, limit=1))
        # 0 means: not known yet.
        self._ring(newest[0].sequence if newest else 1)
        async for event in store.follow(newest[0].sequence if newest else 0):
            self._ring(event.sequence)

    def _ring(self, sequence: int) -> None:
        self.sequence = max(self.sequence, sequence)
        for event in self._waiting:
            event.set()
        self._waiting.clear()


class Live:
    """All streams of one control plane."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._pulse = Pulse(house.world)
        self._shared = Shared()

    async def stream(self, watch: Watch) -> AsyncIterator[bytes]:
        """Send what changes on a page, from what it has seen on, until either side goes."""
        stop = asyncio.create_task(self._house.stop.wait())
        try:
            if watch.page.follow is not None:
                async for part in self._added(watch, watch.page.follow, stop):
                    yield part
                return
            async with self._pulse.kept():
                async for part in self._parts(watch, stop):
                    yield part
        finally:
            stop.cancel()
            self._shared.forget()

    async def _parts(self, watch: Watch, stop: "asyncio.Task[bool]") -> AsyncIterator[bytes]:
        seen: dict[str, str] = {}
        first = [] if watch.is_again else watch.seen.split(".")
        while not stop.done():
            sequence, began = self._pulse.sequence, monotonic()
            ask = watch.ask._replace(now=self._house.world.clock.now())
            try:
                view = await self._shared.view(watch.page, watch.visit.path, ask, sequence)
            except HeadwayError:
                yield GONE
                return
            parts = fragments(watch.page.template, view, watch.visit._replace(now=ask.now))
            digests = {name: digest(text) for name, text in parts.items()}
            if not seen and len(first) == len(digests):
                seen = dict(zip(digests, first, strict=True))
            changed = {name: parts[name] for name in parts if seen.get(name) != digests[name]}
            seen = digests
            yield message(sequence, changed) if changed else _HEARTBEAT
            await _settled(stop, asyncio.sleep(pause_s(monotonic() - began, self._pulse.streams)))
            if view.is_moving:
                await _settled(stop, self._pulse.beyond(sequence), _MOVING_S)
                continue
            for _ in range(_HEARTBEATS):
                await _settled(stop, self._pulse.beyond(sequence), _HEARTBEAT_S)
                if stop.done() or self._pulse.sequence > sequence:
                    break
                yield _HEARTBEAT

    async def _added(
        self,
        watch: Watch,
        follow: Callable[[Ask, str], AsyncIterator[Appended]],
        stop: "asyncio.Task[bool]",
    ) -> AsyncIterator[bytes]:
        gathered = _Gathered(follow(watch.ask, watch.seen))
        gathering = asyncio.create_task(gathered.run(), name="page lines")
        try:
            while not stop.done() and not (gathered.is_over and gathering.done()):
                await _settled(stop, gathered.some(), _HEARTBEAT_S)
                taken = gathered.taken()
                if not taken:
                    yield _HEARTBEAT
                    continue
                yield added(taken, self._house.world.clock.now())
                await _settled(stop, asyncio.sleep(_LEAST_S))
        finally:
            gathering.cancel()
            with contextlib.suppress(asyncio.CancelledError, HeadwayError):
                await gathering


class _Gathered:
    """Collects what comes, so that a flood of it is many at once and not many messages."""

    def __init__(self, values: AsyncIterator[Appended]) -> None:
        self._values = values
        self._waiting: list[Appended] = []
        self._some, self._room = asyncio.Event(), asyncio.Event()
        self._room.set()
        self.is_over = False

    async def run(self) -> None:
        """Collect until it ends, or until told."""
        try:
            async for value in self._values:
                self._waiting.append(value)
                self._some.set()
                if len(self._waiting) >= _AT_ONCE:
                    self._room.clear()
                    await self._room.wait()
        finally:
            self.is_over = True
            self._some.set()

    async def some(self) -> None:
        """Wait until there is something, or the end."""
        await self._some.wait()

    def taken(self) -> list[Appended]:
        """Take what there is."""
        taken, self._waiting = self._waiting, []
        self._some.clear()
        self._room.set()
        return taken


async def _settled(
    stop: "asyncio.Task[bool]", wait: Coroutine[Any, Any, None], within_s: float | None = None
) -> None:
    """Wait for something, but no longer than so long, and not beyond headway's stop."""
    waiting = asyncio.ensure_future(wait)
    try:
        await asyncio.wait({stop, waiting}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


def added(values: list[Appended], now: datetime) -> bytes:
    """Write what is added to a page as one event."""
    last = values[-1]
    html = rows(last.macro, [one.value for one in values], now)
    part = f'<hx-partial hx-target="#{last.to}" hx-swap="beforeend">{html.strip()}</hx-partial>'
    return _event(last.resume, part)


def message(sequence: int, changed: dict[str, str]) -> bytes:
    """Write fragments as one event.

    >>> print(message(7, {"live_a": '<p id="live_a">x</p>'}).decode().strip())
    id: 7
    data: <hx-partial hx-target="#live_a" hx-swap="outerMorph"><p id="live_a">x</p></hx-partial>
    """
    html = "\n".join(
        f'<hx-partial hx-target="#{name}" hx-swap="outerMorph">{text.strip()}</hx-partial>'
        for name, text in changed.items()
    )
    return _event(str(sequence), html)


def _event(identity: str, html: str) -> bytes:
    data = "".join(f"data: {line}\n" for line in _LINE.split(html))
    return f"id: {identity}\n{data}\n".encode()
