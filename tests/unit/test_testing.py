import os
from datetime import timedelta

import pytest

from headway.calculate.runs import retry
from headway.model.job import Retries
from headway.sdk import Cancelled, ParameterError, attempt, fence, gang, job, progress, run_id
from headway.testing import BEGIN, Jobs, RunState, UnknownJobError

seen: list[str] = []


@job
def note(word: str) -> str:
    seen.append(word)
    return word.upper()


@job(delivery="at_least_once", retries=3, retry_delay="1m", retry_delay_max="3m")
def shaky(fails: int) -> dict:
    print("trying")
    progress(10 * attempt(), "on it")
    if attempt() <= fails:
        raise ValueError(f"attempt {attempt()}")
    return {"attempt": attempt(), "run": run_id()}


@job(delivery="at_least_once", name="gives-up")
def stops() -> None:
    raise Cancelled


@job(lock="account-{account}")
def settle(account: str = "house") -> tuple[str, int]:
    return os.environ["HEADWAY_LOCKS"], fence()


@job(gang={"mate": 2})
def crew() -> list:
    return mate()


@job
def mate() -> list:
    place = gang()
    assert place is not None
    return [place.leader, place.number, place.size]


@job(gang={"fails": 1})
def doomed() -> None: ...


@job
def fails() -> None:
    raise ValueError("made up")


@pytest.fixture
def jobs() -> Jobs:
    seen.clear()
    return Jobs([note, shaky, stops, settle, crew, mate, doomed, fails])


def test_a_run_is_done_at_once_and_a_later_one_at_its_time(jobs):
    later = jobs.invoke("note", {"word": "b"}, delay="2h")
    earlier = jobs.invoke(note, {"word": "a"}, delay=timedelta(hours=1))
    now = jobs.invoke("note", {"word": "c"})
    assert (now.state, now.result) == (RunState.SUCCEEDED, "C")
    assert jobs.advance("90m") == [earlier]
    assert later.state is RunState.WAITING
    assert jobs.advance(30 * 60) == [later]
    assert seen == ["c", "a", "b"]
    assert jobs.runs == [later, earlier, now]
    assert later.attempts[0].began_at == BEGIN + timedelta(hours=2) == jobs.now
    assert later.row.ended_at == jobs.now


def test_failures_are_tried_again_with_a_growing_delay(jobs):
    run = jobs.invoke("shaky", {"fails": 3})
    assert run.because == "attempt 1 of 4 failed: ValueError: attempt 1"
    assert run.failure.type == "ValueError"
    assert "test_testing.py" in run.failure.traceback
    assert jobs.drain() == [run]
    minutes = [(row.began_at - BEGIN) / timedelta(minutes=1) for row in run.attempts]
    assert minutes == [0, 1, 3, 6]
    assert (run.state, run.result) == (RunState.SUCCEEDED, {"attempt": 4, "run": run.id})
    assert run.failure is None
    assert run.output == ["trying"] * 4
    assert [row["percent"] for row in run.progress] == [10, 20, 30, 40]
    assert "HEADWAY_RUN" not in os.environ


def test_what_never_succeeds_is_dead_and_what_may_run_once_has_failed(jobs):
    run = jobs.invoke("shaky", {"fails": 9})
    jobs.drain()
    assert (run.state, len(run.attempts)) == (RunState.DEAD, 4)

    @job
    def once(x: int):
        raise SystemExit(x)

    run = jobs.invoke(once, {"x": 3})
    assert (run.state, run.failure.type) == (RunState.FAILED, "SystemExit")


def test_cancelled_is_an_end(jobs):
    assert jobs.invoke("gives-up").state is RunState.CANCELLED
    run = jobs.invoke("note", {"word": "x"}, delay="1h")
    jobs.cancel(run)
    jobs.advance("2h")
    assert (run.state, run.attempts) == (RunState.CANCELLED, ())


