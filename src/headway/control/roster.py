"""The nodes as they are in this moment: what their engine says, and what has been said of them."""

from datetime import datetime, timedelta

from headway.calculate.node import as_held
from headway.calculate.placement import Fleet
from headway.model.ids import NodeId
from headway.model.node import Node, NodeHold, NodeState

_MUTE = timedelta(seconds=10)
"""So long a node is not asked again: many have one question each, and each would wait."""


class Roster:
    """Known nodes and holds, of which it tells the fleet. A hold may be of a node not there."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._heard: dict[NodeId, Node] = {}
        self._nodes: tuple[Node, ...] | None = None
        """As they were last listed; None when one has changed since."""
        self.holds: dict[NodeId, NodeHold] = {}
        self.away: dict[NodeId, datetime] = {}
        """Since when nodes are not heard from."""
        self.lost: set[NodeId] = set()
        """Nodes that were silent for so long that what was there was given up."""
        self._mute: dict[NodeId, datetime] = {}
        """Until when nodes that gave no answer in time are not asked what can go unasked."""
        self._is_told = False
        self.vacated: set[NodeId] = set()
        """Nodes that drain and on which only daemons are left."""

    @property
    def is_told(self) -> bool:
        """Whether the engine tells of its nodes now: what it did not name is not there."""
        return self._is_told

    @is_told.setter
    def is_told(self, is_so: bool) -> None:
        self._is_told = is_so
        self._fleet.tells_all(is_so)

    def heard(self, node: Node, now: datetime) -> bool:
        """Take over what the engine says of a node; says whether that was new."""
        known = self._heard.get(node.id)
        self._heard[node.id] = node
        if node.state is NodeState.LOST:
            self.away.setdefault(node.id, now)
        else:
            self.away.pop(node.id, None)
            self.lost.discard(node.id)
        self._tell(node.id)
        return known != node

    def give_up(self, node: NodeId) -> None:
        """Take over that a node was silent for too long: nobody counts on it any more."""
        self.lost.add(node)
        self._fleet.give_up(node)

    def unanswered(self, node: NodeId, now: datetime) -> None:
        """Take over that a node was asked in vain what could have gone unasked."""
        self._mute[node] = now + _MUTE

    def is_mute(self, node: NodeId, now: datetime) -> bool:
        """Say whether a node is not to be asked what can go unasked: who asks would wait."""
        until = self._mute.get(node)
        return until is not None and now < until

    def held(self, hold: NodeHold) -> None:
        """Take over what was said of a node."""
        self.holds[hold.node] = hold
        self._tell(hold.node)

    def released(self, node: NodeId) -> None:
        """Take over that a node is to take containers again."""
        self.holds.pop(node, None)
        self._tell(node)

    def _tell(self, identity: NodeId) -> None:
        """Have what is placed go by it."""
        self._nodes = None
        node = self.node(identity)
        if node is not None:
            self._fleet.put(node)

    def gone(self, node: NodeId) -> None:
        """Forget a node that is not heard from any more. What was said of it is remembered."""
        self._heard.pop(node, None)
        self.away.pop(node, None)
        self._mute.pop(node, None)
        self.lost.discard(node)
        self.vacated.discard(node)
        self._nodes = None
        self._fleet.remove(node)

    def nodes(self) -> tuple[Node, ...]:
        """List the nodes in the states that count, sorted by id."""
        if self._nodes is None:
            self._nodes = tuple(
                as_held(node, self.holds.get(identity))
                for identity, node in sorted(self._heard.items())
            )
        return self._nodes

    def node(self, identity: NodeId) -> Node | None:
        """Give a node in the state that counts."""
        node = self._heard.get(identity)
        return None if node is None else as_held(node, self.holds.get(identity))
