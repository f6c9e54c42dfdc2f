from datetime import UTC, datetime, timedelta

from headway.calculate.estimate import Estimate
from headway.calculate.monitor import flags
from headway.model.run import Attempt, Run, RunState

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
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


def said(state: RunState, age_s: float, thought: Estimate = USUAL) -> str:
    return "".join(flag.because for flag in flags([(run(state, age_s), thought)], NOW))


def test_what_waits_too_long_is_flagged():
    assert said(RunState.QUEUED, 899) == ""
    assert said(RunState.QUEUED, 1000) == "work has waited for 17 min"


def test_what_runs_far_longer_than_its_like_is_flagged():
    assert said(RunState.RUNNING, 400) == ""
    assert "nine in ten of its like took less than 2.0" in said(RunState.RUNNING, 600)


def test_of_a_job_that_is_hardly_known_nothing_is_said():
    few = Estimate(middle_s=1, high_s=1, seen=2)
    assert said(RunState.RUNNING, 9000, few) == ""
