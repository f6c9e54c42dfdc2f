from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace as replaced

from headway.calculate.placement import Fleet
from headway.calculate.queueing import (
    Crew,
    Entry,
    Question,
    Tallies,
    Terms,
    Turns,
    pick_first,
    take_turns,
)
from headway.model.demand import Demand, Preemption
from headway.model.ids import AppName, EnvironmentId, NodeId, RunId
from headway.model.node import Node
from headway.model.resources import Resources
from headway.model.run import Lane

LANE = Lane(EnvironmentId("demo~1"), AppName("shop"), "default", 0, 0, "mail", "")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
TERMS = Terms(Demand(resources=Resources(cpu=1, memory_mib=100)))


def entries(count: int, start: int = 0) -> list[Entry]:
    return [Entry(RunId(f"{number:06}")) for number in range(start, start + count)]


def fleet(**cores: float) -> Fleet:
    made = Fleet()
    for name, count in cores.items():
        made.put(Node(id=NodeId(name), cpu=count, memory_mib=100_000))
    return made


def question(lanes, **changes) -> Question:
    given = Question(
        lanes=lanes,
        terms=dict.fromkeys(lanes, TERMS),
        shut={},
        line_limits={},
        tallies=Tallies(),
        fleet=fleet(a=100),
        now=NOW,
        tokens={},
        turns=Turns(),
        most=1000,
    )
    return replace(given, **changes)


def picked(asked: Question) -> list[str]:
    return [pick.entry.run for pick in take_turns(asked).picks]


def test_of_one_lane_the_first_is_picked_and_none_where_it_is_shut():
    first = pick_first(question({LANE: entries(2)}))
    assert first is not None
    assert first.entry.run == "000000"
    assert pick_first(question({LANE: entries(2)}, shut={LANE: "paused"})) is None
    with pytest.raises(ValueError, match="too many values"):
        pick_first(question({LANE: entries(1), LANE._replace(job="other"): entries(1)}))


def test_those_who_came_first_start_first_as_far_as_there_is_room():
    turn = take_turns(question({LANE: entries(5)}, fleet=fleet(a=3)))
    assert [pick.entry.run for pick in turn.picks] == ["000000", "000001", "000002"]
    assert turn.reasons == {LANE: "a: 1 core needed, 0 of 3 free"}


@pytest.mark.parametrize("days", [3650, 3_000_000, float("inf")])
def test_a_run_thought_to_take_almost_for_ever_starts_and_so_do_others(days):
    ever = Terms(Demand(resources=Resources(cpu=1, memory_mib=1), expected_s=days * 86_400.0))
    nodes = fleet(a=2)
    other = LANE._replace(job="other")
    lanes = {LANE: entries(1), other: entries(1, start=9)}
    turn = take_turns(question(lanes, fleet=nodes, terms={LANE: ever, other: TERMS}))
    assert {pick.lane for pick in turn.picks} == {LANE, other}


def test_what_takes_almost_for_ever_ends_before_no_room_that_is_kept():
    turn, _nodes = past_a_large_one(expected_s=3_000_000 * 86_400.0)
    assert turn.picks == []


def test_runs_fill_one_node_before_the_next():
    nodes = fleet(a=2, b=3)
    turn = take_turns(question({LANE: entries(6)}, fleet=nodes))
    assert [pick.node for pick in turn.picks] == ["a", "a", "b", "b", "b"]
    assert turn.reasons == {LANE: "2 nodes: 1 core needed, at most 0 of 2 free"}
    assert nodes.reserved(NodeId("b")).cpu == 3


LARGE = LANE._replace(job="large")


