"""Laws of runners that fail: each time they wait longer, and nobody is remembered for ever."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from headway.control.runs.runner_failures import RunnerFailures
from headway.control.runs.slots import RunnerKey
from headway.model.ids import AppName, EnvironmentId, NodeId

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ENVIRONMENT, APP = EnvironmentId("demo~1"), AppName("shop")


def runner(release: int) -> RunnerKey:
    return RunnerKey(ENVIRONMENT, APP, release, NodeId("n1"))


def waited_s(failures: RunnerFailures, key: RunnerKey, now: datetime) -> float:
    at = failures.next_at(now)
    assert failures.must_wait(key, now) == (at is not None)
    assert bool(failures.of_release(*key[:3], now)) == (at is not None)
    return 0.0 if at is None else (at - now).total_seconds()


@given(st.integers(1, 40))
def test_each_failure_has_it_wait_longer_up_to_a_minute(times: int) -> None:
    failures, waits, now = RunnerFailures(), [], NOW
    for _ in range(times):
        failures.note(runner(1), "it crashed", now)
        waits.append(waited_s(failures, runner(1), now))
        now += timedelta(seconds=waits[-1])
        assert not failures.must_wait(runner(1), now)
    assert waits[0] == 0.0
    assert waits == sorted(waits)
    assert max(waits) <= 60.0


@given(st.lists(st.integers(0, 300), min_size=1, max_size=200))
def test_no_more_is_remembered_than_failed_lately(steps_s: list[int]) -> None:
    failures, now = RunnerFailures(), NOW
    failed_at: list[datetime] = []
    for release, step_s in enumerate(steps_s):
        now += timedelta(seconds=step_s)
        failures.note(runner(release), "it crashed", now)
        failed_at.append(now)
        failures.next_at(now)
        assert len(failures) <= sum(now - at < timedelta(seconds=181) for at in failed_at)
    failures.next_at(now + timedelta(seconds=181))
    assert len(failures) == 0


def test_what_ran_for_a_while_has_not_failed() -> None:
    failures = RunnerFailures()
    for _ in range(5):
        failures.note(runner(1), "it crashed", NOW)
    failures.forget(runner(1))
    failures.note(runner(1), "it crashed", NOW)
    assert not failures.must_wait(runner(1), NOW)
