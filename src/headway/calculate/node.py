"""What a node is to everybody: what its engine says, and what people and loops have said of it."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from headway.model.ids import NodeId
from headway.model.node import Node, NodeHold, NodeState
from headway.model.pool import NodeType, Pool
from headway.model.resources import Resources

_NEW = NodeId("")


def as_held(node: Node, hold: NodeHold | None) -> Node:
    """Give a node in the state that was asked for. One that is not heard from stays `lost`."""
    if hold is None or node.state is NodeState.LOST:
        return node
    return msgspec.structs.replace(node, state=hold.state)


def is_over_limit(holds: Mapping[NodeId, NodeHold], node: NodeId, now: datetime) -> bool:
    """Say whether what still runs on a node is to be stopped: the time to end by itself is over."""
    hold = holds.get(node)
    if hold is None or hold.state is not NodeState.DRAINING or hold.until is None:
        return False
    return now >= hold.until


def is_draining(holds: Mapping[NodeId, NodeHold], node: NodeId) -> bool:
    """Say whether what runs on a node is to leave."""
    hold = holds.get(node)
    return hold is not None and hold.state is NodeState.DRAINING


def new_node(pool: Pool, kind: NodeType, overhead: Resources) -> Node:
    """Give the node that one of this type would be, as far as it is free."""
    return Node(
        id=_NEW,
        cpu=kind.cpu - overhead.cpu,
        memory_mib=kind.memory_mib - overhead.memory_mib,
        disk_mib=kind.disk_mib,
        gpus=kind.gpus,
        custom=kind.custom,
        tags={**pool.tags, **kind.tags, "pool": pool.name},
        pool=pool.name,
        type=kind.name,
        price_hour=kind.price_hour,
        spot=kind.spot,
    )
