"""What becomes of a node that a rebalancing empties."""

from datetime import datetime, timedelta

from headway.model.ids import RebalancingId
from headway.model.node import Holder, NodeHold
from headway.model.pool_node import PoolNode
from headway.model.rebalance import StepState
from headway.model.value import Value


class Emptying(Value, kw_only=True):
    """A node that is being emptied, as it is now."""

    is_there: bool
    hold: NodeHold | None
    lent: PoolNode | None
    """Where a provider lends it."""


class Verdict(Value, kw_only=True):
    """How one step ends."""

    state: StepState
    because: str
    takes_back: bool = False
    """Whether the node takes containers again by that."""


def judge(
    rebalancing: RebalancingId, node: Emptying, now: datetime, patience_s: float
) -> Verdict | None:
    """Say how a step ends; None while it goes on.

    >>> gone = Emptying(is_there=False, hold=None, lent=None)
    >>> judge(RebalancingId("reb-1"), gone, datetime(2026, 3, 4), 600.0).because
    'it was given back'
    """
    hold = node.hold
    if not node.is_there and node.lent is None:
        return Verdict(state=StepState.DONE, because="it was given back")
    if hold is None or (hold.holder, hold.by) != (Holder.REBALANCE, rebalancing):
        who = "somebody" if hold is None else hold.owner
        return Verdict(state=StepState.SKIPPED, because=f"{who} has taken it back")
    if node.lent is not None and node.lent.is_wanted:
        because = f"its pool needs it: {node.lent.because}"
        return Verdict(state=StepState.SKIPPED, because=because, takes_back=True)
    if hold.empty_at is not None:
        return Verdict(state=StepState.DONE, because="it is empty")
    if now >= gives_up_at(hold, patience_s):
        minutes = (now - hold.at).total_seconds() / 60
        because = f"it was not empty after {minutes:.0f} minutes"
        return Verdict(state=StepState.FAILED, because=because, takes_back=True)
    return None


def gives_up_at(hold: NodeHold, patience_s: float) -> datetime:
    """Say when a node that is not empty is taken back."""
    return (hold.until or hold.at) + timedelta(seconds=patience_s)
