"""What is written when a step of a rebalancing begins or ends."""

from datetime import datetime

import msgspec

from headway.control import nodes
from headway.control.pool.orders import becoming
from headway.model.event import Event
from headway.model.ids import NodeId, RebalancingId
from headway.model.node import Holder, NodeHold
from headway.model.pool_node import PoolNode, PoolNodeState
from headway.model.rebalance import RebalanceStep, Rebalancing, StepState
from headway.ports.store import Writer


def written(
    tx: Writer, row: Rebalancing, step: RebalanceStep, state: StepState, because: str, now: datetime
) -> Rebalancing:
    """Write down what became of a step."""
    after = msgspec.structs.replace(step, state=state, because=because, at=now)
    tx.record(event(row.id, state.value, now, because, data={"node": step.node}))
    return tx.put(row.having(after))


def take_back(
    tx: Writer, rebalancing: RebalancingId, node: NodeId, because: str, now: datetime
) -> bool:
    """Have a node take containers again, if it is this rebalancing that keeps it from that."""
    hold = tx.get(NodeHold, node)
    if hold is None or (hold.holder, hold.by) != (Holder.REBALANCE, rebalancing):
        return False
    tx.delete(NodeHold, node)
    tx.record(nodes.event(node, "node.uncordoned", now, actor=hold.owner, because=because))
    row = tx.get(PoolNode, node)
    if row is not None and row.state is PoolNodeState.LEAVING:
        becoming(node, PoolNodeState.LENT, because, now)(tx)
    return True


def event(
    rebalancing: RebalancingId,
    what: str,
    at: datetime,
    because: str,
    *,
    actor: str = "headway",
    data: dict[str, object] | None = None,
) -> Event:
    """Make an event about a rebalancing."""
    return Event(
        at=at,
        actor=actor,
        kind=f"rebalance.{what}",
        subject=rebalancing,
        because=because,
        data=data or {},
    )
