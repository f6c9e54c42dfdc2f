"""What the decision about a pool's size sees: its nodes, what runs there, and what waits."""

from datetime import datetime
from enum import StrEnum

import msgspec

from headway.model.demand import Demand
from headway.model.ids import NodeId
from headway.model.node import Node
from headway.model.pool import NodeType, Pool
from headway.model.resources import Resources
from headway.model.value import Value


class Patience(StrEnum):
    """How long something that waits may wait before a node is added for it."""

    URGENT = "urgent"
    """`late_s`."""
    PATIENT = "patient"
    """`patient_late_s`: its priority is below 0."""
    LAZY = "lazy"
    """For ever: it takes room that is there."""


class Waiting(Value, kw_only=True):
    """Some of one kind that wait for room since one moment."""

    demand: Demand
    since: datetime
    count: int = 1
    patience: Patience = Patience.URGENT
    expected_s: float = 600.0
    """How long each is thought to run; for ever is infinity."""
    spread: float = 0.0
    """How far off that is, as a logarithm: 0 is exact, 0.7 a factor of two either way."""
    label: str = ""
    """For people, such as `test in demo/shop`."""
    whom: str = ""
    """The app in an environment, or the build, that is to be told what it may hope for."""
    never: str = ""
    """Why no room can ever come for it, however large its pool becomes."""


class Load(Value, kw_only=True):
    """What runs on a node."""

    demand: Demand
    ends_at: datetime | None = None
    """When it is thought to end; None: it stays until it is moved."""
    ends_by: datetime | None = None
    """When it will have ended even if it takes as long as any of its like did lately; None: more
    than `ends_at` is not known."""
    is_daemon: bool = False
    """Whether it leaves with the node, as each has one of its own."""


class HostState(StrEnum):
    """Where a node of a pool is in its life, as far as its size depends on it."""

    STARTING = "starting"
    READY = "ready"
    HELD = "held"
    """It takes nothing new and is not given back: a person said so, or nobody hears from it."""
    SILENT = "silent"
    """It is not heard from, and not given up: it may be ready again by then."""
    LEAVING = "leaving"
    """It is being emptied to be given back. It may be called back."""
    DOOMED = "doomed"
    """It ends whatever is decided: its provider takes it back, it is too old, or it has died."""


class Host(Value, kw_only=True):
    """A node of the pool."""

    node: Node
    kind: NodeType
    state: HostState
    since: datetime
    """It is paid for from then on."""
    ready_at: datetime
    """Since when, or when, it takes containers; of one that is silent, when it is given up."""
    loads: tuple[Load, ...] = ()
    ends_at: datetime | None = None
    """Its provider has said that it takes it back then."""
    spare_since: datetime | None = None
    """Since when every decision has found that it could do without it."""

    @property
    def id(self) -> NodeId:
        """Its node's."""
        return self.node.id

    @property
    def work(self) -> tuple[Load, ...]:
        """What runs there, but for daemons: these make no node needed."""
        return tuple(load for load in self.loads if not load.is_daemon)


class PoolSnapshot(Value, kw_only=True):
    """A pool, all that is in it, and what waits for it."""

    pool: Pool
    hosts: tuple[Host, ...] = ()
    """Without those that were told to end."""
    standing: tuple[Host, ...] = ()
    """Nodes that are there without the pool's asking: room that costs nothing, and never leaves."""
    waiting: tuple[Waiting, ...] = ()
    """Whose turn comes first stands first."""
    overhead: Resources = Resources(cpu=0.0, memory_mib=0)
    """What a new node needs for itself before it takes what waits. Nodes that are there are shown
    without it."""
    scarce: dict[str, str] = msgspec.field(default_factory=dict)
    """Types of which the provider has none for now, to what it says."""
