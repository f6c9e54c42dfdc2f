"""The parts of one open page that may change, sent again when something happened."""

import asyncio
from contextlib import suppress
from time import monotonic

from headway.web.page import Ask, Page
from headway.web.pulse import Pulse
from headway.web.shared import Shared


class Parts:
    """Knows what its reader has of each part."""

    def __init__(self, page: Page, path: str, pulse: Pulse, shared: Shared, digests: str) -> None:
        self._page, self._path = page, path
        self._pulse, self._shared = pulse, shared
        self.digests = digests
        self._is_first = True
        self._sequence = 0
        self._rested_at = self._stale_at = 0.0

    async def changed(self, ask: Ask) -> dict[str, str]:
        """Give those that are not as the reader has them, by name.

        Raises:
            HeadwayError: What the page shows is not there any more, or cannot be asked.
        """
        now = monotonic()
        has_news = self._pulse.sequence > self._sequence and now >= self._rested_at
        if not has_news and now < self._stale_at:
            return {}
        drawn = await self._shared.drawn(
            self._page, self._path, ask, self._pulse.sequence, is_first=self._is_first
        )
        had = self.digests.split(".")
        if len(had) != len(drawn.digests):  # drawn by another template, or by nobody
            had = [""] * len(drawn.digests)
        self.digests = ".".join(drawn.digests)
        self._is_first = False
        self._sequence = drawn.sequence
        self._rested_at, self._stale_at = drawn.rested_at, drawn.stale_at
        rows = zip(drawn.parts.items(), drawn.digests, had, strict=True)
        return {name: text for (name, text), now, then in rows if now != then}

    async def due(self) -> None:
        """Wait until they are to be drawn again."""
        await asyncio.sleep(self._rested_at - monotonic())
        with suppress(TimeoutError):
            async with asyncio.timeout(self._stale_at - monotonic()):
                await self._pulse.beyond(self._sequence)
