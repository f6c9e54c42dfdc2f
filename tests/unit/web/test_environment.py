from datetime import UTC, datetime

from headway.model.event import Event
from headway.model.view.standing import MemberState
from headway.web.pages.environment import environment_page
from tests.unit.web.members import environment, member


def test_apps_that_need_a_look_come_first_and_what_they_need_is_there():
    page = environment_page(
        environment(
            "demo",
            member("api", dependencies=("db",)),
            member("web", MemberState.FAILED),
            member("db"),
        ),
        [],
    )
    assert [row.app for row in page.members] == ["web", "api", "db"]
    assert page.members[1].needs == ("db",)
    assert not page.is_moving


def test_it_moves_while_an_app_is_probed_and_not_while_a_canary_waits():
    assert environment_page(environment("demo", member("a", MemberState.PROBING)), []).is_moving
    waiting = environment_page(environment("demo", member("a", MemberState.PAUSED)), [])
    assert not waiting.is_moving


def test_what_happened_is_of_its_apps_and_not_of_their_runs():
    newest = [event(kind) for kind in ("run.dead", "deployment.succeeded", "run.requested")]
    page = environment_page(environment("demo", member("a")), newest)
    assert [one.event.kind for one in page.happened] == ["deployment.succeeded"]


def event(kind: str) -> Event:
    return Event(
        sequence=1, at=datetime(2026, 3, 1, tzinfo=UTC), actor="ana", kind=kind, subject="x"
    )
