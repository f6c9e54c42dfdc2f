"""The event log, and what happens that is not in it, followed once for all open pages."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from headway.control.guard import repeatedly
from headway.control.world import World

_TOGETHER_S = 0.5
"""Of runs that begin, all that do within so long are told together."""


class Pulse:
    """Follows the event log while there are open pages, whatever goes wrong meanwhile."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._waiting: set[asyncio.Event] = set()
        self._following: asyncio.Task[None] | None = None
        self.streams = 0
        self.sequence = 0
        """Of the last beat: it rises with each event, and when runs began."""
        self._late: asyncio.TimerHandle | None = None
        world.bell.begun.calls(self._begun)

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Have the log followed."""
        self.streams += 1
        try:
            if self._following is None or self._following.done():
                self._following = asyncio.create_task(self._follow(), name="pages")
                self.sequence = 0
            await self.beyond(0)
            yield
        finally:
            self.streams -= 1
            if not self.streams and self._following is not None:
                self._following.cancel()
                self._following = None
                if self._late is not None:
                    self._late.cancel()
                    self._late = None

    async def beyond(self, sequence: int) -> None:
        """Wait for an event behind this one."""
        while self.sequence <= sequence:
            event = asyncio.Event()
            self._waiting.add(event)
            try:
                await event.wait()
            finally:
                self._waiting.discard(event)

    async def _follow(self) -> None:
        await repeatedly(self._world, "pages", self._hear)

    async def _hear(self) -> None:
        store = self._world.store
        newest = await store.read(lambda reader: reader.events(newest_first=True, limit=1))
        self._ring()  # 0 means: not known yet
        async for _ in store.follow(newest[0].sequence if newest else 0):
            self._ring()

    def _begun(self) -> None:
        """Ring for all runs that begin within a moment together, if anybody looks."""
        if self.streams and self._late is None:
            self._late = asyncio.get_running_loop().call_later(_TOGETHER_S, self._ring_late)

    def _ring_late(self) -> None:
        self._late = None
        self._ring()

    def _ring(self) -> None:
        self.sequence += 1
        for event in self._waiting:
            event.set()
        self._waiting.clear()
