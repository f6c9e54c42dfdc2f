"""Pictures out of what pages have."""

import re

from headway.model.log import LogLine, Stream
from headway.model.run import RunState
from headway.model.view.log import LogEntry
from headway.web import gallery
from headway.web.pages.run import RunLogPage
from headway.web.pages.run_lines import Place, rows_of
from headway.web.traffic import ReleaseShare
from tests.unit.web.pictures.reading import Seen
from tests.unit.web.pictures.things import ago, attempt, run


def entry(number: int, seconds: float, stream: Stream = Stream.STDOUT) -> LogEntry:
    text = f"\x1b[31mline\x1b[0m {number}"
    line = LogLine(at=ago(seconds), stream=stream, text=text, cursor=number * 10)
    return LogEntry(container="c", app="shop", label="nightly", release=1, line=line)


def drawn(text: str) -> list[Seen]:
    return [Seen(svg) for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL)]


def test_lines_are_drawn_in_time_and_lead_to_themselves():
    row = run(1, RunState.FAILED, attempt(1, 90, 5, RunState.FAILED))
    entries = [entry(n, 100 - n, Stream.STDERR if n == 30 else Stream.STDOUT) for n in range(1, 61)]
    for seen in drawn(gallery.density(rows_of(row, Place(1), entries))):
        seen.assert_whole()
        assert seen.says.startswith("Lines in time: 60 lines, 1 of them to stderr")
        assert seen.links[0] == "/runs/run-0001/log?attempt=1"
        assert len(seen.links) > 50


def test_a_few_lines_and_lines_of_one_instant_are_not_drawn():
    row = run(1, RunState.FAILED)
    assert gallery.density(rows_of(row, Place(), [entry(n, n) for n in range(5)])) == ""
    assert gallery.density(rows_of(row, Place(), [entry(n, 5) for n in range(50)])) == ""


def test_each_line_of_a_run_has_the_address_that_begins_with_it():
    row = run(1, RunState.FAILED, attempt(1, 90, 5, RunState.FAILED))
    entries = (entry(4, 9), entry(5, 8))
    page = RunLogPage(run=row, attempt=None, after=30, next=50, log=entries)
    assert [one.url for one in page.rows] == [
        "/runs/run-0001/log?attempt=1&after=30",
        "/runs/run-0001/log?attempt=1&after=40",
    ]
    assert page.rows[0].pieces[0].classes == "red"
    assert (page.beginning, page.following) == (
        "/runs/run-0001/log?attempt=1",
        "/runs/run-0001/log?attempt=1&after=50",
    )


def test_the_release_that_comes_is_told_from_the_one_that_goes():
    shares = [ReleaseShare(release=n, percent=p, containers=1) for n, p in ((4, 10), (3, 90))]
    (seen,) = drawn(gallery.traffic(shares))
    assert len(seen.extents("rect", "moving")) == 1
    assert seen.says == "Traffic: v4 gets 10 %, v3 gets 90 %"
    (seen,) = drawn(gallery.traffic(shares[1:]))
    assert len(seen.extents("rect", "good")) == 1
