"""Leases: asked for, waited for, renewed, released, shown. `leasing` is their loop."""

import asyncio
import re
from datetime import datetime, timedelta

import msgspec

from headway.calculate.lease import Turnover, ahead_of, ended, renewed, stands
from headway.control.enlist import check_lease
from headway.control.errors import Conflict, Invalid
from headway.control.idempotency import answered
from headway.control.leases import tenures
from headway.control.leases.capacity import extended
from headway.control.leases.claims import new_lease
from headway.control.leases.clearing import in_the_way
from headway.control.leases.keeping import remember
from headway.control.leases.settling import made_known, settled, written
from headway.control.leases.under import unknown
from headway.control.requests import LeaseRequest
from headway.control.waiting import rung
from headway.control.world import World
from headway.machine.chance import drawn_hex
from headway.model.environment import NOT_ENDED, Environment, EnvironmentState
from headway.model.event import Event
from headway.model.ids import EnvironmentId, EnvironmentName, LeaseId, NodeId
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
        tx.record(_event(row, now, actor, "lease.asked", row.reason or f"asked by {actor}"))
        tx.put(row)
        rows.extend(settled(tx, key, world.settings, now))
        view = _view(tx, _known(tx, identity))
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
    return _view(reader, known)


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
        rows.extend(settled(tx, _known(tx, identity).claim.key, world.settings, now))
        row = _known(tx, identity)
        if row.is_ended:
            return _view(tx, row)
        _refuse_booked(row)
        _refuse_run(row)
        stored = tx.put(_renewed(tx, world, row, now, length_s))
        _extend_held(tx, stored)
        if length_s is not None and row.state is LeaseState.HELD:
            because = f"{actor} renewed it, until {stored.until:%Y-%m-%d %H:%M} UTC"
            tx.record(_event(stored, now, actor, "lease.extended", because))
        if stored.state is LeaseState.WAITING and wait_s > 0:
            world.awaited.setdefault(stored.id, asyncio.Event())
        return _view(tx, stored)

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
        view = await one(world, identity)
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
    view = await one(world, identity)
    if length_s is None and view.lease.until is None:
        return view
    length = view.lease.length_s if length_s is None else length_s
    check_lease(length, world.settings)
    name = view.lease.claim.name.partition("~")[0]
    now = world.clock.now()
    until = now + timedelta(seconds=length)
    await world.store.write(lambda tx: tenures.extend(tx, name, until, now, actor))
    world.bell.environment()
    return await one(world, identity)


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
        name = (await one(world, identity)).lease.claim.name.partition("~")[0]
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
        row = _known(tx, identity)
        if row.is_ended:
            return _view(tx, row)
        _refuse_run(row)
        because = f"released by {actor}" + (f": {reason}" if reason else "")
        change = Turnover(row=ended(row, because, now), kind="lease.ended")
        rows.append(written(tx, change, actor, world.settings, now))
        rows.extend(settled(tx, row.claim.key, world.settings, now))
        return _view(tx, _known(tx, identity))

    view = await world.store.write(deed)
    await made_known(world, rows)
    return view


async def listing(
    world: World, name: str | None = None, *, everything: bool = False, limit: int = 200
) -> list[LeaseView]:
    """List leases in the order in which they were asked for, environments' first.

    Args:
        world: The control plane.
        name: Only those on what has this name.
        everything: Also what is over, as far as it is kept.
        limit: At most so many that are not environments', the newest.
    """

    def question(reader: Reader) -> list[LeaseView]:
        owners = [
            row for row in reader.find(Environment, state=NOT_ENDED) if name in (None, row.name)
        ]
        rows = _rows(reader, name, everything=everything, limit=limit)
        return [_of_environment(row) for row in owners] + _views(reader, rows)

    return [_told(world, view) for view in await world.store.read(question)]


