"""How full many nodes are is told at a glance, and by what is held of each."""

import pytest

from headway.calculate.placement.fullness import Filled
from headway.model.ids import NodeId
from headway.model.node import NodeState
from headway.model.resources import Resources
from tests.unit.calculate.placement.test_fleet import demand, fleet, node
from tests.unit.calculate.placement.test_machines import FILLERS, GIB, disk, part


@pytest.fixture(params=[0, FILLERS], ids=["few nodes", "many nodes"])
def others(request):
    """Give nodes that are not ready, and count for nothing."""
    return [node(f"lost{at}", state=NodeState.LOST) for at in range(request.param)]


def test_what_ready_nodes_have_and_what_is_held_of_them_is_summed_up(others):
    given = fleet(
        node("a", cpu=4, memory_mib=1024),
        node("b", cpu=8, memory_mib=2048, custom={"licences": 3.0}),
        node("gone", cpu=16, memory_mib=8192, state=NodeState.LOST),
        *others,
    )
    given.hold("1", NodeId("a"), demand(resources=Resources(cpu=1, memory_mib=512)))
    given.hold("2", NodeId("gone"), demand(resources=Resources(cpu=2, memory_mib=512)))
    full = given.fullness()
    assert full.sums == (
        Filled("cores", 12, 1),
        Filled("MiB memory", 3072, 512),
        Filled("licences", 3, 0),
    )


def test_a_node_is_as_full_as_what_it_has_least_of(others):
    given = fleet(node("a", cpu=4, memory_mib=1024), node("b", cpu=4, memory_mib=1024), *others)
    given.hold("1", NodeId("a"), demand(resources=Resources(cpu=1, memory_mib=512)))
    given.hold("2", NodeId("b"), demand(resources=Resources(cpu=9, memory_mib=512)))
    shares = given.fullness().shares
    assert (shares["a"], shares["b"]) == (0.5, 1.0)
    assert len(shares) == 2 + len(others)


def test_the_disk_of_a_machine_is_summed_up_once_for_all_nodes_that_it_is(others):
    given = fleet(part("n1", state=NodeState.CORDONED), part("n2"), part("n3"), *others)
    given.hold("1", NodeId("n2"), disk(12))
    (found,) = [row for row in given.fullness().sums if row.name == "MiB disk"]
    assert found == Filled("MiB disk", 20 * GIB, 12 * GIB)


def test_disk_that_nobody_counts_makes_no_node_full(others):
    given = fleet(node("a"), part("n1"), *others)
    given.hold("1", NodeId("a"), disk(500))
    full = given.fullness()
    assert full.shares["a"] < 0.5
    assert [row.there for row in full.sums if row.name == "MiB disk"] == [20 * GIB]


def test_the_cores_that_are_held_of_each_node_are_told_together(others):
    given = fleet(node("a"), node("b"), *others)
    assert set(given.reserved_cores().values()) == {0}
    given.hold("1", NodeId("a"), demand(resources=Resources(cpu=1.5, memory_mib=512)))
    given.hold("2", NodeId("not there"), demand(1))
    told = given.reserved_cores()
    assert told == {row.id: given.reserved(row.id).cpu for row in given.nodes()}
    assert told["a"] == 1.5
