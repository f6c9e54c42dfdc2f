"""The event log, followed once for all open pages."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from headway.control.guard import repeatedly
from headway.control.world import World


class Pulse:
    """Follows the event log while there are open pages, whatever goes wrong meanwhile."""

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
            await self.beyond(0)
            yield
        finally:
            self.streams -= 1
            if not self.streams and self._following is not None:
                self._following.cancel()
                self._following = None

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
        # 0 means: not known yet.
        self._ring(newest[0].sequence if newest else 1)
        async for event in store.follow(newest[0].sequence if newest else 0):
            self._ring(event.sequence)

    def _ring(self, sequence: int) -> None:
        self.sequence = max(self.sequence, sequence)
        for event in self._waiting:
            event.set()
        self._waiting.clear()
