"""What belongs to a machine is counted once for all nodes that it is: its disk and its ports."""

import pytest

from headway.calculate.placement import Fleet
from headway.model.demand import Demand
from headway.model.ids import NodeId
from headway.model.node import ClosedPorts, Node
from headway.model.pool import NodeType, Pool, Scaling
from headway.model.resources import Resources
from tests.unit.calculate.placement.test_fleet import NOW, demand, fleet, node, place
from tests.unit.calculate.placement.test_too_few import because, copies

GIB = 1024
FILLERS = 80
"""Above the number up to which placement goes by lists."""


def disk(gib: float, **fields) -> Demand:
    size = Resources(cpu=0.1, memory_mib=64, disk_reserved_mib=int(gib * GIB))
    return demand(resources=size, **fields)


def port(number: int, name: str = "shop/db") -> Demand:
    return demand(0.1, ports=(number,), crowd=f"demo~1/{name}@1")


def part(name: str, machine: str = "laptop", **fields) -> Node:
    return node(name, machine=machine, **{"disk_mib": 20 * GIB, **fields})


@pytest.fixture(params=[0, FILLERS], ids=["few nodes", "many nodes"])
def split(request) -> Fleet:
    """Give two nodes of one machine, and no room anywhere else."""
    others = [node(f"full{at}", cpu=0.01, disk_mib=GIB) for at in range(request.param)]
    return fleet(part("n1"), part("n2"), *others)


def test_two_nodes_of_a_machine_share_its_disk(split):
    assert place(split, "1", disk(12)) == "n1"
    assert place(split, "2", disk(12)) is None
    split.free("1")
    assert place(split, "2", disk(12)) is not None


def test_a_refusal_says_how_much_of_the_disk_is_free(split):
    split.hold("1", NodeId("n1"), disk(12))
    said = split.place(disk(12), NOW).because
    assert "2 nodes: 12288 MiB disk needed, at most 8192 of 20480 free" in said


def test_disk_that_nobody_counts_takes_whatever_is_asked():
    given = fleet(node("a"), part("n1"))
    assert place(given, "1", disk(500)) == "a"
    assert place(given, "2", disk(500)) == "a"
    assert given.reserved(NodeId("a")).disk_mib == 1000 * GIB


def test_disk_counts_on_nodes_that_were_known_before_anybody_asked_for_it():
    given = fleet(node("a", cpu=0.05), part("n1"))
    assert place(given, "1", disk(15)) == "n1"
    assert place(given, "2", disk(15)) is None


def test_what_a_node_reserves_of_the_disk_is_told_for_the_machine(split):
    split.hold("1", NodeId("n1"), disk(5))
    split.hold("2", NodeId("n2"), disk(2))
    assert split.reserved(NodeId("n1")).disk_mib == split.reserved(NodeId("n2")).disk_mib == 7 * GIB


def test_a_node_that_joins_a_machine_has_what_the_others_left(split):
    split.hold("1", NodeId("n1"), disk(12))
    split.hold("2", NodeId("n3"), disk(4))
    split.put(part("n3"))
    assert split.reserved(NodeId("n1")).disk_mib == 16 * GIB
    assert place(split, "3", disk(5)) is None
    split.put(part("n3", machine="other"))
    assert split.reserved(NodeId("n1")).disk_mib == 12 * GIB
    assert place(split, "3", disk(5)) is not None


def test_what_is_left_of_a_node_that_is_gone_still_counts_for_its_machine(split):
    split.hold("1", NodeId("n1"), disk(12))
    split.remove(NodeId("n1"))
    assert place(split, "2", disk(12)) is None
    split.free("1")
    assert place(split, "2", disk(12)) == "n2"


def test_the_row_of_a_node_that_left_a_machine_is_of_no_machine():
    given = fleet(part("n1"), part("n2"))
    given.remove(NodeId("n2"))
    given.put(node("alone", disk_mib=20 * GIB))
    given.hold("1", NodeId("n1"), disk(20))
    assert place(given, "2", disk(20)) == "alone"


