"""Headway's own decision, asked as the control plane asks it."""

from datetime import UTC, datetime, timedelta
from math import exp

from benchmarks.autoscale.world import Machine, World
from headway.calculate.autoscale.plan import plan_pool
from headway.model.demand import Demand
from headway.model.ids import NodeId
from headway.model.node import Node
from headway.model.pool import NodeType, Pool, Scaling
from headway.model.pool_plan import PoolVerb
from headway.model.pool_snapshot import Host, HostState, Load, Patience, PoolSnapshot, Waiting
from headway.model.resources import Resources

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
_LONGEST = 2.4
"""The most of 64 draws of a normal distribution, in its deviations: so many runs are remembered."""


class Ours:
    """`calculate/autoscale`, with a pool's defaults."""

    fills_paid = True

    def __init__(
        self, types: list[NodeType], scaling: Scaling, least_s: float = 5.0, sigma: float = 0.0
    ) -> None:
        self.name = "headway"
        self._pool = Pool(types=tuple(types), scaling=scaling)
        self._demands: dict[tuple[float, float], Demand] = {}
        self._nodes: dict[str, Node] = {}
        self._least_s = least_s
        self._sigma = sigma
        """How far off guesses are, as history tells."""
        self._long = exp(_LONGEST * sigma)

    def beat(self, world: World) -> float:
        world.eager = False
        now = BEGIN + timedelta(seconds=world.now)
        by_id = {NodeId(f"n{row.number:06}"): row for row in world.machines.values()}
        snapshot = PoolSnapshot(
            pool=self._pool,
            hosts=tuple(self._host(world, node, row) for node, row in by_id.items()),
            waiting=tuple(self._waiting(world)),
        )
        plan = plan_pool(snapshot, now, lambda *_: True)
        for change in plan.changes:
            if change.verb is PoolVerb.ADD:
                world.add(next(kind for kind in world.types if kind.name == change.type))
            elif change.verb is PoolVerb.KEEP:
                by_id[change.node].leaving = False
            elif by_id[change.node].number in world.machines:
                world.remove(by_id[change.node])
        spare = set(plan.spare)
        for node, row in by_id.items():
            row.spare = (row.spare or world.now) if node in spare else None
        world.eager = True
        if plan.wake_at is None:
            return world.now + 3600.0
        return max(world.now + self._least_s, (plan.wake_at - BEGIN).total_seconds())

    def _host(self, world: World, node: NodeId, row: Machine) -> Host:
        state = HostState.LEAVING if row.leaving else HostState.READY
        if row.ready > world.now:
            state = HostState.STARTING
        loads = tuple(
            Load(
                demand=self._demand(world.jobs[n].cpu, world.jobs[n].memory),
                ends_at=BEGIN + timedelta(seconds=began + world.jobs[n].guess_s),
                ends_by=BEGIN + timedelta(seconds=began + world.jobs[n].guess_s * self._long),
            )
            for n, began in row.running.items()
        )
        return Host(
            node=self._node(node, row.kind),
            kind=row.kind,
            state=state,
            since=BEGIN + timedelta(seconds=row.since),
            ready_at=BEGIN + timedelta(seconds=row.ready),
            loads=loads,
            spare_since=None if row.spare is None else BEGIN + timedelta(seconds=row.spare),
        )

    def _node(self, node: NodeId, kind: NodeType) -> Node:
        known = self._nodes.get(node)
        if known is None:
            known = self._nodes[node] = Node(id=node, cpu=kind.cpu, memory_mib=kind.memory_mib)
        return known

    def _waiting(self, world: World):
        for queue, patience in ((world.urgent, Patience.URGENT), (world.lazy, Patience.PATIENT)):
            for n in queue:
                job = world.jobs[n]
                yield Waiting(
                    demand=self._demand(job.cpu, job.memory),
                    since=BEGIN + timedelta(seconds=job.at),
                    patience=patience,
                    expected_s=job.guess_s,
                    spread=self._sigma,
                )

    def _demand(self, cpu: float, memory: float) -> Demand:
        known = self._demands.get((cpu, memory))
        if known is None:
            resources = Resources(cpu=cpu, memory_mib=int(memory * 1024))
            known = self._demands[cpu, memory] = Demand(resources=resources)
        return known