def _rows(reader: Reader, name: str | None, *, everything: bool, limit: int) -> list[Lease]:
    kinds = (ClaimKind.LOCK, ClaimKind.NODE, ClaimKind.CAPACITY)
    if everything:
        found = reader.find(Lease, newest_first=True, limit=limit if name is None else None)
        return [row for row in found if name in (None, row.claim.name)][limit - 1 :: -1]
    if name is not None:
        keys = tuple(Claim(kind=kind, name=name).key for kind in kinds)
        return reader.find(Lease, open_claim=keys, limit=limit)
    return reader.find(Lease, open_kind=kinds, newest_first=True, limit=limit)[::-1]


async def one(world: World, identity: str) -> LeaseView:
    """Give a lease: who holds it, who waits ahead, and what it holds.

    Raises:
        NotFound: There is none with this id.
    """

    def question(reader: Reader) -> LeaseView:
        if "~" in identity:
            row = reader.get(Environment, EnvironmentId(identity))
            if row is not None:
                return _of_environment(row)
        return _view(reader, _known(reader, identity))

    return _told(world, await world.store.read(question))


def _told(world: World, view: LeaseView) -> LeaseView:
    """Say of a node that is held what is in its holder's way."""
    lease = view.lease
    why = in_the_way(lease, world.roster.holds.get(NodeId(lease.claim.name)))
    if not why:
        return view
    because = "; ".join(filter(None, (lease.because, why)))
    return msgspec.structs.replace(view, lease=msgspec.structs.replace(lease, because=because))


def _known(reader: Reader, identity: str) -> Lease:
    row = reader.get(Lease, identity)
    if row is None:
        raise unknown(reader, identity)
    return row


def _view(reader: Reader, row: Lease) -> LeaseView:
    return _views(reader, [row])[0]


def _views(reader: Reader, rows: list[Lease]) -> list[LeaseView]:
    """Give leases as they stand in their lines, each line read once."""
    keys = tuple({row.claim.key: None for row in rows})
    lines: dict[str, list[Lease]] = {key: [] for key in keys}
    for row in reader.find(Lease, open_claim=keys):
        lines[row.claim.key].append(row)
    held: dict[LeaseId | None, list[EnvironmentName]] = {row.id: [] for row in rows}
    for owned in reader.find(Environment, under=tuple(held), state=EnvironmentState.ACTIVE):
        held[owned.under].append(owned.name)
    return [_standing(row, lines[row.claim.key], tuple(held[row.id])) for row in rows]


def _standing(row: Lease, line: list[Lease], holds: tuple[EnvironmentName, ...]) -> LeaseView:
    ahead = 0
    if row.state is LeaseState.WAITING:
        before = line[: [other.id for other in line].index(row.id)]
        ahead = ahead_of(before)
        row = msgspec.structs.replace(row, because=stands(row, before))
    waiting = sum(other.state is LeaseState.WAITING for other in line)
    return LeaseView(lease=row, ahead=ahead, waiting=waiting, holds=holds)


def _of_environment(row: Environment) -> LeaseView:
    """Give the lease of an environment in the form of all others."""
    until = row.lease.until
    lease = Lease(
        id=LeaseId(row.id),
        holder=row.lease.holder,
        until=until,
        warned_at=row.lease.warned_at,
        claim=Claim(kind=ClaimKind.ENVIRONMENT, name=row.id),
        state=LeaseState.ENDED if row.state is EnvironmentState.ENDED else LeaseState.HELD,
        length_s=(until - row.created_at).total_seconds() if until else 0.0,
        asked_at=row.created_at,
        since=row.created_at,
        ended_at=row.ended_at,
        because=row.because,
    )
    return LeaseView(lease=lease, holds=(row.name,))


def _event(row: Lease, at: datetime, actor: str, kind: str, because: str) -> Event:
    data = {"claim": row.claim.key, "holder": row.holder, "fence": row.fence}
    return Event(at=at, actor=actor, kind=kind, subject=row.id, because=because, data=data)
