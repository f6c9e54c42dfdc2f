"""Leases: asked for, waited for, renewed, released."""

import asyncio
import re
from datetime import datetime, timedelta

import msgspec

from headway.calculate.lease import Turnover, ended, renewed
from headway.control.errors import Conflict, Invalid
from headway.control.idempotency import answered
from headway.control.leases import leases, tenures
from headway.control.leases.capacity import extended
from headway.control.leases.claims import new_lease
from headway.control.leases.keeping import remember
from headway.control.leases.settling import event_of, made_known, settled, written
from headway.control.requests import LeaseRequest
from headway.control.rollout.enlist import check_lease
from headway.control.waiting import rung
from headway.control.world import World
from headway.machine.chance import drawn_hex
from headway.model.environment import Environment, EnvironmentState
from headway.model.ids import LeaseId
from headway.model.lease import Claim, ClaimKind, Lease, LeaseState, Tenure
from headway.model.view.lease import LeaseView
from headway.ports.store import Reader, Writer

_ID = re.compile(r"lse-[0-9a-z]{6,40}")
_POLL_MAX_S = 10.0
"""Shorter than the silence after which who waits leaves the line."""


async def acquire(world: World, actor: str, wish: LeaseRequest) -> LeaseView:
    """Claim something: it is held at once, or waited for in line where the wish says so.

    The same id again gives the lease that there is.

    Raises:
        Invalid: The name or a number cannot be.
        NotFound: There is no such node.
        Conflict: Others hold it and the wish is not to wait; the line or the installation is full;
            the id is another lease's.
    """
    check_lease(wish.length_s, world.settings)
    identity = _identity(wish)
    now = world.clock.now()
    rows: list[Lease] = []

    def deed(tx: Writer) -> LeaseView:
        rows.clear()
        known = tx.get(Lease, identity)
        if known is not None:
            return _again(tx, known, actor, wish)
        key = Claim(kind=wish.kind, name=wish.name).key
        rows.extend(settled(tx, key, world.settings, now))
        row = new_lease(tx, world, actor, identity, wish, now)
        tx.record(event_of(row, now, actor, "lease.asked", row.reason or f"asked by {actor}"))
        tx.put(row)
        rows.extend(settled(tx, key, world.settings, now))
        view = leases.view(tx, leases.known(tx, identity))
        if view.lease.state is LeaseState.WAITING and not wish.wait:
            raise _taken(view.lease)
        return view

    view = await world.store.write(answered(deed))
    await made_known(world, [*rows, view.lease])
    return view


def _identity(wish: LeaseRequest) -> LeaseId:
    if wish.id is None:
        return LeaseId(f"lse-{drawn_hex(5)}")
    if not _ID.fullmatch(wish.id):
        raise Invalid(
            "lease-id-invalid",
            f"{wish.id!r} cannot be the id of a lease",
            hint="lse- and 6 to 40 lower-case letters and digits",
        )
    return wish.id


def _again(reader: Reader, known: Lease, actor: str, wish: LeaseRequest) -> LeaseView:
    same = (known.holder, known.claim.kind, known.claim.name) == (actor, wish.kind, wish.name)
    if not same:
        raise Conflict("lease-id-taken", f"{known.id} is another lease", hint="choose a new id")
    return leases.view(reader, known)


def _taken(lease: Lease) -> Conflict:
    claim = lease.claim
    named = f"--node {claim.name}" if claim.kind is ClaimKind.NODE else claim.name
    return Conflict(
        "lease-taken",
        lease.because,
        hint="a line is fair: who came first is served first",
        next=(
            f"headway leases acquire {named} --wait 10m",
            f"headway leases ls {claim.name}",
        ),
    )


