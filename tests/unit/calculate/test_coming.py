"""Who may hope for room though no node is added, and how much is asked of the fleet for that."""

from collections import Counter
from datetime import UTC, datetime

from headway.calculate.coming import Coming, room_comes
from headway.calculate.placement import Fleet
from headway.model.demand import Demand
from headway.model.ids import ContainerId, NodeId
from headway.model.node import Node, NodeState
from tests.unit.calculate.placement.test_fleet import demand, node

NOW = datetime(2026, 11, 21, tzinfo=UTC)
LEAVING = ContainerId("old")
HAS_ROOM = "busy has room for it once what leaves there has ended"
MAY_COME_BACK = "lost is not heard from, and has room for it if it comes back"


class Measured(Fleet):
    """Counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Counter[str] = Counter()

    def free(self, what: str) -> None:
        self.asked["free"] += 1
        super().free(what)

    def copy(self) -> Fleet:
        self.asked["copy"] += 1
        return super().copy()

    def place(self, demand: Demand, now: datetime, **where):
        self.asked["place"] += 1
        return super().place(demand, now, **where)


def fleet(*nodes: Node) -> Measured:
    """Give a fleet with a full node that may become empty, and others."""
    there = Measured()
    for one in (node("busy", cpu=4), *nodes):
        there.put(one)
    there.hold(LEAVING, NodeId("busy"), demand(4))
    return there


LOST = node("lost", cpu=16, state=NodeState.LOST)
COMING = Coming(leaving={LEAVING: NOW}, silent={NodeId("lost"): NOW})


def test_each_is_told_what_makes_room_for_it():
    there = fleet(LOST)
    lacks = {"small": [demand(9), demand(3)], "large": [demand(9)], "huge": [demand(99)]}
    assert room_comes(COMING, there, lacks, NOW) == {
        "small": HAS_ROOM,
        "large": MAY_COME_BACK,
    }
    assert there.holds(LEAVING) == "busy"
    assert there.place(demand(3), NOW).node is None


def test_what_leaves_is_freed_once_and_the_fleet_copied_once_for_however_many():
    there = fleet(LOST)
    lacks = {f"app{at}": [demand(9, crowd=f"app{at}")] for at in range(50)}
    said = room_comes(COMING, there, lacks, NOW)
    assert said == dict.fromkeys(lacks, MAY_COME_BACK)
    assert there.asked == {"free": 1, "copy": 1, "place": 50}


def test_what_asks_for_the_same_is_placed_once():
    there = fleet()
    lacks = {"app": [demand(9) for _ in range(50)], "other": [demand(9), demand(8)]}
    assert room_comes(Coming(leaving={LEAVING: NOW}), there, lacks, NOW) == {}
    assert there.asked["place"] == 2
