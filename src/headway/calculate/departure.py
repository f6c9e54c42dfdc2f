"""A node that leaves: what becomes of the containers there that no other decision moves.

Services are moved by their app's own decision (`reconcile.py`), runs are handed back by their
runner. Left to this one: what is to be lost with a node that is silent for too long, what is still
there when the time of a drain is over, and when a drained node is empty.
"""

from datetime import datetime, timedelta

import msgspec

from headway.model.container import Container, ContainerKind, ContainerState, Exit
from headway.model.node import Node, NodeHold, NodeState
from headway.model.plan import Change, Verb
from headway.model.value import Value

_ENDS_BY_ITSELF = frozenset({ContainerKind.ONE_OFF, ContainerKind.RELEASE, ContainerKind.BUILD})


class NodeSnapshot(Value, kw_only=True):
    """A node with all that is there."""

    node: Node
    hold: NodeHold | None = None
    away_at: datetime | None = None
    """Since when it is not heard from."""
    is_released: bool = False
    """Whether it was given back: then its silence is what was asked for."""
    others: bool = True
    """Whether any other node is heard from, or can be had from a provider."""
    containers: tuple[Container, ...] = ()
    """Those not ended."""
    attempts: int = 0
    """Of runs, under way there."""
    builds: int = 0


class NodePlan(Value, kw_only=True):
    """What is to be done about a node, and when to decide again at the latest."""

    changes: tuple[Change, ...] = ()
    wake_at: datetime | None = None
    is_lost: bool = False
    """It was silent for too long, or given back with something on it."""
    is_gone: bool = False
    """It was given back, and nothing of it is left."""
    is_vacated: bool = False
    """It is to be emptied, and only daemons are left: they are to leave, too."""
    is_empty: bool = False
    """It was to be emptied, and is."""


def plan_node(snapshot: NodeSnapshot, now: datetime, lost_after_s: float) -> NodePlan:
    """Decide what becomes of what is on a node that leaves or has left."""
    if snapshot.away_at is not None:
        return _away(snapshot, snapshot.away_at, now, lost_after_s)
    hold = snapshot.hold
    if hold is None or hold.state is not NodeState.DRAINING:
        return NodePlan()
    is_busy = snapshot.attempts or snapshot.builds
    is_vacated = not is_busy and all(row.daemon for row in snapshot.containers)
    if is_vacated:
        return NodePlan(is_vacated=True, is_empty=not snapshot.containers)
    rest = [row for row in snapshot.containers if row.kind in _ENDS_BY_ITSELF]
    if hold.until is not None and now < hold.until:
        return NodePlan(wake_at=hold.until)
    because = f"{snapshot.node.id} is drained, and the time to end by itself is over"
    return NodePlan(
        changes=tuple(
            _stopped(row, because, now) for row in rest if row.state is not ContainerState.STOPPING
        )
    )


def _away(snapshot: NodeSnapshot, since: datetime, now: datetime, lost_after_s: float) -> NodePlan:
    is_left = not snapshot.containers and not snapshot.attempts and not snapshot.builds
    if snapshot.is_released and is_left:
        return NodePlan(is_gone=True)
    lost_at = since if snapshot.is_released else since + timedelta(seconds=lost_after_s)
    if now < lost_at:
        return NodePlan(wake_at=lost_at)
    if not snapshot.others:
        # Nothing could start elsewhere, and where nobody answers it is rather who asks that has
        # the trouble: what runs there runs on, and gets its requests.
        return NodePlan()
    because = f"{snapshot.node.id} has not been heard from since {since:%H:%M:%S} UTC"
    if snapshot.is_released:
        because = f"{snapshot.node.id} was given back"
    changes = tuple(_lost(row, because, now) for row in snapshot.containers)
    hold = snapshot.hold
    is_empty = is_left and hold is not None and hold.state is NodeState.DRAINING
    return NodePlan(changes=changes, is_lost=True, is_empty=is_empty)


def _stopped(row: Container, because: str, now: datetime) -> Change:
    stopping = msgspec.structs.replace(
        row, state=ContainerState.STOPPING, stopping_at=now, because=because
    )
    what = f"stop {row.label} (v{row.release})"
    return Change(verb=Verb.STOP_CONTAINER, row=stopping, what=what, because=because)


def _lost(row: Container, because: str, now: datetime) -> Change:
    gone = msgspec.structs.replace(
        row, state=ContainerState.LOST, exit=Exit(reason=because, at=now)
    )
    what = f"give up {row.label} (v{row.release})"
    return Change(verb=Verb.LOSE_CONTAINER, row=gone, what=what, because=because)
