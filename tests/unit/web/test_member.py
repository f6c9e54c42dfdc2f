"""The page of an app in an environment: what became of its releases, and what is there to see."""

from headway.model.deployment import Phase
from headway.model.view.release import ReleaseView
from headway.model.view.standing import MemberState
from headway.web.drawing import Visit, draw
from headway.web.pages.member import MemberPage, not_kept
from tests.unit.web.members import NOW, deployment, member


def ended(release: int, phase: Phase, number: int):
    return deployment(release=release, phase=phase, number=number, ended_at=NOW, id=f"dep-{number}")


def test_a_release_is_not_kept_as_long_as_its_last_deployment_failed():
    rows = [
        deployment(release=1, number=6),
        ended(3, Phase.ROLLED_BACK, 5),
        ended(2, Phase.SUCCEEDED, 4),
        ended(2, Phase.FAILED, 3),
        ended(1, Phase.SUCCEEDED, 2),
    ]
    assert {number: row.number for number, row in not_kept(rows).items()} == {3: 5}


def test_a_release_that_was_not_kept_leads_to_its_deployment_and_an_older_one_is_gone_back_to():
    releases = tuple(
        ReleaseView(
            app="web", number=n, fingerprint="x", live=n == 2, created_at=NOW, created_by="ana"
        )
        for n in (3, 2, 1)
    )
    view = MemberPage(
        member=member("web", live=2),
        releases=releases,
        not_kept={3: ended(3, Phase.ROLLED_BACK, 5)},
    )
    page = draw("member.html", view, Visit("/x", "ana", NOW, "0"))
    assert 'href="/deployments/dep-5"' in page
    assert "rolled back" in page
    assert page.count("Roll back to this") == 1
    assert "rollback?release=1" in page


def test_an_app_without_processes_is_not_counted():
    view = MemberPage(member=member("jobs", MemberState.HEALTHY, wanted=0, healthy=0))
    assert "0 of 0" not in draw("member.html", view, Visit("/x", "ana", NOW, "0"))
