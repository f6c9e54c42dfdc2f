"""Capacity ahead of time: is there room on a pool's nodes over a whole window, and on which."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from headway.model.ids import NodeId
from headway.model.lease import Claim, ClaimKind, Lease, Share
from headway.model.node import Node
from headway.model.resources import cores
from headway.model.value import Value

_DUST = 1e-9
_ENOUGH = 1 - _DUST
_STARTS_MAX = 200
"""Later beginnings that are tried to say when there is room."""


class Taken(Value, kw_only=True):
    """What somebody has of a node in a time."""

    node: NodeId
    cpu: float
    memory_mib: int
    begins: datetime | None = None
    """None: it is there already."""
    ends: datetime | None = None
    """None: nobody knows, so for ever."""

    def overlaps(self, begins: datetime, ends: datetime) -> bool:
        """Say whether it is there at any time in a window."""
        is_begun = self.begins is None or self.begins < ends
        return is_begun and (self.ends is None or self.ends > begins)


class Reservation(Value, kw_only=True):
    """The nodes that give what is asked, or why they cannot."""

    shares: tuple[Share, ...] = ()
    because: str = ""
    """Empty when there is room."""
    fits_at: datetime | None = None
    """Where there is none: when there would be, as far as is known."""


def booked(leases: Iterable[Lease]) -> list[Taken]:
    """Give what leases on capacity have of each node, in their time."""
    return [
        Taken(
            node=share.node,
            cpu=share.cpu,
            memory_mib=share.memory_mib,
            begins=lease.from_at,
            ends=lease.until,
        )
        for lease in leases
        if lease.claim.kind is ClaimKind.CAPACITY and not lease.is_ended
        for share in lease.shares
    ]


def reserve(
    claim: Claim, nodes: Sequence[Node], taken: Sequence[Taken], begins: datetime, ends: datetime
) -> Reservation:
    """Find nodes that together have what is asked, at every moment of a window.

    Each gives cores and memory in the proportion asked, those with most room first, so that few
    nodes are bound.
    """
    parts = _parts(claim, nodes, taken, begins, ends)
    found = sum(part for part, _ in parts)
    if found < _ENOUGH:
        window = f"from {begins:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M} UTC"
        return Reservation(
            because=f"pool {claim.name} has room for {_said(claim, found)} of {_said(claim, 1)} "
            f"{window}",
            fits_at=_fits_at(claim, nodes, taken, begins, ends),
        )
    shares: list[Share] = []
    left = 1.0
    for part, node in parts:
        given = min(part, left)
        if given > _DUST:
            memory_mib = -int(-given * claim.memory_mib // 1)  # rounded up
            shares.append(Share(node=node, cpu=given * claim.cpu, memory_mib=memory_mib))
            left -= given
    return Reservation(shares=tuple(shares))


def _said(claim: Claim, part: float) -> str:
    words = []
    if claim.cpu:
        words.append(cores(part * claim.cpu))
    if claim.memory_mib:
        words.append(f"{int(part * claim.memory_mib)} MiB")
    return " with ".join(words)


def _parts(
    claim: Claim, nodes: Sequence[Node], taken: Sequence[Taken], begins: datetime, ends: datetime
) -> list[tuple[float, NodeId]]:
    """Say how much of the claim each node can give, most first."""
    found = []
    for node in nodes:
        if node.pool == claim.name:
            here = [row for row in taken if row.node == node.id and row.overlaps(begins, ends)]
            found.append((_part(claim, node, here, begins), node.id))
    return sorted(found, key=lambda pair: (-pair[0], pair[1]))


def _part(claim: Claim, node: Node, here: Sequence[Taken], begins: datetime) -> float:
    """Say which part of the claim a node can give at the worst moment.

    That is where something begins: in between, what is taken only gets less.
    """
    moments = {begins, *(row.begins for row in here if row.begins and row.begins > begins)}
    return min(_part_at(claim, node, here, moment) for moment in moments)


def _part_at(claim: Claim, node: Node, here: Sequence[Taken], at: datetime) -> float:
    now = [
        row
        for row in here
        if (row.begins is None or row.begins <= at) and (row.ends is None or row.ends > at)
    ]
    part = 1.0
    if claim.cpu:
        part = min(part, (node.cpu - sum(row.cpu for row in now)) / claim.cpu)
    if claim.memory_mib:
        free_mib = node.memory_mib - sum(row.memory_mib for row in now)
        part = min(part, free_mib / claim.memory_mib)
    return max(0.0, part)


def _fits_at(
    claim: Claim, nodes: Sequence[Node], taken: Sequence[Taken], begins: datetime, ends: datetime
) -> datetime | None:
    """Say when the window could begin: only where something ends there is more room than before."""
    length = ends - begins
    starts = sorted({row.ends for row in taken if row.ends is not None and row.ends > begins})
    for start in starts[:_STARTS_MAX]:
        parts = _parts(claim, nodes, taken, start, start + length)
        if sum(part for part, _ in parts) >= _ENOUGH:
            return start
    return None
