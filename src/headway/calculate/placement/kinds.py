"""What is known about each kind of demand, so that no decision learns it again."""

from collections.abc import Mapping

from headway.calculate.placement.prospect import Prospect
from headway.calculate.placement.table import Table
from headway.calculate.placement.wanted import Key, Wanted
from headway.calculate.placement.willing import Conditions, Willing
from headway.model.demand import Demand
from headway.model.ids import NodeId, PoolName
from headway.model.node import DEFAULT_POOL
from headway.model.pool import PlacementPolicy, Pool

_KNOWN_MAX = 4096
"""Kinds of demands about which something is remembered."""
_STALE_MAX = 256
"""Objections of one kind beyond one for each node: so many name leases that may long have ended."""


class Kinds:
    """How much of what each kind wants, which nodes may take it, and where it went last."""

    def __init__(
        self,
        table: Table,
        pools: Mapping[PoolName, Pool],
        leases: Mapping[NodeId, str],
    ) -> None:
        self._table = table
        self._pools = pools
        self._leases = leases
        self._by_identity: dict[int, tuple[Demand, Wanted]] = {}
        self._by_key: dict[Key, Wanted] = {}
        self._willing: dict[Conditions, Willing] = {}
        self._prospects: dict[Wanted, Prospect] = {}
        self._shares: dict[Wanted, float] = {}
        self._shares_at = 0

    def wanted(self, demand: Demand) -> Wanted:
        """Measure a demand."""
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

    def prospect(self, wanted: Wanted) -> Prospect:
        """Give which nodes may take what is wanted, and where it went last."""
        return self._prospects.get(wanted) or self._learn(wanted)

    def share(self, wanted: Wanted) -> float:
        """Give the part of all nodes that is wanted: of that resource of which it is most."""
        table = self._table
        if self._shares_at != table.changes or len(self._shares) >= _KNOWN_MAX:
            self._shares.clear()
            self._shares_at = table.changes
        share = self._shares.get(wanted)
        if share is None:
            shares = (amount / max(table.whole(at), 1) for at, amount in wanted.amounts)
            share = self._shares[wanted] = max(shares, default=0.0)
        return share

    def look_again(self, row: int) -> None:
        """Learn anew who may go to a node that changed."""
        table = self._table
        for willing in self._willing.values():
            for column in (willing.able, willing.codes):
                column.fit(table.rows, many=table.is_many)
            self._look(willing, row)
        most = self._table.rows + _STALE_MAX
        if any(len(willing.objections) > most for willing in self._willing.values()):
            self.forget()

    def forget(self) -> None:
        """Learn anew who may go where."""
        self._willing.clear()
        self._prospects.clear()

    def copy(
        self,
        table: Table,
        pools: Mapping[PoolName, Pool],
        leases: Mapping[NodeId, str],
    ) -> "Kinds":
        """Give ones that change on their own, of copies of what these go by."""
        twin = Kinds(table, pools, leases)
        twin._by_identity = self._by_identity.copy()
        twin._by_key = self._by_key.copy()
        twin._willing = {key: willing.copy() for key, willing in self._willing.items()}
        twin._prospects = {
            wanted: prospect.copy(twin._willing[wanted.conditions])
            for wanted, prospect in self._prospects.items()
        }
        return twin

    def _measure(self, key: Key) -> Wanted:
        if len(self._by_key) >= _KNOWN_MAX:
            self._by_key.clear()
            self.forget()
        table = self._table
        wanted = self._by_key[key] = Wanted(key, table.dimension)
        for tag in wanted.spread:
            if tag != "node":
                table.tag(tag)
        return wanted

    def _learn(self, wanted: Wanted) -> Prospect:
        asked = wanted.conditions
        willing = self._willing.get(asked)
        if willing is None:
            willing = self._willing[asked] = Willing(
                asked, self._table.column("bool"), self._table.column("int32")
            )
            for row in range(self._table.rows):
                self._look(willing, row)
        pool = self._pools.get(asked.pool or DEFAULT_POOL)
        policy = pool.policy if pool is not None else PlacementPolicy.PACK
        prospect = self._prospects[wanted] = Prospect(willing, policy)
        return prospect

    def _look(self, willing: Willing, row: int) -> None:
        lease = self._leases.get(self._table.ids[row], "")
        willing.look(row, self._table.nodes[row], lease, self._pools)
