"""Jobs and runs: what their pages show."""

from datetime import UTC, datetime

import msgspec
import pytest

from headway.control.errors import Invalid
from headway.model.ids import AppName, EnvironmentName
from headway.model.job import Job
from headway.model.run import RunFailure, RunState
from headway.model.view.job import JobView
from headway.model.view.run import RunView
from headway.web.drawing import Visit, draw
from headway.web.pages.job import durations
from headway.web.pages.jobs import jobs_page
from headway.web.pages.run import RunPage, chosen, pretty
from headway.web.pages.runs import SHOWS, RunsPage, question_of
from tests.unit.web.pictures.things import attempt, run

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def job(name: str, last: RunState | None = None, running: int = 0) -> JobView:
    return JobView(
        environment=EnvironmentName("demo"),
        app=AppName("shop"),
        release=1,
        job=Job(name=name, doc="What it does.\nAnd more."),
        running=running,
        last=run(1, last) if last else None,
    )


def test_jobs_that_went_wrong_come_first_then_those_that_run():
    page = jobs_page(
        [
            job("a"),
            job("b", RunState.SUCCEEDED),
            job("c", RunState.SUCCEEDED, running=1),
            job("d", RunState.TIMED_OUT, running=1),
            job("e", RunState.DEAD),
        ]
    )
    assert [row.name for row in page.rows] == ["d", "e", "c", "b", "a"]
    assert page.rows[0].doc == "What it does."


def test_durations_are_of_runs_that_succeeded():
    rows = [
        run(n, RunState.SUCCEEDED, attempt(1, 500, n, RunState.SUCCEEDED)) for n in range(1, 12)
    ]
    rows.append(run(99, RunState.FAILED, attempt(1, 500, 400, RunState.FAILED)))
    rows.append(run(100, RunState.RUNNING, attempt(1, 500, None, None)))
    found = durations(rows)
    assert (found.median_s, found.most_s, found.succeeded, found.ended) == (6, 10, 11, 12)
    assert durations(rows[:1]).most_s == 1
    assert durations(rows[-2:]) is None


@pytest.mark.parametrize(
    ("state", "is_under_way"), [(RunState.RUNNING, True), (RunState.FAILED, False)]
)
def test_how_far_a_run_is_is_told_as_such_only_while_it_runs(state, is_under_way):
    view = RunView(
        run=run(1, state, attempt(1, 500, None, None)),
        environment=EnvironmentName("demo"),
        progress={"percent": 40.0, "text": "exporting"},
    )
    page = draw("run.html", RunPage(view=view), Visit("/x", "ana", NOW, "0"))
    assert "exporting" in page
    assert ("<progress" in page) is is_under_way
    assert ("got to" in page) is not is_under_way


@pytest.mark.parametrize(
    ("because", "times"), [("KeyError: no such shop; more", 1), ("time limit 3 s reached", 2)]
)
def test_what_a_run_failed_of_is_said_once(because, times):
    failure = RunFailure(type="KeyError", message="no such shop")
    tried = msgspec.structs.replace(
        attempt(1, 500, 9, RunState.FAILED), because=because, failure=failure
    )
    row = msgspec.structs.replace(run(1, RunState.FAILED, tried), because=because)
    view = RunView(run=row, environment=EnvironmentName("demo"))
    page = draw("run.html", RunPage(view=view), Visit("/x", "ana", NOW, "0"))
    alert = page[page.index('role="alert"') :]
    alert = alert[: alert.index("</section>")]
    assert alert.count("no such shop") + alert.count("time limit") == times


def test_what_failed_is_every_bad_end():
    assert question_of({"show": "failed"}, NOW).state == SHOWS["failed"]
    assert {state for states in SHOWS.values() for state in states} == set(RunState)


def test_runs_are_found_by_what_the_address_says():
    found = question_of(
        {
            "environment": "demo",
            "job": "shop/nightly",
            "tag": "team=sales",
            "parameter": "day=7",
            "since": "2h",
            "before": "k1",
        },
        NOW,
    )
    assert (found.environment, found.job, found.before) == ("demo", "shop/nightly", "k1")
    assert (found.tags, found.parameters) == ({"team": "sales"}, {"day": "7"})
    assert found.since == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert question_of({"state": "lost", "tag": ""}, NOW).state == (RunState.LOST,)


@pytest.mark.parametrize(
    "said", [{"show": "odd"}, {"state": "odd"}, {"tag": "team"}, {"since": "then"}]
)
def test_what_cannot_be_asked_for_is_refused(said):
    with pytest.raises(Invalid):
        question_of(said, NOW)


def test_tabs_and_older_runs_keep_what_was_asked_for():
    page = RunsPage(show="failed", asked={"job": "a/b"}, rows=(), before="k9")
    assert page.older == "/runs?show=failed&job=a%2Fb&before=k9"
    assert ("all", "/runs?job=a%2Fb") in page.tabs


def test_values_are_written_to_be_read_and_cut_where_they_are_long():
    assert pretty(b'{"a":"\xc3\xa4"}') == '{\n  "a": "ä"\n}'
    assert pretty(b"no json") == "no json"
    long = pretty(b'"' + b"x" * 100_000 + b'"')
    assert len(long) < 21_000
    assert "80002 characters more" in long


def test_the_newest_attempt_is_shown_unless_another_is_asked_for():
    row = run(
        1, RunState.FAILED, attempt(1, 90, 5, RunState.FAILED), attempt(2, 50, 5, RunState.FAILED)
    )
    assert [chosen(row, number).number for number in (None, 1, 2)] == [2, 1, 2]
    assert chosen(row, 3) is None
