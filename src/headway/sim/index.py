"""Indexes of rows in memory: by equal values, and by the lowest.

An index knows rows by their ordinals: the places in which they were first put.
"""

import heapq
from typing import Any, NamedTuple

from headway.model.value import Value


class Kept(NamedTuple):
    """A row, and its place among those of its kind: when it was first put."""

    ordinal: int
    row: Value


class Equal:
    """Finds rows by the value of one field, in the order in which they were first put."""

    def __init__(self) -> None:
        self.buckets: dict[Any, dict[int, None]] = {}
        self.count = 0
        """Rows that have a value."""
        self._latest: dict[Any, int] = {}
        """Bucket to the highest ordinal that came last; `1 << 62` where they came out of order."""

    def change(self, ordinal: int, old: Any, new: Any) -> None:
        """Follow a row whose value has changed; None is no value, or no row."""
        if old is not None:
            self.count -= 1
            self._leave(old, ordinal)
        if new is not None:
            self.count += 1
            latest = self._latest.get(new, 0)
            self._latest[new] = ordinal if ordinal > latest else 1 << 62
            self.buckets.setdefault(new, {})[ordinal] = None

    def _leave(self, value: Any, ordinal: int) -> None:
        bucket = self.buckets[value]
        del bucket[ordinal]
        if not bucket:
            del self.buckets[value]
            del self._latest[value]

    def ordinals(self, value: Any) -> dict[int, None]:
        """Give the rows that have a value, in order."""
        bucket = self.buckets.get(value, {})
        if bucket and self._latest[value] == 1 << 62:
            bucket = self.buckets[value] = dict.fromkeys(sorted(bucket))
            self._latest[value] = next(reversed(bucket))
        return bucket


class Lowest:
    """Finds the rows with the lowest values of one field."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int]] = []
        self._values: dict[int, int] = {}

    def change(self, ordinal: int, old: Any, new: Any) -> None:
        """Follow a row whose value has changed; None is no value, or no row."""
        if new is not None:
            self._values[ordinal] = new
            heapq.heappush(self._heap, (new, ordinal))
        elif old is not None:
            del self._values[ordinal]

    def ordinals(self, up_to: int | None, limit: int) -> list[int]:
        """Give some, lowest first."""
        found: list[int] = []
        taken: list[tuple[int, int]] = []
        while self._heap and len(found) < limit:
            value, ordinal = self._heap[0]
            if self._values.get(ordinal) != value or ordinal in found[-1:]:
                heapq.heappop(self._heap)
                continue
            if up_to is not None and value > up_to:
                break
            found.append(ordinal)
            taken.append(heapq.heappop(self._heap))
        for entry in taken:
            heapq.heappush(self._heap, entry)
        return found
