"""What holds a part of which node, and what of that is only tried."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from headway.calculate.placement.crowds import Crowds
from headway.calculate.placement.held import FOREVER, Held
from headway.calculate.placement.kinds import Kinds
from headway.calculate.placement.table import Table
from headway.model.demand import Demand, Preemption
from headway.model.ids import NodeId


class Holds:
    """Every change of the table's numbers that is not a node's own."""

    def __init__(self, table: Table, crowds: Crowds, kinds: Kinds) -> None:
        self.of: dict[str, Held] = {}
        """By its name, all that is held."""
        self.yielding: dict[str, Held] = {}
        """What of it may be taken off its node."""
        self.leaving: set[str] = set()
        """What was told to end so that another takes its place."""
        self._table = table
        self._crowds = crowds
        self._kinds = kinds
        self._emptied: set[int] = set()
        self._journal: list[tuple[str, Held | None]] | None = None

    def row(self, node: NodeId) -> int:
        """Give the row of a node, which is made where it is not known yet."""
        row = self._table.index.get(node)
        if row is None:
            row = self._table.row(node)
            self._kinds.look_again(row)
        return row

    def on(self, node: NodeId) -> dict[str, Held]:
        """Give what is held on a node, by its name."""
        row = self._table.index.get(node)
        return {} if row is None else self._table.held[row]

    def hold(self, what: str, node: NodeId, demand: Demand, until: float = FOREVER) -> None:
        """Take what something needs of a node; it must not hold anything yet."""
        self._add(Held(what, self.row(node), demand, self._kinds.wanted(demand), until))
        self._table.turn += 1
        if self._journal is not None:
            self._journal.append((what, None))

    def free(self, what: str) -> Held | None:
        """Give back what something held, and say what that was."""
        held = self.of.get(what)
        if held is None:
            return None
        self._drop(held)
        if self._journal is not None:
            self._journal.append((what, held))
        else:
            self.leaving.discard(what)
        return held

    @property
    def is_trial(self) -> bool:
        """Whether what changes now is undone."""
        return self._journal is not None

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Undo at the end whatever is held and freed meanwhile."""
        outer, self._journal = self._journal, []
        try:
            yield
        finally:
            for what, held in reversed(self._journal):
                if held is not None:
                    self._add(held)
                else:
                    self._drop(self.of[what])
            self._journal = outer
            if outer is None and self._emptied:
                self._vacate()

    def copy(self, table: Table, crowds: Crowds, kinds: Kinds) -> "Holds":
        """Give ones that change on their own, of copies of what these change."""
        twin = Holds(table, crowds, kinds)
        twin.of = self.of.copy()
        twin.yielding = self.yielding.copy()
        twin.leaving = self.leaving.copy()
        return twin

    def _add(self, held: Held) -> None:
        table, row, wanted = self._table, held.row, held.wanted
        self.of[held.what] = held
        table.held[row][held.what] = held
        if held.demand.preemption is Preemption.ALLOWED:
            self.yielding[held.what] = held
        for number, amount in wanted.amounts:
            table.free[number].cells[row] -= amount
        if wanted.shared:
            table.take_of_mates(row, wanted.shared, 1)
        if wanted.is_picky:
            self._crowds.change(row, wanted, 1)
        if not table.busy.cells[row]:
            table.busy.cells[row] = True
            table.touch(row)
        if held.until > table.ends.cells[row]:
            table.ends.cells[row] = held.until

    def _drop(self, held: Held) -> None:
        table, row, wanted = self._table, held.row, held.wanted
        del self.of[held.what]
        self.yielding.pop(held.what, None)
        others = table.held[row]
        del others[held.what]
        for number, amount in wanted.amounts:
            table.free[number].cells[row] += amount
        if wanted.shared:
            table.take_of_mates(row, wanted.shared, -1)
        if wanted.is_picky:
            self._crowds.change(row, wanted, -1)
        if not others:
            table.busy.cells[row] = False
        if held.until >= table.ends.cells[row]:
            table.ends.cells[row] = _last(held.until, others.values())
        table.touch(row)
        if table.nodes[row] is None:
            self._emptied.add(row)
            if self._journal is None:
                self._vacate()

    def _vacate(self) -> None:
        """Give up rows of nodes that are not there. Not in a trial: what it frees comes back."""
        for row in self._emptied:
            self._table.vacate(row)
        self._emptied.clear()


def _last(until: float, others: Iterable[Held]) -> float:
    """Say when the last of some ends; none ends after `until`, so that one that does is enough."""
    last = 0.0
    for other in others:
        if other.until >= until:
            return until
        last = max(last, other.until)
    return last