def test_a_trial_leaves_the_machine_as_it_was(split):
    with split.trial():
        split.hold("1", NodeId("n1"), disk(12))
        assert place(split, "2", disk(12)) is None
    assert place(split, "3", disk(12)) is not None


def test_a_copy_of_a_fleet_counts_on_its_own(split):
    twin = split.copy()
    twin.hold("1", NodeId("n1"), disk(20))
    twin.hold("db", NodeId("n1"), port(5432))
    assert place(split, "2", disk(20)) is not None
    assert place(split, "3", port(5432)) is not None
    assert place(twin, "4", disk(1)) is None
    assert place(twin, "5", port(5432)) is None


def test_the_share_of_a_disk_is_that_of_all_machines_each_once():
    given = fleet(part("n1"), part("n2"), node("other", disk_mib=20 * GIB))
    assert given.share(disk(10)) == pytest.approx(0.25)


def test_a_port_is_one_container_s_on_a_machine(split):
    assert place(split, "db", port(5432)) is not None
    assert place(split, "other", port(5432)) is None
    assert place(split, "third", port(5433)) is not None
    split.free("db")
    assert place(split, "other", port(5432)) is not None


def test_a_refusal_names_who_has_the_port_and_where(split):
    split.hold("db-1", NodeId("n1"), port(5432))
    sentences = split.place(port(5432, "chat/db"), NOW).sentences
    assert "2 nodes: port 5432 is taken by shop/db" in sentences


def test_another_machine_has_the_port_still():
    given = fleet(part("n1"), part("n2"), part("m1", machine="desktop"))
    given.hold("db", NodeId("n1"), port(5432))
    assert place(given, "other", port(5432)) == "m1"


def test_a_port_follows_its_node_to_another_machine(split):
    split.hold("db", NodeId("n1"), port(5432))
    assert place(split, "other", port(5432)) is None
    split.put(part("n1", machine="desktop"))
    assert place(split, "other", port(5432)) == "n2"


def test_closed_ports_are_named_and_can_never_be_had():
    router = ClosedPorts(first=7100, last=7999, by="headway's router")
    given = fleet(node("a", closed_ports=(router,)))
    assert given.place(port(7200), NOW).because == "a: port 7200 is taken by headway's router"
    found = given.never(port(7200))
    assert found is not None
    assert "port 7200 is taken by headway's router" in found.because
    assert place(given, "db", port(8000)) == "a"


def test_more_disk_than_any_machine_has_is_never_had():
    given = fleet(part("n1"), part("n2"))
    found = given.never(disk(21))
    assert found is not None
    assert "21504 MiB disk needed, the largest (n1) has 20480" in found.because
    large = NodeType(name="large", cpu=8, memory_mib=8192, disk_mib=100 * GIB)
    given.put_pool(Pool(types=(large,), scaling=Scaling(nodes_max=1)))
    assert given.never(disk(21)) is None


def test_copies_that_need_a_port_need_a_machine_each():
    given = fleet(part("n1"), part("n2"))
    found = given.too_few([copies("db", 2, ports=(5432,))])
    assert found is not None
    assert found.because == (
        "copies of db are to be on 2 machines; 1 can ever take it, those of all pools counted, "
        "as each has port 5432 of its machine"
    )
    given.put(node("m1"))
    assert because(given, copies("db", 2, ports=(5432,))) == ""


def test_process_types_with_one_port_need_a_machine_each():
    given = fleet(part("n1"), part("n2"))
    one, other = copies("a", ports=(5432,)), copies("b", ports=(5432, 80))
    assert "copies of a and b are to be on 2 machines; 1 can" in because(given, one, other)
    assert because(given, one, copies("b", ports=(80,))) == ""


def test_ports_of_their_own_do_not_make_nodes_apart_fewer():
    given = fleet(part("n1"), part("n2"))
    assert because(given, copies("a", ports=(1111,), apart=["b"]), copies("b", ports=(2222,))) == ""
