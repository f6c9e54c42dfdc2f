"""Nodes that are held under a lease are emptied of others' work, then lent to its holder."""

from dataclasses import dataclass
from functools import partial

import msgspec

from headway.control import nodes
from headway.control.leases.keeping import remember
from headway.control.world import World
from headway.model.event import Event
from headway.model.ids import NodeId
from headway.model.lease import ClaimKind, Lease, LeaseState
from headway.model.node import Holder, NodeHold, NodeState
from headway.ports.store import Reader, Writer


@dataclass(frozen=True, slots=True)
class Clearing:
    """Moves others' work off by a drain, which is the way off a node for everybody."""

    world: World

    async def look(self) -> None:
        """Drain what is newly held, lend what is empty, take back what is held no more."""
        for lease in self.world.keeping:
            if lease.claim.kind is ClaimKind.NODE and lease.state is LeaseState.HELD:
                await self._look(lease)
        await self._give_back()

    async def _look(self, lease: Lease) -> None:
        node = NodeId(lease.claim.name)
        if lease.is_clear or self.world.roster.node(node) is None:
            return
        hold = await self.world.store.read(lambda reader: reader.get(NodeHold, node))
        if hold is None:
            because = f"{lease.id}: leased to {lease.holder}"
            await nodes.drain(self.world, lease.id, node, because=because, holder=Holder.LEASE)
        elif _is_of(hold, lease) and hold.empty_at is not None:
            await self.world.store.write(partial(self._clear, lease=lease))
            await remember(self.world)
            await nodes.uncordon(self.world, lease.id, node, holder=Holder.LEASE)

    def _clear(self, tx: Writer, lease: Lease) -> None:
        row = tx.get(Lease, lease.id)
        if row is None or row.state is not LeaseState.HELD:
            return
        because = f"nothing of others is on {row.claim.name} any more"
        tx.put(msgspec.structs.replace(row, is_clear=True))
        tx.record(
            Event(
                at=self.world.clock.now(),
                actor="headway",
                kind="lease.cleared",
                subject=row.id,
                because=because,
            )
        )

    async def _give_back(self) -> None:
        """End the drains of leases that are over, or whose node was lent before a crash."""
        draining = {
            str(lease.id): lease.is_clear
            for lease in self.world.keeping
            if lease.state is LeaseState.HELD
        }
        for hold in await self.world.store.read(_drains):
            if draining.get(hold.by, True) and self.world.roster.node(hold.node) is not None:
                await nodes.uncordon(self.world, hold.by, hold.node, holder=Holder.LEASE)


def in_the_way(lease: Lease, hold: NodeHold | None) -> str:
    """Say why the holder of a node cannot use it yet; empty where nothing is in the way."""
    if lease.claim.kind is not ClaimKind.NODE or lease.state is not LeaseState.HELD:
        return ""
    node = lease.claim.name
    if hold is not None and not _is_of(hold, lease):
        return (
            f"nothing starts on {node}, not even under this lease: it is {hold.state.value} by "
            f"{hold.owner}, until headway nodes uncordon {node}"
        )
    return "" if lease.is_clear else f"others' work is being moved off {node}"


def _is_of(hold: NodeHold, lease: Lease) -> bool:
    """Say whether it is for a lease that a node drains."""
    return (hold.holder, hold.by) == (Holder.LEASE, lease.id)


def _drains(reader: Reader) -> list[NodeHold]:
    return [
        row
        for row in reader.find(NodeHold)
        if row.state is NodeState.DRAINING and row.holder is Holder.LEASE
    ]
