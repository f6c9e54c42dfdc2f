"""What a long plan comes to is said in a line for each app."""

from datetime import UTC, datetime

from headway.calculate.rollout.foresee import Foresight
from headway.control.rollout.planning import going_on
from headway.model.ids import AppName, Digest, EnvironmentName
from headway.model.plan import Verb
from headway.model.view.change import NotDeployed, Obstacle, PlannedChange, Started
from headway.web.drawing import Visit, draw
from headway.web.outline import outline
from headway.web.page import Plan


def change(app: str, verb: Verb, what: str) -> PlannedChange:
    return PlannedChange(app=AppName(app), verb=verb.value, what=what, because="")


_STARTS = [
    change("web", Verb.START_CONTAINER, f"start web.{number} (v2)") for number in range(1, 9)
]
_PLAN = (
    change("web", Verb.ADVANCE_DEPLOYMENT, "starting v2"),
    *_STARTS,
    change("web", Verb.SHARE_TRAFFIC, "share requests: v1 90 %, v2 10 %"),
    change("web", Verb.SHARE_TRAFFIC, "lead all requests to v2"),
    change("web", Verb.DRAIN_CONTAINER, "drain web.1 (v1)"),
    change("web", Verb.STOP_CONTAINER, "stop web.1 (v1)"),
    change("db", Verb.SET_MEMBER, "set the scale"),
    change("idle", Verb.ADVANCE_DEPLOYMENT, "its turn has come"),
)


def test_each_app_that_changes_has_a_line_and_its_steps_have_none() -> None:
    web, db = outline(_PLAN)
    assert (web.app, db.app) == ("web", "db")
    assert web.what.split(" · ") == [
        "start web.1 (v2), web.2 (v2), web.3 (v2) and 5 more",
        "lead all requests to v2",
        "stop web.1 (v1)",
    ]
    assert db.what == "set the scale"


def test_who_would_give_way_is_said_first() -> None:
    gives = PlannedChange(app=AppName("web"), verb="preempt", what="end export, later", because="")
    assert outline([_STARTS[0], gives])[0].what == "end export, later · start web.1 (v2)"


def test_that_it_would_go_on_beyond_what_is_listed_is_said() -> None:
    (more,) = going_on(AppName("web"), Foresight(changes=(), pending="", is_cut=True))
    assert outline([_STARTS[0], more])[0].what == "go on in the same way · start web.1 (v2)"
    assert going_on(AppName("web"), Foresight(changes=(), pending="")) == []


def test_a_plan_of_few_steps_needs_no_outline() -> None:
    demo = EnvironmentName("demo")
    few = Plan(what="Deploy web?", verb="Deploy", started=Started(environment=demo, plan=_PLAN[:6]))
    many = Plan(what="Deploy web?", verb="Deploy", started=Started(environment=demo, plan=_PLAN))
    assert not few.outline
    assert many.outline == outline(_PLAN)
    assert not Plan(what="Deploy web?", verb="Deploy").outline


def test_a_page_says_what_would_be_in_the_way_ahead_of_the_steps() -> None:
    obstacle = Obstacle(app=AppName("web"), what="would fail", because="web.2 does not fit")
    started = Started(environment=EnvironmentName("demo"), plan=_PLAN[:6], obstacles=(obstacle,))
    visit = Visit("/", "", datetime(2026, 11, 21, tzinfo=UTC), "", "", "")
    plan = Plan(what="Deploy web?", verb="Deploy", started=started)
    told, steps = draw("act.html", plan, visit, is_live=False).split("What it would do", 1)
    assert "<b>web would fail</b>: web.2 does not fit" in told
    assert "start web.1 (v2)" in steps


def test_a_page_says_which_source_a_start_does_not_deploy_and_where_that_is_done() -> None:
    because = "it goes on as v3; its source 3f2a1c7 is not deployed"
    left = NotDeployed(app=AppName("web"), source=Digest("sha256-1"), because=because, next="…")
    started = Started(environment=EnvironmentName("demo"), not_deployed=(left,))
    visit = Visit("/", "", datetime(2026, 11, 21, tzinfo=UTC), "", "", "")
    page = draw("act.html", Plan(what="Start web?", verb="Start", started=started), visit)
    assert because in page
    assert 'href="/envs/demo/apps/web/deploy"' in page
