"""Runs that start together or not at all: where they go, what holds them up, who waits for them."""

from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from msgspec.structs import replace as replaced

from headway.calculate.placement import (
    Fleet,
    Part,
    Promise,
    Site,
    preempt_together,
    reserve_together,
)
from headway.calculate.placement.gang import rehearse
from headway.calculate.queueing import Crew, Entry, Question, Tallies, Terms, take_turns
from headway.calculate.runs.gang import together
from headway.model.demand import Demand, Preemption
from headway.model.ids import NodeId, RunId
from headway.model.pool import PlacementPolicy, Pool
from headway.model.preempting import Losing
from headway.model.resources import Resources
from tests.unit.calculate.test_queueing import LANE, NOW, entries, fleet, question

LEADER = LANE._replace(job="load")
MEMBER = LANE._replace(job="worker")
ALL = Site(None, ())


def asks(cpu: float, expected_s: float | None = None, priority: int = 0) -> Demand:
    size = Resources(cpu=cpu, memory_mib=1)
    return Demand(resources=size, expected_s=expected_s, priority=priority)


def parts(*cores: float) -> list[Part]:
    return [Part("worker", asks(cpu), asks(cpu + 0.5)) for cpu in cores]


def gang_of(size: int, *, cpu: float = 1, expected_s: float | None = None) -> dict:
    demand = asks(cpu, expected_s)
    return {
        LEADER: Terms(demand, gang=((MEMBER, size - 1),)),
        MEMBER: Terms(demand),
    }


def asked(nodes: Fleet, size: int = 3, **changes: object) -> Question:
    numbers = count(900)
    terms = {**gang_of(size), **changes.pop("terms", {})}
    lanes = {LEADER: entries(1), **changes.pop("lanes", {})}
    given = question(lanes, fleet=nodes, terms=terms, new_run=lambda: RunId(str(next(numbers))))
    return replace(given, **changes)


# --- placement -----------------------------------------------------------------------------------


def test_all_are_placed_beside_one_another_and_nothing_is_held_by_it():
    nodes = fleet(a=2, b=2)
    found = rehearse(nodes, parts(1, 1, 1, 1), ALL, NOW)
    assert [node for node, _ in found.places] == ["a", "a", "b", "b"]
    assert (found.because, nodes.reserved(NodeId("a")).cpu) == ("", 0)


def test_the_first_that_has_no_room_is_told():
    found = rehearse(fleet(a=2), parts(1, 1, 1), ALL, NOW)
    assert len(found.places) == 2
    assert found.because == "a: 1 core needed, 0 of 2 free"


@pytest.mark.parametrize("policy", PlacementPolicy)
@pytest.mark.parametrize(
    ("cores", "sizes", "nodes"),
    [
        ({"a": 3, "b": 1}, (1, 3), "ba"),
        ({"a": 3, "b": 2}, (1, 2, 2), "aab"),
    ],
)
def test_what_is_large_has_room_though_what_leads_is_small(policy, cores, sizes, nodes):
    there = fleet(**cores)
    there.put_pool(Pool(policy=policy))
    found = rehearse(there, parts(*sizes), ALL, NOW)
    assert found.because == ""
    assert [demand.resources.cpu for _, demand in found.places] == list(sizes)
    assert sorted(node for node, _ in found.places) == sorted(nodes)
    assert found.places[0][0] == nodes[0]


def test_what_is_large_goes_where_no_runner_is_though_what_leads_is_small():
    site = Site((NodeId("a"),), ())
    found = rehearse(fleet(a=2, b=1), parts(0.5, 1, 1), site, NOW)
    assert [node for node, _ in found.places] == ["b", "a", "a"]
    assert found.fresh == ("b",)


def test_a_node_without_a_runner_takes_one_first_and_then_others_of_the_gang():
    found = rehearse(fleet(a=1, b=2.5), parts(1, 1, 1), Site((NodeId("a"),), ()), NOW)
    assert [(node, demand.resources.cpu) for node, demand in found.places] == [
        ("a", 1),
        ("b", 1.5),
        ("b", 1),
    ]
    assert found.fresh == ("b",)


