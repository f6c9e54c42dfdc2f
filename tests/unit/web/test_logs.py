from datetime import timedelta

from msgspec.structs import replace

from headway.model.log import LogLine, Stream
from headway.model.view.log import LogEntry
from headway.web.pages.logs import (
    Known,
    LogsPage,
    parse_cursors,
    parse_resume,
    render_cursors,
    row_of,
)
from tests.unit.web.members import NOW


def entry(text: str, container: str = "web-1", cursor: int = 7) -> LogEntry:
    line = LogLine(at=NOW, stream=Stream.STDOUT, text=text, cursor=cursor)
    return LogEntry(container=container, app="web", label="web.1", release=1, line=line)


def test_a_line_has_an_address_of_its_own_and_the_colour_of_who_wrote_it():
    one, two = row_of("demo", entry("a")), row_of("demo", entry("b", cursor=9))
    assert one.url == "/envs/demo/logs?container=web-1&line=7"
    assert one.colour == two.colour
    assert len({row_of("demo", entry("a", f"web-{n}")).colour for n in range(40)}) > 4


def test_a_line_that_is_too_long_is_cut_and_the_chosen_one_is_not():
    text = "x" * 50_000
    assert row_of("demo", entry(text)).more == 48_000
    chosen = row_of("demo", entry(text), 10**6, chosen=7)
    assert (chosen.more, chosen.is_chosen) == (0, True)


def test_positions_are_written_and_read_again():
    cursors = {"web-1": 7, "a:b": 3}
    assert parse_cursors(render_cursors(cursors)) == cursors
    assert parse_cursors("web:99999999999999999999999,x:-1,y:²,:3,,") == {}
    assert len(parse_cursors(",".join(f"c{n}:1" for n in range(1000)))) == 100


def test_older_lines_keep_what_was_asked_for_and_are_not_added_to():
    page = LogsPage(
        environment="demo", app="web", text="a b", before="web-1:7", newest=False, at=NOW
    )
    assert page.older == "/envs/demo/logs?app=web&text=a+b&before=web-1%3A7"
    assert page.latest == "/envs/demo/logs?app=web&text=a+b"
    assert page.resume == ""


def test_what_a_page_knows_stays_small_however_many_containers_come_and_go():
    known = Known(NOW, {})
    for number in range(1000):
        one = entry("x", f"web-{number}")
        one = replace(one, line=replace(one.line, at=NOW + timedelta(seconds=2 * number)))
        assert known.is_new(one)
        resume = known.note(one)
        assert not known.is_new(one)
        if number >= 100:  # one that was left out long ago is not heard again
            since, cursors = parse_resume(resume, NOW)
            later = Known(since, cursors)
            assert not later.is_new(one)
            assert not later.is_new(entry("x", f"web-{number - 100}"))
    assert len(resume) < 1500
