"""The lines of a run on a page that is open while they are written."""

import re
from collections.abc import Iterator

import httpx2
import pytest

from headway.web.pages.run_lines import TAIL
from tests.integration.api.control_plane import archive, wait_for
from tests.integration.api.test_job_pages import FORM
from tests.integration.api.test_pages import _HTML, messages, stream_behind, stream_of

_QUEUE = "/queues/talk/talker/default"
_LINES = 150
_TALK = f"for n in $(seq {_LINES}); do echo line $n end; sleep 0.01; done"
_APP = f"""\
name: talker
jobs:
  talk: {{command: '{_TALK}'}}
  much: {{command: 'for n in $(seq 3000); do echo line $n end; done'}}
  twice:
    command: >-
      for n in 1 2 3; do echo try $HEADWAY_ATTEMPT line $n end; done; [ $HEADWAY_ATTEMPT = 2 ]
    delivery: at_least_once
    retries: {{most: 1, delay: 1s}}
"""


@pytest.fixture(scope="module")
def browser(plane) -> Iterator[httpx2.Client]:
    with plane.client() as client:
        client.headers.update(_HTML)
        sent = client.post("/v1/sources?name=talker", content=archive(headway__yaml=_APP))
        assert sent.status_code == 200, sent.text
        client.post("/v1/environments/talk/start", json={"apps": ["talker"]})
        member = "/v1/environments/talk/apps/talker"
        wait_for(lambda: client.get(member).json()["live"] == 1)
        yield client


def paused(browser: httpx2.Client, job: str) -> str:
    """A run that waits for its queue; gives its address."""
    done = browser.post(f"{_QUEUE}/pause", headers=FORM, data={"reason": "not yet"})
    assert done.status_code == 303
    asked = {"environment": "talk", "app": "talker"}
    done = browser.post(f"/v1/jobs/{job}/runs", json=asked)
    assert done.status_code == 200, done.text
    return f"/runs/{done.json()['ids'][0]}"


def let_go(browser: httpx2.Client, run: str, state: str | None = "succeeded") -> None:
    """Have it begin; with a state, wait until it has ended like that."""
    assert browser.post(f"{_QUEUE}/resume", headers=FORM).status_code == 303
    if state is not None:
        wait_for(lambda: browser.get(f"{run}.json").json()["view"]["run"]["state"] == state, 60)


def lines_on(page: str) -> list[str]:
    return re.findall(r">((?:try \d )?line \d+) end<", page)


def put(page: str, heard: list[str]) -> list[str]:
    """The lines on a page, after what was heard has been put there."""
    found = lines_on(page)
    for one in heard:
        part = re.search(r'hx-target="#lines" hx-swap="(\w+)">(.*)</hx-partial>', one, re.DOTALL)
        if part is not None:
            found = (found if part[1] == "beforeend" else []) + lines_on(part[2])
    return found


def expected(last: int, first: int = 1) -> list[str]:
    return [f"line {number}" for number in range(first, last + 1)]


def test_a_page_that_was_opened_before_a_run_began_gets_each_line_once_as_it_is_written(
    browser, plane
):
    run = paused(browser, "talk")
    page = browser.get(run).text
    assert "Nothing yet." in page
    with messages(plane, stream_of(page)) as heard:
        let_go(browser, run)
        wait_for(lambda: put(page, heard) == expected(_LINES))
        assert len([one for one in heard if 'hx-target="#lines"' in one]) > 1
        assert all(len(lines_on(one)) < _LINES for one in heard)
    assert lines_on(browser.get(run).text) == expected(_LINES)


def test_a_stream_that_breaks_off_anywhere_goes_on_behind_what_came(browser, plane):
    run = paused(browser, "talk")
    page, address = browser.get(run).text, None
    address, all_heard, begun = stream_of(page), [], False
    while put(page, all_heard) != expected(_LINES):
        with messages(plane, address) as heard:
            if not begun:
                let_go(browser, run, None)
                begun = True
            wait_for(lambda heard=heard: any('hx-target="#lines"' in one for one in heard))
            all_heard += (some := heard[:])
        address = stream_behind(address, some[-1])
        assert put(page, all_heard) == expected(len(put(page, all_heard)))


def test_the_lines_of_another_attempt_take_the_place_of_those_before(browser, plane):
    run = paused(browser, "twice")
    page = browser.get(run).text
    with messages(plane, stream_of(page)) as heard:
        let_go(browser, run)
        wait_for(lambda: put(page, heard) == [f"try 2 line {number}" for number in (1, 2, 3)])
    first = browser.get(f"{run}?attempt=1").text
    assert lines_on(first) == [f"try 1 line {number}" for number in (1, 2, 3)]
    with messages(plane, stream_of(first)) as heard:
        wait_for(lambda: plane.count_tasks("Gathered") > 0)
    assert put(first, heard) == lines_on(first)


def test_who_comes_back_to_more_than_a_page_of_lines_has_the_last_ones(browser, plane):
    run = paused(browser, "much")
    page = browser.get(run).text
    let_go(browser, run)
    with messages(plane, stream_of(page)) as heard:
        wait_for(lambda: put(page, heard))
        assert put(page, heard) == expected(3000, 3000 - TAIL + 1)
    assert lines_on(browser.get(run).text) == expected(3000, 3000 - TAIL + 1)


def test_each_line_on_the_page_of_a_run_leads_to_itself(browser):
    run = paused(browser, "much")
    let_go(browser, run)
    page = browser.get(run).text
    for row in re.findall(r'<li><a class="at" href="[^"]+">.*?</li>', page)[::50]:
        address = re.search(r'href="([^"]+)"', row)[1].replace("&amp;", "&")
        assert "attempt=1" in address
        assert lines_on(browser.get(address).text)[0] == lines_on(row)[0]
