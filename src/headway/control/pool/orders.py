"""What is asked of providers, written down before, and what came of it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from functools import partial
from typing import TypeVar

import msgspec

from headway.calculate.autoscale.scarcity import refused
from headway.control.guard import trouble
from headway.control.pool.reading import Seen
from headway.control.world import World
from headway.formats.units import counted
from headway.machine.chance import drawn_hex
from headway.model.event import Event
from headway.model.ids import NodeId
from headway.model.machine import Machine
from headway.model.node import Holder, NodeHold, NodeState
from headway.model.pool import Pool
from headway.model.pool_node import PoolNode, PoolNodeState
from headway.model.pool_plan import PoolChange
from headway.ports.provider import NoCapacity, ProviderError, ProviderUnavailable
from headway.ports.store import Writer

T = TypeVar("T")
ACTOR = "headway"
_ANSWER_S = 20.0
"""A provider that takes longer does not answer."""
_LOSS = {
    PoolNodeState.WANTED: "get no node",
    PoolNodeState.LENT: "lose a node",
    PoolNodeState.LEAVING: "lose a node",
    PoolNodeState.RELEASED: "give a node back",
}
"""What it is to a pool that a node is gone, by what was to become of it."""


class Orders:
    """Has the provider follow the rows. All of it may be done again."""

    def __init__(self, world: World, seen: Seen) -> None:
        self._world = world
        self._seen = seen

    async def add(self, pool: Pool, changes: list[PoolChange], now: datetime) -> None:
        """Ask for new machines; for one only of a type of which there was none the last time."""
        scarce = {name for owner, name in self._seen.scarce if owner == pool.name}
        tried = {change.type: change for change in changes if change.type in scarce}
        sure = [change for change in changes if change.type not in scarce]
        rows = await self._world.store.write(
            lambda tx: [*_wanted(tx, pool, sure, now), *_retried(tx, pool, tried.values(), now)]
        )
        await asyncio.gather(*(self.request(row) for row in rows))

    async def request(self, row: PoolNode) -> None:
        """Ask for a machine by the id of its row; again is harmless."""
        world, provider = self._world, self._world.provider
        if provider is None:
            return
        try:
            machine = await answered(provider.request(row.id, row.pool, row.kind))
        except NoCapacity as error:
            await self._refused(row, f"none is to be had: {error}", str(error))
        except ProviderUnavailable as error:
            trouble(world, "provider", error)
            await self._told(row.id, world.clock.now())
        except ProviderError as error:
            trouble(world, "provider", error)
            await self._refused(row, f"its provider refused: {error}", str(error))
        else:
            world.troubles.pop("provider", None)
            await self._lent(row.id, machine)
            if self._seen.scarce.pop((row.pool, row.kind.name), None) is not None:
                world.bell.pool()  # of others that were not asked for there may be some, too

    async def _refused(self, row: PoolNode, because: str, said: str) -> None:
        """Note that a type is not to be had. It is told when that, or the answer, is new."""
        key = row.pool, row.kind.name
        known = self._seen.scarce.get(key)
        self._seen.scarce[key] = refused(known, said, self._world.clock.now())
        is_news = not row.is_retry or known is None or known.said != said
        await self.forget(row.id, because, is_news=is_news)

    async def _lent(self, node: NodeId, machine: Machine) -> None:
        def deed(tx: Writer) -> None:
            row = tx.get(PoolNode, node)
            if row is not None and row.state is PoolNodeState.WANTED:
                lent, now = PoolNodeState.LENT, self._world.clock.now()
                # Its provider's clock may be set otherwise: by that it could be old, or not yet be.
                lent_at = min(max(machine.since, row.wanted_at), now)
                if row.is_retry:
                    _tell_wanted(tx, [row], now)
                tx.put(msgspec.structs.replace(row, state=lent, lent_at=lent_at, is_retry=False))
                tx.record(_event(row, "node.lent", row.because, now))

        await self._world.store.write(deed)

    async def release(self, node: NodeId, because: str) -> None:
        """Give a machine back; what was asked is written down first.

        Its node takes nothing from then on, though it may be heard of only afterwards.
        """
        shut = await self._world.store.write(
            partial(_give_back, node=node, because=because, now=self._world.clock.now())
        )
        if shut is not None:
            self._world.roster.held(shut)
        provider = self._world.provider
        if provider is None:
            return
        try:
            await answered(provider.release(node))
        except ProviderError as error:
            trouble(self._world, "provider", error)
        await self._told(node, self._world.clock.now())

    async def _told(self, node: NodeId, at: datetime) -> None:
        def deed(tx: Writer) -> None:
            row = tx.get(PoolNode, node)
            if row is not None:
                tx.put(msgspec.structs.replace(row, told_at=at))

        await self._world.store.write(deed)

    async def forget(self, node: NodeId, because: str, *, is_news: bool = True) -> None:
        """Drop the row of a machine that is gone, and what was said of its node."""
        now = self._world.clock.now()
        is_back = False

        def deed(tx: Writer) -> None:
            nonlocal is_back
            row = tx.get(PoolNode, node)
            if row is not None:
                is_back = row.lent_at is not None
                tx.delete(PoolNode, node)
                what, why = _LOSS[row.state], because or row.because
                if not row.is_retry:
                    tx.record(_event(row, "node.gone", why, now))
                if is_news:
                    tx.record(_resized("pool.shrank", what, [row], why, now))
            if tx.get(NodeHold, node) is not None:
                tx.delete(NodeHold, node)

        await self._world.store.write(deed)
        if is_back:  # its provider may have one for those that it had none for
            self._seen.ask_again(now)
        self._world.roster.released(node)
        self.sweep(node)
        self._seen.flags.pop(node, None)
        self._seen.spare.pop(node, None)

    def sweep(self, node: NodeId) -> None:
        """Forget a node whose machine is gone, unless what was there has not been given up yet."""
        world = self._world
        if world.roster.node(node) is not None and not world.fleet.on(node):
            world.roster.gone(node)
            world.bell.node()

    async def update(self, seen: PoolNode, because: str) -> None:
        """Write down what was seen of a machine."""
        now = self._world.clock.now()

        def deed(tx: Writer) -> None:
            row = tx.get(PoolNode, seen.id)
            if row is None:
                return
            tx.put(msgspec.structs.replace(row, ready_at=seen.ready_at, ends_at=seen.ends_at))
            if because:
                tx.record(_event(row, "node.noticed", because, now))

        await self._world.store.write(deed)


def becoming(
    node: NodeId, state: PoolNodeState, because: str, now: datetime
) -> Callable[[Writer], bool]:
    """Give what writes down what is to become of a node, and says whether that is new.

    What leaves, or stays, was lent, though its provider may never have answered that it is.
    """

    def deed(tx: Writer) -> bool:
        row = tx.get(PoolNode, node)
        if row is None or row.state is state or row.state is PoolNodeState.RELEASED:
            return False
        lent_at = row.lent_at or (None if state is PoolNodeState.RELEASED else now)
        tx.put(
            msgspec.structs.replace(
                row, state=state, because=because, told_at=None, lent_at=lent_at
            )
        )
        tx.record(_event(row, f"node.{state.value}", because, now))
        return True

    return deed


def _give_back(tx: Writer, node: NodeId, because: str, now: datetime) -> NodeHold | None:
    """Write down that a node is given back; gives the hold, where there was none, that shuts it."""
    becoming(node, PoolNodeState.RELEASED, because, now)(tx)
    row = tx.get(PoolNode, node)
    if row is None or tx.get(NodeHold, node) is not None:
        return None
    hold = NodeHold(
        node=node,
        state=NodeState.CORDONED,
        because=because,
        holder=Holder.POOL,
        by=row.pool,
        at=now,
    )
    return tx.put(hold)


async def answered(asked: Awaitable[T]) -> T:
    """Wait for a provider, but not for ever.

    Raises:
        ProviderUnavailable: It takes too long.
    """
    try:
        async with asyncio.timeout(_ANSWER_S):
            return await asked
    except TimeoutError:
        raise ProviderUnavailable(f"no answer within {_ANSWER_S:.0f} s") from None


def _wanted(tx: Writer, pool: Pool, changes: list[PoolChange], now: datetime) -> list[PoolNode]:
    """Write down the nodes that will be asked for."""
    rows = [tx.put(_row(pool, change, now)) for change in changes]
    if rows:
        _tell_wanted(tx, rows, now)
    return rows


def _retried(
    tx: Writer, pool: Pool, changes: Iterable[PoolChange], now: datetime
) -> list[PoolNode]:
    """Write down what is asked for once more; it is told when it comes, or the answer changes."""
    rows = (_row(pool, change, now) for change in changes)
    return [tx.put(msgspec.structs.replace(row, is_retry=True)) for row in rows]


def _row(pool: Pool, change: PoolChange, now: datetime) -> PoolNode:
    """Make a node that is wanted, under an id that is chosen here."""
    (kind,) = (kind for kind in pool.types if kind.name == change.type)
    return PoolNode(
        id=NodeId(f"{pool.name}-{drawn_hex(4)}"),
        pool=pool.name,
        kind=msgspec.structs.replace(kind, tags={**pool.tags, **kind.tags}),
        state=PoolNodeState.WANTED,
        because=change.because,
        wanted_at=now,
        told_at=now,
    )


def _tell_wanted(tx: Writer, rows: list[PoolNode], now: datetime) -> None:
    for row in rows:
        tx.record(_event(row, "node.wanted", row.because, now))
    what = f"add {counted(len(rows), 'node')}"
    tx.record(_resized("pool.grew", what, rows, rows[0].because, now))


def _resized(kind: str, what: str, rows: list[PoolNode], because: str, now: datetime) -> Event:
    """Tell of a pool that has more nodes now, or fewer; the price is of those."""
    return Event(
        at=now,
        actor=ACTOR,
        kind=kind,
        subject=rows[0].pool,
        because=because,
        data={
            "what": what,
            "nodes": [row.id for row in rows],
            "price_hour": sum(row.kind.price_hour for row in rows),
        },
    )


def _event(row: PoolNode, kind: str, because: str, now: datetime) -> Event:
    return Event(
        at=now,
        actor=ACTOR,
        kind=kind,
        subject=row.id,
        because=because,
        data={"pool": row.pool, "type": row.kind.name},
    )
