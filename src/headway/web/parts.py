"""The parts of one open page that may change, drawn again when something happened."""

import asyncio
from contextlib import suppress
from time import monotonic

from headway.web.drawing import Visit, digest, fragments
from headway.web.page import Ask, Page
from headway.web.pulse import Pulse
from headway.web.shared import Shared

_LEAST_S = 0.5
"""Between two drawings of one page."""
_MOVING_S = 1.0
"""Until what no event tells of is looked at again, while there is such a thing."""
_STILL_S = 60.0
"""Until a page is drawn again although nothing happened: some things change by time alone."""
_SHARE = 0.2
"""Of one core's time, at most so much goes to drawing for all open pages together."""


def pause_s(took_s: float, streams: int) -> float:
    """Say how long a page rests before it is drawn again, so that many open ones cost little.

    >>> pause_s(0.004, 1), pause_s(0.01, 200)
    (0.5, 10.0)
    """
    return max(_LEAST_S, took_s * streams / _SHARE)


class Parts:
    """Knows what its reader has of each part."""

    def __init__(
        self, page: Page, visit: Visit, pulse: Pulse, shared: Shared, digests: str
    ) -> None:
        self._page, self._visit = page, visit
        self._pulse, self._shared = pulse, shared
        self.digests = digests
        self._sequence = 0
        self._rested_at = self._stale_at = 0.0

    async def changed(self, ask: Ask) -> dict[str, str]:
        """Give those that are not as the reader has them, by name.

        Raises:
            HeadwayError: What the page shows is not there any more, or cannot be asked.
        """
        began = monotonic()
        has_news = self._pulse.sequence > self._sequence and began >= self._rested_at
        if not has_news and began < self._stale_at:
            return {}
        sequence = self._pulse.sequence
        view = await self._shared.view(self._page, self._visit.path, ask, sequence)
        drawn = fragments(self._page.template, view, self._visit._replace(now=ask.now))
        digests = [digest(text) for text in drawn.values()]
        had = self.digests.split(".")
        if len(had) != len(digests):  # drawn by another template, or by nobody
            had = [""] * len(digests)
        self.digests = ".".join(digests)
        self._sequence = sequence
        self._rested_at = monotonic() + pause_s(monotonic() - began, self._pulse.streams)
        self._stale_at = max(self._rested_at, began + (_MOVING_S if view.is_moving else _STILL_S))
        rows = zip(drawn.items(), digests, had, strict=True)
        return {name: text for (name, text), now, then in rows if now != then}

    async def due(self) -> None:
        """Wait until they are to be drawn again."""
        await asyncio.sleep(self._rested_at - monotonic())
        with suppress(TimeoutError):
            async with asyncio.timeout(self._stale_at - monotonic()):
                await self._pulse.beyond(self._sequence)