async def renew(
    world: World,
    actor: str,
    identity: str,
    length_s: float | None = None,
    *,
    wait_s: float = 0.0,
) -> LeaseView:
    """Keep a lease, from now for its length or for another; who waits stays in line.

    Args:
        world: The control plane.
        actor: Who asks.
        identity: Of the lease; an environment's id is that of its lease.
        length_s: From now on it lasts so long. None: as long as before.
        wait_s: Of one that waits: answer when it is granted, or after so long, at most 10 s.

    Raises:
        NotFound: There is none with this id.
        Conflict: It is over, it has not begun, or there is no room for longer.
        Invalid: The length cannot be.
    """
    check_lease(length_s, world.settings)
    if "~" in identity:
        return await _renew_environment(world, actor, identity, length_s)
    now = world.clock.now()
    rows: list[Lease] = []

    def deed(tx: Writer) -> LeaseView:
        rows.clear()
        rows.extend(settled(tx, leases.known(tx, identity).claim.key, world.settings, now))
        row = leases.known(tx, identity)
        if row.is_ended:
            return leases.view(tx, row)
        _refuse_booked(row)
        _refuse_run(row)
        stored = tx.put(_renewed(tx, world, row, now, length_s))
        _extend_held(tx, stored)
        if length_s is not None and row.state is LeaseState.HELD:
            because = f"{actor} renewed it, until {stored.until:%Y-%m-%d %H:%M} UTC"
            tx.record(event_of(stored, now, actor, "lease.extended", because))
        if stored.state is LeaseState.WAITING and wait_s > 0:
            world.awaited.setdefault(stored.id, asyncio.Event())
        return leases.view(tx, stored)

    view = await world.store.write(deed)
    await made_known(world, rows)
    if view.lease.claim.kind is not ClaimKind.LOCK:
        await remember(world)
    if view.lease.is_ended:
        raise _over(view.lease)
    waiting = world.awaited.get(view.lease.id)
    if view.lease.state is LeaseState.WAITING and wait_s > 0 and waiting is not None:
        await rung(waiting, now + timedelta(seconds=min(wait_s, _POLL_MAX_S)), now)
        world.awaited.pop(view.lease.id, None)
        view = await leases.one(world, identity)
        if view.lease.is_ended:
            raise _over(view.lease)
    return view


def _renewed(
    reader: Reader, world: World, row: Lease, now: datetime, length_s: float | None
) -> Lease:
    longer = renewed(row, now, length_s)
    if row.claim.kind is not ClaimKind.CAPACITY:
        return longer
    return extended(reader, world, row, longer, now)


async def _renew_environment(
    world: World, actor: str, identity: str, length_s: float | None
) -> LeaseView:
    view = await leases.one(world, identity)
    if length_s is None and view.lease.until is None:
        return view
    length = view.lease.length_s if length_s is None else length_s
    check_lease(length, world.settings)
    name = view.lease.claim.name.partition("~")[0]
    now = world.clock.now()
    until = now + timedelta(seconds=length)
    await world.store.write(lambda tx: tenures.extend(tx, name, until, now, actor))
    world.bell.environment()
    return await leases.one(world, identity)


def _refuse_run(row: Lease) -> None:
    if row.run is not None and not row.is_ended:
        raise Conflict(
            "lease-of-run",
            f"{row.id} is the lease of {row.holder} on the lock {row.claim.name}",
            hint="it ends with the run",
            next=(f"headway runs cancel {row.run}", f"headway why {row.run}"),
        )


def _refuse_booked(row: Lease) -> None:
    if row.state is LeaseState.BOOKED:
        raise Conflict(
            "lease-booked",
            f"{row.id} is booked, and begins at {row.from_at:%Y-%m-%d %H:%M} UTC",
            hint="what is held can be renewed",
            next=(f"headway leases release {row.id}", f"headway leases show {row.id}"),
        )


def _extend_held(tx: Writer, lease: Lease) -> None:
    """What was started under a lease lasts as long as it does."""
    if lease.claim.kind is ClaimKind.LOCK:
        return
    for environment in tx.find(Environment, under=lease.id, state=EnvironmentState.ACTIVE):
        tenure = Tenure(holder=environment.lease.holder, until=lease.until)
        tx.put(msgspec.structs.replace(environment, lease=tenure))


def _over(row: Lease) -> Conflict:
    claim = row.claim
    named = f"--node {claim.name}" if claim.kind is ClaimKind.NODE else claim.name
    return Conflict(
        "lease-over",
        f"{row.id} is over: {row.because}",
        hint="others may hold it by now: what is written under it must be turned away",
        next=(f"headway leases acquire {named}",),
    )


async def release(world: World, actor: str, identity: str, reason: str = "") -> LeaseView:
    """Give a lease up, or leave the line. What it holds ends. Again, it changes nothing.

    Raises:
        NotFound: There is none with this id.
        Conflict: It is an environment's.
    """
    if "~" in identity:
        name = (await leases.one(world, identity)).lease.claim.name.partition("~")[0]
        raise Conflict(
            "lease-of-environment",
            f"{identity} is the lease of the environment {name}",
            hint="it ends with everything in it",
            next=(f"headway envs destroy {name}", f"headway extend -e {name} 8h"),
        )
    now = world.clock.now()
    rows: list[Lease] = []

    def deed(tx: Writer) -> LeaseView:
        rows.clear()
        row = leases.known(tx, identity)
        if row.is_ended:
            return leases.view(tx, row)
        _refuse_run(row)
        because = f"released by {actor}" + (f": {reason}" if reason else "")
        change = Turnover(row=ended(row, because, now), kind="lease.ended")
        rows.append(written(tx, change, actor, world.settings, now))
        rows.extend(settled(tx, row.claim.key, world.settings, now))
        return leases.view(tx, leases.known(tx, identity))

    view = await world.store.write(deed)
    await made_known(world, rows)
    return view
