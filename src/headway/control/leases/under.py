"""Environments that are started under a lease: they run where it holds, and end with it."""

from datetime import datetime

from headway.control.errors import Conflict, NotAllowed, NotFound
from headway.model.environment import Environment
from headway.model.ids import LeaseId
from headway.model.lease import Claim, ClaimKind, Lease, LeaseState
from headway.model.words import and_more
from headway.ports.store import Reader

_NAMED_MOST = 3


def unknown(reader: Reader, identity: str) -> NotFound:
    """Say that there is no lease of this id; where it is what leases are on, how to see theirs."""
    keys = tuple(Claim(kind=kind, name=identity).key for kind in ClaimKind)
    line = reader.find(Lease, open_claim=keys)
    if not line:
        return NotFound(
            "lease-unknown", f"there is no lease {identity}", next=("headway leases ls",)
        )
    named = and_more([f"{row.id} of {row.holder}" for row in line[:_NAMED_MOST]], len(line))
    return NotFound(
        "lease-unknown",
        f"there is no lease {identity}: that is what {named} is on",
        hint="a lease goes by its id: others may claim the same",
        next=(f"headway leases ls {identity}",),
    )


def usable(reader: Reader, identity: LeaseId, actor: str) -> Lease:
    """Give a lease under which somebody may start something now.

    Raises:
        NotFound: There is none with this id.
        NotAllowed: It is another's.
        Conflict: It is a lock's, it is not held yet, or it is over.
    """
    row = reader.get(Lease, identity)
    if row is None:
        raise unknown(reader, identity)
    if row.claim.kind is ClaimKind.LOCK:
        raise Conflict(
            "lease-of-lock",
            f"{identity} is on the lock {row.claim.name}: nothing can run under it",
            hint="a lease of a node or of capacity is needed",
            next=("headway leases acquire --node NODE --for 2h",),
        )
    if row.holder != actor:
        raise NotAllowed("lease-of-another", f"{identity} is {row.holder}'s, not {actor}'s")
    if row.state is not LeaseState.HELD:
        raise Conflict(
            "lease-not-held",
            f"{identity} is {row.state.value}: {row.because or _begins(row.from_at)}",
            next=(f"headway leases show {identity}",),
        )
    return row


def _begins(at: datetime | None) -> str:
    return f"it begins at {at:%Y-%m-%d %H:%M} UTC" if at else "others are before it"


def refuse_elsewhere(environment: Environment, under: LeaseId) -> None:
    """Refuse to start something under a lease in an environment that is not.

    Raises:
        Conflict: It is not.
    """
    if environment.under != under:
        where = f"under {environment.under}" if environment.under else "under no lease of a node"
        raise Conflict(
            "environment-not-under-lease",
            f"{environment.name} was started {where}, and stays where it is",
            next=(f"headway start -e NEW-NAME APP --lease {under}",),
        )


def refuse_own_length(environment: Environment) -> None:
    """Refuse to extend an environment by itself that lasts as long as a lease.

    Raises:
        Conflict: It does.
    """
    if environment.under is not None:
        raise Conflict(
            "environment-under-lease",
            f"{environment.name} lasts as long as {environment.under}",
            next=(f"headway leases renew {environment.under} --for 2h",),
        )
