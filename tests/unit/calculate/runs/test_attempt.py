from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from headway.calculate.runs.attempt import begun, concluded, lost
from headway.model.container import Exit
from headway.model.ids import AppName, ContainerId, EnvironmentId, NodeId, RunId
from headway.model.job import Delivery, Job, JobNetwork, Retries
from headway.model.run import Attempt, Run, RunFact, RunFactState, RunFailure, RunState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ONCE = Job(name="mail", function="m:f")
AGAIN = Job(
    name="mail",
    function="m:f",
    delivery=Delivery.AT_LEAST_ONCE,
    retries=Retries(most=2, delay_s=10),
)


def attempt(number: int) -> Attempt:
    return Attempt(
        number=number, release=1, runner=ContainerId("r"), node=NodeId("n"), ordered_at=NOW
    )


def running(attempts: int = 1, **fields) -> Run:
    row = Run(
        id=RunId("r1"),
        environment=EnvironmentId("demo~1"),
        app=AppName("shop"),
        job="mail",
        state=RunState.RUNNING,
        queue="default",
        attempts=tuple(attempt(number + 1) for number in range(attempts)),
        created_at=NOW,
        created_by="ana",
    )
    return msgspec.structs.replace(row, **fields)


def fact(status: int | None = 0, **fields) -> RunFact:
    end = Exit(status=status, signal=None if status is not None else 9, at=NOW)
    made = RunFact(run=RunId("r1"), attempt=1, state=RunFactState.ENDED, exit=end)
    return msgspec.structs.replace(made, **fields)


def test_success_keeps_the_result():
    row = concluded(running(), ONCE, fact(result=msgspec.Raw(b"7")), NOW, 0.5)
    assert (row.state, bytes(row.result), row.ended_at) == (RunState.SUCCEEDED, b"7", NOW)


@pytest.mark.parametrize(
    ("told", "state", "because"),
    [
        (fact(3), RunState.FAILED, "exit status 3"),
        (fact(None), RunState.FAILED, "killed by signal 9"),
        (
            fact(1, failure=RunFailure(type="KeyError", message="'x'")),
            RunState.FAILED,
            "KeyError: 'x'",
        ),
        (
            fact(
                None,
                limit="time",
                exit=Exit(signal=15, reason="time limit 1 s reached", at=NOW),
            ),
            RunState.TIMED_OUT,
            "time limit 1 s reached",
        ),
        (fact(None, cancelled=True), RunState.CANCELLED, "killed by signal 9"),
        (fact(0, limit="result"), RunState.FAILED, "exit status 0"),
    ],
)
def test_at_most_once_ends_with_its_only_attempt(told, state, because):
    row = concluded(running(), ONCE, told, NOW, 0.5)
    assert (row.state, row.because, row.ended_at) == (state, because, NOW)


def test_at_least_once_waits_and_tries_again_until_it_is_dead():
    row = concluded(running(), AGAIN, fact(1), NOW, 0.5)
    assert (row.state, row.due_at) == (RunState.WAITING, NOW + timedelta(seconds=10))
    assert row.because == "attempt 1 of 3 failed: exit status 1"
    row = concluded(running(2), AGAIN, fact(1, attempt=2), NOW, 1.0)
    assert row.due_at == NOW + timedelta(seconds=25)
    row = concluded(running(3), AGAIN, fact(1, attempt=3), NOW, 0.5)
    assert (row.state, row.because) == (RunState.DEAD, "attempt 3 of 3: exit status 1")


def test_what_was_lost_starts_again_at_once_or_never():
    assert lost(running(), ONCE, "gone", NOW).state is RunState.LOST
    row = lost(running(), AGAIN, "gone", NOW)
    assert (row.state, row.due_at, row.ended_at) == (RunState.QUEUED, None, None)
    assert lost(running(3), AGAIN, "gone", NOW).state is RunState.DEAD


@pytest.mark.parametrize("job", [ONCE, AGAIN])
def test_what_is_to_be_cancelled_is_not_tried_again(job):
    asked = running(cancelling=True, because="cancelled by ana")
    for row in (concluded(asked, job, fact(1), NOW, 0.5), lost(asked, job, "gone", NOW)):
        assert (row.state, row.because) == (RunState.CANCELLED, "cancelled by ana")


