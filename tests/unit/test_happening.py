"""What happens again and again is one line of a page."""

from datetime import UTC, datetime, timedelta

from headway.model.event import Event
from headway.model.happening import happenings
from headway.model.ids import AppName, EnvironmentId

_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def event(
    sequence: int, kind: str, *, app: str = "web", actor: str = "headway", because: str = ""
) -> Event:
    return Event(
        sequence=sequence,
        at=_AT + timedelta(seconds=sequence),
        actor=actor,
        kind=kind,
        subject=f"{app}-{sequence}",
        environment=EnvironmentId("demo~1"),
        app=AppName(app),
        because=because,
    )


def test_a_container_that_crashes_again_and_again_hides_nothing_else() -> None:
    crashes = [
        event(number, kind)
        for number in range(100, 10, -3)
        for kind in ("container.exited", "container.starting", "container.requested")
    ]
    told = happenings([*crashes, event(1, "deployment.failed", app="api")], 12)
    assert [(one.event.kind, one.times) for one in told] == [
        ("container.exited", 30),
        ("container.starting", 30),
        ("container.requested", 30),
        ("deployment.failed", 1),
    ]
    assert told[0].event.sequence == 100
    assert (told[0].times, told[0].lasted_s) == (30, 87)
    assert told[-1].times == 1


def test_what_people_and_deployments_did_is_told_each_time() -> None:
    done = [
        event(5, "container.exited", app="api"),
        event(4, "container.exited"),
        event(3, "deployment.advanced"),
        event(2, "deployment.advanced"),
        event(1, "container.exited", actor="ana"),
    ]
    assert [one.event.sequence for one in happenings(done, 12)] == [5, 4, 3, 2, 1]
    assert len(happenings(done, 2)) == 2


def test_ends_for_another_reason_are_another_line() -> None:
    ends = [
        event(3, "container.exited", because="exit status 1"),
        event(2, "container.exited", because="exit status 1"),
        event(1, "container.exited", because="killed: memory limit 512 MiB reached"),
    ]
    assert [one.times for one in happenings(ends, 12)] == [2, 1]


def test_crashes_are_told_once_ahead_of_what_came_behind_them() -> None:
    chain = [event(1, "deployment.failed")]
    chain += [event(number, "container.exited", because="exit status 1") for number in range(2, 90)]
    chain += [event(95, "deployment.requested", actor="ana")]
    told = happenings(reversed(chain), 30)[::-1]
    assert [(one.event.sequence, one.times) for one in told] == [(1, 1), (89, 88), (95, 1)]
