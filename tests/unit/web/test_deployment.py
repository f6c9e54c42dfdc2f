import pytest

from headway.model.deployment import Ask, Deployment, Phase
from headway.model.failure import Failure
from headway.model.manifest import Strategy
from headway.model.story import DeploymentStory
from headway.web.drawing import Visit, draw
from headway.web.pages.deployment import DeploymentPage
from tests.unit.web.members import NOW, deployment


def page(row: Deployment, live: int | None = 2, is_there: bool = True) -> DeploymentPage:
    story = DeploymentStory(deployment=row, environment="demo", is_there=is_there, live=live)
    return DeploymentPage(story=story)


def test_a_canary_that_waits_can_be_promoted_and_aborted_but_not_rolled_back():
    seen = page(deployment(strategy=Strategy.CANARY, phase=Phase.PAUSED))
    assert (seen.row.can_promote, seen.row.can_abort, seen.can_roll_back) == (True, True, False)
    assert seen.is_moving


def test_what_was_asked_for_once_is_not_offered_again():
    seen = page(deployment(strategy=Strategy.CANARY, phase=Phase.PAUSED, asked=Ask.PROMOTE))
    assert (seen.row.can_promote, seen.row.can_abort) == (False, False)


@pytest.mark.parametrize("phase", [Phase.SWITCHING, Phase.REVERTING])
def test_what_is_too_late_is_not_offered(phase):
    assert not deployment(phase=phase).can_abort


def test_what_serves_can_go_back_to_what_served_before():
    ended = deployment(phase=Phase.SUCCEEDED, release=2, previous=1)
    assert page(ended).can_roll_back
    assert not page(ended, live=3).can_roll_back
    assert not page(ended, is_there=False).can_roll_back
    assert not page(deployment(phase=Phase.SUCCEEDED, release=2)).can_roll_back


def test_the_last_lines_of_what_failed_are_shown_in_their_colours():
    failed = Failure(because="it ended", log=("GET /health \x1b[31m500\x1b[0m",))
    seen = page(deployment(phase=Phase.ROLLED_BACK, failure=failed, ended_at=NOW))
    text = draw("deployment.html", seen, Visit("/x", "ana", NOW, "0"))
    assert '<span class="red">500</span>' in text
    assert "[31m" not in text
