"""Nodes, and what is reserved of them."""

from datetime import datetime

from headway.model.figures import Use
from headway.model.ids import LeaseId
from headway.model.node import Node, NodeHold
from headway.model.snapshot import Reserved
from headway.model.value import Value


class NodeView(Value, kw_only=True):
    """A node, and what is reserved of it."""

    node: Node
    reserved: Reserved
    containers: int
    used: Use | None = None
    """What runs there uses; None where it was not measured."""
    hold: NodeHold | None = None
    """What people or loops have said of it."""
    away_at: datetime | None = None
    """Since when it is not heard from."""
    leases: tuple[LeaseId, ...] = ()
    """That keep it, or a part of it."""
    kept: tuple[str, ...] = ()
    """The same in words, with what each keeps."""
    there: tuple[str, ...] = ()
    """Each container that is there, and why a node that drains is not empty yet. Only where one
    node was asked for."""
