"""The log of events in memory; indexes are made when they are first asked for."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec

from headway.model.event import Event

FIELDS = frozenset({"subject", "environment", "app"})
"""What events can be asked for by."""

Index = dict[str, list[int]]
"""The values of a field, each with the sequences of the events that have it."""


class EventLog:
    """Events in the order in which they happened, numbered without gaps."""

    def __init__(self) -> None:
        self._kept: list[Event] = []
        self._indexes: dict[str, Index] = {}
        self.next = 1
        """The sequence of the event that comes next."""

    def __iter__(self) -> Iterator[Event]:
        return iter(self._kept)

    @property
    def _first(self) -> int:
        return self.next - len(self._kept)

    def add(self, event: Event) -> Event:
        """Give an event its number, and keep it."""
        numbered = msgspec.structs.replace(event, sequence=self.next)
        self.next += 1
        self._kept.append(numbered)
        for field, index in self._indexes.items():
            _note(index, field, numbered)
        return numbered

    def find(
        self,
        after: int,
        before: int | None,
        limit: int,
        newest_first: bool,
        fields: dict[str, str],
    ) -> list[Event]:
        """Give events behind a sequence, and ahead of another, whose fields are equal to these."""
        unknown = fields.keys() - FIELDS
        assert not unknown, f"events cannot be asked for {sorted(unknown)}"
        first = self._first
        least = max(first, after + 1)
        end = self.next if before is None else max(least, min(self.next, before))
        numbers = self._candidates(fields, least, end)
        chosen = (
            event
            for number in (reversed(numbers) if newest_first else numbers)
            for event in (self._kept[number - first],)
            if all(getattr(event, field) == value for field, value in fields.items())
        )
        return list(islice(chosen, limit))

    def _candidates(self, fields: dict[str, str], least: int, end: int) -> Sequence[int]:
        """Give the sequences of the shortest list that has all that are asked for."""
        best: Sequence[int] = range(least, end)
        for field, value in fields.items():
            known = self._index(field).get(value, [])
            part = known[bisect_left(known, least) : bisect_left(known, end)]
            best = part if len(part) < len(best) else best
        return best

    def _index(self, field: str) -> Index:
        found = self._indexes.get(field)
        if found is None:
            found = self._indexes[field] = {}
            for event in self._kept:
                _note(found, field, event)
        return found

    def prune(self, up_to: int, limit: int) -> int:
        """Forget the oldest events up to a sequence, so many at most; gives how many they were."""
        count = min(len(self._kept), max(0, up_to + 1 - self._first), limit)
        gone = self._kept[:count]
        del self._kept[:count]
        for field, index in self._indexes.items():
            for value, less in Counter(getattr(event, field) for event in gone).items():
                if value is None:
                    continue
                del index[value][:less]
                if not index[value]:
                    del index[value]
        return count


def _note(index: Index, field: str, event: Event) -> None:
    value = getattr(event, field)
    if value is not None:
        index.setdefault(value, []).append(event.sequence)
