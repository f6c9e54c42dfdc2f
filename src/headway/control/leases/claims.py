"""What can be claimed, and the bounds of it."""

from datetime import datetime

from headway.calculate.lease import entered
from headway.control import nodes
from headway.control.errors import Conflict, Invalid
from headway.control.leases.capacity import booking
from headway.control.requests import LeaseRequest
from headway.control.world import World
from headway.model.ids import LeaseId, is_name
from headway.model.lease import Claim, ClaimKind, Lease, LeaseState
from headway.model.node import NodeState
from headway.model.settings import Settings
from headway.ports.store import Reader

_PLACES_MAX = 10_000


def new_lease(
    reader: Reader, world: World, actor: str, identity: LeaseId, wish: LeaseRequest, now: datetime
) -> Lease:
    """Make the lease that is asked for, at the end of its line.

    Raises:
        Invalid: The name or a number cannot be.
        NotFound: There is no such node or pool.
        Conflict: The line or the installation is full, a lock has other places, or there is no room
            for capacity.
    """
    _refuse_too_many(reader, world.settings)
    if wish.kind is ClaimKind.ENVIRONMENT:
        raise Invalid(
            "lease-of-environment",
            "an environment is leased by starting something in it",
            next=(f"headway start -e {wish.name} APP --lease 8h",),
        )
    if wish.kind is ClaimKind.CAPACITY:
        return booking(reader, world, actor, identity, wish, now)
    claim = _lock(wish) if wish.kind is ClaimKind.LOCK else _node(world, wish)
    line = reader.find(Lease, open_claim=claim.key)
    claim = _with_places(claim, wish, line)
    _refuse_full(reader, claim, line, world.settings)
    row = Lease(
        id=identity,
        holder=actor,
        until=None,
        claim=claim,
        reason=wish.reason,
        length_s=wish.length_s,
        asked_at=now,
    )
    return entered(row, line, now)


def _refuse_too_many(reader: Reader, settings: Settings) -> None:
    count = reader.count(Lease, "open_claim")
    if count >= settings.leases_max:
        raise Conflict(
            "too-many-leases",
            f"there are {count} leases, and no more are allowed",
            hint="`leases_max` in settings.yaml says how many",
            next=("headway leases ls", "headway leases release LEASE"),
        )


def _lock(wish: LeaseRequest) -> Claim:
    if not is_name(wish.name):
        raise Invalid(
            "name-invalid",
            f"{wish.name!r} cannot name a lock",
            hint="lower-case letters, digits and single hyphens, a letter first, at most 40",
        )
    if wish.places is not None and not 1 <= wish.places <= _PLACES_MAX:
        raise Invalid("places-invalid", f"a lock has 1 to {_PLACES_MAX} places")
    return Claim(kind=ClaimKind.LOCK, name=wish.name, places=wish.places or 1)


def _node(world: World, wish: LeaseRequest) -> Claim:
    name = nodes.known(world, wish.name)
    _refuse_last(world, name)
    return Claim(kind=ClaimKind.NODE, name=name)


def _refuse_last(world: World, name: str) -> None:
    """Refuse to take the node from everybody that is the only one left to them."""
    taken = {lease.claim.name for lease in world.keeping if lease.claim.kind is ClaimKind.NODE}
    others = [
        node.id
        for node in world.nodes
        if node.id not in (name, *taken) and node.state is NodeState.READY
    ]
    if not others:
        raise Conflict(
            "last-node",
            f"{name} is the only node that takes containers: all others' work would end",
            hint="capacity of it can be claimed instead",
            next=("headway nodes ls", "headway leases acquire --cores 2 --memory 2GiB --for 2h"),
        )


def _with_places(claim: Claim, wish: LeaseRequest, line: list[Lease]) -> Claim:
    """Give the claim with the places that the lock has while somebody holds it."""
    if not line or claim.kind is not ClaimKind.LOCK:
        return claim
    current = line[0].claim
    if wish.places is not None and wish.places != current.places:
        raise Conflict(
            "lock-places",
            f"the lock {claim.name} has {_counted(current.places)}, not {wish.places}, while "
            f"{line[0].holder} has {line[0].id}",
            hint="all who claim a lock say the same; it can change while nobody does",
            next=(f"headway leases ls {claim.name}",),
        )
    return current


def _counted(places: int) -> str:
    return "1 place" if places == 1 else f"{places} places"


def _refuse_full(reader: Reader, claim: Claim, line: list[Lease], settings: Settings) -> None:
    waiting = sum(row.state is LeaseState.WAITING for row in line)
    if waiting >= settings.line_max:
        raise Conflict(
            "line-full",
            f"{waiting} wait for the {claim.kind.value} {claim.name} already",
            hint="`line_max` in settings.yaml says how many may",
            next=(f"headway leases ls {claim.name}",),
        )
    if line or claim.kind is not ClaimKind.LOCK:
        return
    held = reader.tally(Lease, "open_claim")
    locks = sum(key.startswith(f"{ClaimKind.LOCK.value}:") for key in held)
    if locks >= settings.locks_max:
        raise Conflict(
            "too-many-locks",
            f"there are {locks} locks, and no more are allowed",
            hint="`locks_max` in settings.yaml says how many",
            next=("headway leases ls",),
        )