def test_a_key_gives_the_same_run_again(jobs):
    first = jobs.invoke("note", {"word": "x"}, key="k")
    assert jobs.invoke("note", {"word": "x"}, key="k") is first
    assert seen == ["x"]
    waiting = jobs.invoke("note", {"word": "y"}, unique="u", delay="1h")
    assert jobs.invoke("note", {"word": "y"}, unique="u") is waiting
    jobs.advance("1h")
    assert jobs.invoke("note", {"word": "y"}, unique="u") is not waiting


def test_a_job_may_ask_for_another(jobs):
    @job
    def outer() -> str:
        return jobs.invoke("note", {"word": "inner"}).id

    assert jobs.invoke(outer).result == "run-2"
    assert seen == ["inner"]


def test_a_result_that_json_cannot_have_is_a_failure(jobs):
    @job
    def strange():
        return b"bytes"

    run = jobs.invoke(strange)
    assert run.failure.message == "the result cannot be written as JSON: it is of type bytes"


def test_a_run_holds_its_locks_with_rising_fences(jobs):
    runs = [jobs.invoke("settle", {"account": "acme"}) for _ in range(2)]
    assert [run.locks for run in runs] == [("account-acme",)] * 2
    first, second = (run.result for run in runs)
    assert (first[0], second[0]) == ("account-acme", "account-acme")
    assert first[1] == runs[0].attempts[0].fence < second[1]
    assert jobs.invoke("settle").locks == ("account-house",)
    with pytest.raises(ParameterError, match="cannot name a lock"):
        jobs.invoke("settle", {"account": "A_1"})


def test_a_gang_is_done_with_its_leader(jobs):
    leader = jobs.invoke("crew")
    assert leader.result == [leader.id, 0, 3]
    others = [run for run in jobs.runs if run.gang and run.gang.number > 0]
    assert [run.id for run in others] == list(leader.gang.members[1:])
    assert [run.result for run in others] == [[leader.id, 1, 3], [leader.id, 2, 3]]


def test_a_leader_has_failed_when_one_of_its_gang_has(jobs):
    leader = jobs.invoke("doomed")
    (other,) = (run for run in jobs.runs if run.gang and run.gang.number > 0)
    assert (other.state, leader.state) == ("failed", "failed")
    assert leader.because.startswith(f"fails {other.id} of its gang is failed: ValueError: made up")


def test_mistakes_are_told_at_once(jobs):
    with pytest.raises(
        UnknownJobError, match="there are: crew, doomed, fails, gives-up, mate, note, settle, shaky"
    ):
        jobs.invoke("nothing")
    with pytest.raises(UnknownJobError, match="is no job"):
        jobs.invoke(len)
    with pytest.raises(ParameterError, match="fails must be a whole number"):
        jobs.invoke("shaky", {"fails": "x"})
    for length in ("soon", "3651d", 1e300, timedelta(days=3651)):
        with pytest.raises(ValueError, match="no length of time up to 3650d"):
            jobs.advance(length)
    assert jobs.runs == []


def test_jobs_are_looked_for_where_the_app_is(tmp_path):
    (tmp_path / "found_jobs_here.py").write_text(
        "from headway.sdk import job\n@job\ndef there(): return 1\n"
    )
    jobs = Jobs(directory=tmp_path)
    assert jobs.invoke("there").result == 1
    (tmp_path / "broken_jobs_here.py").write_text("from headway.sdk import job\n1/0\n")
    with pytest.raises(UnknownJobError, match=r"broken_jobs_here.py:2: ZeroDivisionError"):
        Jobs(directory=tmp_path).invoke("there")


@pytest.mark.parametrize("failures", [1, 2, 10, 10_000])
@pytest.mark.parametrize("jitter", [0.0, 0.3, 1.0])
def test_a_delay_is_never_far_from_its_bounds(failures, jitter):
    retries = Retries(delay_s=2, delay_max_s=60)
    delay = retry.retry_delay_s(retries, failures, jitter)
    assert 0.75 * min(2 * 2.0 ** min(failures - 1, 10), 60) <= delay <= 75
