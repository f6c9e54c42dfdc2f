"""What an engine says of a container, also when its clock is wrong."""

from datetime import UTC, datetime, timedelta

import pytest

from headway.calculate.rollout.container import observed
from headway.calculate.rollout.restart import restart_at, restarts_after
from headway.model.container import Container, ContainerKind, ContainerState, Exit
from headway.model.ids import AppName, ContainerId, EnvironmentId, NodeId
from headway.model.order import Observed, ObservedState
from headway.model.resources import Resources

CREATED = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOW = CREATED + timedelta(seconds=30)
JUMPS = [timedelta(hours=1), -timedelta(hours=1), timedelta(days=400), timedelta(0)]


def container(**fields: object) -> Container:
    usual: dict[str, object] = {
        "id": ContainerId("web-web-1-a"),
        "environment": EnvironmentId("demo~1"),
        "app": AppName("web"),
        "kind": ContainerKind.SERVICE,
        "process": "web",
        "release": 1,
        "resources": Resources(),
        "node": NodeId("local"),
        "created_at": CREATED,
        "state": ContainerState.STARTING,
    }
    return Container(**{**usual, **fields})


def fact(state: ObservedState, **fields: object) -> Observed:
    return Observed(id=ContainerId("web-web-1-a"), node=NodeId("local"), state=state, **fields)


@pytest.mark.parametrize("jump", JUMPS)
def test_it_started_between_its_creation_and_now_whatever_the_engines_clock_says(jump):
    told = CREATED + timedelta(seconds=1) + jump
    row = observed(container(), fact(ObservedState.RUNNING, started_at=told), checked=True, now=NOW)
    assert row.started_at is not None
    assert CREATED <= row.started_at <= NOW
    assert jump or row.started_at == told


@pytest.mark.parametrize("jump", JUMPS)
def test_a_wrong_clock_does_not_put_off_the_restart_of_what_ended(jump):
    row = container(restarts=20)
    ended = fact(ObservedState.EXITED, exit=Exit(status=1, at=CREATED + jump))
    row = observed(row, ended, checked=True, now=NOW)
    again_at = restart_at(row)
    assert again_at is not None
    assert again_at <= NOW + timedelta(seconds=60)


def test_what_it_was_told_once_about_the_start_stays():
    first = observed(
        container(), fact(ObservedState.RUNNING, started_at=CREATED), checked=True, now=NOW
    )
    later = fact(ObservedState.RUNNING, started_at=CREATED + timedelta(seconds=20))
    assert observed(first, later, checked=True, now=NOW) == first


def ended(*, told: bool, **fields: object) -> Container:
    row = container(restarts=2, **fields)
    fact_ = fact(ObservedState.EXITED, exit=Exit(status=0, at=NOW, told=told))
    return observed(row, fact_, checked=True, now=NOW)


def test_an_end_that_headway_was_told_to_make_is_no_failure_of_the_container():
    assert restarts_after(ended(told=True)) == 2
    assert restarts_after(ended(told=False)) == 3


def test_one_that_was_stopped_because_its_checks_fail_has_failed():
    assert restarts_after(ended(told=True, stopping_at=NOW)) == 3


@pytest.mark.parametrize(("told", "count"), [(True, 0), (False, 1)])
def test_what_was_steady_has_no_failures_before(told, count):
    steady = NOW - timedelta(seconds=60)
    row = ended(told=told, healthy_at=steady, started_at=steady, created_at=steady)
    assert restarts_after(row) == count