def past_a_large_one(expected_s: float | None, **fields: object):
    """Ask in turn for a large run, which waits for one that ends in 100 s, and for a small one."""
    nodes = fleet(a=4)
    there = Demand(resources=Resources(cpu=2, memory_mib=1), expected_s=100)
    nodes.hold("there", NodeId("a"), there, NOW + timedelta(seconds=100))
    large = Demand(resources=Resources(cpu=3, memory_mib=1), expected_s=60)
    fields = {"cpu": 2, "priority": 0, **fields}
    size = Resources(cpu=fields["cpu"], memory_mib=1)
    small = Demand(resources=size, expected_s=expected_s, priority=fields["priority"])
    lanes = {LARGE: entries(1), LANE: entries(1, start=9)}
    terms = {LARGE: Terms(large), LANE: Terms(small)}
    return take_turns(question(lanes, fleet=nodes, terms=terms)), nodes


def test_what_ends_before_a_large_one_can_start_goes_first():
    turn, nodes = past_a_large_one(expected_s=99)
    assert [pick.lane for pick in turn.picks] == [LANE]
    (promise,) = nodes.promises()
    assert (promise.whom, promise.node, promise.awaited) == (LARGE.name, "a", {"there"})
    assert promise.at == NOW + timedelta(seconds=100)


def test_what_would_not_waits_and_says_for_whom():
    turn, nodes = past_a_large_one(expected_s=101)
    assert turn.picks == []
    assert turn.reasons[LANE].endswith(f"room on a is kept for {LARGE.name}")
    assert nodes.reserved(NodeId("a")).cpu == 3


def test_what_leaves_enough_for_it_does_not_wait():
    turn, nodes = past_a_large_one(expected_s=500, cpu=1)
    assert [pick.lane for pick in turn.picks] == [LANE]
    assert nodes.reserved(NodeId("a")).cpu == 4


def test_a_higher_priority_does_not_wait():
    turn, nodes = past_a_large_one(expected_s=500, priority=1)
    assert [pick.lane for pick in turn.picks] == [LANE]
    assert nodes.promises() == []


def test_a_reservation_is_behind_who_comes_in_another_decision():
    nodes = fleet(a=4)
    there = Demand(resources=Resources(cpu=2, memory_mib=1), expected_s=100)
    nodes.hold("there", NodeId("a"), there, NOW + timedelta(seconds=100))
    terms = {
        LARGE: Terms(Demand(resources=Resources(cpu=3, memory_mib=1), expected_s=60)),
        LANE: Terms(Demand(resources=Resources(cpu=2, memory_mib=1), expected_s=500)),
    }
    ahead: dict = {}
    take_turns(question({LARGE: entries(1)}, fleet=nodes, terms=terms, ahead=ahead))
    assert nodes.promises() == []  # it costs nothing while nobody goes before it
    late = take_turns(question({LANE: entries(1)}, fleet=nodes, terms=terms, ahead=ahead))
    assert late.picks == []
    nodes.free("there")
    turn = take_turns(question({LARGE: entries(1)}, fleet=nodes, terms=terms, ahead=ahead))
    assert [pick.lane for pick in turn.picks] == [LARGE]
    assert nodes.promises() == []


def test_it_is_passed_over_for_a_while_before_room_is_reserved():
    nodes = fleet(a=4)
    there = Demand(resources=Resources(cpu=2, memory_mib=1), expected_s=100)
    nodes.hold("there", NodeId("a"), there, NOW + timedelta(seconds=100))
    terms = {
        LARGE: Terms(Demand(resources=Resources(cpu=3, memory_mib=1), expected_s=60)),
        LANE: Terms(Demand(resources=Resources(cpu=0.6, memory_mib=1), expected_s=500)),
    }
    given = question(
        {LARGE: entries(1), LANE: entries(1, start=9)},
        fleet=nodes,
        terms=terms,
        passing=timedelta(seconds=60),
    )
    for seconds, count in ((0, 1), (59, 1), (60, 0)):
        lanes = {**given.lanes, LANE: entries(1, start=100 + seconds)}
        later = replace(given, lanes=lanes, now=NOW + timedelta(seconds=seconds))
        assert len(take_turns(later).picks) == count
        assert len(nodes.promises()) == 1 - count