def test_a_node_whose_runner_may_not_be_started_takes_none():
    found = rehearse(fleet(a=1, b=9), parts(1, 1), Site((NodeId("a"),), (NodeId("b"),)), NOW)
    assert len(found.places) == 1
    assert found.because


def test_the_earliest_moment_at_which_all_fit_is_found():
    nodes = fleet(a=2, b=2)
    for name, node, ends in (("one", "a", 50), ("two", "b", 100), ("three", "a", 900)):
        nodes.hold(name, NodeId(node), asks(1), NOW + timedelta(seconds=ends))
    nodes.hold("stays", NodeId("b"), asks(0.5))
    joint = reserve_together(nodes, parts(1, 1), ALL, NOW)
    assert joint is not None
    assert joint.at == NOW + timedelta(seconds=100)
    assert sorted(node for node, _ in joint.places) == ["a", "b"]
    assert joint.awaited == {"one", "two"}
    assert nodes.reserved(NodeId("a")).cpu == 2


def test_nobody_knows_when_more_fit_than_ever_end():
    nodes = fleet(a=2)
    nodes.hold("stays", NodeId("a"), asks(1))
    assert reserve_together(nodes, parts(1, 1), ALL, NOW) is None


def test_what_ends_passes_on_to_one_of_a_gang_and_what_is_free_is_held_for_the_others():
    nodes = fleet(a=3)
    nodes.hold("there", NodeId("a"), asks(1))
    for at in (None, NOW):
        made = [
            nodes.promise(Promise("gang", NodeId("a"), (asks(1),), frozenset({"there"}), NOW, at))
            for _ in range(3)
        ]
        assert nodes.reserved(NodeId("a")).cpu == 3
        for promise in made:
            nodes.withdraw(promise)
    assert nodes.reserved(NodeId("a")).cpu == 1


# --- turns ---------------------------------------------------------------------------------------


def test_a_run_starts_with_all_of_its_gang():
    nodes = fleet(a=3)
    turn = take_turns(asked(nodes))
    (pick,) = turn.picks
    assert (pick.lane, pick.entry.run, pick.node) == (LEADER, "000000", "a")
    assert [(one.lane, one.entry.run, one.node) for one in pick.members] == [
        (MEMBER, "900", "a"),
        (MEMBER, "901", "a"),
    ]
    assert set(nodes.on(NodeId("a"))) == {"000000", "900", "901"}


def test_none_of_it_starts_where_one_has_no_room():
    nodes = fleet(a=2)
    turn = take_turns(asked(nodes))
    assert (turn.picks, nodes.on(NodeId("a"))) == ([], ())
    assert turn.reasons[LEADER] == (
        "no room for worker 2 of 2 of its gang of 3, which start together: "
        "a: 1 core needed, 0 of 2 free"
    )


def test_what_can_never_start_is_told_apart():
    terms = {MEMBER: Terms(asks(9))}
    turn = take_turns(asked(fleet(a=2), terms=terms))
    assert turn.nevers == {LEADER}
    assert "no room for worker 1 of 2 of its gang of 3" in turn.reasons[LEADER]


def test_runners_are_started_on_all_nodes_that_need_one_before_any_starts():
    wanted: list[str] = []

    def enlist(_lane, node):
        wanted.append(node)
        return "its runner starts"

    crew = Crew(ready=(), refused={}, demand=asks(1.1))
    turn = take_turns(asked(fleet(a=1.5, b=2.5), crew=lambda _lane: crew, enlist=enlist))
    assert (turn.picks, wanted) == ([], ["a", "b"])
    assert turn.reasons[LEADER] == "a: its runner starts; b: its runner starts"


@pytest.mark.parametrize(("limit", "starts"), [(2, 0), (3, 1)])
def test_a_gang_counts_all_of_it_towards_the_limit_of_its_queue(limit, starts):
    turn = take_turns(asked(fleet(a=9), line_limits={LANE.line: limit}))
    assert len(turn.picks) == starts
    if not starts:
        assert turn.reasons[LEADER] == "queue default: 0 of 2 run, and its gang has 3"


