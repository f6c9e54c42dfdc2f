"""Rebalancing: what could move so that nodes can be given back, and having one of them emptied."""

from headway.calculate.demand import of_container
from headway.calculate.rebalance import Standing, plan_rebalance
from headway.control import nodes
from headway.control.errors import Conflict
from headway.control.pool_orders import becoming
from headway.control.world import World
from headway.model.container import Container, ContainerKind
from headway.model.ids import NodeId, environment_name
from headway.model.node import Holder
from headway.model.pool_node import PoolNodeState
from headway.model.rebalance import Rebalance
from headway.model.view import NodeView

CHURN = 0.1


async def proposed(world: World, churn: float = CHURN) -> Rebalance:
    """List the nodes that could be emptied, the best first, with every move."""
    rows = await world.store.read(lambda tx: tx.find(Container, retired=False))
    there = [row for row in rows if not row.is_ended]
    left_out = {row.id for row in there if row.daemon or row.kind is ContainerKind.RUNNER}
    standing = [_standing(row) for row in there if row.id not in left_out]
    known = {row.id for row in there}
    for node in world.nodes:
        standing += [
            Standing(id=what, label=f"run {what}", node=node.id, demand=held, movable=False)
            for what, held in world.fleet.held_on(node.id)
            if what not in known
        ]
    return plan_rebalance(world.fleet, standing, world.clock.now(), churn=churn)


async def begin(world: World, actor: str, node: str, churn: float = CHURN) -> NodeView:
    """Empty a node as it was proposed; its pool gives it back when it is empty.

    Raises:
        Conflict: It would not be proposed any more.
    """
    plan = await proposed(world, churn)
    chosen = next((row for row in plan.nodes if row.node == node), None)
    if chosen is None:
        raise Conflict(
            "rebalance-outdated",
            f"emptying {node} is not worth it any more, or never was",
            hint=next((text for text in plan.left if text.startswith(f"{node}: ")), ""),
            next=("headway rebalance --plan",),
        )
    because = f"rebalancing saves {chosen.saves_hour:g} an hour: {chosen.because}"
    leaving = becoming(NodeId(node), PoolNodeState.LEAVING, because, world.clock.now())
    holder = Holder.REBALANCE
    return await nodes.drain(world, actor, node, None, because, holder=holder, also=leaving)


def _standing(row: Container) -> Standing:
    return Standing(
        id=row.id,
        label=f"{row.app}/{row.label} in {environment_name(row.environment)}",
        node=row.node,
        demand=of_container(row),
        movable=row.kind is ContainerKind.SERVICE,
    )
