"""What may be taken off its node for another: runs that say so, and copies that apps offer."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from headway.calculate.placement.held import Held
from headway.calculate.placement.holds import Holds
from headway.calculate.placement.promises import Promises
from headway.calculate.placement.table import Table
from headway.model.demand import Demand
from headway.model.ids import NodeId
from headway.model.preempting import Offer


class Open(NamedTuple):
    """Something that may be taken."""

    node: NodeId
    held: Held
    offer: Offer | None = None
    """The process type that it is a copy of; None: it is a run."""


class Yielding:
    """Knows who may give way, and who was told to. What was offered counts while it is held."""

    def __init__(self, table: Table, holds: Holds, promises: Promises) -> None:
        self._offers: dict[str, tuple[Offer, ...]] = {}
        self._table = table
        self._holds = holds
        self._promises = promises

    def offer(self, whom: str, offers: tuple[Offer, ...]) -> bool:
        """Take over all that an app offers now; says whether that is news."""
        if self._offers.get(whom, ()) == offers:
            return False
        if offers:
            self._offers[whom] = offers
        else:
            del self._offers[whom]
        return True

    def leaves(self, what: str) -> None:
        """Note that something was told to end so that another takes its place."""
        self._holds.leaving.add(what)

    def stays(self, what: str) -> None:
        """Note that it does not leave after all, and promise its room to nobody."""
        if what in self._holds.leaving:
            self._holds.leaving.discard(what)
            for promise in [one for one in self._promises if what in one.awaited]:
                self._promises.withdraw(promise)

    def is_leaving(self, what: str) -> bool:
        """Say whether something was told to end so that another takes its place."""
        return what in self._holds.leaving

    def to(self, demand: Demand) -> bool:
        """Say whether anything at all may be taken off its node for a demand."""
        above = demand.priority
        if any(held.demand.priority < above for held in self._holds.yielding.values()):
            return True
        return any(one.held.demand.priority < above for one in self._copies(frozenset()))

    def open(self) -> Iterator[Open]:
        """Give what may be taken, and is not awaited there by anybody."""
        awaited = self._awaited()
        for held in self._holds.yielding.values():
            if held.what not in awaited:
                yield Open(self._table.ids[held.row], held)
        yield from self._copies(awaited)

    def spare(self, offer: Offer) -> int:
        """Count how many more copies may go, beside those that leave already."""
        return self._spare(offer, self._awaited())

    def copy(self, table: Table, holds: Holds, promises: Promises) -> "Yielding":
        """Give one that changes on its own, of copies of what this looks at."""
        twin = Yielding(table, holds, promises)
        twin._offers = self._offers.copy()
        return twin

    def _awaited(self) -> frozenset[str]:
        promises = (one for one in self._promises if one.at is None)
        return frozenset(name for one in promises for name in one.awaited)

    def _copies(self, awaited: Collection[str]) -> Iterator[Open]:
        held, leaving = self._holds.of, self._holds.leaving
        for offer in (one for offers in self._offers.values() for one in offers):
            may_go = self._spare(offer, awaited) > 0
            for what in sorted(offer.copies):
                if what in held and what not in awaited and (may_go or what in leaving):
                    yield Open(self._table.ids[held[what].row], held[what], offer)

    def _spare(self, offer: Offer, awaited: Collection[str]) -> int:
        held, leaving = self._holds.of, self._holds.leaving
        staying = (one for one in offer.copies if one not in awaited and one not in leaving)
        return sum(one in held for one in staying) - offer.floor
