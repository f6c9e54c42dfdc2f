"""Texts of values: safe in any terminal, plain in any pipe."""

from datetime import UTC, datetime, timedelta

import click
import pytest

from headway.cli import render
from headway.model.failure import Failure, ProbeAnswer
from headway.model.ids import AppName, ContainerId, Digest, EnvironmentName
from headway.model.log import LogLine, Stream
from headway.model.snapshot import Reserved
from headway.model.view.change import NotDeployed, Obstacle, PlannedChange, Started
from headway.model.view.environment import MemberView
from headway.model.view.log import LogEntry
from headway.model.view.standing import MemberState

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("plain text, ünïcode ✓", "plain text, ünïcode ✓"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[1;1Hgone", "gone"),
        ("\x1b]0;a title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;Y29weQ==\x07copied", "copied"),
        ("\x9b31mc1", "31mc1"),
        ("bell\x07 and back\x08space", "bell and backspace"),
        ("10%\r50%\r100%", "100%"),
        ("done\r", "done"),
        ("a\tb", "a    b"),
        ("evil \u202etxt.exe", "evil txt.exe"),
        ("two\nlines", "two lines"),
        ("\x1b", ""),
        ("", ""),
    ],
)
def test_a_terminal_obeys_nothing_that_is_shown(written, shown):
    assert render.safe(written) == shown


def test_a_table_is_aligned_and_has_no_spaces_at_line_ends():
    text = render.table([("web", "v12", ""), ("orders", "v3", "x")], ("APP", "RELEASE", "NOTE"))
    assert text.splitlines() == ["APP     RELEASE  NOTE", "web     v12", "orders  v3       x"]
    assert render.table([]) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59, "59s"), (61, "1m1s"), (3723, "1h2m"), (90000, "1d1h"), (-5, "0s")],
)
def test_an_age_has_its_two_largest_units(seconds, text):
    assert render.age(NOW - timedelta(seconds=seconds), NOW) == text


def test_something_that_never_began_has_no_age():
    assert render.age(None) == "-"


def test_a_lease_says_how_long_and_until_when_in_local_time():
    at = datetime.now(UTC) + timedelta(hours=2, seconds=30)
    assert render.until(at).startswith("for 2h")
    assert f"{at.astimezone():%Y-%m-%d %H:%M}" in render.until(at)
    assert render.until(None) == "without end"
    assert render.until(NOW - timedelta(days=10_000)) == "ended"


def failure() -> Failure:
    return Failure(
        because="web/web.1 (v2) was not healthy within 30 s of its start",
        code="probe-failed",
        container="web-web-1-aa",
        probe=ProbeAnswer(
            asked="GET http://127.0.0.1:20001/health",
            healthy=False,
            answer='503 {"db": "\x1b[31mdown"}',
            tries=30,
        ),
        log=("starting", "password \x1b]0;evil\x07refused"),
        hints=("DATABASE_PASSWORD differs",),
        next=("headway logs -e demo -a web",),
    )


def test_a_failure_shows_probe_answer_log_cause_and_next_command_on_one_screen():
    lines = click.unstyle(render.failure(failure(), "web v2 failed (dep-1)")).splitlines()
    assert lines == [
        "✗ web v2 failed (dep-1)",
        "    because web/web.1 (v2) was not healthy within 30 s of its start",
        "    probe   GET http://127.0.0.1:20001/health (30 times)",
        '    answer  503 {"db": "down"}',
        "    last lines",
        "      starting",
        "      password refused",
        "    likely  DATABASE_PASSWORD differs",
        "  next: headway logs -e demo -a web",
    ]


def test_a_failure_without_a_probe_shows_how_the_process_ended():
    text = click.unstyle(render.failure(Failure(because="it ended", exit="exit status 3"), "web"))
    assert "    exit    exit status 3" in text
    assert "probe" not in text


def test_a_plan_says_what_it_would_reserve_and_what_stays():
    started = Started(
        environment=EnvironmentName("demo"),
        unchanged=(AppName("api"),),
        not_deployed=(
            NotDeployed(
                app=AppName("api"),
                source=Digest("sha256-1"),
                because="it goes on as v3; its source 3f2a1c7 is not deployed",
                next="headway deploy DIRECTORY -e demo -a api",
            ),
        ),
        plan=(
            PlannedChange(app=AppName("web"), verb="x", what="start web.1 (v2)", because="rolling"),
        ),
        reserves=Reserved(cpu=-0.5, memory_mib=128),
    )
    assert render.plan(started).splitlines() == [
        "web: start web.1 (v2)  (rolling)",
        "reserves -0.5 cores, +128 MiB",
        "api: stays as it is",
        (
            "! api: it goes on as v3; its source 3f2a1c7 is not deployed. "
            "next: headway deploy DIRECTORY -e demo -a api"
        ),
    ]
    assert render.plan(Started(environment=EnvironmentName("demo"))) == "nothing would change"


def test_a_plan_says_first_what_would_be_in_its_way():
    web = AppName("web")
    started = Started(
        environment=EnvironmentName("demo"),
        plan=(PlannedChange(app=web, verb="x", what="start web.1 (v2)", because="rolling"),),
        obstacles=(Obstacle(app=web, what="would fail", because="web.2 does not fit"),),
    )
    assert click.unstyle(render.plan(started)).splitlines() == [
        "✗ web would fail: web.2 does not fit",
        "web: start web.1 (v2)  (rolling)",
    ]


def entry(text: str, container: str = "c1", stream: Stream = Stream.STDOUT) -> LogEntry:
    line = LogLine(at=NOW, stream=stream, text=text, cursor=1)
    return LogEntry(
        container=ContainerId(container), app=AppName("web"), label="web.2", release=3, line=line
    )


def test_a_log_line_says_when_and_who_and_is_safe():
    shown = click.unstyle(render.log_line(entry("hello \x1b[31mthere"), prefix=True))
    assert shown == f"{NOW.astimezone():%H:%M:%S} web/web.2@v3 hello there"
    assert render.log_line(entry("hello"), prefix=False) == "hello"


def test_lines_of_headway_itself_are_told_from_those_of_the_app():
    said = entry("12 lines were dropped", stream=Stream.HEADWAY)
    assert render.log_line(said, prefix=False) == "[headway] 12 lines were dropped"


def test_a_container_keeps_its_colour():
    first = render.log_line(entry("a", "web-web-1-aa"), prefix=True)
    again = render.log_line(entry("a", "web-web-1-aa"), prefix=True)
    assert first == again
    assert first != click.unstyle(first)


def test_every_state_is_a_word_and_not_only_a_colour():
    for state in MemberState:
        assert click.unstyle(render.state_word(state)) == state.value


def test_an_app_is_one_line_whatever_its_reason_holds():
    view = MemberView(
        environment=EnvironmentName("demo"),
        app=AppName("web"),
        state=MemberState.FAILED,
        because="ended\x1b[2J",
        live=2,
    )
    assert render.member_line(view) == "✗ web failed v2 ended"


def test_a_reason_of_two_lines_stays_one_line():
    view = MemberView(
        environment=EnvironmentName("demo"),
        app=AppName("web"),
        state=MemberState.PROBING,
        because="GET / → 500 first\n✓ web healthy v9 forged",
    )
    assert len(render.member_line(view).splitlines()) == 1
