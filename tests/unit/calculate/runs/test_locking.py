"""Locks of runs: which are free to whom, who stands in which line, who steps aside."""

import msgspec

from headway.calculate.lease import settle, stands, waits
from headway.calculate.queueing import Crew, Entry, Terms, take_turns
from headway.calculate.runs.locking import Locks, held, standing
from headway.model.demand import Demand
from headway.model.ids import AppName, EnvironmentId, LeaseId, NodeId, RunId
from headway.model.lease import Lease, LeaseState
from headway.model.resources import Resources
from headway.model.run import Run, RunState
from tests.unit.calculate.test_lease import NOW, asked
from tests.unit.calculate.test_queueing import LANE, fleet, question

OTHER = LANE._replace(job="other", queue="slow")


def run(name: str) -> Run:
    return Run(
        id=RunId(name),
        environment=EnvironmentId("demo~1"),
        app=AppName("shop"),
        job="mail",
        state=RunState.QUEUED,
        queue="default",
        created_at=NOW,
        created_by="me",
    )


def stands_in(lock: str, name: str, line: list[Lease] | None = None, **changes: object) -> Lease:
    row = standing(run(name), lock, line or [], LeaseId(f"lse-{name}-{lock}"), NOW)
    return msgspec.structs.replace(row, **changes)


def holds(lock: str, name: str) -> Lease:
    return held(stands_in(lock, name), 7, NOW)


def locked(name: str, *locks: str) -> Entry:
    return Entry(RunId(name), locks=locks)


# --- which locks are free to whom ----------------------------------------------------------------


def test_what_nobody_has_or_waits_for_is_free():
    assert Locks({"a": [], "b": []}).wanted(RunId("1"), ("a", "b")) == ()


def test_a_run_stands_for_the_first_lock_that_it_cannot_have_and_those_before_it():
    locks = Locks({"a": [], "b": [holds("b", "9")], "c": [holds("c", "9")]})
    assert locks.wanted(RunId("1"), ("a", "b", "c")) == ("a", "b")


def test_who_came_before_goes_before_and_who_came_behind_does_not():
    locks = Locks({"a": [stands_in("a", "1"), stands_in("a", "2")]})
    assert locks.wanted(RunId("1"), ("a",)) == ()
    assert locks.wanted(RunId("2"), ("a",)) == ("a",)
    assert locks.wanted(RunId("3"), ("a",)) == ("a",)
    assert locks.because(RunId("2"), "a") == "lock a: run 1 is before it"
    assert locks.because(RunId("3"), "a") == "lock a: 2 are before it, run 1 first"


def test_a_lock_has_as_many_places_as_its_holders_say():
    ana = asked("ana")
    ana = replace_claim(msgspec.structs.replace(ana, state=LeaseState.HELD), places=2)
    locks = Locks({"migration": [ana]})
    assert locks.wanted(RunId("1"), ("migration",)) == ()
    locks.take(("migration",))
    assert locks.wanted(RunId("2"), ("migration",)) == ("migration",)
    assert stands_in("migration", "1", [ana]).claim.places == 2


def replace_claim(lease: Lease, **changes: object) -> Lease:
    claim = msgspec.structs.replace(lease.claim, **changes)
    return msgspec.structs.replace(lease, claim=claim)


def test_those_that_can_start_together_are_counted():
    locks = Locks({"a": [], "b": [], "c": [holds("c", "9")]})
    rows = [("1", ("a",)), ("2", ("a",)), ("3", ("b",)), ("4", ("c",)), ("5", ("unread",))]
    assert locks.startable(rows) == 2
    assert locks.startable(rows) == 2


# --- the line ------------------------------------------------------------------------------------


def test_what_is_free_is_kept_for_a_run_that_is_next():
    line = [stands_in("migration", "1"), asked("ana")]
    assert settle(line, NOW, 0).changes == ()
    assert waits(line[:1]) == "the lock migration is kept for run 1, who takes it next"


def test_nobody_goes_before_a_run_that_is_next():
    line = [stands_in("migration", "1"), asked("ana"), asked("ben")]
    assert settle(line, NOW, 0).changes == ()
    assert stands(line[0], []) == "it waits to start with it"


def test_who_holds_a_lock_as_it_runs_is_named_since_when():
    assert waits([holds("a", "1")]) == "the lock a is held by run 1 since 2026-11-21 09:00:00 UTC"


def test_a_run_holds_without_an_end_and_waits_without_being_heard():
    for row in (holds("a", "1"), stands_in("a", "2")):
        assert (row.until, row.waits_until, row.due_at) == (None, None, None)
        assert settle([row], NOW.replace(year=2100), 0).changes == ()


