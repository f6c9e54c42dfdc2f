"""What leases keep of nodes: for whom a node is, and how much of it is promised to others."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from headway.model.demand import Demand
from headway.model.ids import LeaseId, NodeId
from headway.model.lease import ClaimKind, Lease, LeaseState, Share
from headway.model.tag import TagOperator, TagRule
from headway.model.value import Value


class Kept(Value, kw_only=True):
    """What placement is to keep free, from now on until `change_at`."""

    lent: dict[NodeId, LeaseId] = msgspec.field(default_factory=dict)
    """Whole nodes, each for what is placed under one lease only."""
    shares: dict[LeaseId, tuple[Share, ...]] = msgspec.field(default_factory=dict)
    """Parts of nodes, each for one lease."""
    change_at: datetime | None = None
    """When time alone makes this something else."""

    def on(self, node: NodeId) -> tuple[LeaseId, ...]:
        """List the leases that keep a node, or a part of it."""
        parts = [
            lease for lease, shares in self.shares.items() if node in {row.node for row in shares}
        ]
        whole = [self.lent[node]] if node in self.lent else []
        return (*whole, *parts)

    def said(self, node: NodeId) -> tuple[str, ...]:
        """Say what of a node is kept under which lease."""
        whole = [f"kept under {self.lent[node]}"] if node in self.lent else []
        parts = [
            f"{share.sentence} of it kept under {lease}"
            for lease, shares in self.shares.items()
            for share in shares
            if share.node == node
        ]
        return (*whole, *parts)


def kept(leases: Iterable[Lease], now: datetime, lead_s: float) -> Kept:
    """Say what leases keep: nodes while they are held, capacity from `lead_s` before it begins."""
    lent: dict[NodeId, LeaseId] = {}
    shares: dict[LeaseId, tuple[Share, ...]] = {}
    changes: list[datetime] = []
    for lease in leases:
        if lease.claim.kind is ClaimKind.NODE and lease.state is LeaseState.HELD:
            lent[NodeId(lease.claim.name)] = lease.id
        if lease.claim.kind is not ClaimKind.CAPACITY or lease.is_ended:
            continue
        begins = (lease.from_at or now) - timedelta(seconds=lead_s)
        if lease.state is LeaseState.HELD or begins <= now:
            shares[lease.id] = lease.shares
        else:
            changes.append(begins)
    return Kept(lent=lent, shares=shares, change_at=min(changes, default=None))


def rest(share: Share, used: Iterable[tuple[float, int]]) -> Share:
    """Give what is left of a share beside what its lease's own work (cores, MiB) has there."""
    cpu, memory_mib = share.cpu, share.memory_mib
    for own_cpu, own_memory_mib in used:
        cpu, memory_mib = cpu - own_cpu, memory_mib - own_memory_mib
    return Share(node=share.node, cpu=max(0.0, cpu), memory_mib=max(0, memory_mib))


def placed_under(demand: Demand, lease: Lease) -> Demand:
    """Have something go where a lease holds, and nowhere else."""
    if lease.claim.kind is ClaimKind.NODE:
        nodes: tuple[str, ...] = (lease.claim.name,)
    else:
        nodes = tuple(share.node for share in lease.shares)
    there = TagRule(tag="node", operator=TagOperator.IN, values=nodes)
    return msgspec.structs.replace(demand, lease=lease.id, where=(*demand.where, there))
