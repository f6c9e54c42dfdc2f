from headway.calculate.placement import Fleet
from headway.model.ids import NodeId, PoolName
from headway.model.node import NodeState
from headway.model.pool import NodeType, Pool, Scaling, Window
from headway.model.resources import Resources
from headway.model.tag import TagOperator, TagRule
from tests.unit.calculate.placement.test_fleet import demand, fleet, node

GPU = PoolName("gpu")
SSD = TagRule(tag="disk", operator=TagOperator.IN, values=("ssd",))


def because(given: Fleet, **asked) -> str:
    found = given.never(demand(**asked))
    assert found is not None
    return found.because.removeprefix("no node and no pool type can ever take it: ")


def test_what_is_larger_than_every_node_can_never_be_placed():
    given = fleet(node("a", cpu=16), node("b", cpu=4))
    assert because(given, cpu=64) == "64 cores needed, the largest (a) has 16"
    found = given.never(demand(cpu=64))
    assert found is not None
    assert found.hint == "ask for at most 16 cores, or add a larger node"


def test_what_a_run_may_ask_for_leaves_room_for_its_runner():
    given = fleet(node("a", cpu=2))
    found = given.never(demand(2.5), demand(2))
    assert found is not None
    assert "2 cores needed and 0.5 for its runner, the largest (a) has 2" in found.because
    assert found.hint == "ask for at most 1.5 cores, or add a larger node"
    assert given.never(demand(2), demand(1.5)) is None


def test_where_a_runner_alone_has_no_room_nothing_less_is_asked_for():
    found = fleet(node("a", cpu=1)).never(demand(3), demand(1.5))
    assert found is not None
    assert found.hint == "add a larger node"


def test_a_node_that_is_full_lent_or_closed_may_take_it_later():
    given = fleet(node("a", state=NodeState.DRAINING), node("b"), node("c"))
    given.hold("1", NodeId("b"), demand(4))
    given.lend(NodeId("b"), "lse-1")
    assert given.never(demand(4)) is None
    assert given.never(demand(4, lease="lse-2")) is None


def test_where_no_node_or_not_every_node_is_known_nothing_is_said():
    assert fleet().never(demand(64)) is None
    given = fleet(node("a"))
    assert given.never(demand(64)) is not None
    given.hold("1", NodeId("not heard of yet"), demand(1))
    assert given.never(demand(64)) is None
    given.free("1")
    assert given.never(demand(64)) is not None


def test_it_is_forgotten_when_a_node_comes():
    given = fleet(node("a"))
    assert given.never(demand(8)) is not None
    given.put(node("b", cpu=8))
    assert given.never(demand(8)) is None
    given.remove(NodeId("b"))
    assert given.never(demand(8)) is not None


def test_a_type_that_a_pool_may_start_counts():
    given = fleet(node("a"))
    large = NodeType(name="large", cpu=32, memory_mib=65_536, tags={"disk": "ssd"})
    given.put_pool(Pool(name=GPU, types=(large,)))
    assert given.never(demand(32, where=(SSD,))) is None
    assert because(given, cpu=33) == "33 cores needed, the largest (type large of pool gpu) has 32"
    given.put_pool(Pool(name=GPU, types=(large,), dedicated=True))
    assert given.never(demand(32, pool=GPU)) is None
    assert "the largest (a) has 4" in because(given, cpu=32)
    assert "type large of pool gpu: in pool gpu, which takes only" in because(given, cpu=32)


def test_a_pool_that_may_have_no_node_offers_nothing_unless_a_window_lets_it():
    given = fleet(node("a"))
    large = NodeType(name="large", cpu=32, memory_mib=65_536)
    given.put_pool(Pool(name=GPU, types=(large,), scaling=Scaling(nodes_max=0)))
    assert given.never(demand(32)) is not None
    night = Window(cron="0 22 * * *", length_s=3600, nodes_max=2)
    scaling = Scaling(nodes_max=0, windows=(night,))
    given.put_pool(Pool(name=GPU, types=(large,), scaling=scaling))
    assert given.never(demand(32)) is None


def test_what_is_asked_of_tags_is_said_with_what_would_have_to_change():
    given = fleet(node("a"), node("b"))
    found = given.never(demand(where=(SSD,)))
    assert found is not None
    assert found.because.endswith("2 nodes or types: not disk in ssd")
    assert found.hint == "what would have to change: a node with disk in ssd"


def test_what_no_node_has_together_is_said_so():
    given = fleet(node("a", cpu=16, memory_mib=1024), node("b", cpu=2, memory_mib=65_536))
    asked = "16 cores and 65536 MiB memory needed, which none has together"
    assert because(given, cpu=16, memory_mib=65_536) == asked


def test_what_is_custom_and_unknown_is_had_by_nobody():
    given = fleet(node("a"))
    found = given.never(demand(resources=Resources(cpu=1, memory_mib=1, custom={"seats": 2})))
    assert found is not None
    assert "2 seats needed, the largest (a) has 0" in found.because


def test_a_node_that_was_given_up_takes_nothing_until_it_is_heard_from():
    given = fleet(node("a"), node("large", cpu=64, state=NodeState.LOST))
    assert given.never(demand(32)) is None
    given.give_up(NodeId("large"))
    assert because(given, cpu=32) == (
        "32 cores needed, the largest (a) has 4; large: lost, and given up"
    )
    given.put(node("large", cpu=64))
    assert given.never(demand(32)) is None


def test_where_all_nodes_were_given_up_nothing_is_said():
    given = fleet(node("a", state=NodeState.LOST))
    given.give_up(NodeId("a"))
    assert given.never(demand(64)) is None
