"""All crowds of a fleet, and who stays away from whom."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from headway.calculate.placement.column import Column
from headway.calculate.placement.crowd import Crowd
from headway.calculate.placement.table import Table
from headway.calculate.placement.wanted import Wanted

Name = TypeVar("Name", str, int)


class Crowds:
    """Counted as things come and go, so that no decision counts anything."""

    def __init__(self, table: Table) -> None:
        self.of: dict[str, Crowd] = {}
        """Where each is, by its own name; by wider ones too, once somebody is apart from any."""
        self.shunned: dict[str, Crowd] = {}
        """Where each may not go, because what is there must be apart from it."""
        self.ports: dict[int, Crowd] = {}
        """Where each port is taken: on all nodes of a machine."""
        self._table = table
        self._is_wide = False

    def change(self, row: int, wanted: Wanted, by: int) -> None:
        """Count one more or less of what is on a node."""
        tags = self._table.tags
        for name in wanted.crowds if self._is_wide else wanted.crowds[:1]:
            _change(self.of, name, row, by, tags)
        for name in wanted.avoided:
            _change(self.shunned, name, row, by, tags)
        for port in wanted.ports:
            for other in self._table.machines.rows(row):
                _change(self.ports, port, other, by, tags)

    def forbidden(self, wanted: Wanted) -> Iterator[tuple[str, Crowd]]:
        """Give what must not be where it goes, each with its name; last who stays away from it.

        The name of who has a port is that port's number.
        """
        for port in wanted.ports:
            taken = self.ports.get(port)
            if taken is not None:
                yield str(port), taken
        for name in wanted.avoided:
            crowd = self.of.get(name) if name == wanted.crowd else self.named(name)
            if crowd is not None:
                yield name, crowd
        for name in wanted.crowds:
            shunned = self.shunned.get(name)
            if shunned is not None:
                yield "", shunned

    def named(self, name: str) -> Crowd | None:
        """Give where a crowd is, by any of its names."""
        if not self._is_wide:
            self._is_wide = True
            for there in self._table.held:
                for held in there.values():
                    for wider in held.wanted.crowds[1:]:
                        _change(self.of, wider, held.row, 1, self._table.tags)
        return self.of.get(name)

    def copy(self, table: Table) -> "Crowds":
        """Give ones that change on their own, of a copy of what these go by."""
        twin = Crowds(table)
        twin._is_wide = self._is_wide
        twin.of = {name: crowd.copy() for name, crowd in self.of.items()}
        twin.shunned = {name: crowd.copy() for name, crowd in self.shunned.items()}
        twin.ports = {port: crowd.copy() for port, crowd in self.ports.items()}
        return twin


def _change(
    crowds: dict[Name, Crowd], name: Name, row: int, by: int, tags: Mapping[str, Column]
) -> None:
    crowd = crowds.get(name)
    if crowd is None:
        crowd = crowds[name] = Crowd()
    crowd.change(row, by, tags)
    if not crowd.counts:
        del crowds[name]