def test_and_towards_the_limit_of_their_job():
    terms = {MEMBER: Terms(asks(1), job_limit=2)}
    tallies = Tallies()
    tallies.add(MEMBER, None)
    turn = take_turns(asked(fleet(a=9), terms=terms, tallies=tallies))
    assert turn.picks == []
    assert turn.reasons[LEADER] == "job worker: 1 of 2 run, and its gang has 2"


def behind_a_gang(expected_s: float):
    """Ask in turn for a gang that waits for one that ends in 100 s, and for a small one."""
    nodes = fleet(a=2, b=2)
    nodes.hold("there", NodeId("a"), asks(2), NOW + timedelta(seconds=100))
    small = LANE._replace(job="small")
    terms = {**gang_of(4), small: Terms(asks(1, expected_s))}
    lanes = {small: [Entry(RunId("000009"))]}
    return take_turns(asked(nodes, 4, terms=terms, lanes=lanes)), nodes, small


def test_what_ends_before_all_of_a_gang_fit_goes_first():
    turn, nodes, small = behind_a_gang(99)
    assert [pick.lane for pick in turn.picks] == [small]
    assert {promise.at for promise in nodes.promises()} == {NOW + timedelta(seconds=100)}
    assert len(nodes.promises()) == 4


def test_what_would_not_have_ended_waits_for_the_gang():
    turn, nodes, small = behind_a_gang(101)
    assert turn.picks == []
    assert turn.reasons[small].endswith(f"is kept for {LEADER.name}")
    nodes.free("there")
    later = take_turns(asked(nodes, 4))
    assert [len(pick.members) for pick in later.picks] == [3]
    assert nodes.promises() == []


# --- taking the place of others ------------------------------------------------------------------


def crowded(**cores: float) -> Fleet:
    """Fill nodes with runs of one core that may be lost; those of the last node began last."""
    nodes = fleet(**cores)
    low = replaced(asks(1, 100), preemption=Preemption.ALLOWED)
    for at, name in enumerate(cores):
        for number in range(int(cores[name])):
            until = NOW + timedelta(seconds=50 + 10 * at + number)
            nodes.hold(f"{name}{number}", NodeId(name), low, until)
    return nodes


class Making:
    """Makes room, and keeps what was asked."""

    def __init__(self, nodes: Fleet, said: str = "it is made") -> None:
        self.nodes, self.said = nodes, said
        self.found: list[Losing] = []

    def __call__(self, _lane, _run, found, promises) -> str:
        self.found.append(found)
        for promise in promises if self.said else ():
            self.nodes.promise(promise)
        return self.said

    def asked(self, size: int, **changes: object) -> Question:
        terms = {LEADER: replaced(gang_of(size)[LEADER], demand=asks(1, 60, priority=1))}
        return asked(self.nodes, size, terms=terms, make_room=self, **changes)


def test_what_all_of_a_gang_need_gives_way_to_it_and_no_more():
    nodes = crowded(a=3, b=3)
    making = Making(nodes)
    turn = take_turns(making.asked(4))
    (found,) = making.found
    assert (turn.picks, set(found.runs)) == ([], {"b0", "b1", "b2", "a2"})
    assert found.because.startswith(
        "priority 1 takes the place of 4 runs of priority 0 on b, a for all 4 of its gang, so that "
        "least is lost: "
    )
    assert turn.reasons[LEADER].startswith("no room for load of its gang of 4, which start ")
    assert turn.reasons[LEADER].endswith("; it is made")
    assert sorted(promise.node for promise in nodes.promises()) == ["a", "b", "b", "b"]


def test_nothing_gives_way_where_that_would_not_be_enough_for_all():
    making = Making(crowded(a=3, b=3))
    turn = take_turns(making.asked(7))
    assert (turn.picks, making.found) == ([], [])


