"""A node: a machine with capacity and tags."""

from enum import StrEnum

import msgspec

from headway.model.ids import NodeId
from headway.model.value import Value


class NodeState(StrEnum):
    """Whether a node takes containers."""

    READY = "ready"
    DRAINING = "draining"
    LOST = "lost"


class Node(Value, kw_only=True):
    """A machine as its engine reports it."""

    id: NodeId
    cpu: float
    """Cores that may be reserved; an engine may offer more than the machine has."""
    memory_mib: int
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    state: NodeState = NodeState.READY
    limits: tuple[str, ...] = ()
    """Limits that this node cannot enforce, in words, such as `memory: no writable cgroup`."""
