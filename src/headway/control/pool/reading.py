"""Reads what the decision about a pool's size sees."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

import msgspec

from headway.calculate.autoscale.scarcity import Scarcity
from headway.calculate.coming import Coming
from headway.calculate.demand import of_build, of_container, of_job
from headway.calculate.ending import end_of
from headway.calculate.keeping import placed_under
from headway.calculate.runs.estimate import Estimate
from headway.control.pool.estimates import Estimates
from headway.control.runs.dispatch import Dispatch
from headway.control.runs.grounds import Backlog
from headway.control.runs.runner_rows import RUNNER
from headway.control.world import World, whom_of
from headway.model.build import Build, BuildState
from headway.model.container import Container, ContainerKind
from headway.model.demand import Demand
from headway.model.ids import NodeId, PoolName, environment_name
from headway.model.lease import Share
from headway.model.node import DEFAULT_POOL, Holder, Node, NodeHold, NodeState
from headway.model.pool import NodeType, Pool
from headway.model.pool_node import PoolNode, PoolNodeState
from headway.model.pool_snapshot import Host, HostState, Load, Patience, PoolSnapshot, Waiting
from headway.model.resources import Resources
from headway.model.run import Run, owner_name
from headway.ports.store import Reader

_FIRSTS = 32
"""Of so many runs in each lane it is known since when they wait; the rest counts as the last."""
_PASSING_S = 600.0
"""A container that is no service is thought to take so long."""
NOTHING = Resources(cpu=0.0, memory_mib=0)


@dataclass(slots=True)
class Seen:
    """What only time tells of a pool's nodes; lost with the process, and found again."""

    spare: dict[NodeId, datetime] = field(default_factory=dict)
    """Since when nodes could be done without."""
    scarce: dict[tuple[PoolName, str], Scarcity] = field(default_factory=dict)
    """Types of a pool of which there were none when they were last asked for."""
    flags: dict[NodeId, str] = field(default_factory=dict)
    """What is wrong with machines, for `doctor`."""
    faulty: dict[NodeId, str] = field(default_factory=dict)
    """Nodes that take containers and start none, to why that is known."""
    offered: dict[str, tuple[float, int]] = field(default_factory=dict)
    """Types whose nodes turned out to have less, to the cores and the MiB that they have."""

    def ask_again(self, now: datetime) -> None:
        """Have the types that were not to be had be asked for once more, without waiting."""
        for key, row in self.scarce.items():
            if row.until > now:
                self.scarce[key] = msgspec.structs.replace(row, until=now)


class _There(NamedTuple):
    """What there is at one moment: it is read at once."""

    pools: list[Pool]
    """Those that can grow or shrink."""
    nodes: list[PoolNode]
    containers: list[Container]
    runs: list[Run]
    """Those that are under way."""
    builds: list[Build]
    """Those that are under way."""


