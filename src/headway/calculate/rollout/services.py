"""Containers of services as a plan leaves them, found by release and by slot."""

from collections.abc import Iterable, Sequence
from itertools import chain

from headway.model.container import Container, ContainerKind
from headway.model.ids import ContainerId


class Services:
    """Those that are looked at still. Plans ask for them slot by slot, and there may be many."""

    def __init__(self, rows: Iterable[Container]) -> None:
        self._slots: dict[int, dict[tuple[str, int], dict[ContainerId, Container]]] = {}
        self._sorted: dict[int | None, Sequence[Container]] = {}
        """Forgotten when one of the release has changed; None: of all releases."""
        for row in rows:
            self.put(row)

    def put(self, row: Container) -> None:
        """Take over a row as it is now."""
        if row.kind is not ContainerKind.SERVICE:
            return
        slot = self._slots.setdefault(row.release, {}).setdefault((row.process, row.slot), {})
        if row.retired:
            slot.pop(row.id, None)
        else:
            slot[row.id] = row
        self._sorted.pop(row.release, None)
        self._sorted.pop(None, None)

    def of(self, release: int | None) -> Sequence[Container]:
        """List those of one release, or of all, by process and slot, the oldest first."""
        if release not in self._sorted:
            slots = (
                chain.from_iterable(one.values() for one in self._slots.values())
                if release is None
                else self._slots.get(release, {}).values()
            )
            rows = chain.from_iterable(slot.values() for slot in slots)
            self._sorted[release] = tuple(sorted(rows, key=_place))
        return self._sorted[release]

    def at(self, release: int, process: str, slot: int) -> Sequence[Container]:
        """List those in one slot, the oldest first."""
        return sorted(self._slots.get(release, {}).get((process, slot), {}).values(), key=_age)


def _place(row: Container) -> tuple[object, ...]:
    return (row.process, row.slot, row.created_at, row.id)


def _age(row: Container) -> tuple[object, ...]:
    return (row.created_at, row.id)
