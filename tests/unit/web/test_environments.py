from headway.model.view.standing import MemberState
from headway.web.pages.environments import Share, environments_page
from tests.unit.web.members import environment, member


def test_those_that_need_a_look_come_first_and_say_why():
    page = environments_page(
        [
            environment("calm", member("web")),
            environment(
                "sick", member("web"), member("api", MemberState.FAILED, because="exit status 1")
            ),
            environment("empty"),
        ]
    )
    assert [(row.name, row.state, row.because) for row in page.rows] == [
        ("empty", "active", ""),
        ("sick", "failed", "api: exit status 1"),
        ("calm", "healthy", ""),
    ]


def test_members_are_counted_by_state_with_the_worst_first():
    (row,) = environments_page(
        [environment("demo", member("a"), member("b"), member("c", MemberState.PAUSED))]
    ).rows
    assert row.shares == (Share(state="paused", count=1), Share(state="healthy", count=2))
