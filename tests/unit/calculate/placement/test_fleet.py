from datetime import UTC, datetime, timedelta

import pytest

from headway.calculate.placement import Fleet, many
from headway.model.demand import Demand
from headway.model.ids import NodeId, PoolName
from headway.model.node import Node, NodeState
from headway.model.pool import PlacementPolicy, Pool
from headway.model.resources import Resources
from headway.model.tag import TagOperator, TagRule

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def node(name: str, cpu: float = 4, memory_mib: int = 8192, **fields) -> Node:
    return Node(id=NodeId(name), cpu=cpu, memory_mib=memory_mib, **fields)


def demand(cpu: float = 1, memory_mib: int = 1024, **fields) -> Demand:
    resources = fields.pop("resources", Resources(cpu=cpu, memory_mib=memory_mib))
    return Demand(resources=resources, **fields)


def fleet(*nodes: Node, policy: PlacementPolicy = PlacementPolicy.PACK) -> Fleet:
    made = Fleet([Pool(policy=policy)])
    for one in nodes:
        made.put(one)
    return made


def place(given: Fleet, what: str, asked: Demand, until: datetime | None = None) -> str | None:
    placed = given.place(asked, NOW)
    if placed.node is not None:
        given.hold(what, placed.node, asked, until)
    return placed.node


def test_pack_fills_a_node_before_it_opens_another():
    given = fleet(node("a"), node("b"))
    assert [place(given, str(at), demand()) for at in range(6)] == ["a"] * 4 + ["b"] * 2


def test_pack_leaves_the_least_unused():
    given = fleet(node("a", cpu=8), node("b", cpu=4))
    given.hold("1", NodeId("a"), demand(1))
    given.hold("2", NodeId("b"), demand(1))
    assert place(given, "3", demand(2)) == "b"


def test_spread_takes_the_node_with_fewest_of_its_like():
    given = fleet(node("a", cpu=8), node("b"), policy=PlacementPolicy.SPREAD)
    asked = demand(crowd="demo~1/shop/web@1")
    assert [place(given, str(at), asked) for at in range(4)] == ["a", "b", "a", "b"]


def test_balanced_uses_cores_and_memory_evenly():
    given = fleet(node("a"), node("b"), policy=PlacementPolicy.BALANCED)
    given.hold("much memory", NodeId("a"), demand(0.1, 6000))
    given.hold("many cores", NodeId("b"), demand(3, 100))
    assert place(given, "1", demand(0.9, 1)) == "a"
    assert place(given, "2", demand(0.1, 5000)) == "b"