class PoolReading:
    """Gathers pools, their nodes, what runs there and what waits."""

    def __init__(self, world: World, dispatch: Dispatch, seen: Seen) -> None:
        self._world = world
        self.dispatch = dispatch
        self._seen = seen
        self.estimates = Estimates(world)

    async def snapshots(self, now: datetime, also: Pool | None = None) -> list[PoolSnapshot]:
        """Give every pool that can grow or shrink, as of now; one of them as it might be."""
        there = await self._world.store.read(partial(_there, also=also))
        if there is None:
            return []
        pools, rows = there.pools, there.nodes
        coming = self._world.coming()
        loads, runners = await self._loads(there, coming, now)
        waiting = await self._waiting()
        main = main_pool(pools)
        return [
            PoolSnapshot(
                pool=self._as_offered(pool),
                hosts=tuple(
                    _without(
                        self._host(row, loads.get(row.id, ()), coming, now),
                        runners.get(row.id, ()),
                    )
                    for row in rows
                    if row.pool == pool.name and row.state is not PoolNodeState.RELEASED
                ),
                standing=tuple(self._standing(pool, main, loads, runners, coming)),
                waiting=tuple(row for row in waiting if (row.demand.pool or main) == pool.name),
                overhead=RUNNER if waiting else NOTHING,
                scarce=self._scarce(pool, now),
            )
            for pool in pools
        ]

    # --- nodes ------------------------------------------------------------------------------------

    def _host(self, row: PoolNode, loads: Sequence[Load], coming: Coming, now: datetime) -> Host:
        node = self._world.roster.node(row.id)
        since = row.lent_at or now
        ready_at = row.ready_at or since + timedelta(seconds=row.kind.start_s)
        state = _state(row, node, self._world.roster.holds.get(row.id))
        if state is HostState.DOOMED and row.id in coming.silent:
            state, ready_at = HostState.SILENT, coming.silent[row.id]
        return Host(
            node=node or _to_be(row),
            kind=row.kind,
            state=state,
            since=since,
            ready_at=ready_at,
            loads=tuple(loads),
            ends_at=row.ends_at,
            spare_since=self._seen.spare.get(row.id),
        )

    def _standing(
        self,
        pool: Pool,
        main: PoolName,
        loads: Mapping[NodeId, Sequence[Load]],
        runners: Mapping[NodeId, Sequence[Resources]],
        coming: Coming,
    ) -> Iterator[Host]:
        """Give the nodes that nobody lends and that take what waits for a pool."""
        names = {pool.name, DEFAULT_POOL} if pool.name == main else {pool.name}
        now = self._world.clock.now()
        for node in self._world.nodes:
            given_up_at = coming.silent.get(node.id)
            is_there = node.state is NodeState.READY or given_up_at is not None
            if node.type or node.pool not in names or not is_there:
                continue
            kind = NodeType(name="", cpu=node.cpu, memory_mib=node.memory_mib)
            host = Host(
                node=node,
                kind=kind,
                state=HostState.SILENT if given_up_at is not None else HostState.READY,
                since=now,
                ready_at=given_up_at or now,
                loads=tuple(loads.get(node.id, ())),
            )
            yield _without(host, runners.get(node.id, ()))

    def _scarce(self, pool: Pool, now: datetime) -> dict[str, str]:
        """Give the types of a pool that are not to be had now, to why not."""
        found = {
            name: scarce.said
            for (owner, name), scarce in self._seen.scarce.items()
            if owner == pool.name and scarce.until > now
        }
        return found | self.refused(pool)

    def refused(self, pool: Pool) -> dict[str, str]:
        """Give the types of a pool that its provider can never lend, to why not."""
        provider = self._world.provider
        if provider is None:
            return {}
        said = {kind.name: provider.refusal(kind) for kind in pool.types}
        return {name: why for name, why in said.items() if why}

    def _as_offered(self, pool: Pool) -> Pool:
        """Count on what a type's nodes were found to have, not on what was promised."""
        if not self._seen.offered:
            return pool
        return msgspec.structs.replace(pool, types=tuple(map(self._found, pool.types)))

    def _found(self, kind: NodeType) -> NodeType:
        cpu, memory_mib = self._seen.offered.get(kind.name, (kind.cpu, kind.memory_mib))
        return msgspec.structs.replace(
            kind, cpu=min(cpu, kind.cpu), memory_mib=min(memory_mib, kind.memory_mib)
        )

    # --- what runs --------------------------------------------------------------------------------

    async def _loads(
        self, there: _There, coming: Coming, now: datetime
    ) -> tuple[dict[NodeId, list[Load]], dict[NodeId, list[Resources]]]:
        """Give what runs on each node; apart, what the runners there reserve.

        A runner without runs ends by itself, so it keeps no node from being empty.
        """
        found: dict[NodeId, list[Load]] = {}
        runners: dict[NodeId, list[Resources]] = {}
        for row in there.containers:
            if row.is_ended:
                continue
            if row.kind is ContainerKind.RUNNER:
                runners.setdefault(row.node, []).append(row.resources)
            else:
                found.setdefault(row.node, []).append(_load(row, coming, now))
        for run in there.runs:
            attempt = run.attempt
            if attempt is None:
                continue
            release = await self.dispatch.book.release((run.environment, run.app), attempt.release)
            job = release.manifest.job(run.job) if release else None
            if release is None or job is None:
                continue
            began_at = attempt.began_at or attempt.ordered_at
            thought = await self.estimates.within(job.timeout_s, run.owner, now)
            load = Load(
                demand=of_job(release, job),
                ends_at=end_of(began_at, thought.middle_s),
                ends_by=end_of(began_at, thought.longest_s),
            )
            found.setdefault(attempt.node, []).append(load)
        for node, load in (*_built(there.builds, now), *self._promised()):
            found.setdefault(node, []).append(load)
        return found, runners

    def _promised(self) -> Iterator[tuple[NodeId, Load]]:
        """Give what leases keep of nodes, also from later on: it is not to be given back."""
        world = self._world
        sizes = {node.id: node for node in world.nodes}
        for lease in world.keeping:
            shares = list(lease.shares)
            name = NodeId(lease.claim.name)
            node = sizes.get(name) if world.kept.lent.get(name) == lease.id else None
            if node is not None:
                shares.append(Share(node=node.id, cpu=node.cpu, memory_mib=node.memory_mib))
            for share in shares:
                size = Resources(cpu=share.cpu, memory_mib=share.memory_mib)
                demand = placed_under(Demand(resources=size), lease)
                yield share.node, Load(demand=demand, ends_at=lease.until)

    # --- what waits -------------------------------------------------------------------------------

    async def lacking(self, now: datetime) -> list[Waiting]:
        """Give the services that fit nowhere, and the builds that no node takes."""
        return [*self._lacking(), *await self._building(now)]

    async def _waiting(self) -> list[Waiting]:
        now = self._world.clock.now()
        found = await self.lacking(now)
        for row in await self.dispatch.starts.backlog():
            lane = row.lane
            firsts = await self._world.store.read(partial(_queued, lane=row.first.name))
            owner = owner_name(lane.environment, lane.app, lane.job)
            thought = await self.estimates.within(row.job.timeout_s, owner, now)
            found += _waits(row, firsts, thought)
        return found

    async def _building(self, now: datetime) -> list[Waiting]:
        """Give the builds that no node takes."""
        if self._world.fleet.eligible(of_build(), now):
            return []
        rows = await self._world.store.read(lambda tx: tx.find(Build, state=BuildState.QUEUED))
        return [
            Waiting(
                demand=of_build(),
                since=row.created_at,
                expected_s=_PASSING_S,
                label=f"the build of {row.app}",
                whom=row.id,
            )
            for row in rows
        ]

    def _lacking(self) -> Iterator[Waiting]:
        """Give the services that fit nowhere: they stay, once they are placed."""
        for (environment, app), (since, demands) in sorted(self._world.lacking.items()):
            label, whom = f"{app} in {environment_name(environment)}", whom_of((environment, app))
            for demand in demands:
                yield Waiting(
                    demand=demand, since=since, expected_s=float("inf"), label=label, whom=whom
                )


