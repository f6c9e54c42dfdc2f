"""The page of an app in an environment: what became of its releases, and what is there to see."""

import msgspec
import pytest

from headway.model.container import Container, ContainerState
from headway.model.deployment import Phase
from headway.model.log import LogLine, Stream
from headway.model.view.log import LogEntry
from headway.model.view.release import ReleaseView
from headway.model.view.standing import MemberState
from headway.web.drawing import Visit, draw
from headway.web.pages.member import MemberPage, not_kept, to_blame
from tests.unit.web.members import NOW, deployment, member
from tests.unit.web.pictures.things import ago, container


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


def test_of_many_containers_those_that_need_a_look_are_shown_and_the_rest_when_asked():
    well = [container(n, healthy=1, ended=None, answer="200") for n in range(1, 300)]
    states = {150: ContainerState.UNHEALTHY, 290: ContainerState.STARTING}
    rows = [msgspec.structs.replace(row, state=states.get(row.slot, row.state)) for row in well]
    crashed = copy(300, 1, ended=True)
    view = MemberPage(member=member("web", live=2), containers=(*rows, crashed))
    assert [row.slot for row in view.first] == [*range(1, 18), 150, 290, 300]
    assert view.first[-1] is crashed
    assert [len(view.others), view.more] == [180, 100]
    page = draw("member.html", view, Visit("/x", "ana", NOW, "0"))
    shown, _, others = page.partition('<details id="other_containers">')
    assert [part.count('class="name" href="/envs/demo/logs') for part in (shown, others)] == [
        20,
        180,
    ]
    assert "and 100 more: <code>headway ps -e demo</code>" in others


def copy(slot: int, began: float, **fields) -> Container:
    ended = 1 if fields.pop("ended", False) else None
    row = container(slot, healthy=None, ended=ended, answer="503")
    return msgspec.structs.replace(row, created_at=ago(began), **fields)


def test_the_copy_to_look_at_is_what_ended_last_else_what_is_not_well():
    well, sick = copy(1, 9), copy(2, 8, state=ContainerState.UNHEALTHY)
    ended, older = copy(3, 5, ended=True), copy(3, 7, ended=True)
    another = copy(4, 1, ended=True, release=13)
    rows = (well, sick, older, ended, another)
    assert to_blame(member("web", MemberState.DEGRADED, live=12, containers=rows)) == ended
    assert to_blame(member("web", MemberState.FAILED, live=12, containers=rows[:2])) == sick
    assert to_blame(member("web", MemberState.FAILED, live=12, containers=rows[:1])) is None


@pytest.mark.parametrize("state", [MemberState.HEALTHY, MemberState.PAUSED, MemberState.STOPPED])
def test_an_app_that_does_as_it_should_has_nothing_to_blame(state):
    ended = copy(1, 5, ended=True)
    assert to_blame(member("web", state, live=12, containers=(ended,))) is None


def test_what_an_app_wrote_before_it_ended_is_on_its_page_in_its_colours():
    line = LogLine(at=NOW, stream=Stream.STDERR, text="the index is \x1b[31mtorn\x1b[0m", cursor=1)
    entry = LogEntry(container="c", app="web", label="web.1", release=1, line=line)
    view = MemberPage(member=member("web", MemberState.FAILED), log=(entry,))
    assert '<span class="red">torn</span>' in draw(
        "member.html", view, Visit("/x", "ana", NOW, "0")
    )