def test_room_for_a_gang_is_kept_for_it_and_not_sought_twice():
    nodes = crowded(a=3, b=3)
    making = Making(nodes)
    alike = LANE._replace(job="alike")
    lanes, terms = {alike: entries(1, start=50)}, {alike: Terms(asks(1, 60, priority=1))}
    take_turns(making.asked(6))
    for number, run in enumerate(making.found[0].runs, start=1):
        nodes.free(run)
        given = making.asked(6)
        if number < 6:  # one that asks for the same as each of it has to wait, too
            given = replace(given, terms={**given.terms, **terms}, lanes={**given.lanes, **lanes})
        turn = take_turns(replace(given, now=NOW + timedelta(seconds=2 * number)))
        assert [len(pick.members) for pick in turn.picks] == ([5] if number == 6 else [])
        if number < 6:
            assert "a, b are being made free for it: " in turn.reasons[LEADER]
    assert len(making.found) == 1
    assert nodes.promises() == []


def test_where_one_of_its_nodes_is_gone_other_room_is_sought_for_all():
    nodes = crowded(a=2, b=2, c=2)
    making = Making(nodes)
    take_turns(making.asked(4))
    assert set(making.found[0].nodes) == {"c", "b"}
    for run in making.found[0].runs:
        nodes.yielding.leaves(run)
    nodes.remove(NodeId("c"))
    for promise in nodes.promises():
        if promise.node == "c":
            nodes.withdraw(promise)
    take_turns(making.asked(4))
    assert [set(found.nodes) for found in making.found[1:]] == [{"a", "b"}]
    assert sorted(promise.node for promise in nodes.promises()) == ["a", "a", "b", "b"]


def test_who_could_give_way_to_a_gang_is_not_asked_again_at_once():
    making = Making(crowded(a=3), said="")
    given = making.asked(2)
    for seconds in (0, 0.5, 1.5):
        take_turns(replace(given, now=NOW + timedelta(seconds=seconds)))
    assert len(making.found) == 2


def test_of_a_large_gang_what_has_room_where_it_is_stays_however_many_may_go():
    """More than can be looked at one by one: the two whose cores the others do not need stay."""
    nodes = fleet(**{f"n{number:02}": 2 for number in range(32)})
    low = replaced(asks(1, 100), preemption=Preemption.ALLOWED)
    for number in range(32):
        for name in ("a", "b"):
            nodes.hold(f"{name}{number:02}", NodeId(f"n{number:02}"), low, NOW)
    above = asks(1, 60, priority=1)
    found = preempt_together(nodes, [Part("worker", above, above)] * 62, ALL, NOW)
    assert found is not None
    assert len(found.runs) == 62
    assert len(found.places) == 62


def test_a_gang_starts_elsewhere_than_where_room_is_promised_if_it_can_sooner():
    nodes = fleet(a=3, b=2)
    nodes.hold("there", NodeId("a"), asks(2), NOW + timedelta(seconds=100))
    for node, cpu in (("b", 1), ("a", 2)):
        wanted = together(asks(cpu), asks(1), LEADER.name)
        until = NOW + timedelta(seconds=200)
        awaited = frozenset({"there"})
        nodes.promise(Promise(LEADER.name, NodeId(node), (wanted,), awaited, until, until))
    turn = take_turns(asked(nodes, 2, terms={MEMBER: Terms(asks(2))}))
    (pick,) = turn.picks
    assert (pick.node, pick.members[0].node) == ("a", "b")


@pytest.mark.parametrize("by_size", [True, False], ids=["of another size", "without a gang"])
def test_what_a_gang_was_promised_is_at_once_for_others_as_its_release_asks_for_other_things(
    by_size,
):
    nodes = crowded(a=3)
    making = Making(nodes)
    take_turns(making.asked(3))
    for run in making.found[0].runs:
        nodes.free(run)
    assert len(nodes.promises()) == 3
    alike = LANE._replace(job="alike")
    asks_else = {LEADER: Terms(asks(4, 60), gang=((MEMBER, 2),) if by_size else ())}
    given = making.asked(3, lanes={alike: entries(1, start=50)})
    given = replace(given, terms={MEMBER: Terms(asks(1)), alike: Terms(asks(1, 60)), **asks_else})
    turn = take_turns(given)
    assert [pick.lane for pick in turn.picks] == [alike]
    assert nodes.promises() == []
