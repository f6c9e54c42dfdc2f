"""A rebalancing: services that could move so that nodes can be given back."""

from headway.model.ids import NodeId
from headway.model.value import Value


class Move(Value, kw_only=True):
    """One service that would move."""

    what: str
    """Such as `shop/web.1 in demo`."""
    source: NodeId
    target: NodeId


class Emptied(Value, kw_only=True):
    """A node that would be empty, what that saves, and whom it disturbs."""

    node: NodeId
    moves: tuple[Move, ...]
    saves_hour: float
    score: float
    """Its share of all that is paid, by the share of all services that it disturbs."""
    because: str


class Rebalance(Value, kw_only=True):
    """Nodes that would be emptied, the best first; each of them as the ones before have been."""

    nodes: tuple[Emptied, ...] = ()
    saves_hour: float = 0.0
    moves: int = 0
    services: int = 0
    """Of which so many in all would move."""
    left: tuple[str, ...] = ()
    """Why others stay as they are."""