def test_who_could_give_way_is_not_asked_again_at_once():
    nodes = fleet(a=4)
    there = Demand(resources=Resources(cpu=3, memory_mib=1), preemption=Preemption.ALLOWED)
    nodes.hold("low", NodeId("a"), there, NOW + timedelta(seconds=100))
    above = Terms(Demand(resources=Resources(cpu=3, memory_mib=1), priority=1))
    asked: list[str] = []

    def too_often(_lane, run, found, _promises):
        asked.append(run)
        assert found.runs == ("low",)
        return "not yet"

    given = question({LANE: entries(1)}, fleet=nodes, terms={LANE: above}, make_room=too_often)
    for seconds in (0, 0.5, 1.5):
        turn = take_turns(replace(given, now=NOW + timedelta(seconds=seconds)))
        assert turn.reasons == {LANE: "not yet"}
    assert asked == ["000000"] * 2


def crew(lane: Lane, *ready: str, **refused: str) -> Crew:
    return Crew([NodeId(name) for name in ready], refused, TERMS.demand)


def test_runs_go_where_a_runner_is_before_another_is_started():
    asked = []

    def enlist(_lane, node):
        asked.append(node)
        return "its runner is about to start"

    given = question(
        {LANE: entries(6)},
        fleet=fleet(a=9, b=2, c=2, d=2),
        crew=lambda lane: crew(lane, "b", a="its runner ended"),
        enlist=enlist,
    )
    turn = take_turns(given)
    assert [pick.node for pick in turn.picks] == ["b", "b"]
    assert (asked, turn.reasons) == (["c"], {LANE: "c: its runner is about to start"})


def test_where_no_runner_can_be_every_node_is_answered_for():
    given = question(
        {LANE: entries(6)},
        fleet=fleet(a=9, b=2, c=0.5),
        crew=lambda lane: crew(lane, "b", a="its runner ended"),
    )
    assert take_turns(given).reasons == {
        LANE: "b: 1 core needed, 0 of 2 free; a: its runner ended; c: 1 core needed, a node has 0.5"
    }


def test_a_run_that_no_node_and_its_runner_can_ever_take_stays_and_says_so():
    given = question(
        {LANE: entries(1)},
        fleet=fleet(a=0.5, b=0.75),
        crew=lambda lane: crew(lane, a="its runner ended"),
    )
    turn = take_turns(given)
    assert turn.picks == []
    assert turn.reasons == {
        LANE: "no node and no pool type can ever take it: "
        "1 core needed, the largest (b) has 0.75; ask for at most 0.75 cores, or add a larger node"
    }


def test_a_run_that_leaves_no_room_for_its_runner_anywhere_says_so():
    beside = Demand(resources=Resources(cpu=1.25, memory_mib=1))
    given = question(
        {LANE: entries(1)},
        fleet=fleet(a=1),
        crew=lambda lane: Crew([], {}, beside),
    )
    assert take_turns(given).reasons[LANE] == (
        "no node and no pool type can ever take it: "
        "1 core needed and 0.25 for its runner, the largest (a) has 1; "
        "ask for at most 0.75 cores, or add a larger node"
    )


def test_priority_comes_before_all():
    urgent = LANE._replace(priority=10)
    order = picked(question({LANE: entries(2), urgent: entries(2, 100)}))
    assert order == ["000100", "000101", "000000", "000001"]


def test_tag_values_take_turns_whoever_has_more():
    many, few = LANE._replace(fair="many"), LANE._replace(fair="few")
    order = picked(question({many: entries(100), few: entries(3, 1000)}, most=8))
    assert {"001000", "001001", "001002"} <= set(order)


def test_who_comes_back_has_saved_up_nothing():
    many, few = LANE._replace(fair="many"), LANE._replace(fair="few")
    turns = Turns()
    take_turns(question({many: entries(100)}, turns=turns, most=50))
    order = picked(question({many: entries(50, 50), few: entries(50, 1000)}, turns=turns, most=20))
    assert 9 <= sum(run >= "001000" for run in order) <= 11


