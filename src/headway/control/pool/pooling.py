"""The loop over pools: nodes are asked for, emptied and given back, and lists are kept right."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec

from headway.calculate.autoscale.clean import CleanChange, Cleaning, CleanVerb, clean
from headway.calculate.autoscale.plan import plan_pool
from headway.calculate.autoscale.suits import suits
from headway.control import nodes
from headway.control.errors import NotFound
from headway.control.guard import trouble
from headway.control.pool.orders import Orders, answered, becoming
from headway.control.pool.outlooks import outlooks_of, outlooks_of_room
from headway.control.pool.reading import PoolReading, Seen, offers
from headway.control.runs.dispatch import Dispatch
from headway.control.waiting import rung
from headway.control.world import Outlook, World, whom_of
from headway.model.ids import NodeId
from headway.model.machine import Machine
from headway.model.node import Holder, NodeState
from headway.model.pool import Pool
from headway.model.pool_node import PoolNode, PoolNodeState
from headway.model.pool_plan import PoolChange, PoolPlan, PoolVerb
from headway.model.pool_snapshot import PoolSnapshot
from headway.model.resources import cores
from headway.ports.provider import Provider, ProviderError, ProviderUnavailable

_GAP_S = 1.0
"""Between two looks: what comes together is decided together."""
_ROOM_S = 5.0
"""While room is about to come for what has none, it is looked so often whether it still is."""
_LIST_S = 15.0
"""While nodes are lent, their provider is asked for its list so often."""
_LIST_IDLE_S = 300.0
"""And so often while none is: it may lend what nobody asked for, and has it paid."""


class Pools:
    """Reads, decides, and has providers and nodes follow."""

    def __init__(self, world: World, dispatch: Dispatch) -> None:
        self._world = world
        self.seen = Seen()
        self._orders = Orders(world, self.seen)
        self.reading = PoolReading(world, dispatch, self.seen)
        self.plans: dict[str, PoolPlan] = {}
        """The last of each pool."""
        self._strange: dict[NodeId, datetime] = {}
        self._listed_at: datetime | None = None
        self._wake = asyncio.Event()
        for chime in (world.bell.pool, world.bell.node):
            chime.calls(self._wake.set)

    async def run(self) -> None:
        """Look whenever something waits, a node came or went, or time makes a difference."""
        for pool in await self._world.store.read(lambda tx: tx.find(Pool)):
            self._world.fleet.put_pool(pool)
        while True:
            self._wake.clear()
            wake_at = await self.beat()
            await asyncio.sleep(_GAP_S)
            await rung(self._wake, wake_at, self._world.clock.now())

    async def follow(self) -> None:
        """Follow what the provider announces."""
        provider = self._world.provider
        while provider is not None:
            try:
                async for machine in provider.notices():
                    await self._announced(machine)
            except ProviderUnavailable as error:
                trouble(self._world, "provider", error)
            await asyncio.sleep(_LIST_S)

    async def beat(self) -> datetime | None:
        """Put lists right, then decide about every pool and carry it out."""
        now = self._world.clock.now()
        rows = await self._world.store.read(lambda tx: tx.find(PoolNode))
        await self._clean(rows, now)
        await self._give_back_faulty(rows)
        now = self._world.clock.now()  # a provider may have taken its time
        times: list[datetime] = []
        outlooks: dict[str, Outlook] = {}
        for snapshot in await self.reading.snapshots(now):
            plan = self.decide(snapshot, now)
            self.plans[snapshot.pool.name] = plan
            if self._world.provider is not None:
                outlooks |= outlooks_of(snapshot, plan)
            self._note_spare(snapshot, plan, now)
            await self._carry_out(snapshot.pool, plan, now)
            if plan.wake_at is not None:
                times.append(plan.wake_at)
        room = outlooks_of_room(
            await self.reading.lacking(now), self._world.coming(), self._world.fleet, now
        )
        for whom, outlook in room.items():
            if whom not in outlooks or not outlooks[whom].comes:
                outlooks[whom] = outlook
        if room:  # it may be another's by then
            times.append(now + timedelta(seconds=_ROOM_S))
        self._note_outlooks(outlooks, now)
        if rows or self._strange or any(plan.changes for plan in self.plans.values()):
            times.append(now + timedelta(seconds=_LIST_S))
        elif self._world.provider is not None:
            times.append(now + timedelta(seconds=_LIST_IDLE_S))
        times += (row.until for row in self.seen.scarce.values() if row.until > now)
        return min(times, default=None)

    def decide(self, snapshot: PoolSnapshot, now: datetime) -> PoolPlan:
        """Say what a pool should do, changing nothing."""
        pool = snapshot.pool
        if self._world.provider is None:
            why = "no provider is configured, so no node can be added or given back"
            return PoolPlan(pending=(why,) if snapshot.waiting or pool.scaling.nodes_min else ())
        if not self._world.roster.is_told:  # nobody knows what is there, nor what waits for room
            why = "the engine does not answer, so the pool stays as it is"
            return PoolPlan(pending=(why,), wake_at=now + timedelta(seconds=_LIST_S))
        return plan_pool(snapshot, now, lambda demand, node: suits(pool, demand, node))

    def _note_outlooks(self, found: dict[str, Outlook], now: datetime) -> None:
        """Tell apps what they may hope for; of what lacks only since then nothing is known yet."""
        world = self._world
        new = {whom_of(key) for key, (since, _) in world.lacking.items() if since > now}
        undecided = {whom: known for whom, known in world.outlooks.items() if whom in new}
        world.outlooks = found | undecided

    def _note_spare(self, snapshot: PoolSnapshot, plan: PoolPlan, now: datetime) -> None:
        for host in snapshot.hosts:
            if host.id in plan.spare:
                self.seen.spare.setdefault(host.id, now)
            else:
                self.seen.spare.pop(host.id, None)

    # --- carrying out -----------------------------------------------------------------------------

    async def _carry_out(self, pool: Pool, plan: PoolPlan, now: datetime) -> None:
        added = [change for change in plan.changes if change.verb is PoolVerb.ADD]
        if added:
            await self._orders.add(pool, added, now)
        for change in plan.changes:
            if change.verb is not PoolVerb.ADD:
                await self.change(pool, change)

    async def _give_back_faulty(self, rows: Iterable[PoolNode]) -> None:
        """Give back what the monitor has emptied, which no pool calls back."""
        for row in rows:
            hold = self._world.roster.holds.get(row.id)
            if (
                row.state is PoolNodeState.LEAVING
                and hold is not None
                and hold.holder is Holder.MONITOR
                and hold.empty_at is not None
            ):
                await self._orders.release(row.id, row.because)

    async def change(self, pool: Pool, change: PoolChange) -> None:
        """Have a node that is there leave, stay, or end."""
        node = change.node
        assert node is not None
        now = self._world.clock.now()
        match change.verb:
            case PoolVerb.DRAIN:
                try:
                    await nodes.drain(
                        self._world,
                        pool.name,
                        node,
                        change.within_s,
                        change.because,
                        holder=Holder.POOL,
                        also=becoming(node, PoolNodeState.LEAVING, change.because, now),
                    )
                except NotFound:  # it is not there yet, or no more
                    await self._orders.release(node, change.because)
            case PoolVerb.KEEP:
                with suppress(NotFound):
                    await nodes.uncordon(
                        self._world,
                        pool.name,
                        node,
                        holder=Holder.POOL,
                        also=becoming(node, PoolNodeState.LENT, change.because, now),
                    )
            case _:
                await self._orders.release(node, change.because)

    # --- the cleaner ------------------------------------------------------------------------------

    async def _clean(self, rows: list[PoolNode], now: datetime) -> None:
        provider = self._world.provider
        if provider is None:
            return
        machines = await self._list(provider, rows, now)
        there = {node.id: node for node in self._world.nodes}
        for row in rows:
            offered = offers(row, there)
            if offered is not None:
                self.seen.offered[row.kind.name] = offered
                promised = f"{cores(row.kind.cpu)} and {row.kind.memory_mib} MiB"
                self.seen.flags[row.id] = (
                    f"has {cores(offered[0])} and {offered[1]} MiB of {promised}"
                )
        state = Cleaning(
            rows=tuple(rows),
            machines=machines,
            nodes=there,
            strange=self._strange,
            used=frozenset(node for node in (*there, *self._strange) if self._world.fleet.on(node)),
            lost_s=self._world.settings.node_lost_after_s,
            away=self._world.roster.away,
            is_told=self._world.roster.is_told,
        )
        ours = {row.id for row in rows}
        for node in there.values():
            if node.type and node.state is NodeState.LOST and node.id not in ours:
                self._orders.sweep(node.id)
        for change in clean(state, now):
            await self._put_right(change)

    async def _list(
        self, provider: Provider, rows: Iterable[PoolNode], now: datetime
    ) -> tuple[Machine, ...] | None:
        """Ask for the provider's list, and note what nobody asked for."""
        due = self._listed_at is None or (now - self._listed_at).total_seconds() >= _LIST_S - 1
        if not due:
            return None
        try:
            machines = await answered(provider.machines())
        except ProviderError as error:
            trouble(self._world, "provider", error)
            return None
        self._world.troubles.pop("provider", None)
        self._listed_at = now
        ours = {row.id for row in rows}
        strange = {machine.id for machine in machines} - ours
        self._strange = {node: self._strange.get(node, now) for node in sorted(strange)}
        for node in self._strange:
            self.seen.flags[node] = "is listed by the provider, and nobody asked for it"
        for node in set(self.seen.flags) - strange - ours:
            del self.seen.flags[node]
        return machines

    async def _put_right(self, change: CleanChange) -> None:
        match change.verb:
            case CleanVerb.REQUEST:
                assert change.row is not None
                await self._orders.request(change.row)
            case CleanVerb.RELEASE:
                if change.because:
                    self.seen.flags[change.node] = change.because
                await self._orders.release(change.node, change.because)
            case CleanVerb.FORGET:
                await self._orders.forget(change.node, change.because)
            case CleanVerb.UPDATE:
                assert change.row is not None
                await self._orders.update(change.row, change.because)

    async def _announced(self, machine: Machine) -> None:
        row = await self._world.store.read(lambda tx: tx.get(PoolNode, machine.id))
        if row is not None and row.ends_at is None and machine.ends_at is not None:
            because = f"its provider takes it back at {machine.ends_at:%H:%M:%S} UTC"
            await self._orders.update(
                msgspec.structs.replace(row, ends_at=machine.ends_at), because
            )
            self._wake.set()
