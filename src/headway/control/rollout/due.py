"""When what is to be looked at again; each thing has one such time."""

import heapq
from collections.abc import Iterator
from datetime import datetime

from headway.model.ids import MemberKey


class Due:
    """The next time of each app. One that is set takes the place of the one before.

    Were each kept, an app that waits for room would be looked at more and more often: every look
    sets a time, and something else than its time may be the reason for one.
    """

    def __init__(self) -> None:
        self._at: dict[MemberKey, datetime] = {}
        self._heap: list[tuple[datetime, MemberKey]] = []
        """Holds times that were replaced, too, until they have come."""

    def set(self, key: MemberKey, at: datetime | None) -> None:
        """Have an app be looked at again then and not before; None: not by the clock."""
        if at is None:
            self._at.pop(key, None)
        elif self._at.get(key) != at:
            self._at[key] = at
            heapq.heappush(self._heap, (at, key))

    def take(self, now: datetime) -> Iterator[MemberKey]:
        """Give those whose time has come, once."""
        while (at := self.next_at) is not None and at <= now:
            key = heapq.heappop(self._heap)[1]
            del self._at[key]
            yield key

    @property
    def next_at(self) -> datetime | None:
        """Give the first time there is."""
        while self._heap and self._at.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None