def test_a_job_at_its_limit_holds_up_only_itself():
    other = LANE._replace(job="export")
    terms = {LANE: replaced(TERMS, job_limit=1), other: TERMS}
    turn = take_turns(question({LANE: entries(3), other: entries(3, 100)}, terms=terms))
    assert [pick.lane.job for pick in turn.picks].count("mail") == 1
    assert turn.reasons == {LANE: "job mail: 1 of 1 run"}


def test_a_busy_key_is_passed_over():
    waiting = [Entry(RunId("1"), "x"), Entry(RunId("2"), "x"), Entry(RunId("3"), "y")]
    terms = {LANE: replaced(TERMS, key_limit=1)}
    assert picked(question({LANE: waiting}, terms=terms)) == ["1", "3"]


def test_a_queue_at_its_limit_or_out_of_starts_waits():
    turn = take_turns(question({LANE: entries(3)}, line_limits={LANE.line: 2}))
    assert len(turn.picks) == 2
    assert turn.reasons == {LANE: "queue default: 2 of 2 run"}
    turn = take_turns(question({LANE: entries(3)}, tokens={LANE.line: 1.5}))
    assert len(turn.picks) == 1
    assert turn.reasons == {LANE: "queue default: its rate allows no start now"}


def test_what_may_not_start_says_why():
    turn = take_turns(question({LANE: entries(3)}, shut={LANE: "shop has no live release"}))
    assert (turn.picks, turn.reasons) == ([], {LANE: "shop has no live release"})


def test_strict_isolation_is_refused_where_a_limit_cannot_be_enforced():
    nodes = Fleet()
    nodes.put(Node(id=NodeId("a"), cpu=9, memory_mib=9999, limits=("memory: no cgroup",)))
    terms = {LANE: Terms(Demand(resources=Resources(), strict=True))}
    turn = take_turns(question({LANE: entries(1)}, fleet=nodes, terms=terms))
    assert turn.picks == []
    assert turn.reasons == {
        LANE: "no node and no pool type can ever take it: "
        "a: cannot give strict isolation (memory: no cgroup); "
        "what would have to change: a node that enforces every limit"
    }


def test_queues_take_turns():
    mail, export = LANE, LANE._replace(queue="export")
    order = take_turns(question({mail: entries(100), export: entries(100, 1000)}, most=10)).picks
    assert [pick.lane.queue for pick in order].count("export") == 5


def test_what_has_a_higher_priority_of_placement_starts_before_other_queues():
    mail, export = LANE, LANE._replace(queue="export")
    urgent = Terms(Demand(resources=TERMS.demand.resources, priority=5))
    given = question(
        {mail: entries(5), export: entries(2, 1000)}, terms={mail: TERMS, export: urgent}, most=4
    )
    assert picked(given) == ["001000", "001001", "000000", "000001"]


def test_turns_are_fair_by_what_each_has_most_of():
    cores, memory = LANE._replace(queue="cores"), LANE._replace(queue="memory")
    terms = {
        cores: Terms(Demand(resources=Resources(cpu=4, memory_mib=100))),
        memory: Terms(Demand(resources=Resources(cpu=0.1, memory_mib=2000))),
    }
    given = question(
        {cores: entries(100), memory: entries(100, 1000)}, terms=terms, fleet=fleet(a=100), most=30
    )
    order = [pick.lane.queue for pick in take_turns(given).picks]
    assert order.count("memory") == 2 * order.count("cores")  # 4 % of the cores, 2 % of the memory


def test_lanes_have_names_that_are_read_again():
    lane = LANE._replace(fair="a/b", priority=-5, pinned=3)
    assert Lane.parse(lane.name) == lane


def test_what_is_remembered_of_turns_is_bounded():
    turns = Turns()
    for number in range(5000):
        turns.took(LANE._replace(fair=str(number)), 1)
    assert len(turns.fair[LANE.line]) <= 2000
    turns.forget({LANE.line})
    assert turns.lines
    turns.forget(())
    assert (turns.lines, turns.fair, turns.fair_clock) == ({}, {}, {})
