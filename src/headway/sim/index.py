"""Indexes of rows in memory: by equal values, and by the lowest."""

import heapq
from enum import Enum
from typing import Any, NamedTuple

from headway.model.value import Value


class Kept(NamedTuple):
    """A row, and its place among those of its kind: when it was first put."""

    ordinal: int
    row: Value


def plain(value: Any) -> Any:
    """Give a value as it is compared."""
    return value.value if isinstance(value, Enum) else value


class Equal:
    """Finds rows by the value of one field, in the order in which they were first put."""

    def __init__(self, field: str) -> None:
        self.field = field
        self.buckets: dict[Any, dict[int, Value]] = {}
        self._latest: dict[Any, int] = {}
        """Bucket to the highest ordinal that came last; -1 where they came out of order."""

    def change(self, ordinal: int, before: Value | None, after: Value | None) -> None:
        """Follow a row from how it was to how it is."""
        field = self.field
        old = plain(getattr(before, field)) if before is not None else None
        new = plain(getattr(after, field)) if after is not None else None
        if before is not None and after is not None and old == new:
            if new is not None:
                self.buckets[new][ordinal] = after
            return
        if before is not None and old is not None:
            bucket = self.buckets[old]
            del bucket[ordinal]
            if not bucket:
                del self.buckets[old]
                del self._latest[old]
        if after is not None and new is not None:
            bucket = self.buckets.setdefault(new, {})
            if ordinal not in bucket and ordinal < self._latest.get(new, 0):
                self._latest[new] = 1 << 62
            elif ordinal not in bucket:
                self._latest[new] = max(ordinal, self._latest.get(new, 0))
            bucket[ordinal] = after

    def rows(self, value: Any) -> dict[int, Value]:
        """Give the rows that have a value, in order."""
        bucket = self.buckets.get(value, {})
        if bucket and self._latest[value] == 1 << 62:
            bucket = dict(sorted(bucket.items()))
            self.buckets[value] = bucket
            self._latest[value] = next(reversed(bucket))
        return bucket


class Lowest:
    """Finds the rows with the lowest values of one field."""

    def __init__(self, field: str) -> None:
        self.field = field
        self._heap: list[tuple[int, int]] = []
        self._current: dict[int, tuple[int, Value]] = {}

    def change(self, ordinal: int, before: Value | None, after: Value | None) -> None:
        """Follow a row from how it was to how it is."""
        new = getattr(after, self.field) if after is not None else None
        if new is None:
            if before is not None:
                self._current.pop(ordinal, None)
            return
        known = self._current.get(ordinal)
        self._current[ordinal] = (new, after)  # type: ignore[assignment]
        if known is None or known[0] != new:
            heapq.heappush(self._heap, (new, ordinal))

    def rows(self, up_to: int | None, limit: int) -> list[Value]:
        """Give some, lowest first."""
        found: list[Value] = []
        taken: list[tuple[int, int]] = []
        seen: set[int] = set()
        while self._heap and len(found) < limit:
            value, ordinal = self._heap[0]
            known = self._current.get(ordinal)
            if known is None or known[0] != value or ordinal in seen:
                heapq.heappop(self._heap)
                continue
            if up_to is not None and value > up_to:
                break
            seen.add(ordinal)
            found.append(known[1])
            taken.append(heapq.heappop(self._heap))
        for entry in taken:
            heapq.heappush(self._heap, entry)
        return found

    def __len__(self) -> int:
        return len(self._current)