def test_copies_go_to_different_zones_first():
    given = fleet(*(node(f"n{at}", tags={"zone": "abc"[at // 3]}) for at in range(9)))
    asked = demand(0.1, 10, crowd="demo~1/shop/web@1", spread=("zone", "node"))
    assert [place(given, str(at), asked) for at in range(6)] == ["n0", "n3", "n6", "n1", "n4", "n7"]


def test_one_of_its_crowd_on_a_node():
    given = fleet(node("a"), node("b"))
    asked = demand(crowd="demo~1/shop/web@1", alone=True)
    assert [place(given, str(at), asked) for at in range(3)] == ["a", "b", None]
    refusals = given.place(asked, NOW).refusals
    assert [(row.nodes, row.reason) for row in refusals] == [
        (2, "has one of shop/web, which is at most once on a node")
    ]
    assert place(given, "the next release", demand(crowd="demo~1/shop/web@2", alone=True)) == "a"


def test_apart_holds_both_ways():
    given = fleet(node("a"), node("b"))
    shy = demand(crowd="demo~1/db/main@1", apart=("demo~1/batch",))
    loud = demand(crowd="demo~1/batch/worker@7")
    assert place(given, "db", shy) == "a"
    assert place(given, "batch", loud) == "b"
    given.hold("filled", NodeId("a"), demand(3))
    assert place(given, "db 2", shy) is None
    reasons = {row.reason for row in given.place(shy, NOW).refusals}
    assert "has batch, which it must be apart from" in reasons


def test_what_is_special_is_left_to_those_who_ask_for_it():
    given = fleet(node("a", gpus=1), node("b"))
    given.hold("1", NodeId("a"), demand(resources=Resources(cpu=0.1, gpus=1)))
    assert place(given, "2", demand()) == "b"
    assert place(given, "3", demand(resources=Resources(gpus=1))) is None
    assert given.place(demand(resources=Resources(gpus=1)), NOW).because == (
        "a: 1 GPU needed, 0 of 1 free; b: 1 GPU needed, a node has 0"
    )


def test_custom_resources_are_counted():
    given = fleet(node("a", custom={"licences": 2}))
    asked = demand(resources=Resources(custom={"licences": 1.5}))
    assert [place(given, str(at), asked) for at in range(2)] == ["a", None]
    assert given.reserved(NodeId("a")).custom == {"licences": 1.5}


def test_a_dedicated_pool_takes_only_what_names_it():
    pools = [Pool(name=PoolName("gpu"), dedicated=True)]
    given = Fleet(pools)
    given.put(node("a", pool=PoolName("gpu")))
    assert given.place(demand(), NOW).because == "a: in pool gpu, which takes only what names it"
    assert given.place(demand(pool=PoolName("gpu")), NOW).node == "a"
    given.put_pool(Pool(name=PoolName("gpu")))
    assert given.place(demand(), NOW).node == "a"


def test_a_leased_node_takes_only_what_is_under_its_lease():
    given = fleet(node("a"))
    given.lend(NodeId("a"), "lease-1")
    assert given.place(demand(), NOW).node is None
    assert given.place(demand(lease="lease-1"), NOW).node == "a"
    given.lend(NodeId("a"), "")
    assert given.place(demand(), NOW).node == "a"


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        (TagOperator.IN, ("a", "b"), True),
        (TagOperator.IN, ("c",), False),
        (TagOperator.NOT_IN, ("c",), True),
        (TagOperator.EXISTS, (), True),
        (TagOperator.MISSING, (), False),
        (TagOperator.AT_LEAST, ("a",), True),
        (TagOperator.AT_MOST, ("0",), False),
    ],
)
def test_rules_over_tags(operator, values, expected):
    given = fleet(node("a", tags={"zone": "a"}))
    rule = TagRule(tag="zone", operator=operator, values=values)
    assert (given.place(demand(where=(rule,)), NOW).node == "a") is expected


def test_every_node_says_why_it_refuses():
    given = fleet(
        node("a", state=NodeState.CORDONED),
        node("b", cpu=0.5),
        node("c"),
        node("d"),
        node("e", tags={"disk": "slow"}),
    )
    given.hold("1", NodeId("c"), demand(3.5))
    given.hold("2", NodeId("d"), demand(3.25))
    rule = TagRule(tag="disk", operator=TagOperator.MISSING)
    placed = given.place(demand(where=(rule,)), NOW)
    assert placed.because == (
        "2 nodes: 1 core needed, at most 0.75 of 4 free; b: 1 core needed, a node has 0.5; "
        "a: cordoned; e: not disk missing"
    )
    assert [row.change for row in placed.refusals] == [
        "0.25 cores more are free",
        "a larger node, or 1 core made less",
        "headway nodes uncordon a",
        "a node with disk missing",
    ]


def test_what_ends_soon_does_not_keep_a_node_that_could_be_empty_soon():
    given = fleet(node("a"), node("b"))
    given.hold("long", NodeId("a"), demand(1), NOW + timedelta(hours=5))
    given.hold("short", NodeId("b"), demand(2), NOW + timedelta(minutes=5))
    assert given.place(demand(expected_s=240), NOW).node == "b"
    assert given.place(demand(expected_s=3600), NOW).node == "a"


def test_holding_is_idempotent_and_counts_before_the_node_is_known():
    given = Fleet()
    for _ in range(2):
        given.hold("1", NodeId("a"), demand(3))
    assert given.place(demand(), NOW).because == "a: not there"
    given.put(node("a"))
    assert given.reserved(NodeId("a")).cpu == 3
    assert given.place(demand(2), NOW).node is None
    given.free("1")
    given.free("1")
    assert given.place(demand(2), NOW).node == "a"


def test_a_node_that_comes_back_still_has_what_is_held_there():
    given = fleet(node("a"))
    given.hold("1", NodeId("a"), demand(3))
    given.remove(NodeId("a"))
    assert given.nodes() == []
    given.put(node("a"))
    assert given.reserved(NodeId("a")).cpu == 3


def test_a_trial_leaves_no_trace():
    given = fleet(node("a"))
    given.hold("1", NodeId("a"), demand(1), NOW)
    with given.trial():
        given.free("1")
        given.hold("2", NodeId("a"), demand(4))
        with given.trial():
            given.free("2")
        assert given.reserved(NodeId("a")).cpu == 4
    assert given.reserved(NodeId("a")).cpu == 1
    assert (given.holds("1"), given.holds("2")) == ("a", None)


def test_a_trial_on_a_node_that_is_not_known_yet_leaves_no_trace():
    given = fleet(node("a"))
    given.hold("1", NodeId("late"), demand(3))
    with given.trial():
        given.free("1")
    given.put(node("b"))
    given.put(node("late"))
    assert given.holds("1") == "late"
    assert given.reserved(NodeId("late")).cpu == 3
    assert given.reserved(NodeId("b")).cpu == 0


def test_only_and_but():
    given = fleet(node("a"), node("b"), node("c"))
    assert given.place(demand(), NOW, among=["b", "unknown"]).node == "b"
    assert given.place(demand(), NOW, but=["a", "b"]).node == "c"
    nothing = given.place(demand(), NOW, among=["b"], but=["b"])
    assert nothing.because == "no other node is known"


def test_thousands_of_nodes_are_filled_before_an_empty_one_and_a_copy_goes_on_alike():
    given = fleet(*(node(f"n{at:04}", cpu=2) for at in range(4200)))
    for at in range(1200):
        assert place(given, str(at), demand()) == f"n{at // 2:04}"
    given.free("3")
    twin = given.copy()
    assert [place(one, "again", demand()) for one in (given, twin)] == ["n0001", "n0001"]
    assert [place(one, "more", demand()) for one in (given, twin)] == ["n0600", "n0600"]
    tight = demand(3)
    assert [sum(row.nodes for row in one.place(tight, NOW).refusals) for one in (given, twin)] == [
        4200,
        4200,
    ]


def test_many_cordoned_nodes_are_one_reason_with_the_command_for_one_of_them():
    given = fleet(*(node(f"n{at:03}", state=NodeState.CORDONED) for at in range(300)))
    placed = given.place(demand(), NOW)
    assert placed.because == "300 nodes: cordoned"
    assert [row.change for row in placed.refusals] == ["headway nodes uncordon n000"]


def test_nodes_lent_under_hundreds_of_leases_are_told_apart():
    given = fleet(*(node(f"n{at:03}") for at in range(300)))
    for at in range(300):
        given.lend(NodeId(f"n{at:03}"), f"lease-{at}")
    assert len(given.place(demand(), NOW).refusals) == 300
    given.lend(NodeId("n299"), "")
    assert given.place(demand(), NOW).node == "n299"


def test_leases_that_ended_are_not_remembered_for_ever():
    given = fleet(*(node(f"n{at:03}") for at in range(100)))
    for at in range(1000):
        given.place(demand(), NOW)
        given.lend(NodeId("n000"), f"lease-{at}")
    assert all(len(one.objections) < 500 for one in given._kinds._willing.values())
    assert given.place(demand(1, 9000), NOW).refusals[-1].reason == "held under lease-999"


@pytest.mark.parametrize("policy", PlacementPolicy)
def test_what_is_alone_finds_a_node_in_any_block_of_thousands(policy):
    given = fleet(*(node(f"n{at:04}") for at in range(many.WHOLE + 1)), policy=policy)
    alone = demand(crowd="demo~1/shop/web@1", alone=True)
    given.hold("last", NodeId(f"n{many.WHOLE:04}"), alone)
    assert place(given, "first", alone) != f"n{many.WHOLE:04}"
    for at in range(1, many.WHOLE):
        given.hold(f"filler {at}", NodeId(f"n{at:04}"), demand(4))
    given.free("first")
    assert place(given, "only", alone) == "n0000"


@pytest.mark.parametrize("policy", PlacementPolicy)
def test_copies_on_most_of_many_nodes_go_to_those_that_came_since(policy):
    given = fleet(*(node(f"n{at:03}") for at in range(100)), policy=policy)
    copy = demand(crowd="demo~1/shop/web@1", spread=("node",))
    assert {place(given, f"copy {at}", copy) for at in range(100)} == set(given._table.ids)
    for at in range(100, 300):
        given.put(node(f"n{at:03}"))
    assert {place(given, f"copy {at}", copy) for at in range(100, 300)} == set(
        given._table.ids[100:]
    )
    given.free("copy 7")
    assert place(given, "copy 7", copy) == "n007"
