from dataclasses import replace

from headway.calculate.queueing import (
    Entry,
    Question,
    Room,
    Tallies,
    Terms,
    Turns,
    take_turns,
)
from headway.model.ids import AppName, EnvironmentId, NodeId, RunId
from headway.model.run import Lane

LANE = Lane(EnvironmentId("demo~1"), AppName("shop"), "default", 0, 0, "mail", "")
TERMS = Terms(cpu=1, memory_mib=100)


def entries(count: int, start: int = 0) -> list[Entry]:
    return [Entry(RunId(f"{number:06}")) for number in range(start, start + count)]


def question(lanes, **changes) -> Question:
    given = Question(
        lanes=lanes,
        terms=dict.fromkeys(lanes, TERMS),
        shut={},
        line_limits={},
        tallies=Tallies(),
        rooms=[Room(NodeId("a"), 100, 100_000)],
        tokens={},
        turns=Turns(),
        most=1000,
    )
    return replace(given, **changes)


def picked(asked: Question) -> list[str]:
    return [pick.entry.run for pick in take_turns(asked).picks]


def test_those_who_came_first_start_first_as_far_as_there_is_room():
    turn = take_turns(question({LANE: entries(5)}, rooms=[Room(NodeId("a"), 3, 1000)]))
    assert [pick.entry.run for pick in turn.picks] == ["000000", "000001", "000002"]
    assert turn.reasons == {LANE: "a: 1 cores needed, 0 free"}


def test_runs_spread_over_nodes_with_most_room():
    rooms = [Room(NodeId("a"), 2, 1000), Room(NodeId("b"), 3, 1000)]
    turn = take_turns(question({LANE: entries(5)}, rooms=rooms))
    assert sorted(pick.node for pick in turn.picks) == ["a", "a", "b", "b", "b"]


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
    terms = {LANE: replace(TERMS, job_limit=1), other: TERMS}
    turn = take_turns(question({LANE: entries(3), other: entries(3, 100)}, terms=terms))
    assert [pick.lane.job for pick in turn.picks].count("mail") == 1
    assert turn.reasons == {LANE: "job mail: 1 of 1 run"}


def test_a_busy_key_is_passed_over():
    waiting = [Entry(RunId("1"), "x"), Entry(RunId("2"), "x"), Entry(RunId("3"), "y")]
    terms = {LANE: replace(TERMS, key_limit=1)}
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
    rooms = [Room(NodeId("a"), 9, 9999, missing=("memory: no cgroup",))]
    terms = {LANE: replace(TERMS, strict=True)}
    turn = take_turns(question({LANE: entries(1)}, rooms=rooms, terms=terms))
    assert turn.picks == []
    assert turn.reasons == {LANE: "a: cannot give strict isolation (memory: no cgroup)"}


def test_queues_take_turns():
    mail, export = LANE, LANE._replace(queue="export")
    order = take_turns(question({mail: entries(100), export: entries(100, 1000)}, most=10)).picks
    assert [pick.lane.queue for pick in order].count("export") == 5


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
