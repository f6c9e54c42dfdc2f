"""Nodes, and what is reserved of them."""

from headway.control.world import World
from headway.model.snapshot import Reserved
from headway.model.view import NodeView


async def listing(world: World) -> list[NodeView]:
    """List the nodes as their engine last reported them."""
    reserved = world.reservations.all()
    return [
        NodeView(
            node=node,
            reserved=reserved.get(node.id, Reserved()),
            containers=world.reservations.count(node.id),
        )
        for node in world.nodes
    ]
