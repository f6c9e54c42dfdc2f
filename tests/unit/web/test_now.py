from datetime import timedelta

import msgspec

from headway.control.glance import AwayNode, FailedRuns
from headway.model.deployment import Phase
from headway.model.ids import AppName, EnvironmentName, RunId
from headway.model.node import Node, NodeState
from headway.model.run import RunState
from headway.model.view.environment import MemberView
from headway.model.view.standing import MemberState
from headway.web.pages.now import now_page
from tests.unit.web.members import NOW, deployment, environment, member


def test_only_what_is_wrong_or_moving_is_there_and_the_worst_is_first():
    page = now_page(
        [
            environment(
                "demo",
                member("calm"),
                member("asleep", MemberState.STOPPED),
                member("crowded", MemberState.STUCK, because="web.3 does not fit"),
                member("weak", MemberState.DEGRADED),
                member("broken", MemberState.FAILED, because="exit status 3"),
                member("coming", MemberState.PROBING, deployment=deployment("coming")),
            )
        ],
        {},
        NOW,
    )
    assert [(row.app, row.because) for row in page.wrong] == [
        ("broken", "exit status 3"),
        ("weak", ""),
        ("crowded", "web.3 does not fit"),
    ]
    assert [row.app for row in page.moving] == ["coming"]
    assert (page.healthy, page.apps) == (1, 6)
    assert page.title == "Now (3 wrong)"
    assert page.is_moving


def test_what_moves_longest_comes_first():
    late = deployment("late", created_at=NOW - timedelta(minutes=9))
    page = now_page(
        [
            environment(
                "demo",
                member("new", MemberState.STARTING, deployment=deployment("new")),
                member("late", MemberState.BUILDING, deployment=late),
            )
        ],
        {},
        NOW,
    )
    assert [row.app for row in page.moving] == ["late", "new"]


def test_a_deployment_that_has_ended_is_not_shown_as_what_moves():
    ended = deployment("web", phase=Phase.FAILED)
    page = now_page(
        [environment("demo", member("web", MemberState.FAILED, deployment=ended))], {}, NOW
    )
    assert page.wrong[0].deployment is None
    assert not page.is_moving


def test_a_lease_that_ends_within_the_hour_is_shown_and_one_without_end_is_not():
    page = now_page(
        [
            environment("soon", ends_in=timedelta(minutes=20)),
            environment("later", ends_in=timedelta(hours=5)),
            environment("production"),
        ],
        {},
        NOW,
    )
    assert [row.environment for row in page.ending] == ["soon"]


def test_of_many_a_hundred_are_shown_and_the_rest_is_counted():
    page = now_page(
        [environment("demo", *(member(f"a{n}", MemberState.FAILED) for n in range(130)))], {}, NOW
    )
    assert (len(page.wrong), page.more) == (100, 30)


def test_headway_s_own_troubles_count_as_wrong():
    page = now_page([], {"routing": (NOW, "no router")}, NOW)
    assert page.troubles[0].error == "no router"
    assert page.title == "Now (1 wrong)"


def test_runs_that_failed_count_as_wrong_by_job_until_one_has_succeeded_since():
    last = FailedRuns(
        environment=EnvironmentName("demo"),
        app=AppName("shop"),
        job="report",
        run=RunId("run-1"),
        state=RunState.FAILED,
        because="exit status 1",
        at=NOW,
        count=3,
    )
    well = msgspec.structs.replace(last, job="bill", is_well=True)
    page = msgspec.structs.replace(now_page([], {}, NOW), failed=(last, well))
    assert page.title == "Now (1 wrong)"


def over(app: str, phase: Phase, hours: int, previous: int | None = 1) -> MemberView:
    """One that serves, though its last deployment came to nothing."""
    ended = {"phase": phase, "ended_at": NOW - timedelta(hours=hours), "previous": previous}
    return member(app, deployment=deployment(app, **ended))


NOT_KEPT = (
    over("back", Phase.ROLLED_BACK, 2),
    over("old", Phase.ROLLED_BACK, 30),
    over("built", Phase.FAILED, 1),
    over("first", Phase.FAILED, 1, previous=None),
    over("ended", Phase.ABORTED, 1),
)


def test_a_release_that_was_not_kept_is_shown_for_a_day_although_the_app_serves():
    page = now_page([environment("demo", *NOT_KEPT)], {}, NOW)
    assert [row.deployment.app for row in page.not_kept] == ["built", "back"]
    assert page.wrong == ()


def test_nodes_that_take_nothing_new_are_shown_and_a_lost_one_counts_as_wrong():
    def gone(name: str, state: NodeState) -> AwayNode:
        return AwayNode(node=Node(id=name, cpu=1, memory_mib=1, state=state))

    away = [gone("n1", NodeState.LOST), gone("n2", NodeState.CORDONED)]
    page = now_page([], {}, NOW, nodes=5, away=away)
    assert (page.nodes_ready, page.title) == (3, "Now (1 wrong)")
