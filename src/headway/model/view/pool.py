"""Pools, what they have, and what becomes of them next."""

from headway.model.pool import Pool
from headway.model.pool_node import PoolNode
from headway.model.value import Value
from headway.model.view.change import PlannedChange


class PoolView(Value, kw_only=True):
    """A pool, what it has, and what becomes of it next."""

    pool: Pool
    nodes: tuple[PoolNode, ...] = ()
    """Those that were asked of a provider."""
    ready: int = 0
    """Nodes that take containers."""
    price_hour: float = 0.0
    """Of its nodes now."""
    waiting: int = 0
    """So many wait for room."""
    pending: tuple[str, ...] = ()
    """What is wanted and cannot be, each with the reason."""
    next: tuple[PlannedChange, ...] = ()
    """What the next decision would do as things are now."""
    flags: tuple[str, ...] = ()
    """What is wrong with its machines."""
