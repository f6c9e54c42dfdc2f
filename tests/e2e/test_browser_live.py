"""Pages that stay open: live while somebody sees them, and right again when somebody does."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import Visitor, visiting
from tests.e2e.installation import good_manifest, wait_for

pytestmark = pytest.mark.timeout(300)

_TABS = 8
"""More than a browser has connections for one host."""
_OLD = "what you see may be old"
_HIDE = """
Object.defineProperty(document, "hidden", {configurable: true, get: () => window.is_behind});
window.hide = (is_behind) => {
  window.is_behind = is_behind;
  document.dispatchEvent(new Event("visibilitychange"));
};
"""


@pytest.fixture(scope="module")
def shop(headway):
    return headway.app("till", manifest=good_manifest())


@pytest.fixture
def visitor(chromium, headway) -> Iterator[Visitor]:
    with visiting(chromium, headway) as opened:
        yield opened


@contextmanager
def started(headway, shop, name: str) -> Iterator[str]:
    headway.ok("start", "-e", name, "--no-wait", cwd=shop)
    yield name
    headway.ok("envs", "destroy", name, "--yes")


def link(page: Page):
    return page.locator("#link")


@pytest.mark.parametrize("late", ["htmx.min.js", "live.js", "app.js"])
def test_a_page_is_live_whichever_of_its_scripts_comes_last(visitor, headway, shop, late):
    page = visitor.page

    def slow(route) -> None:
        page.wait_for_timeout(700)
        route.continue_()

    page.route(f"**/{late}*", slow)
    visitor.go("/envs")
    expect(link(page)).to_have_text("live")
    with started(headway, shop, "late"):
        expect(page.get_by_role("link", name="late")).to_be_visible()


def test_a_page_whose_first_connections_fail_says_so_and_comes_live(visitor, headway, shop):
    page, answers = visitor.page, itertools.cycle([None, 503])

    def refuse(route) -> None:
        status = next(answers)
        route.fulfill(status=status, body="busy") if status else route.abort()

    page.route("**/live?**", refuse)
    visitor.go("/envs")
    with started(headway, shop, "refused"):
        expect(link(page)).to_contain_text(_OLD)
        assert page.get_by_role("link", name="refused").count() == 0
        page.unroute("**/live?**")
        expect(link(page)).to_have_text("live")
        expect(page.get_by_role("link", name="refused")).to_be_visible()
    visitor.wrong.clear()  # the browser tells of what failed


def test_what_is_unfolded_stays_so_when_the_page_is_drawn_anew(visitor, headway, shop):
    page = visitor.page
    with started(headway, shop, "unfolded"):
        visitor.go("/envs/unfolded")
        expect(link(page)).to_have_text("live")
        menu = page.locator("#others")
        menu.locator("summary").press("Enter")
        expect(page.get_by_role("link", name="Destroy")).to_be_visible()
        page.evaluate("document.getElementById('live_head').dataset.old = 'yes'")
        headway.ok("extend", "2d", "-e", "unfolded")
        expect(page.locator("#live_head:not([data-old])")).to_contain_text("lease ends in")
        expect(page.get_by_role("link", name="Destroy")).to_be_visible()
        expect(menu.locator("summary")).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.get_by_role("link", name="Destroy")).to_be_hidden()


@pytest.mark.parametrize("opened_behind", [True, False])
def test_tabs_that_nobody_sees_hold_no_connection_and_are_right_when_somebody_does(
    visitor, headway, shop, opened_behind
):
    context = visitor.page.context
    context.add_init_script(f"window.is_behind = {str(opened_behind).lower()};{_HIDE}")
    tabs = [context.new_page() for _ in range(_TABS)]
    for tab in tabs:
        tab.goto(f"{visitor.root}/envs")
        if not opened_behind:
            expect(link(tab)).to_have_text("live")
            tab.evaluate("hide(true)")
        expect(link(tab)).to_contain_text(_OLD)
    with started(headway, shop, "behind"):
        for tab in tabs:
            tab.evaluate("hide(false)")
            expect(link(tab)).to_have_text("live")
            expect(tab.get_by_role("link", name="behind")).to_be_visible()
            tab.evaluate("hide(true)")
        tabs[0].evaluate("hide(false)")
    expect(tabs[0].get_by_role("link", name="behind")).to_be_hidden()


def test_more_tabs_than_a_browser_has_connections_are_live_side_by_side(visitor, headway, shop):
    tabs = [visitor.page.context.new_page() for _ in range(_TABS)]
    for tab in tabs:
        tab.goto(f"{visitor.root}/envs")
        expect(link(tab)).to_have_text("live")
        assert not tab.evaluate("document.hidden")
    with started(headway, shop, "beside"):
        for tab in tabs:
            expect(tab.get_by_role("link", name="beside")).to_be_visible()
    for tab in tabs[:-3]:
        tab.close()
    for tab in tabs[-3:]:
        expect(tab.get_by_role("link", name="beside")).to_be_hidden()
        expect(link(tab)).to_have_text("live")


def test_a_tab_that_was_hidden_while_headway_went_and_came_back_is_right(chromium, own):
    own.up()
    shop = own.app("till", manifest=good_manifest())
    with visiting(chromium, own) as visitor:
        page = visitor.page
        page.add_init_script(f"window.is_behind = false;{_HIDE}")
        visitor.go("/envs")
        expect(link(page)).to_have_text("live")
        page.evaluate("hide(true)")
        own.kill(own.pid())
        own.up()
        with started(own, shop, "away"):
            expect(link(page)).to_contain_text(_OLD)
            page.evaluate("hide(false)")
            expect(link(page)).to_have_text("live")
            expect(page.get_by_role("link", name="away")).to_be_visible()
        page.evaluate("hide(true)")
        own.kill(own.pid())
        page.evaluate("hide(false)")
        expect(link(page)).to_contain_text(_OLD)
        own.up()
        expect(link(page)).to_have_text("live")
        expect(page.get_by_role("link", name="away")).to_be_hidden()
        visitor.wrong.clear()  # the browser tells of what failed


_COUNT = """
window.asked = [];
window.EventSource = class extends window.EventSource {
  constructor(...words) { super(...words); window.asked.push(performance.now()); }
};
"""
_ASKED = 5


def test_a_page_asks_ever_less_often_while_headway_is_gone_and_is_live_when_it_is_back(
    chromium, own
):
    own.up()
    shop = own.app("till", manifest=good_manifest())
    with visiting(chromium, own) as visitor:
        page = visitor.page
        page.add_init_script(_COUNT)
        visitor.go("/envs")
        expect(link(page)).to_have_text("live")
        page.evaluate("window.asked.length = 0")
        own.kill(own.pid())
        expect(link(page)).to_contain_text(_OLD)
        wait_for(lambda: page.evaluate("window.asked.length") >= _ASKED, 60)
        asked = page.evaluate("window.asked")
        waited = [then - before for before, then in itertools.pairwise(asked)]
        # By chance half of the longest, which doubles; a timer may be a millisecond early.
        assert all(ms >= 250 * 2**number - 2 for number, ms in enumerate(waited)), waited
        own.up()
        with started(own, shop, "back"):
            expect(link(page)).to_have_text("live", timeout=30_000)
            expect(page.get_by_role("link", name="back")).to_be_visible()
        visitor.wrong.clear()  # the browser tells of what failed
