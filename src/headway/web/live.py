"""Keeps open pages true: what changed on one is drawn again and sent, and nothing else."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any, NamedTuple

from headway.control.errors import HeadwayError, Unavailable
from headway.control.refusals import UNAVAILABLE
from headway.web.drawing import has_parts
from headway.web.gathered import Gathered
from headway.web.house import House
from headway.web.messages import GONE, STILL, message
from headway.web.page import Ask, Page
from headway.web.parts import Parts
from headway.web.pulse import Pulse
from headway.web.seen import Seen
from headway.web.shared import Shared

_HEARTBEAT_S = 10.0
_LEAST_S = 0.5
"""Between two messages to one page."""


class Watch(NamedTuple):
    """One page that is open in one browser."""

    page: Page
    path: str
    """Its address, with the query."""
    ask: Ask
    seen: Seen
    """What it shows: as it was drawn whole, or as of the last message that came there."""


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
            async with contextlib.AsyncExitStack() as stack:
                parts = await self._parts(watch, stack)
                lines = await _lines(watch, stack)
                while not stop.done():
                    yield await self._news(watch.ask, parts, lines)
                    await _settled(stop, asyncio.sleep(_LEAST_S))
                    waits = [parts.due()] if parts else []
                    waits += [lines.some()] if lines else []
                    await _settled(stop, *waits, within_s=_HEARTBEAT_S)
        except (Unavailable, *UNAVAILABLE):
            return  # the page says that it is not connected, and comes back
        except HeadwayError:
            yield GONE
        finally:
            stop.cancel()

    async def _parts(self, watch: Watch, stack: contextlib.AsyncExitStack) -> Parts | None:
        if not has_parts(watch.page.template):
            return None
        page, path = watch.page, watch.path
        await stack.enter_async_context(self._pulse.kept())
        stack.enter_context(self._shared.kept(page, path, watch.ask))
        return Parts(page, path, self._pulse, self._shared, watch.seen.digests)

    async def _news(self, ask: Ask, parts: Parts | None, lines: Gathered | None) -> bytes:
        ask = ask._replace(now=self._house.world.clock.now())
        changed = await parts.changed(ask) if parts else {}
        added = lines.taken() if lines else []
        if not changed and not added:
            return STILL
        seen = Seen(parts.digests if parts else "", lines.resume if lines else "")
        return message(seen, changed, added, ask.now)


async def _lines(watch: Watch, stack: contextlib.AsyncExitStack) -> Gathered | None:
    if watch.page.follow is None:
        return None
    resume = watch.seen.resume
    gathered = Gathered(watch.page.follow(watch.ask, resume), resume)
    await stack.enter_async_context(gathered.running())
    return gathered


async def _settled(
    stop: "asyncio.Task[bool]", *waits: Coroutine[Any, Any, None], within_s: float | None = None
) -> None:
    """Wait for one of them, but no longer than so long, and not beyond headway's stop."""
    waiting = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait({stop, *waiting}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()
