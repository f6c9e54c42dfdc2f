"""Capacity that is claimed ahead of time: what is in its way, and the nodes that keep it."""

from datetime import datetime, timedelta

import msgspec

from headway.calculate.lease import timed
from headway.calculate.reservation import Taken, booked, reserve
from headway.control.errors import Conflict, Invalid, NotFound
from headway.control.requests import LeaseRequest
from headway.control.world import World
from headway.model.container import Container, ContainerKind
from headway.model.environment import Environment, EnvironmentState
from headway.model.ids import LeaseId, NodeId
from headway.model.lease import Claim, ClaimKind, Lease, LeaseState
from headway.ports.store import Reader

_PAST = timedelta(minutes=1)


def booking(
    reader: Reader, world: World, actor: str, identity: LeaseId, wish: LeaseRequest, now: datetime
) -> Lease:
    """Make the lease on capacity that is asked for, with its nodes.

    Raises:
        Invalid: The amount or the window cannot be.
        NotFound: No node is in the pool.
        Conflict: There is no room over the whole window.
    """
    begins = wish.from_at or now
    _check(world, wish, begins, now)
    claim = Claim(kind=ClaimKind.CAPACITY, name=wish.name, cpu=wish.cpu, memory_mib=wish.memory_mib)
    ends = begins + timedelta(seconds=wish.length_s)
    nodes = [node for node in world.nodes if node.id not in world.roster.lost]
    found = reserve(claim, nodes, taken(reader, world, begins, now), begins, ends)
    if found.because:
        later = found.fits_at
        raise Conflict(
            "no-capacity",
            found.because,
            hint=f"there is room from {later:%Y-%m-%d %H:%M} UTC on" if later else "ask for less",
            next=("headway nodes ls", f"headway leases ls {wish.name}"),
        )
    row = Lease(
        id=identity,
        holder=actor,
        until=ends,
        claim=claim,
        reason=wish.reason,
        state=LeaseState.BOOKED,
        because=f"promised from {begins:%Y-%m-%d %H:%M} UTC",
        length_s=wish.length_s,
        asked_at=now,
        from_at=begins,
        shares=found.shares,
    )
    return timed(row)


def _check(world: World, wish: LeaseRequest, begins: datetime, now: datetime) -> None:
    if wish.cpu < 0 or wish.memory_mib < 0 or not (wish.cpu or wish.memory_mib):
        raise Invalid("capacity-invalid", "say how many cores, or how much memory")
    ahead_s = (begins - now).total_seconds()
    if begins < now - _PAST or ahead_s > world.settings.lease_max_s:
        days = world.settings.lease_max_s / 86400
        raise Invalid(
            "window-invalid",
            f"it would begin at {begins:%Y-%m-%d %H:%M} UTC",
            hint=f"from now on, at most {days:g} days ahead",
        )
    if not any(node.pool == wish.name for node in world.nodes):
        names = ", ".join(sorted({node.pool for node in world.nodes})) or "none yet"
        raise NotFound(
            "pool-unknown",
            f"no node is in a pool {wish.name}",
            hint=f"there are {names}",
            next=("headway nodes ls",),
        )


def taken(
    reader: Reader, world: World, begins: datetime, now: datetime, but: LeaseId | None = None
) -> list[Taken]:
    """List what others have of the nodes from some time on.

    What runs under a lease is part of the lease. Services are there for ever; everything else is
    thought to have ended `booking_lead_s` from now.
    """
    leases = reader.find(Lease, open_kind=(ClaimKind.NODE, ClaimKind.CAPACITY))
    others = [lease for lease in leases if lease.id != but]
    found = booked(others) + _leased_nodes(world, others)
    soon = begins <= now + timedelta(seconds=world.settings.booking_lead_s)
    under = {row.id for row in reader.find(Environment, state=EnvironmentState.ACTIVE) if row.under}
    for row in reader.find(Container, retired=False):
        if row.is_ended or row.environment in under:
            continue
        if soon or row.kind is ContainerKind.SERVICE:
            size = row.resources
            found.append(Taken(node=row.node, cpu=size.cpu, memory_mib=size.memory_mib))
    return found


def _leased_nodes(world: World, leases: list[Lease]) -> list[Taken]:
    sizes = {node.id: node for node in world.nodes}
    found: list[Taken] = []
    for lease in leases:
        node = sizes.get(NodeId(lease.claim.name))
        if lease.claim.kind is ClaimKind.NODE and lease.state is LeaseState.HELD and node:
            whole = Taken(node=node.id, cpu=node.cpu, memory_mib=node.memory_mib, ends=lease.until)
            found.append(whole)
    return found


def extended(reader: Reader, world: World, lease: Lease, row: Lease, now: datetime) -> Lease:
    """Give a renewed lease on capacity where its nodes have room for longer.

    Raises:
        Conflict: One of them has not.
    """
    assert lease.until is not None
    assert row.until is not None
    if row.until <= lease.until:
        return row
    others = taken(reader, world, lease.until, now, but=lease.id)
    nodes = {node.id: node for node in world.nodes}
    for share in lease.shares:
        claim = msgspec.structs.replace(lease.claim, cpu=share.cpu, memory_mib=share.memory_mib)
        here = [nodes[share.node]] if share.node in nodes else []
        found = reserve(claim, here, others, lease.until, row.until)
        if found.because:
            raise Conflict(
                "no-capacity",
                f"{lease.id} cannot be kept for longer on {share.node}: {found.because}",
                hint="others have booked it from then on",
                next=(f"headway leases ls {lease.claim.name}",),
            )
    return row
