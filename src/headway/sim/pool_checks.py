"""Invariants of pools: what a provider lends, beside what was written down and what is allowed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from headway.control.world import World
from headway.model.ids import NodeId
from headway.model.machine import Machine, MachineState
from headway.model.node import NodeHold, NodeState
from headway.model.pool import Pool
from headway.model.pool_node import PoolNode, PoolNodeState
from headway.sim.checks import Odd
from headway.sim.provider import SimulatedProvider
from headway.sim.store import MemoryStore

_STRANGE_S = 1200.0
"""A machine that nobody asked for is given back after ten minutes; some more for an answer."""
_FLOOR_S = 1800.0
"""Nodes that are missing to a minimum start, may be refused twice, and may be stillborn."""
_JUST_S = 180.0
"""Who was silent so lately is still thought to be by somebody, or not yet."""


@dataclass(slots=True)
class PoolChecks:
    """Watches a provider."""

    pools: tuple[Pool, ...]
    provider: SimulatedProvider
    store: MemoryStore
    time: Callable[[], float]
    fail: Callable[[str, str], None]
    world: Callable[[], World | None]
    """Of the control plane that lives."""
    works: Callable[[NodeId], list[str]]
    """Names what runs on a node, but for runners that do nothing."""
    silent_at: dict[NodeId, float] = field(default_factory=dict)
    """When nodes were not heard from last."""

    # --- as it happens ----------------------------------------------------------------------------

    def silent(self, node: NodeId) -> None:
        """Note that a node does not answer, or has not until now."""
        self.silent_at[node] = self.time()

    def grew(self, name: str) -> None:
        """Nodes were written down for a pool: it must not be larger, or dearer, than it may be."""
        world = self.world()
        pool = next((pool for pool in self.pools if pool.name == name), None)
        if world is None or pool is None:
            return
        rows = [row for row in self._rows() if row.pool == name and self._counts(world, row)]
        scaling = pool.scaling
        most = max([scaling.nodes_max, *(window.nodes_max or 0 for window in scaling.windows)])
        price = sum(row.kind.price_hour for row in rows)
        if len(rows) > most:
            self.fail("never over the maximum", f"{name} has {len(rows)} nodes of {most}")
        if scaling.cost_hour_max is not None and price > scaling.cost_hour_max + 1e-9:
            what = f"{name} costs {price:g} an hour of {scaling.cost_hour_max:g}"
            self.fail("never over the ceiling", what)

    def _counts(self, world: World, row: PoolNode) -> bool:
        """Whether nobody has reason to count on its end."""
        node = world.roster.node(row.id)
        return (
            row.state is not PoolNodeState.RELEASED
            and row.ends_at is None
            and (node is not None or row.ready_at is None)
            and (node is None or node.state is not NodeState.LOST)
            and not self._was_silent(row.id)
        )

    def _was_silent(self, node: NodeId) -> bool:
        return self.time() - self.silent_at.get(node, -_JUST_S) < _JUST_S

    def released(self, machine: Machine) -> None:
        """A machine is given back: nothing must be there that was not told to leave in time."""
        world = self.world()
        there = self.works(machine.id)
        row = self.store.ask(lambda reader: reader.get(PoolNode, machine.id))
        hold = self.store.ask(lambda reader: reader.get(NodeHold, machine.id))
        if not there or world is None or row is None or self._was_silent(machine.id):
            return
        if machine.ends_at is not None or machine.id in world.roster.away:
            return
        if hold is None or hold.until is None or hold.until > world.clock.now():
            what = f"{machine.id} is given back ({row.because}), and {there} run there"
            self.fail("never below what is placed", what)

    # --- every minute -----------------------------------------------------------------------------

    def odd(self) -> Iterator[tuple[Odd, float]]:
        """Give what must be put right, and within how long."""
        rows = {row.id: row for row in self._rows()}
        machines = {row.id: row for row in self.provider.lent()}
        agree = "the provider's list and ours agree"
        for identity, machine in machines.items():
            if machine.state is not MachineState.ENDING and identity not in rows:
                what = f"{identity} is lent, and nothing is written of it"
                yield (f"forgotten {identity}", (agree, what)), _STRANGE_S
        for identity, row in rows.items():
            there = machines.get(identity)
            if there is None:
                what = f"{identity} is {row.state.value}, and the provider has no such machine"
                yield (f"gone {identity}", (agree, what)), 0.0
            elif row.state is PoolNodeState.RELEASED and there.state is not MachineState.ENDING:
                what = f"{identity} is to be given back, and is lent"
                yield (f"kept {identity}", (agree, what)), 0.0
        yield from self._below(rows)

    def _below(self, rows: dict[NodeId, PoolNode]) -> Iterator[tuple[Odd, float]]:
        for pool in self.pools:
            scaling = pool.scaling
            floors = (window.nodes_min or 0 for window in scaling.windows)
            least = min([scaling.nodes_min, *floors])
            ready = sum(row.pool == pool.name and row.ready_at is not None for row in rows.values())
            if ready < least:
                what = f"{pool.name} has {ready} nodes, and should have {least}"
                yield (f"below {pool.name}", ("never below the minimum", what)), _FLOOR_S

    def _rows(self) -> list[PoolNode]:
        return self.store.ask(lambda reader: reader.find(PoolNode))
