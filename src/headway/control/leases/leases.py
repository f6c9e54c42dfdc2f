"""Leases: listed and shown. `claiming` asks for them, `leasing` is their loop."""

import msgspec

from headway.calculate.lease import ahead_of, stands
from headway.control.leases.clearing import in_the_way
from headway.control.leases.under import unknown
from headway.control.world import World
from headway.model.environment import NOT_ENDED, Environment, EnvironmentState
from headway.model.ids import EnvironmentId, EnvironmentName, LeaseId, NodeId
from headway.model.lease import Claim, ClaimKind, Lease, LeaseState
from headway.model.view.lease import LeaseView
from headway.ports.store import Reader


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

    return [_told(world, row) for row in await world.store.read(question)]


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
        return view(reader, known(reader, identity))

    return _told(world, await world.store.read(question))


def _told(world: World, shown: LeaseView) -> LeaseView:
    """Say of a node that is held what is in its holder's way."""
    lease = shown.lease
    why = in_the_way(lease, world.roster.holds.get(NodeId(lease.claim.name)))
    if not why:
        return shown
    because = "; ".join(filter(None, (lease.because, why)))
    return msgspec.structs.replace(shown, lease=msgspec.structs.replace(lease, because=because))


def known(reader: Reader, identity: str) -> Lease:
    """Give the row of a lease.

    Raises:
        NotFound: There is none with this id.
    """
    row = reader.get(Lease, identity)
    if row is None:
        raise unknown(reader, identity)
    return row


def view(reader: Reader, row: Lease) -> LeaseView:
    """Show a lease as it stands in its line."""
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
