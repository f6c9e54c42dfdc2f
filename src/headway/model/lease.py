"""A lease: a claim by a holder on something until a time. What it holds ends with it."""

from datetime import datetime
from enum import StrEnum

from headway.model.ids import LeaseId, NodeId, RunId
from headway.model.instant import microseconds
from headway.model.resources import cores
from headway.model.value import Value


class Tenure(Value, kw_only=True):
    """Who holds something, and until when. All that there is to the lease of an environment."""

    holder: str
    until: datetime | None
    """None: without end, or not held yet."""
    warned_at: datetime | None = None


class ClaimKind(StrEnum):
    """What can be claimed."""

    ENVIRONMENT = "environment"
    LOCK = "lock"
    """A name that people and programs agree on, such as `migration`."""
    NODE = "node"
    """A whole machine: nobody else's work is placed there."""
    CAPACITY = "capacity"
    """So much of a pool's machines, in a window that is known ahead."""


class Claim(Value, kw_only=True):
    """What a lease is on."""

    kind: ClaimKind
    name: str
    """An environment's id, a lock's name, a node's id, or a pool's name."""
    places: int = 1
    """Of a lock: how many may hold it at once."""
    cpu: float = 0.0
    """Of capacity: cores, together."""
    memory_mib: int = 0

    @property
    def key(self) -> str:
        """One text for all claims on the same thing.

        >>> Claim(kind=ClaimKind.LOCK, name="migration").key
        'lock:migration'
        """
        return f"{self.kind.value}:{self.name}"


class LeaseState(StrEnum):
    """Where a lease is in its life."""

    BOOKED = "booked"
    """Capacity that is promised from a later time on."""
    WAITING = "waiting"
    """In the line for what others hold."""
    HELD = "held"
    ENDED = "ended"


class Share(Value, kw_only=True):
    """What capacity that is claimed takes of one node."""

    node: NodeId
    cpu: float
    memory_mib: int

    @property
    def sentence(self) -> str:
        """Such as `2 cores and 512 MiB`."""
        return f"{cores(self.cpu)} and {self.memory_mib} MiB"


class Lease(Tenure, kw_only=True):
    """A claim that is not an environment's: asked for, waited for, held, ended."""

    id: LeaseId
    claim: Claim
    reason: str = ""
    state: LeaseState = LeaseState.WAITING
    length_s: float
    """How long it is held at a time: from when it is granted, and from each renewal."""
    asked_at: datetime
    from_at: datetime | None = None
    """Of capacity: when its window begins."""
    waits_until: datetime | None = None
    """While it waits: it leaves the line then, unless who waits is heard from."""
    since: datetime | None = None
    """When it was granted."""
    ended_at: datetime | None = None
    because: str = ""
    """Why it is in its state."""
    fence: int = 0
    """Given with the lease and higher than every earlier one's: what is written under a lease
    carries it, so that who lost the lease and has not noticed can be turned away."""
    renewals: int = 0
    is_clear: bool = False
    """Of a node: nothing of others is there any more."""
    due_at: datetime | None = None
    """When time alone makes something of it."""
    run: RunId | None = None
    """The run that holds it while it runs, or waits to start with it."""
    shares: tuple[Share, ...] = ()
    """Of capacity: the nodes it is kept on."""
    version: int = 0

    @property
    def is_ended(self) -> bool:
        """Whether it is over."""
        return self.state is LeaseState.ENDED

    @property
    def open_claim(self) -> str | None:
        """What it is on, while it is not over."""
        return None if self.is_ended else self.claim.key

    @property
    def open_kind(self) -> ClaimKind | None:
        """The kind of what it is on, while it is not over."""
        return None if self.is_ended else self.claim.kind

    @property
    def due_us(self) -> int | None:
        """When it is to be looked at next, in microseconds."""
        return microseconds(self.due_at) if self.due_at else None

    @property
    def ended_us(self) -> int | None:
        """When it ended, in microseconds."""
        return microseconds(self.ended_at) if self.ended_at else None


class Fences(Value, kw_only=True):
    """The last fence that was given. One row for all leases, so that none is ever given twice."""

    name: str = "leases"
    last: int = 0
    version: int = 0
