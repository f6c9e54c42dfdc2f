from headway.web.messages import message
from headway.web.page import Anew, Appended
from headway.web.pages.logs import row_of
from headway.web.seen import Seen
from tests.unit.web.members import NOW
from tests.unit.web.test_logs import entry


def added(text: str) -> Appended:
    return Appended("lines", "lines", row_of("demo", entry(text)), "1:7")


def test_what_is_added_goes_behind_what_is_there():
    said = message(Seen("0a", "1:7"), {}, [added("one"), added("two")], NOW).decode()
    assert said.startswith('id: 0a~1:7\ndata: <hx-partial hx-target="#lines" hx-swap="beforeend">')
    assert said.index("one") < said.index("two")


def test_what_begins_anew_takes_the_place_of_all_that_was_there_or_came_before():
    said = message(Seen(), {}, [added("old"), Anew("lines", "2:0"), added("new")], NOW).decode()
    assert 'hx-target="#lines" hx-swap="innerHTML"' in said
    assert "new" in said
    assert "old" not in said
    emptied = message(Seen(), {}, [added("old"), Anew("lines", "2:0")], NOW).decode()
    assert '<hx-partial hx-target="#lines" hx-swap="innerHTML"></hx-partial>' in emptied
