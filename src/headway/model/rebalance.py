"""A rebalancing: services that could move so that nodes can be given back."""

from datetime import datetime
from enum import StrEnum

import msgspec

from headway.model.ids import NodeId, RebalancingId
from headway.model.value import Value


class Move(Value, kw_only=True):
    """One service that would move."""

    what: str
    """Such as `shop/web.1 in demo`."""
    source: NodeId
    target: NodeId


class EmptiedNode(Value, kw_only=True):
    """A node that would be empty, what that saves, and whom it disturbs."""

    node: NodeId
    moves: tuple[Move, ...]
    saves_hour: float
    score: float
    """Its share of all that is paid, by the share of all services that it disturbs."""
    because: str


class Rebalance(Value, kw_only=True):
    """Nodes that would be emptied, the best first; each of them as the ones before have been."""

    nodes: tuple[EmptiedNode, ...] = ()
    saves_hour: float = 0.0
    moves: int = 0
    services: int = 0
    """Of which so many in all would move."""
    left: tuple[str, ...] = ()
    """Why others stay as they are."""


class StepState(StrEnum):
    """What became of one node that was to be emptied."""

    WAITING = "waiting"
    EMPTYING = "emptying"
    DONE = "done"
    SKIPPED = "skipped"
    """It was left, or taken back, for a reason."""
    FAILED = "failed"
    """It was not empty in time, and was taken back."""


class RebalanceStep(Value, kw_only=True):
    """One node of a rebalancing."""

    node: NodeId
    moves: tuple[Move, ...]
    saves_hour: float
    state: StepState = StepState.WAITING
    because: str = ""
    at: datetime | None = None
    """Since when it is in this state; None: since it was approved."""


class RebalancingState(StrEnum):
    """Whether anything more is to be done."""

    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class Rebalancing(Value, kw_only=True):
    """A rebalancing that somebody approved: which nodes, and what became of each."""

    id: RebalancingId
    state: RebalancingState = RebalancingState.RUNNING
    churn: float
    steps: tuple[RebalanceStep, ...]
    """In the order in which they are done, one at a time."""
    approved_by: str
    approved_at: datetime
    ended_at: datetime | None = None
    version: int = 0

    @property
    def current(self) -> RebalanceStep | None:
        """The first step that is not over."""
        open_ = (StepState.WAITING, StepState.EMPTYING)
        return next((step for step in self.steps if step.state in open_), None)

    @property
    def saved_hour(self) -> float:
        """What it has saved an hour so far."""
        return sum(step.saves_hour for step in self.steps if step.state is StepState.DONE)

    def having(self, step: RebalanceStep) -> "Rebalancing":
        """Give it with one step as it is now."""
        steps = tuple(step if row.node == step.node else row for row in self.steps)
        return msgspec.structs.replace(self, steps=steps)
