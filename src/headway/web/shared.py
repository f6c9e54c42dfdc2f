"""One drawing of a page for all who have it open: its cost does not grow with their number."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Hashable, Iterator
from time import monotonic
from typing import NamedTuple

from headway.web.drawing import digest, fragments
from headway.web.page import Ask, Page

_LEAST_S = 0.5
"""Between two drawings of one page."""
_MOVING_S = 1.0
"""Until what no event tells of is looked at again, while there is such a thing."""
_STILL_S = 60.0
"""Until a page is drawn again although nothing happened: some things change by time alone."""
_FRESH_S = 1.0
"""Older than this, a drawing may be from before who comes now has loaded the page."""
_HUNG_S = 15.0
"""Until one that was not answered is tried again."""
_SHARE = 0.2
"""Of one core's time, at most so much goes to drawing for all open pages together."""


def pause_s(took_s: float, pages: int, least_s: float = _LEAST_S) -> float:
    """Say how long a page rests before it is drawn again, so that many different ones cost little.

    >>> pause_s(0.004, 1), pause_s(0.01, 200)
    (0.5, 10.0)
    """
    return max(least_s, took_s * pages / _SHARE)


class Drawn(NamedTuple):
    """The parts of a page that may change, as they were drawn."""

    parts: dict[str, str]
    """By name."""
    digests: tuple[str, ...]
    """In the same order."""
    sequence: int
    """The last event that they are known to show."""
    rested_at: float
    """When they may be drawn again, if something happened."""
    stale_at: float
    """When they are to be drawn again, although nothing happened."""


class _Drawing(NamedTuple):
    """A drawing, under way or done."""

    sequence: int
    began: float
    drawn: "asyncio.Task[Drawn]"


class Shared:
    """Drawings by page, address and what who asks may do."""

    def __init__(self, *, hung_s: float = _HUNG_S, least_s: float = _LEAST_S) -> None:
        self._hung_s, self._least_s = hung_s, least_s
        self._open: Counter[Hashable] = Counter()
        self._drawings: dict[Hashable, _Drawing] = {}

    @contextlib.contextmanager
    def kept(self, page: Page, path: str, ask: Ask) -> Iterator[None]:
        """Keep what is drawn of a page as long as somebody has it open."""
        key = _key(page, path, ask)
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]
                self._drawings.pop(key, None)

    async def drawn(
        self, page: Page, path: str, ask: Ask, sequence: int, *, is_first: bool = False
    ) -> Drawn:
        """Give the parts of a page as of an event; while it rests, as of an earlier one.

        Args:
            page: Which.
            path: Its address, with the query.
            ask: What is asked of it.
            sequence: Of the event.
            is_first: Whether who asks has just loaded the page: what it shows may be newer than
                what was drawn before.

        Raises:
            HeadwayError: There is no such thing any more.
        """
        key = _key(page, path, ask)
        known = self._drawings.get(key)
        if known is None or not self._is_good(known, sequence, is_first=is_first):
            drawing = asyncio.ensure_future(self._draw(page, ask, sequence))
            known = self._drawings[key] = _Drawing(sequence, monotonic(), drawing)
        # Who goes away meanwhile does not end it for the others.
        return await asyncio.shield(known.drawn)

    def _is_good(self, known: _Drawing, sequence: int, *, is_first: bool) -> bool:
        now = monotonic()
        is_newest = known.sequence >= sequence
        if is_first and not (is_newest and now - known.began <= _FRESH_S):
            return False
        if not known.drawn.done():
            return now - known.began <= self._hung_s
        if known.drawn.cancelled() or known.drawn.exception() is not None:
            return False
        drawn = known.drawn.result()
        return now < drawn.rested_at or (is_newest and now < drawn.stale_at)

    async def _draw(self, page: Page, ask: Ask, sequence: int) -> Drawn:
        began = monotonic()
        view = await page.see(ask)
        parts = fragments(page.template, view, ask.now)
        ended = monotonic()
        rested_at = ended + pause_s(ended - began, len(self._open), self._least_s)
        stale_at = began + (_MOVING_S if view.is_moving else _STILL_S)
        digests = tuple(digest(text) for text in parts.values())
        return Drawn(parts, digests, sequence, rested_at, max(rested_at, stale_at))


def _key(page: Page, path: str, ask: Ask) -> Hashable:
    return page.path, path, ask.grant