# --- turns ---------------------------------------------------------------------------------------


def test_of_runs_that_share_a_lock_one_starts_and_the_next_stands_in_line():
    lanes = {LANE: [locked("1", "a"), locked("2", "a"), locked("3")]}
    turn = take_turns(question(lanes, locks=Locks({"a": []})))
    assert [pick.entry.run for pick in turn.picks] == ["1", "3"]
    assert turn.claims == {"2": ("a",)}
    assert turn.held_up == {"2": "lock a: taken by another that starts now"}


def test_only_the_first_of_a_lane_stands_for_a_lock_and_the_others_say_so():
    lanes = {LANE: [locked("1", "a"), locked("2", "a"), locked("3", "b")]}
    turn = take_turns(question(lanes, locks=Locks({"a": [holds("a", "9")], "b": []})))
    assert [pick.entry.run for pick in turn.picks] == ["3"]
    assert turn.claims == {"1": ("a",)}
    assert turn.held_up["2"] == "lock a: others of its job are before it"
    assert turn.reasons == {LANE: "lock a: held by run 9 since 2026-11-21 09:00:00 UTC"}


def test_who_stands_already_is_not_asked_to_again():
    line = [holds("a", "9"), stands_in("a", "1")]
    turn = take_turns(question({LANE: [locked("1", "a")]}, locks=Locks({"a": line})))
    assert (turn.claims, turn.idle) == ({}, ())


def test_who_finds_no_room_is_idle_and_who_waits_for_the_lock_is_not():
    nodes = fleet(x=1)
    nodes.hold("there", NodeId("x"), Demand(resources=Resources(cpu=1, memory_mib=1)))
    lanes = {LANE: [locked("1", "a")]}
    turn = take_turns(question(lanes, fleet=nodes, locks=Locks({"a": [stands_in("a", "1")]})))
    assert (turn.picks, turn.idle) == ([], ("1",))
    line = [holds("a", "9"), stands_in("a", "1")]
    turn = take_turns(question(lanes, fleet=nodes, locks=Locks({"a": line})))
    assert (turn.claims, turn.idle) == ({}, ())


def test_who_is_paused_or_at_a_limit_is_idle():
    line = Locks({"a": [stands_in("a", "1")]})
    asking = question({LANE: [locked("1", "a")]}, locks=line, shut={LANE: "paused"}, terms={})
    assert take_turns(asking).idle == ("1",)
    asking = question({LANE: [locked("1", "a")]}, locks=line, line_limits={LANE.line: 0})
    assert take_turns(asking).idle == ("1",)


def test_who_waits_for_a_runner_that_is_started_is_not_idle():
    crew = Crew(ready=(), refused={}, demand=Demand(resources=Resources(cpu=1, memory_mib=1)))
    line = Locks({"a": [stands_in("a", "1")]})
    asking = question({LANE: [locked("1", "a")]}, locks=line, crew=lambda _lane: crew)
    turn = take_turns(asking)
    assert (turn.picks, turn.idle) == ([], ())


def test_who_was_not_looked_at_because_enough_start_keeps_its_place():
    lanes = {LANE: [locked("0")], OTHER: [locked("1", "a")]}
    turn = take_turns(question(lanes, locks=Locks({"a": [stands_in("a", "1")]}), most=1))
    assert len(turn.picks) == 1
    assert turn.idle == ()


def test_a_run_whose_locks_were_not_read_waits_for_the_next_decision():
    turn = take_turns(question({LANE: [locked("1", "a"), locked("2")]}))
    assert (turn.picks, turn.claims) == ([], {})


def test_a_retry_that_came_first_does_not_wait_for_one_behind_it_that_stands_in_line():
    lanes = {LANE: [locked("1", "a"), locked("2", "a")]}
    turn = take_turns(question(lanes, locks=Locks({"a": [stands_in("a", "2")]})))
    assert [pick.entry.run for pick in turn.picks] == ["2"]


def test_limits_of_a_job_count_beside_its_locks():
    terms = {
        LANE: msgspec.structs.replace(
            Terms(Demand(resources=Resources(cpu=1, memory_mib=1))), job_limit=1
        )
    }
    lanes = {LANE: [locked("1", "a"), locked("2", "b")]}
    turn = take_turns(question(lanes, terms=terms, locks=Locks({"a": [], "b": []})))
    assert [pick.entry.run for pick in turn.picks] == ["1"]
