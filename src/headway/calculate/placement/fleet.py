"""What is placed where: changed in place as decisions are made, and asked where something goes."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from functools import cache

from headway.calculate.placement import few
from headway.calculate.placement.apart import apart_from
from headway.calculate.placement.crowds import Crowds
from headway.calculate.placement.fullness import Fullness, fullness, reserved_cores
from headway.calculate.placement.held import FOREVER, Held
from headway.calculate.placement.holds import Holds
from headway.calculate.placement.kept import Kept
from headway.calculate.placement.kinds import Kinds
from headway.calculate.placement.never import Never
from headway.calculate.placement.nevers import Nevers
from headway.calculate.placement.part import Part
from headway.calculate.placement.placed import Placed
from headway.calculate.placement.promise import Promise
from headway.calculate.placement.promises import Promises
from headway.calculate.placement.refusals import refused
from headway.calculate.placement.scope import Scope
from headway.calculate.placement.table import Table
from headway.calculate.placement.too_few import Copies
from headway.calculate.placement.wanted import crowd_words, resources_of
from headway.calculate.placement.yielding import Yielding
from headway.model.demand import Demand
from headway.model.ids import NodeId, PoolName
from headway.model.lease import Share
from headway.model.node import Node
from headway.model.pool import PlacementPolicy, Pool
from headway.model.snapshot import Reserved

_BECAUSE = {
    PlacementPolicy.PACK: "least is left unused there, of the nodes that fit",
    PlacementPolicy.SPREAD: "fewest of its like and most room are there, of the nodes that fit",
    PlacementPolicy.BALANCED: "cores and memory are used most evenly there, of the nodes that fit",
}


class Fleet:
    """All nodes, what is held of them, and the pools' policies.

    Decisions depend on nothing else; of two nodes that are alike the one that was known first is
    taken. The numbers are in the table; what changes them is `Holds`, under names that `Kept` and
    `Promises` hold room by as well; `Kinds` and `Nevers` remember what was learnt of demands.
    """

    def __init__(self, pools: Sequence[Pool] = ()) -> None:
        self._pools = {pool.name: pool for pool in pools}
        self._leases: dict[NodeId, str] = {}
        self._table = Table()
        self._crowds = Crowds(self._table)
        self._kinds = Kinds(self._table, self._pools, self._leases)
        self._nevers = Nevers(self._table, self._pools)
        self._holds = Holds(self._table, self._crowds, self._kinds)
        self._kept = Kept(self._holds)
        self._promises = Promises(self._table, self._kinds, self._holds)
        self.yielding = Yielding(self._table, self._holds, self._promises)
        """Who may give way to others, and who was told to."""

    # --- nodes -----------------------------------------------------------------------------------

    def put(self, node: Node) -> None:
        """Add or change a node; what was held there before it was known counts."""
        row = self._holds.row(node.id)
        if self._table.nodes[row] != node:
            self._change(row, node)

    def remove(self, node: NodeId) -> None:
        """Forget a node. What is held there stays held, and counts again when it comes back."""
        row = self._table.index.get(node)
        if row is not None and self._table.nodes[row] is not None:
            self._change(row, None)

    def give_up(self, node: NodeId) -> None:
        """Count on a node that is lost no more, until it changes."""
        self._nevers.give_up(node)

    def _change(self, row: int, node: Node | None) -> None:
        table = self._table
        self._nevers.count_on(table.ids[row])
        moved = self._counted_anew(row, node)
        for held in moved:  # they are counted by the tags and the machine that the node has now
            self._crowds.change(held.row, held.wanted, -1)
        table.put(row, node)
        for held in moved:
            self._crowds.change(held.row, held.wanted, 1)
        self._kinds.look_again(row)

    def _counted_anew(self, row: int, node: Node | None) -> list[Held]:
        table, machines = self._table, self._table.machines
        there = {*machines.rows(row), *machines.with_(node.machine if node is not None else "")}
        if not table.tags and len(there) == 1:
            return []
        return [held for other in sorted(there) for held in table.held[other].values()]

    def put_pool(self, pool: Pool) -> None:
        """Add or change a pool."""
        self._pools[pool.name] = pool
        self._forget()

    def remove_pool(self, name: PoolName) -> None:
        """Forget a pool; its nodes take whatever asks for it."""
        if self._pools.pop(name, None) is not None:
            self._forget()

    def _forget(self) -> None:
        self._kinds.forget()
        self._nevers.forget()

    def lend(self, node: NodeId, lease: str) -> None:
        """Let only demands under a lease use a node; an empty lease lets everybody again."""
        if lease:
            self._leases[node] = lease
        else:
            self._leases.pop(node, None)
        row = self._table.index.get(node)
        if row is not None:
            self._kinds.look_again(row)
            self._table.touch(row)

    def keep(self, lease: str, shares: Sequence[Share]) -> None:
        """Hold parts of nodes for what is placed under a lease; none: let go of them.

        What is held under the lease on such a node is a part of its share.
        """
        for node in self._kept.keep(lease, shares):
            if node in self._promises.of:
                self._promises.settle(node)

    def node(self, node: NodeId) -> Node | None:
        """Give a node, if it is there."""
        row = self._table.index.get(node)
        return None if row is None else self._table.nodes[row]

    def nodes(self) -> list[Node]:
        """List the nodes, in the order in which they became known."""
        return [node for node in self._table.nodes if node is not None]

    def reserved(self, node: NodeId) -> Reserved:
        """Sum up what is held of a node."""
        table = self._table
        row = table.index.get(node)
        if row is None:
            return Reserved()
        amounts = {
            name: size.cells[row] - free.cells[row]
            for name, size, free in zip(table.names, table.sizes, table.free, strict=True)
        }
        held = resources_of({name: int(amount) for name, amount in amounts.items() if amount})
        return Reserved(
            cpu=held.cpu,
            memory_mib=held.memory_mib,
            disk_mib=held.disk_reserved_mib,
            gpus=held.gpus,
            custom=held.custom,
        )

    def fullness(self) -> Fullness:
        """Say how full all nodes are, at a glance."""
        return fullness(self._table)

    def reserved_cores(self) -> dict[NodeId, float]:
        """Sum up the cores that are held of each node, of all nodes at once."""
        return reserved_cores(self._table)

    def on(self, node: NodeId) -> tuple[str, ...]:
        """List what holds a part of a node."""
        return tuple(self._holds.on(node))

    # --- holding ---------------------------------------------------------------------------------

    def hold(self, what: str, node: NodeId, demand: Demand, until: datetime | None = None) -> None:
        """Take what something needs of a node, if it does not hold it yet.

        Args:
            what: Names it: the id of a container or run as it is, anything else as `kind:id`.
                Holding it once more changes nothing.
            node: A node; if it is not known it counts when it is.
            demand: What it needs.
            until: When it is thought to end; None if it is not.
        """
        if what in self._holds.of:
            return
        self._holds.hold(what, node, demand, FOREVER if until is None else until.timestamp())
        if self._kept.of and demand.lease in self._kept.of:
            self._kept.settle(demand.lease, node)
        if self._promises.of and node in self._promises.of:
            self._promises.settle(node, taken_by=demand)

    def free(self, what: str) -> None:
        """Give back what something held, if it did."""
        held = self._holds.free(what)
        if held is None:
            return
        node = self._table.ids[held.row]
        if self._kept.of and held.demand.lease in self._kept.of:
            self._kept.settle(held.demand.lease, node)
        if self._promises.of and node in self._promises.of:
            self._promises.settle(node)

    def holds(self, what: str) -> NodeId | None:
        """Say where something is held."""
        held = self._holds.of.get(what)
        return None if held is None else self._table.ids[held.row]

    def held(self, node: NodeId) -> tuple[Held, ...]:
        """List what holds a part of a node, with when it is thought to end."""
        return tuple(self._holds.on(node).values())

    def held_on(self, node: NodeId) -> tuple[tuple[str, Demand], ...]:
        """List what is held on a node, by name, with its demand."""
        return tuple((one.what, one.demand) for one in self._holds.on(node).values())

    def trial(self) -> AbstractContextManager[None]:
        """Undo at the end whatever is held and freed meanwhile: for decisions not yet taken."""
        return self._holds.trial()

    # --- promising -------------------------------------------------------------------------------

    def promise(self, promise: Promise) -> Promise:
        """Hold room for who waits for it, and what else it needs as soon as that is free."""
        return self._promises.make(promise)

    def withdraw(self, promise: Promise) -> None:
        """Hold it no longer."""
        self._promises.withdraw(promise)

    @property
    def has_promises(self) -> bool:
        """Whether anything is promised at all."""
        return bool(self._promises.of)

    def promises(self) -> list[Promise]:
        """List what is promised."""
        return list(self._promises)

    def withheld(self, demand: Demand, now: datetime) -> Promise | None:
        """Give a promise without which a demand would fit now."""
        for promise in self.promises():
            if not promise.opens_to(demand, now):
                with self._holds.trial():
                    self._holds.free(promise.name)
                    if self.fits(demand, promise.node, now):
                        return promise
        return None

    @contextmanager
    def _opened(self, demand: Demand, now: datetime) -> Iterator[None]:
        """Let go, for a decision, of all that is held for such a demand."""
        names = [*self._kept.open_to(demand), *self._promises.open_to(demand, now)]
        if not names:
            yield
            return
        with self._holds.trial():
            for name in names:
                self._holds.free(name)
            yield

    def copy(self) -> "Fleet":
        """Give a fleet that changes on its own, for what could be."""
        twin = Fleet.__new__(Fleet)
        twin._pools = self._pools.copy()
        twin._leases = self._leases.copy()
        table = twin._table = self._table.copy()
        crowds = twin._crowds = self._crowds.copy(table)
        kinds = twin._kinds = self._kinds.copy(table, twin._pools, twin._leases)
        twin._nevers = self._nevers.copy(table, twin._pools)
        holds = twin._holds = self._holds.copy(table, crowds, kinds)
        twin._kept = self._kept.copy(holds)
        promises = twin._promises = self._promises.copy(table, kinds, holds)
        twin.yielding = self.yielding.copy(table, holds, promises)
        return twin

    # --- deciding --------------------------------------------------------------------------------

    def place(
        self,
        demand: Demand,
        now: datetime,
        *,
        among: Collection[NodeId] | None = None,
        but: Collection[NodeId] = (),
    ) -> Placed:
        """Say where a demand goes now. Nothing is held by it.

        Args:
            demand: What is to be placed.
            now: Aware UTC instant.
            among: Only these nodes, where it is not None.
            but: None of these nodes.
        """
        if demand.lease in self._kept.of or self._promises.of:
            with self._opened(demand, now):
                return self._place(demand, now, among, but)
        return self._place(demand, now, among, but)

    def fits(self, demand: Demand, node: NodeId, now: datetime) -> bool:
        """Say whether a demand could go to a node now."""
        row = self._table.index.get(node)
        if row is None:
            return False
        with self._opened(demand, now):
            scope = self._scope(demand, now)
            scope.among = frozenset((row,))
            return bool(few.fitting(scope))

    def _place(
        self,
        demand: Demand,
        now: datetime,
        among: Collection[NodeId] | None,
        but: Collection[NodeId],
    ) -> Placed:
        scope = self._scope(demand, now)
        index = self._table.index
        if among is not None:
            scope.among = frozenset([index[node] for node in among if node in index])
        if but:
            scope.but = frozenset([index[node] for node in but if node in index])
        row = self._choose(scope)
        if row < 0:
            return refused(scope)
        return Placed(node=self._table.ids[row], because=_BECAUSE[scope.prospect.policy])

    def never(self, demand: Demand, alone: Demand | None = None) -> Never | None:
        """Say why a demand can never be placed, whatever leaves; None where it may be.

        Remembered until a node or a pool changes. `alone` is what a run needs beside its
        runner.
        """
        its = None if alone is None else self._kinds.wanted(alone)
        return self._nevers.of(demand, self._kinds.wanted(demand), alone, its)

    def never_together(self, parts: Sequence[Part]) -> Never | None:
        """Say why all can never be placed at once, though each can; None where they may be."""
        asked = (demand for part in parts for demand in (part.alone, part.with_runner))
        return self._nevers.of_gang(parts, tuple(map(self._kinds.wanted, asked)))

    def tells_all(self, is_so: bool) -> None:
        """Take over whether all nodes that there are have been put."""
        self._nevers.is_told = is_so

    def too_few(self, wanted: Sequence[Copies]) -> Never | None:
        """Say why copies that must be apart can never all be placed; None where they may be."""
        return self._nevers.of_all(wanted)

    def crowded_out(self, demand: Demand) -> Never | None:
        """Say why a demand fits nowhere as long as all stays that it must be apart from.

        None where there could be a node for each.
        """
        there = apart_from(demand, self._table)
        own = Copies(crowd_words(demand.crowd), demand, 1)
        return self.too_few([own, *there]) if there else None

    def has(self, crowd: str) -> bool:
        """Say whether anything of a crowd is held anywhere."""
        return self._crowds.named(crowd) is not None

    def has_port(self, node: NodeId, port: int) -> bool:
        """Say whether something that is held has a port of a node's machine."""
        taken, row = self._crowds.ports.get(port), self._table.index.get(node)
        return taken is not None and row in taken.counts

    def share(self, demand: Demand) -> float:
        """Give the dominant share of a demand: of that resource of all nodes of which it has most.

        Who had least by it goes first: what is fair where some ask for cores and others for memory.
        Source: Ghodsi and others, "Dominant Resource Fairness" (NSDI 2011).
        """
        return self._kinds.share(self._kinds.wanted(demand))

    def eligible(self, demand: Demand, now: datetime) -> tuple[NodeId, ...]:
        """List the nodes that may take a demand, whether or not there is room, by their ids."""
        able = self._scope(demand, now).prospect.willing.able.cells
        return tuple(sorted(node for node, row in self._table.index.items() if able[row]))

    def _choose(self, scope: Scope) -> int:
        among = scope.among
        if not self._table.is_many or (among is not None and len(among) <= few.QUICK):
            return few.choose(scope)
        return _all_at_once()(scope)

    def _scope(self, demand: Demand, now: datetime) -> Scope:
        wanted = self._kinds.wanted(demand)
        begin = now.timestamp()
        ends = FOREVER if demand.expected_s is None else begin + demand.expected_s
        prospect = self._kinds.prospect(wanted)
        return Scope(self._table, self._crowds, wanted, prospect, begin, ends)


@cache
def _all_at_once() -> Callable[[Scope], int]:
    """Give what chooses among many; it needs numpy, which is imported only where nodes are many."""
    from headway.calculate.placement import many

    return many.choose