def main_pool(pools: Sequence[Pool]) -> PoolName:
    """Give the pool of what names none: `default`, else the first that takes anything."""
    names = sorted(pool.name for pool in pools if not pool.dedicated)
    return names[0] if names and DEFAULT_POOL not in names else DEFAULT_POOL


def _there(reader: Reader, also: Pool | None) -> _There | None:
    """Read what there is; one of the pools may be as it might be. None: no pool can grow."""
    found = {pool.name: pool for pool in (*reader.find(Pool), *((also,) if also else ()))}
    pools = [pool for pool in found.values() if pool.types]
    if not pools:
        return None
    return _There(
        pools=pools,
        nodes=reader.find(PoolNode),
        containers=reader.find(Container, retired=False),
        runs=reader.find(Run, active=1),
        builds=reader.find(Build, state=BuildState.RUNNING),
    )


def _built(builds: Sequence[Build], now: datetime) -> Iterator[tuple[NodeId, Load]]:
    """Give the builds under way."""
    load = Load(demand=of_build(), ends_at=now + timedelta(seconds=_PASSING_S))
    return ((row.node, load) for row in builds if row.node is not None)


def _queued(reader: Reader, lane: str) -> list[Run]:
    return reader.find(Run, lane=lane, limit=_FIRSTS)


def _waits(row: Backlog, firsts: Sequence[Run], thought: Estimate) -> Iterator[Waiting]:
    lane = row.lane
    patience = Patience.PATIENT if lane.priority < 0 else Patience.URGENT
    if row.queue.lazy:
        patience = Patience.LAZY
    left = row.count
    for number, run in enumerate(firsts[: row.count], start=1):
        last = number == min(len(firsts), row.count)
        count = left if last else 1
        left -= count
        yield Waiting(
            demand=row.demand,
            since=max(run.created_at, run.due_at or run.created_at),
            count=count,
            patience=patience,
            expected_s=thought.middle_s,
            spread=thought.spread,
            label=f"{lane.job} of {lane.app}",
            never=row.never,
        )


def _load(row: Container, coming: Coming, now: datetime) -> Load:
    ends_at = coming.ends_at(row.id)
    if ends_at is None and row.kind is not ContainerKind.SERVICE:
        ends_at = now + timedelta(seconds=_PASSING_S)
    return Load(demand=of_container(row), ends_at=ends_at, is_daemon=row.daemon)


def _without(host: Host, runners: Sequence[Resources]) -> Host:
    """Take off what runners reserve; a node on its way will have one."""
    taken = list(runners) or ([RUNNER] if host.state is HostState.STARTING else [])
    if not taken:
        return host
    node = msgspec.structs.replace(
        host.node,
        cpu=host.node.cpu - sum(row.cpu for row in taken),
        memory_mib=host.node.memory_mib - sum(row.memory_mib for row in taken),
    )
    return msgspec.structs.replace(host, node=node)


def _state(row: PoolNode, node: Node | None, hold: NodeHold | None) -> HostState:
    if row.state is PoolNodeState.LEAVING:
        ends = row.ends_at is not None or (hold is not None and hold.holder is Holder.MONITOR)
        return HostState.DOOMED if ends else HostState.LEAVING
    if node is None:
        return HostState.STARTING if row.ready_at is None else HostState.DOOMED
    match node.state:
        case NodeState.READY:
            return HostState.READY
        case NodeState.LOST:
            return HostState.DOOMED
        case NodeState.CORDONED | NodeState.DRAINING:
            return HostState.HELD


def _to_be(row: PoolNode) -> Node:
    kind = row.kind
    return Node(
        id=row.id,
        cpu=kind.cpu,
        memory_mib=kind.memory_mib,
        disk_mib=kind.disk_mib,
        gpus=kind.gpus,
        custom=kind.custom,
        tags=kind.tags,
        pool=row.pool,
        type=kind.name,
        price_hour=kind.price_hour,
    )


def offers(row: PoolNode, nodes: Mapping[NodeId, Node]) -> tuple[float, int] | None:
    """Give what a node has where it is less than its type promises by more than a tenth."""
    node = nodes.get(row.id)
    if node is None:
        return None
    short = node.cpu < 0.9 * row.kind.cpu or node.memory_mib < 0.9 * row.kind.memory_mib
    return (node.cpu, node.memory_mib) if short else None
