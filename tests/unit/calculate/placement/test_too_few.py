"""Copies that must be on different nodes, of which there can never be enough."""

from headway.calculate.placement import Copies, Fleet
from headway.model.ids import NodeId, PoolName
from headway.model.node import NodeState
from headway.model.pool import NodeType, Pool, Scaling
from tests.unit.calculate.placement.test_fleet import demand, fleet, node

HERE = "demo~1/shop"


def copies(name: str, wanted: int = 1, **asked) -> Copies:
    apart = tuple(f"{HERE}/{other}" for other in asked.pop("apart", ()))
    return Copies(name, demand(crowd=f"{HERE}/{name}@1", apart=apart, **asked), wanted)


def because(given: Fleet, *wanted: Copies) -> str:
    found = given.too_few(wanted)
    return "" if found is None else found.because


def test_copies_that_are_alone_need_a_node_each():
    given = fleet(node("a"), node("b"))
    assert given.too_few([copies("web", 2, alone=True)]) is None
    assert given.too_few([copies("web", 9)]) is None
    found = given.too_few([copies("web", 3, alone=True)])
    assert found is not None
    assert found.because == (
        "3 copies of web are to be on 3 nodes; 2 can ever take it, those of all pools counted, "
        "as each is alone on its node"
    )
    assert found.hint.startswith("scale web to at most 2, take `alone` out")


def test_only_nodes_that_can_take_a_copy_count():
    given = fleet(node("a"), node("b"), node("small", cpu=1))
    assert "2 can ever take it" in because(given, copies("web", 3, alone=True, cpu=2))
    assert because(given, copies("web", 3, alone=True)) == ""


def test_process_types_that_are_apart_in_a_circle_need_a_node_each():
    given = fleet(node("a"), node("b"))
    circle = (copies("a", apart=["b"]), copies("b", apart=["c"]), copies("c", apart=["a"]))
    assert "a, b, c are to be on 3 nodes; 2 can ever" in because(given, *circle)
    assert because(given, *circle[:2]) == ""
    given.put(node("c"))
    assert because(given, *circle) == ""


def test_each_of_many_that_are_alone_counts_beside_what_they_are_apart_from():
    given = fleet(node("a"), node("b"))
    web, db = copies("web", 2, alone=True, apart=["db"]), copies("db", 5)
    assert "web, db are to be on 3 nodes" in because(given, web, db)


def test_what_a_pool_may_start_counts_beside_what_it_has():
    given = fleet(node("a"), node("b", pool=PoolName("gpu"), type="large"))
    large = NodeType(name="large", cpu=32, memory_mib=65_536)
    given.put_pool(Pool(name=PoolName("gpu"), types=(large,), scaling=Scaling(nodes_max=3)))
    assert because(given, copies("web", 4, alone=True)) == ""
    assert "5 copies of web are to be on 5 nodes; 4" in because(given, copies("web", 5, alone=True))


def test_nothing_is_said_while_a_node_is_unknown_and_a_closed_one_counts():
    assert because(fleet(), copies("web", 2, alone=True)) == ""
    given = fleet(node("a"), node("b", state=NodeState.DRAINING))
    assert because(given, copies("web", 2, alone=True)) == ""
    given.hold("1", NodeId("not heard of yet"), demand(1))
    assert because(given, copies("web", 3, alone=True)) == ""


def test_a_node_that_was_given_up_counts_again_when_it_is_heard_from():
    given = fleet(node("a"), node("b", state=NodeState.LOST))
    assert because(given, copies("web", 2, alone=True)) == ""
    given.give_up(NodeId("b"))
    assert "1 can ever take it" in because(given.copy(), copies("web", 2, alone=True))
    given.put(node("b"))
    assert because(given, copies("web", 2, alone=True)) == ""


def test_what_other_apps_have_there_counts_while_it_stays():
    """A circle of three apps of which none needs another: the third finds no node of two."""
    given = fleet(node("a"), node("b"))

    def of(app: str, apart: str):
        return demand(crowd=f"demo~1/{app}/web@1", apart=(f"demo~1/{apart}",))

    one, two, three = of("one", "two"), of("two", "three"), of("three", "one")
    assert given.crowded_out(three) is None
    given.hold("one-1", NodeId("a"), one)
    assert given.crowded_out(three) is None
    given.hold("two-1", NodeId("b"), two)
    given.hold("else-1", NodeId("b"), demand(crowd="demo~1/else/web@1"))
    found = given.crowded_out(three)
    assert found is not None
    assert found.because.startswith("three/web, one/web, two/web are to be on 3 nodes; 2 can ever")
    given.put(node("c"))
    assert given.crowded_out(three) is None
    given.remove(NodeId("c"))
    given.free("two-1")
    assert given.crowded_out(three) is None


def test_an_older_release_of_the_same_app_is_in_nobodys_way():
    given = fleet(node("a"))
    given.hold("old", NodeId("a"), demand(crowd=f"{HERE}/worker@1"))
    assert given.crowded_out(demand(crowd=f"{HERE}/web@2", apart=(f"{HERE}/worker",))) is None
