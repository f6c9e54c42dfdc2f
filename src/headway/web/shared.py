"""One reading of what a page shows for all who have it open, as long as nothing happens."""

import asyncio
from collections.abc import Hashable
from time import monotonic
from typing import NamedTuple

from headway.web.page import Ask, Page, View

_STILL_S = 30.0
_HUNG_S = 15.0
"""Until one that was not answered is tried again."""
_MOVING_S = 0.9
"""Shorter than the time after which what moves is looked at again."""


class _Reading(NamedTuple):
    """A reading, under way or done."""

    sequence: int
    at: float
    view: "asyncio.Task[View]"


class Shared:
    """Readings by page, address and what who asks may do."""

    def __init__(self, hung_s: float = _HUNG_S) -> None:
        self._hung_s = hung_s
        self._readings: dict[Hashable, _Reading] = {}

    async def view(self, page: Page, path: str, ask: Ask, sequence: int) -> View:
        """Give what a page shows as of an event, or of a later one.

        Raises:
            HeadwayError: There is no such thing any more.
        """
        key = (page.path, path, ask.grant)
        known = self._readings.get(key)
        if known is None or known.sequence < sequence or self._is_old(known):
            known = _Reading(sequence, monotonic(), asyncio.ensure_future(page.see(ask)))
            self._readings[key] = known
        # Who goes away meanwhile does not end it for the others.
        return await asyncio.shield(known.view)

    def forget(self) -> None:
        """Let go of what nobody looks at any more."""
        self._readings = {
            key: known for key, known in self._readings.items() if not self._is_old(known)
        }

    def _is_old(self, known: _Reading) -> bool:
        age_s = monotonic() - known.at
        if not known.view.done():
            return age_s > self._hung_s
        if known.view.cancelled() or known.view.exception() is not None:
            return True
        return age_s > (_MOVING_S if known.view.result().is_moving else _STILL_S)
