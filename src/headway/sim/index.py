"""Indexes of rows in memory: by equal values, by the lowest, and how many have any.

An index knows rows by their ordinals: the places in which they were first put.
"""

import heapq
from typing import Any


class Equal:
    """Finds rows by the value of one field, in the order in which they were first put."""

    def __init__(self) -> None:
        self.buckets: dict[Any, dict[int, None]] = {}
        self._unordered: set[Any] = set()
        """Of which buckets a row came behind one that was put later."""

    def change(self, ordinal: int, old: Any, new: Any) -> None:
        """Follow a row whose value has changed; None is no value, or no row."""
        if old is not None:
            bucket = self.buckets[old]
            del bucket[ordinal]
            if not bucket:
                del self.buckets[old]
                self._unordered.discard(old)
        if new is not None:
            known = self.buckets.get(new)
            if known is None:
                self.buckets[new] = {ordinal: None}
                return
            if next(reversed(known)) > ordinal:
                self._unordered.add(new)
            known[ordinal] = None

    def ordinals(self, value: Any) -> dict[int, None]:
        """Give the rows that have a value, in order."""
        bucket = self.buckets.get(value, {})
        if value in self._unordered:
            self._unordered.discard(value)
            bucket = self.buckets[value] = dict.fromkeys(sorted(bucket))
        return bucket


class Counted:
    """Counts the rows that have a value in one field."""

    def __init__(self) -> None:
        self.count = 0

    def change(self, ordinal: int, old: Any, new: Any) -> None:  # noqa: ARG002
        """Follow a row whose value has changed; None is no value, or no row."""
        self.count += (new is not None) - (old is not None)


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
