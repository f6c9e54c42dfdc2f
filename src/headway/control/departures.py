"""The loop over nodes that leave: drained by somebody, or gone without a word."""

import asyncio
from datetime import datetime
from functools import partial

import msgspec

from headway.calculate.departure import NodePlan, NodeSnapshot, plan_node
from headway.control import lookup
from headway.control.fleet import Fleet
from headway.control.nodes import event, running_builds
from headway.control.rollout.transcribe import transcribe
from headway.control.waiting import rung
from headway.control.world import World
from headway.formats.units import counted
from headway.model.container import Container
from headway.model.node import Node, NodeHold
from headway.model.pool_node import PoolNode, PoolNodeState
from headway.ports.store import Stale, Writer


class Departures:
    """Gives up what was on lost nodes, ends what outlasts a drain, says when a node is empty."""

    def __init__(self, world: World, fleet: Fleet) -> None:
        self._world = world
        self._fleet = fleet
        self._seen: tuple[Node, ...] = ()
        self._wake = asyncio.Event()
        self.opened = asyncio.Event()
        world.bell.node.calls(self._wake.set)
        world.bell.observed.calls(self._observed)

    async def run(self) -> None:
        """Take up what was said of nodes, then look whenever something changed, for ever."""
        if not self.opened.is_set():
            for hold in await self._world.store.read(lambda reader: reader.find(NodeHold)):
                self._world.roster.held(hold)
            self.opened.set()
        while True:
            self._wake.clear()
            wake_at = await self._beat()
            await rung(self._wake, wake_at, self._world.clock.now())

    def _observed(self, row: Container) -> None:
        roster = self._world.roster
        if row.node in roster.holds or row.node in roster.away:
            self._wake.set()

    async def _beat(self) -> datetime | None:
        world = self._world
        if world.nodes != self._seen:
            self._seen = world.nodes
            await self._ring_members()
        world.roster.vacated &= set(world.roster.holds)
        times: list[datetime] = []
        for node in world.nodes:
            if node.id not in world.roster.away and node.id not in world.roster.holds:
                continue
            now = world.clock.now()
            snapshot = await self._read(node)
            plan = plan_node(snapshot, now, world.settings.node_lost_after_s)
            if plan.wake_at is not None:
                times.append(plan.wake_at)
            self._note_vacated(snapshot, plan)
            try:
                await self._update(snapshot, plan, now)
            except Stale:  # somebody was faster: the next look decides
                self._wake.set()
        return min(times, default=None)

    async def _read(self, node: Node) -> NodeSnapshot:
        world = self._world
        there = world.containers_on(node.id)
        rows = await world.store.read(lambda reader: [reader.get(Container, one) for one in there])
        lent = await world.store.read(lambda reader: reader.get(PoolNode, node.id))
        builds = await world.store.read(partial(running_builds, node=node.id))
        return NodeSnapshot(
            node=node,
            hold=world.roster.holds.get(node.id),
            away_at=world.roster.away.get(node.id),
            is_released=lent is not None and lent.state is PoolNodeState.RELEASED,
            others=len(world.nodes) > len(world.roster.away) or node.type != "",
            containers=tuple(row for row in rows if row is not None and not row.is_ended),
            attempts=world.attempts_on(node.id),
            builds=len(builds),
        )

    def _note_vacated(self, snapshot: NodeSnapshot, plan: NodePlan) -> None:
        """Have daemons leave when nothing else is there any more."""
        vacated = self._world.roster.vacated
        if not plan.is_vacated:
            vacated.discard(snapshot.node.id)
        elif snapshot.node.id not in vacated:
            vacated.add(snapshot.node.id)
            for row in snapshot.containers:
                self._world.bell.member((row.environment, row.app))

    async def _update(self, snapshot: NodeSnapshot, plan: NodePlan, now: datetime) -> None:
        identity = snapshot.node.id
        if plan.is_gone:
            self._world.roster.gone(identity)
            self._world.bell.node()
            return
        is_news = plan.is_lost and identity not in self._world.roster.lost
        is_emptied = plan.is_empty and snapshot.hold is not None and not snapshot.hold.empty_at
        if not (plan.changes or is_news or is_emptied):
            return
        write = partial(self._write, snapshot=snapshot, plan=plan, is_news=is_news, now=now)
        rows, hold = await self._world.store.write(write)
        if is_news:
            self._world.roster.give_up(identity)
            self._world.bell.node()
        if hold is not None:
            self._world.roster.held(hold)
            self._world.bell.node()
        for row in rows:
            self._world.note(row)
            self._fleet.act(row)
            self._world.bell.observed(row)
            self._world.bell.member((row.environment, row.app))

    def _write(
        self, tx: Writer, *, snapshot: NodeSnapshot, plan: NodePlan, is_news: bool, now: datetime
    ) -> tuple[list[Container], NodeHold | None]:
        world = self._world
        identity = snapshot.node.id
        if tx.get(NodeHold, identity) != snapshot.hold:
            raise Stale(f"something else was said of {identity} meanwhile")
        written = transcribe(tx, plan.changes, world.settings, now)
        rows = [row for row in written if isinstance(row, Container)]
        if is_news:
            because = f"it was silent for {world.settings.node_lost_after_s:g} s"
            if snapshot.is_released:
                because = f"it was given back with {counted(len(rows), 'container')} on it"
            data: dict[str, object] = {"containers": len(rows)}
            tx.record(event(identity, "node.lost", now, because=because, data=data))
        hold = snapshot.hold
        if not plan.is_empty or hold is None or hold.empty_at is not None:
            return rows, None
        tx.record(event(identity, "node.drained", now, because="nothing is there any more"))
        return rows, tx.put(msgspec.structs.replace(hold, empty_at=now))

    async def _ring_members(self) -> None:
        """Have every app looked at: nodes decide where it may be, and daemons where they are."""
        for key in await self._world.store.read(lookup.members):
            self._world.bell.member(key)
