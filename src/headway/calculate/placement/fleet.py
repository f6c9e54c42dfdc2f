"""What is placed where: changed in place as decisions are made, and asked where something goes."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from headway.calculate.keeping import rest
from headway.calculate.placement import few
from headway.calculate.placement.crowds import Crowds
from headway.calculate.placement.held import FOREVER, Held
from headway.calculate.placement.never import Never, never
from headway.calculate.placement.placed import Placed
from headway.calculate.placement.promise import Promise
from headway.calculate.placement.prospect import Prospect
from headway.calculate.placement.refusals import refused
from headway.calculate.placement.scope import Scope
from headway.calculate.placement.table import Table
from headway.calculate.placement.too_few import Copies, too_few
from headway.calculate.placement.wanted import GPUS, Key, Wanted, resources_of
from headway.calculate.placement.willing import Conditions, Willing
from headway.model.demand import Demand, Preemption
from headway.model.ids import NodeId, PoolName
from headway.model.lease import Share
from headway.model.node import DEFAULT_POOL, Node
from headway.model.pool import PlacementPolicy, Pool
from headway.model.resources import Resources
from headway.model.snapshot import Reserved

_KNOWN_MAX = 4096
"""Kinds of demands about which something is remembered."""
_BECAUSE = {
    PlacementPolicy.PACK: "least is left unused there, of the nodes that fit",
    PlacementPolicy.SPREAD: "fewest of its like and most room are there, of the nodes that fit",
    PlacementPolicy.BALANCED: "cores and memory are used most evenly there, of the nodes that fit",
}


def _kept_name(lease: str, node: NodeId) -> str:
    """Name what is kept for a lease; a colon is in no name of a container or of a run."""
    return f"kept:{lease}:{node}"


class Fleet:
    """All nodes, what is held of them, and the pools' policies.

    Decisions depend on nothing else; of two nodes that are alike the one that was known first is
    taken.
    """

    def __init__(self, pools: Sequence[Pool] = ()) -> None:
        self._table = Table()
        self._crowds = Crowds()
        self._pools = {pool.name: pool for pool in pools}
        self._leases: dict[NodeId, str] = {}
        self._kept: dict[str, dict[NodeId, Share]] = {}
        self._held: dict[str, Held] = {}
        self._yielding: dict[str, Held] = {}
        self._leaving: set[str] = set()
        self._emptied: set[int] = set()
        self._promises: dict[NodeId, tuple[Promise, ...]] = {}
        self._promises_made = 0
        self._is_settling = False
        self._by_identity: dict[int, tuple[Demand, Wanted]] = {}
        self._by_key: dict[Key, Wanted] = {}
        self._willing: dict[Conditions, Willing] = {}
        self._prospects: dict[Wanted, Prospect] = {}
        self._nevers: dict[Wanted, Never | None] = {}
        self._given_up: set[NodeId] = set()
        self._journal: list[tuple[str, Held | None]] | None = None

    # --- nodes -----------------------------------------------------------------------------------

    def put(self, node: Node) -> None:
        """Add or change a node; what was held there before it was known counts."""
        row = self._row(node.id)
        if self._table.nodes[row] != node:
            self._change(row, node)

    def remove(self, node: NodeId) -> None:
        """Forget a node. What is held there stays held, and counts again when it comes back."""
        row = self._table.index.get(node)
        if row is not None and self._table.nodes[row] is not None:
            self._change(row, None)

    def give_up(self, node: NodeId) -> None:
        """Count on a node that is lost no more, until it changes."""
        self._given_up.add(node)
        self._nevers.clear()

    def _change(self, row: int, node: Node | None) -> None:
        self._given_up.discard(self._table.ids[row])
        self._nevers.clear()
        table = self._table
        moved = list(table.held[row].values()) if table.tags else []
        for held in moved:  # they are counted by the tags that the node has now
            self._crowds.change(table, row, held.wanted, -1)
        table.put(row, node)
        for held in moved:
            self._crowds.change(table, row, held.wanted, 1)
        self._look_again(row)

    def _row(self, node: NodeId) -> int:
        row = self._table.index.get(node)
        if row is None:
            row = self._table.row(node)
            self._nevers.clear()
            self._look_again(row)
        return row

    def put_pool(self, pool: Pool) -> None:
        """Add or change a pool."""
        self._pools[pool.name] = pool
        self._forget()

    def remove_pool(self, name: PoolName) -> None:
        """Forget a pool; its nodes take whatever asks for it."""
        if self._pools.pop(name, None) is not None:
            self._forget()

    def lend(self, node: NodeId, lease: str) -> None:
        """Let only demands under a lease use a node; an empty lease lets everybody again."""
        if lease:
            self._leases[node] = lease
        else:
            self._leases.pop(node, None)
        row = self._table.index.get(node)
        if row is not None:
            self._look_again(row)
            self._table.touch(row)

    def keep(self, lease: str, shares: Sequence[Share]) -> None:
        """Hold parts of nodes for what is placed under a lease; none: let go of them.

        What is held under the lease on such a node is a part of its share.
        """
        before = self._kept.pop(lease, {})
        if shares:
            self._kept[lease] = {share.node: share for share in shares}
        for node in before | self._kept.get(lease, {}):
            self._set_aside(lease, node)

    def _set_aside(self, lease: str, node: NodeId) -> None:
        """Hold what is left of a share beside what its lease has on the node."""
        name = _kept_name(lease, node)
        self.free(name)
        share = self._kept.get(lease, {}).get(node)
        if share is None:
            return
        row = self._row(node)
        own = [
            held.demand.resources
            for held in self._table.held[row].values()
            if held.demand.lease == lease
        ]
        left = rest(share, [(one.cpu, one.memory_mib) for one in own])
        if left.cpu or left.memory_mib:
            size = Resources(cpu=left.cpu, memory_mib=left.memory_mib)
            self.hold(name, node, Demand(resources=size))

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
            name: size.values[row] - free.values[row]
            for name, size, free in zip(table.names, table.sizes, table.free, strict=True)
        }
        cpu, memory, *_ = amounts.values()
        custom = {name: float(amounts[name]) / 1e6 for name in table.names[2:] if amounts[name]}
        custom.pop(GPUS, None)
        return Reserved(
            cpu=float(cpu) / 1e6,
            memory_mib=int(memory),
            gpus=int(amounts.get(GPUS, 0)),
            custom=custom,
        )

    def on(self, node: NodeId) -> tuple[str, ...]:
        """List what holds a part of a node."""
        row = self._table.index.get(node)
        return () if row is None else tuple(self._table.held[row])

    # --- holding ---------------------------------------------------------------------------------

    def held_on(self, node: NodeId) -> tuple[tuple[str, Demand], ...]:
        """List what is held on a node, by name, with its demand."""
        row = self._table.index.get(node)
        held = self._table.held[row].values() if row is not None else ()
        return tuple((one.what, one.demand) for one in held)

    def hold(self, what: str, node: NodeId, demand: Demand, until: datetime | None = None) -> None:
        """Take what something needs of a node, if it does not hold it yet.

        Args:
            what: Names it: the id of a container or run as it is, anything else as `kind:id`.
                Holding it once more changes nothing.
            node: A node; if it is not known it counts when it is.
            demand: What it needs.
            until: When it is thought to end; None if it is not.
        """
        if what in self._held:
            return
        ends = FOREVER if until is None else until.timestamp()
        row = self._row(node)
        self._add(Held(what, row, demand, self._wanted(demand), ends))
        self._table.turn += 1
        if self._journal is not None:
            self._journal.append((what, None))
        if demand.lease in self._kept:
            self._set_aside(demand.lease, node)
        if node in self._promises:
            self._settle(node, taken_by=demand)

    def free(self, what: str) -> None:
        """Give back what something held, if it did."""
        held = self._held.get(what)
        if held is None:
            return
        self._drop(held)
        if self._journal is not None:
            self._journal.append((what, held))
        else:
            self._leaving.discard(what)
        node = self._table.ids[held.row]
        if held.demand.lease in self._kept:
            self._set_aside(held.demand.lease, node)
        if node in self._promises:
            self._settle(node)

    def holds(self, what: str) -> NodeId | None:
        """Say where something is held."""
        held = self._held.get(what)
        return None if held is None else self._table.ids[held.row]

    def _add(self, held: Held) -> None:
        table, row, wanted = self._table, held.row, held.wanted
        self._held[held.what] = held
        table.held[row][held.what] = held
        if held.demand.preemption is Preemption.ALLOWED:
            self._yielding[held.what] = held
        for number, amount in wanted.amounts:
            table.free[number].values[row] -= amount
        if wanted.crowd or wanted.avoided:
            self._crowds.change(table, row, wanted, 1)
        if not table.counts.values[row]:
            table.touch(row)
        table.counts.values[row] += 1
        if held.until > table.ends.values[row]:
            table.ends.values[row] = held.until

    def _drop(self, held: Held) -> None:
        table, row, wanted = self._table, held.row, held.wanted
        del self._held[held.what]
        self._yielding.pop(held.what, None)
        others = table.held[row]
        del others[held.what]
        for number, amount in wanted.amounts:
            table.free[number].values[row] += amount
        if wanted.crowd or wanted.avoided:
            self._crowds.change(table, row, wanted, -1)
        table.counts.values[row] -= 1
        if held.until >= table.ends.values[row]:
            table.ends.values[row] = max((other.until for other in others.values()), default=0.0)
        table.touch(row)
        if table.nodes[row] is None:
            self._emptied.add(row)
            if self._journal is None:
                self._vacate()

    # --- promising -------------------------------------------------------------------------------

    def promise(self, promise: Promise) -> Promise:
        """Hold room for who waits for it, and what else it needs as soon as that is free."""
        self._promises_made += 1
        made = replace(promise, number=self._promises_made)
        there = (*self._promises.get(made.node, ()), made)
        self._promises[made.node] = tuple(sorted(there, key=lambda one: -one.priority))
        self._settle(made.node)
        return made

    def leaves(self, what: str) -> None:
        """Note that something was told to end so that another takes its place."""
        self._leaving.add(what)

    def is_leaving(self, what: str) -> bool:
        """Say whether something was told to end so that another takes its place."""
        return what in self._leaving

    def withdraw(self, promise: Promise) -> None:
        """Hold it no longer."""
        others = tuple(one for one in self._promises.get(promise.node, ()) if one is not promise)
        if others:
            self._promises[promise.node] = others
        else:
            self._promises.pop(promise.node, None)
        self.free(promise.name)

    @property
    def has_promises(self) -> bool:
        """Whether anything is promised at all."""
        return bool(self._promises)

    def promises(self) -> list[Promise]:
        """List what is promised."""
        return [one for promises in self._promises.values() for one in promises]

    def withheld(self, demand: Demand, now: datetime) -> Promise | None:
        """Give a promise without which a demand would fit now."""
        for promise in self.promises():
            if not promise.opens_to(demand, now):
                before, self._is_settling = self._is_settling, True
                try:
                    with self.trial():
                        self.free(promise.name)
                        if self.fits(demand, promise.node, now):
                            return promise
                finally:
                    self._is_settling = before
        return None

    def held(self, node: NodeId) -> tuple[Held, ...]:
        """List what holds a part of a node, with when it is thought to end."""
        row = self._table.index.get(node)
        return () if row is None else tuple(self._table.held[row].values())

    def yields_to(self, demand: Demand) -> bool:
        """Say whether anything at all may be taken off its node for a demand."""
        above = demand.priority
        return any(held.demand.priority < above for held in self._yielding.values())

    def yielding(self) -> Iterator[tuple[NodeId, Held]]:
        """Give what may be taken off its node, and is not awaited there by anybody."""
        awaited = {name for one in self.promises() if one.at is None for name in one.awaited}
        for held in self._yielding.values():
            if held.what not in awaited:
                yield self._table.ids[held.row], held

    def _settle(self, node: NodeId, taken_by: Demand | None = None) -> None:
        """Hold anew what is promised of a node, as something there came or went."""
        if self._is_settling:
            return
        if taken_by is not None and self._journal is None:
            for promise in self._promises[node]:
                if taken_by in promise.demands:
                    self.withdraw(promise)  # and what is left of the node is settled by that
                    return
        self._is_settling = True
        try:
            for promise in self._promises[node]:
                self.free(promise.name)
            for promise in self._promises[node]:
                self.hold(promise.name, node, self._lacking(promise))
        finally:
            self._is_settling = False

    def _lacking(self, promise: Promise) -> Demand:
        """Give what is to be held of a promise: all but what it awaits, as far as it is free."""
        table = self._table
        row = self._row(promise.node)
        left = dict(self._wanted(promise.demands[0]).amounts)
        for what in promise.awaited & table.held[row].keys():
            for number, amount in table.held[row][what].wanted.amounts:
                left[number] = left.get(number, 0) - amount
        free = {
            number: max(0, min(amount, int(table.free[number].values[row])))
            for number, amount in left.items()
        }
        return Demand(resources=resources_of({table.names[at]: one for at, one in free.items()}))

    @contextmanager
    def _opened(self, demand: Demand, now: datetime) -> Iterator[None]:
        """Let go, for a decision, of all that is held for such a demand."""
        names = [_kept_name(demand.lease, node) for node in self._kept.get(demand.lease, ())]
        if self._promises:
            names += [one.name for one in self.promises() if one.opens_to(demand, now)]
        if not names:
            yield
            return
        before, self._is_settling = self._is_settling, True
        try:
            with self.trial():
                for name in names:
                    self.free(name)
                yield
        finally:
            self._is_settling = before

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Undo at the end whatever is held and freed meanwhile: for decisions not yet taken."""
        outer, self._journal = self._journal, []
        try:
            yield
        finally:
            for what, held in reversed(self._journal):
                if held is not None:
                    self._add(held)
                else:
                    self._drop(self._held[what])
            self._journal = outer
            if outer is None and self._emptied:
                self._vacate()

    def _vacate(self) -> None:
        """Give up rows of nodes that are not there. Not in a trial: what it frees comes back."""
        for row in self._emptied:
            self._table.vacate(row)
        self._emptied.clear()
        self._nevers.clear()

    def copy(self) -> "Fleet":
        """Give a fleet that changes on its own, for what could be."""
        twin = Fleet()
        twin._table = self._table.copy()
        twin._crowds = self._crowds.copy()
        twin._pools = self._pools.copy()
        twin._given_up = self._given_up.copy()
        twin._leases = self._leases.copy()
        twin._kept = {lease: shares.copy() for lease, shares in self._kept.items()}
        twin._held = self._held.copy()
        twin._yielding = self._yielding.copy()
        twin._leaving = self._leaving.copy()
        twin._promises = self._promises.copy()
        twin._by_identity = self._by_identity.copy()
        twin._by_key = self._by_key.copy()
        twin._willing = {key: willing.copy() for key, willing in self._willing.items()}
        twin._prospects = {
            wanted: prospect.copy(twin._willing[wanted.conditions])
            for wanted, prospect in self._prospects.items()
        }
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
        if demand.lease in self._kept or self._promises:
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
            scope.among = frozenset(index[node] for node in among if node in index)
        if but:
            scope.but = frozenset(index[node] for node in but if node in index)
        row = self._choose(scope)
        if row < 0:
            return refused(scope)
        return Placed(node=self._table.ids[row], because=_BECAUSE[scope.prospect.policy])

    def never(self, demand: Demand) -> Never | None:
        """Say why a demand can never be placed, whatever leaves; None where it may be.

        Remembered until a node or a pool changes.
        """
        wanted = self._wanted(demand)
        if wanted not in self._nevers:
            self._nevers[wanted] = never(demand, self._there(), self._pools, self._given_up)
        return self._nevers[wanted]

    def too_few(self, wanted: Sequence[Copies]) -> Never | None:
        """Say why copies that must be apart can never all be placed; None where they may be."""
        return too_few(wanted, self._there(), self._pools, self._given_up)

    def has(self, crowd: str) -> bool:
        """Say whether anything of a crowd is held anywhere."""
        return crowd in self._crowds.of

    def _there(self) -> list[Node | None]:
        return [self._table.nodes[row] for row in self._table.index.values()]

    def share(self, demand: Demand) -> float:
        """Give the dominant share of a demand: of that resource of all nodes of which it has most.

        Who had least by it goes first: what is fair where some ask for cores and others for memory.
        Source: Ghodsi and others, "Dominant Resource Fairness" (NSDI 2011).
        """
        totals = self._table.totals
        amounts = self._wanted(demand).amounts
        return max((amount / max(totals[number], 1) for number, amount in amounts), default=0.0)

    def eligible(self, demand: Demand, now: datetime) -> tuple[NodeId, ...]:
        """List the nodes that may take a demand, whether or not there is room, by their ids."""
        codes = self._scope(demand, now).prospect.willing.codes.values
        return tuple(sorted(node for node, row in self._table.index.items() if not codes[row]))

    def _choose(self, scope: Scope) -> int:
        if not self._table.is_many:
            return few.choose(scope)
        from headway.calculate.placement import many

        return many.choose(scope)

    def _scope(self, demand: Demand, now: datetime) -> Scope:
        wanted = self._wanted(demand)
        begin = now.timestamp()
        ends = FOREVER if demand.expected_s is None else begin + demand.expected_s
        prospect = self._prospects.get(wanted) or self._prospect(wanted)
        return Scope(self._table, self._crowds, wanted, prospect, begin, ends)

    # --- knowing ---------------------------------------------------------------------------------

    def _wanted(self, demand: Demand) -> Wanted:
        known = self._by_identity.get(id(demand))
        if known is not None:  # kept with the demand, whose id is nobody else's as long as it lives
            return known[1]
        key = Key.of(demand)
        wanted = self._by_key.get(key)
        if wanted is None:
            wanted = self._measure(key)
        if len(self._by_identity) >= _KNOWN_MAX:
            self._by_identity.clear()
        self._by_identity[id(demand)] = (demand, wanted)
        return wanted

    def _measure(self, key: Key) -> Wanted:
        if len(self._by_key) >= _KNOWN_MAX:
            self._by_key.clear()
            self._forget()
        table = self._table
        wanted = self._by_key[key] = Wanted(key, table.dimension)
        for tag in wanted.spread:
            if tag != "node" and tag not in table.tags:
                table.tag(tag)
                self._crowds.recount(table, tag)
        return wanted

    def _prospect(self, wanted: Wanted) -> Prospect:
        asked = wanted.conditions
        willing = self._willing.get(asked)
        if willing is None:
            willing = self._willing[asked] = Willing(asked, self._table.column("uint8"))
            for row in range(self._table.rows):
                self._look(willing, row)
        pool = self._pools.get(asked.pool or DEFAULT_POOL)
        policy = pool.policy if pool is not None else PlacementPolicy.PACK
        prospect = self._prospects[wanted] = Prospect(willing, policy)
        return prospect

    def _look_again(self, row: int) -> None:
        for willing in self._willing.values():
            self._look(willing, row)

    def _look(self, willing: Willing, row: int) -> None:
        node = self._table.nodes[row]
        lease = self._leases.get(self._table.ids[row], "")
        willing.codes.fit(self._table.rows, many=self._table.is_many)
        willing.look(row, node, lease, self._pools)

    def _forget(self) -> None:
        """Learn again about every kind of demand."""
        self._nevers.clear()
        self._willing.clear()
        self._prospects.clear()
