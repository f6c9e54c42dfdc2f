"""A node: a machine with capacity and tags."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import msgspec

from headway.model.ids import NodeId, PoolName
from headway.model.value import Value

DEFAULT_POOL = PoolName("default")


class NodeState(StrEnum):
    """Whether a node takes containers."""

    READY = "ready"
    CORDONED = "cordoned"
    """Takes nothing new; what runs there stays."""
    DRAINING = "draining"
    """Takes nothing new; what runs there leaves."""
    LOST = "lost"
    """Its engine does not hear from it. What ran there may run on."""


class ClosedPorts(Value, kw_only=True):
    """Ports of a machine that no container of ours can have."""

    first: int
    last: int
    by: str
    """Who has them, such as `headway's router`."""
    is_for_now: bool = False
    """Whether that was so when the node last looked, and may be over: who counts on one asks."""


class Node(Value, kw_only=True):
    """A machine as its engine reports it, in the state that people and loops gave it."""

    id: NodeId
    cpu: float
    """Cores that may be reserved; an engine may offer more than the machine has."""
    memory_mib: int
    cpu_overcommit: float = 1.0
    """Cores that it offers for each that its machine has, as far as its engine says."""
    memory_overcommit: float = 1.0
    machine: str = ""
    """The machine that it is a part of; empty: all of one. Nodes of one machine share its disk and
    its ports, which are counted once for all of them."""
    disk_mib: int | None = None
    """Of the machine, for private space of containers. None: nobody counts it."""
    closed_ports: tuple[ClosedPorts, ...] = ()
    """Of the machine."""
    gpus: int = 0
    custom: dict[str, float] = msgspec.field(default_factory=dict)
    """What else it has so many of, by name."""
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    """Its capabilities, such as `zone` or `disk`. `node` is always its id, `pool` its pool."""
    state: NodeState = NodeState.READY
    limits: tuple[str, ...] = ()
    """Limits that this node cannot enforce, in words, such as `memory: no writable cgroup`."""
    pool: PoolName = DEFAULT_POOL
    type: str = ""
    """Of the pool's node types; empty where nobody provided it."""
    price_hour: float = 0.0
    spot: bool = False
    """Its provider may take it back at short notice."""
    since: datetime | None = None
    """Since when it has been there, as far as its engine knows."""

    @property
    def machine_name(self) -> str:
        """What tells machines apart."""
        return self.machine or self.id

    @property
    def overcommitted(self) -> str:
        """Say of what it offers more, or less, than there is; empty where that is nothing."""
        rows = ((self.cpu_overcommit, "cores"), (self.memory_overcommit, "memory"))
        said = [f"{factor:g} times the {what}" for factor, what in rows if factor != 1]
        return f"{' and '.join(said)} of its machine" if said else ""

    def closed(self, ports: Iterable[int]) -> tuple[int, str] | None:
        """Give the first of some ports that is closed, and who has it."""
        for port in ports:
            for row in self.closed_ports:
                if row.first <= port <= row.last:
                    return port, row.by
        return None

    def taken(self, ports: Iterable[int]) -> list[int]:
        """Give those of some ports that somebody had when it last looked, who may go again."""
        rows = [row for row in self.closed_ports if row.is_for_now]
        return [port for port in ports if any(row.first <= port <= row.last for row in rows)]


class Holder(StrEnum):
    """Who says something of a node. What a person says, only a person takes back or says anew."""

    PERSON = "person"
    POOL = "pool"
    """It gives the node back."""
    LEASE = "lease"
    """It clears the node for its holder."""
    REBALANCE = "rebalance"
    MONITOR = "monitor"
    """It replaces a node that starts nothing."""


class NodeHold(Value, kw_only=True):
    """What people or loops have said about a node. It outlives the node's own absence."""

    node: NodeId
    state: NodeState
    """`cordoned` or `draining`; a node that is to take containers again has no hold."""
    because: str = ""
    holder: Holder = Holder.PERSON
    by: str = ""
    """The person's name, or that of the pool, lease or rebalancing; the monitor has none."""
    at: datetime
    until: datetime | None = None
    """Draining: what still runs then is stopped, and handed back by its delivery rule."""
    empty_at: datetime | None = None
    """Draining: since when nothing is there any more."""
    version: int = 0

    @property
    def owner(self) -> str:
        """Whose it is, for people."""
        kind = "" if self.holder is Holder.PERSON else self.holder.value
        return f"{kind} {self.by}".strip()

    def yields_to(self, holder: Holder, by: str) -> bool:
        """Say whether somebody may take it back, or say something else of the node."""
        return holder is Holder.PERSON or (self.holder, self.by) == (holder, by)
