"""Room that is promised, and how much of it can be held already."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from headway.calculate.placement.holds import Holds
from headway.calculate.placement.kinds import Kinds
from headway.calculate.placement.promise import Promise
from headway.calculate.placement.table import Table
from headway.calculate.placement.wanted import resources_of
from headway.model.demand import Demand
from headway.model.ids import NodeId


class Promises:
    """By node, those of higher priority first; what is free of each is held under its name."""

    def __init__(self, table: Table, kinds: Kinds, holds: Holds) -> None:
        self.of: dict[NodeId, tuple[Promise, ...]] = {}
        self._made = 0
        self._table = table
        self._kinds = kinds
        self._holds = holds

    def __iter__(self) -> Iterator[Promise]:
        """Give each."""
        return (one for promises in self.of.values() for one in promises)

    def make(self, promise: Promise) -> Promise:
        """Hold room for who waits for it, and what else it needs as soon as that is free."""
        self._made += 1
        made = replace(promise, number=self._made)
        there = (*self.of.get(made.node, ()), made)
        self.of[made.node] = tuple(sorted(there, key=lambda one: -one.priority))
        self.settle(made.node)
        return made

    def withdraw(self, promise: Promise) -> None:
        """Hold it no longer."""
        others = tuple(one for one in self.of.get(promise.node, ()) if one is not promise)
        self._holds.free(promise.name)
        if others:
            self.of[promise.node] = others
            self.settle(promise.node)
        else:
            self.of.pop(promise.node, None)

    def open_to(self, demand: Demand, now: datetime) -> list[str]:
        """Name what is held for such a demand."""
        return [one.name for one in self if one.opens_to(demand, now)] if self.of else []

    def settle(self, node: NodeId, taken_by: Demand | None = None) -> None:
        """Hold anew what is promised of a node, as something there came or went."""
        if taken_by is not None and not self._holds.is_trial:
            for promise in self.of[node]:
                if taken_by in promise.demands:
                    self.withdraw(promise)  # and what is left of the node is settled by that
                    return
        for promise in self.of[node]:
            self._holds.free(promise.name)
        passing: dict[str, dict[int, int]] = {}
        for promise in self.of[node]:
            self._holds.hold(promise.name, node, self._lacking(promise, passing))

    def copy(self, table: Table, kinds: Kinds, holds: Holds) -> "Promises":
        """Give ones that change on their own, of copies of what these change."""
        twin = Promises(table, kinds, holds)
        twin.of, twin._made = self.of.copy(), self._made
        return twin

    def _lacking(self, promise: Promise, passing: dict[str, dict[int, int]]) -> Demand:
        """Give what is to be held of a promise: all but what it awaits, as far as it is free.

        `passing` is what of those awaited passes on to nobody yet: each part of it does so once.
        """
        table = self._table
        row = self._holds.row(promise.node)
        left = dict(self._kinds.wanted(promise.demands[0]).amounts)
        for what in sorted(promise.awaited & table.held[row].keys()):
            if what not in passing:
                passing[what] = dict(table.held[row][what].wanted.amounts)
            for number, amount in passing[what].items():
                taken = min(amount, left.get(number, 0))
                passing[what][number] = amount - taken
                left[number] = left.get(number, 0) - taken
        free = {
            number: max(0, min(amount, int(table.free[number].cells[row])))
            for number, amount in left.items()
        }
        return Demand(resources=resources_of({table.names[at]: one for at, one in free.items()}))
