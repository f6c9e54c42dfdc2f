from datetime import UTC, datetime, timedelta

import msgspec

from headway.calculate.runs.estimate import Estimate
from headway.calculate.runs.monitor import Flag, Rules, Watched, flags, starts_fail
from headway.model.container import Container, ContainerState, Exit
from headway.model.job import Job
from headway.model.run import Attempt, Run, RunState

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
JOB = Job(name="work", command="true", timeout_s=1000, grace_s=10)
USUAL = Estimate(middle_s=60, high_s=120, seen=20)


def run(state: RunState, age_s: float) -> Run:
    at = NOW - timedelta(seconds=age_s)
    attempt = Attempt(number=1, release=1, runner="r", node="n", ordered_at=at, began_at=at)
    return Run(
        id="r1",
        environment="demo~1",
        app="shop",
        job="work",
        queue="default",
        state=state,
        created_at=at,
        created_by="me",
        attempts=(attempt,) if state is RunState.RUNNING else (),
    )


RULES = Rules(stuck_s=900, long_factor=4, cancel_factor=0)


def found(state: RunState, age_s: float, thought: Estimate = USUAL, rules: Rules = RULES) -> Flag:
    watched = Watched(run=run(state, age_s), thought=thought, job=JOB, rules=rules)
    return next(iter(flags([watched], NOW)), Flag(run="", because=""))


def said(state: RunState, age_s: float, thought: Estimate = USUAL) -> str:
    return found(state, age_s, thought).because


def test_what_waits_too_long_is_flagged():
    assert said(RunState.QUEUED, 899) == ""
    assert said(RunState.QUEUED, 1000) == "work has waited for 17 min"


def test_what_runs_far_longer_than_its_like_is_flagged():
    assert said(RunState.RUNNING, 400) == ""
    assert "nine in ten of its like took less than 2.0" in said(RunState.RUNNING, 600)


def test_of_a_job_that_is_hardly_known_nothing_is_said():
    few = Estimate(middle_s=1, high_s=1, seen=2)
    assert said(RunState.RUNNING, 900, few) == ""


def test_what_runs_long_is_cancelled_only_where_that_was_asked_for():
    assert not found(RunState.RUNNING, 900).cancels
    rules = msgspec.structs.replace(RULES, cancel_factor=6)
    assert not found(RunState.RUNNING, 700, rules=rules).cancels
    assert found(RunState.RUNNING, 720, rules=rules).cancels


def test_what_its_time_limit_did_not_end_is_cancelled():
    limit_s = JOB.timeout_s + JOB.grace_s
    slow = Estimate(middle_s=limit_s, high_s=limit_s, seen=20)
    assert said(RunState.RUNNING, limit_s + 59, slow) == ""
    flag = found(RunState.RUNNING, limit_s + 61, slow)
    assert flag.cancels
    assert "should have been ended on n 1 min ago, by its time limit of 1000 s" in flag.because


def ended(number: int, age_s: float, release: int = 1, *, started: bool = False) -> Container:
    at = NOW - timedelta(seconds=age_s)
    return Container(
        id=f"c{number}",
        environment="demo~1",
        app="shop",
        process="web",
        release=release,
        node="n",
        state=ContainerState.EXITED,
        created_at=at,
        started_at=at if started else None,
        exit=Exit(status=126, reason="no process can be started", at=at),
    )


def test_a_node_is_at_fault_when_starts_of_several_fail_or_of_one_that_starts_elsewhere():
    same = [ended(number, number) for number in range(5)]
    assert starts_fail(same, frozenset(), NOW) == ""
    assert starts_fail(same, frozenset({"demo~1/shop/2"}), NOW) == ""
    because = starts_fail(same, frozenset({"demo~1/shop/1"}), NOW)
    assert because.startswith("5 starts in a row failed there since 11:59:56 UTC")
    assert because.endswith("the last of shop: no process can be started")
    assert starts_fail([*same[:4], ended(9, 60, release=2)], frozenset(), NOW)
    assert starts_fail([*same[:4], ended(9, 1000, release=2)], frozenset(), NOW) == ""


def test_a_node_on_which_something_started_since_is_not_at_fault():
    rows = [ended(number, number, number) for number in range(4)]
    rows += [ended(7, 10, started=True), *(ended(number, number) for number in range(11, 20))]
    assert starts_fail(rows, frozenset({"demo~1/shop/1"}), NOW) == ""