def test_a_success_counts_also_when_it_was_to_be_cancelled():
    assert concluded(running(cancelling=True), ONCE, fact(), NOW, 0.5).state is RunState.SUCCEEDED


def test_a_beginning_is_noted_once():
    row = begun(running(state=RunState.STARTING), fact(began_at=NOW), NOW)
    assert (row.state, row.attempts[0].began_at) == (RunState.RUNNING, NOW)
    assert begun(row, fact(began_at=NOW + timedelta(seconds=1)), NOW) == row


def test_one_that_is_handed_back_uses_up_no_retry():
    row = running(3)
    handed = lost(row, AGAIN, "n is drained", NOW, is_handed_back=True)
    assert handed.state is RunState.QUEUED
    assert "handed back" in handed.because
    once_more = msgspec.structs.replace(handed, attempts=(*handed.attempts, attempt(4)))
    dead = concluded(once_more, AGAIN, fact(1), NOW, 0.5)
    assert dead.state is RunState.DEAD
    assert dead.because.startswith("attempt 3 of 3")


def test_one_that_may_run_once_is_lost_when_it_is_handed_back():
    row = lost(running(), ONCE, "n is drained", NOW, is_handed_back=True)
    assert (row.state, row.because) == (RunState.LOST, "n is drained")


def test_of_a_failed_command_its_last_line_is_told_but_not_instead_of_what_is_known_better():
    end = Exit(status=3, at=NOW, wrote="no such table")
    fact = RunFact(run=RunId("r1"), attempt=1, state=RunFactState.ENDED, exit=end)
    told = "exit status 3, after it wrote “no such table”"
    assert concluded(running(), ONCE, fact, NOW, 0.5).because == told
    raised = msgspec.structs.replace(fact, failure=RunFailure(type="KeyError", message="'a'"))
    assert concluded(running(), ONCE, raised, NOW, 0.5).because == "KeyError: 'a'"


NOTHING = "; `network: none`, the default, reaches nothing: headway docs jobs.NAME.network"


@pytest.mark.parametrize(
    ("said", "trace"),
    [
        ("<urlopen error [Errno -3] Temporary failure in name resolution>", ""),
        ("connection to server at localhost failed: Connection refused", ""),
        ("[Errno 101] Network is unreachable", ""),
        ("All connection attempts failed", "socket.gaierror: [Errno -3] ... name resolution"),
    ],
)
def test_what_a_run_could_not_reach_is_laid_to_its_network(said, trace):
    failure = RunFailure(type="OSError", message=said, traceback=trace)
    row = concluded(running(), ONCE, fact(1, failure=failure), NOW, 0.5)
    assert row.because == f"OSError: {said}{NOTHING}"
    again = concluded(running(), AGAIN, fact(1, failure=failure), NOW, 0.5)
    assert again.because == f"attempt 1 of 3 failed: OSError: {said}{NOTHING}"
    open_ = msgspec.structs.replace(ONCE, network=JobNetwork.INTERNET)
    assert concluded(running(), open_, fact(1, failure=failure), NOW, 0.5).because.endswith(said)


def test_a_dependency_that_refuses_is_not_laid_to_the_network_and_a_name_unknown_may_be():
    terms = msgspec.structs.replace(ONCE, network=JobNetwork.DEPENDENCIES)
    refused = RunFailure(type="OSError", message="Connection refused")
    row = concluded(running(), terms, fact(1, failure=refused), NOW, 0.5)
    assert row.because == "OSError: Connection refused"
    unknown = RunFailure(type="OSError", message="Name or service not known")
    row = concluded(running(), terms, fact(1, failure=unknown), NOW, 0.5)
    assert "reaches what its app depends on, no more, which may be why: " in row.because


def test_a_command_that_could_not_reach_something_is_told_so_by_its_last_line():
    end = Exit(status=6, at=NOW, wrote="curl: (6) Could not resolve host: example.com")
    row = concluded(running(), ONCE, fact(exit=end), NOW, 0.5)
    assert row.because.endswith(NOTHING)
