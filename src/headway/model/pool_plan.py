"""What is decided about a pool's size."""

from datetime import datetime
from enum import StrEnum

import msgspec

from headway.model.ids import NodeId
from headway.model.value import Value


class PoolVerb(StrEnum):
    """What becomes of a node of a pool."""

    ADD = "add"
    DRAIN = "drain"
    """It takes nothing new, what runs there leaves, and then it is given back."""
    KEEP = "keep"
    """It is not given back after all."""
    RELEASE = "release"
    """It is given back now."""


class PoolChange(Value, kw_only=True):
    """One node more or less, and why."""

    verb: PoolVerb
    type: str
    node: NodeId | None = None
    """None for one that is added: who carries it out chooses the id."""
    because: str
    price_hour: float = 0.0
    """By which the pool's price rises, or falls below 0."""
    within_s: float | None = None
    """A drain must be over by then."""

    @property
    def what(self) -> str:
        """The change, for people."""
        match self.verb:
            case PoolVerb.ADD:
                return f"add a node of type {self.type}"
            case PoolVerb.DRAIN:
                return f"empty {self.node} and give it back"
            case PoolVerb.KEEP:
                return f"keep {self.node}"
            case PoolVerb.RELEASE:
                return f"give {self.node} back"


class PoolPlan(Value, kw_only=True):
    """Changes, and when to decide again at the latest."""

    changes: tuple[PoolChange, ...] = ()
    wake_at: datetime | None = None
    """None: nothing changes by time alone."""
    pending: tuple[str, ...] = ()
    """What is wanted and cannot be, each with the reason: at its maximum, over its ceiling."""
    left_out: dict[str, str] = msgspec.field(default_factory=dict)
    """Whom no node is added for although they wait for one, to why not."""
    spare: tuple[NodeId, ...] = ()
    """Nodes that the pool could do without as of now."""
    nodes: int = 0
    """After the changes."""
    price_hour: float = 0.0
    """After the changes."""
