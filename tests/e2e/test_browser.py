"""The pages in a real browser: signing in, watching, acting."""

import pytest
from playwright.sync_api import expect

from headway.web.pages import ACTS, PAGES
from tests.e2e.browser import DESKTOP, PHONE, address, visiting
from tests.e2e.installation import good_manifest, wait_for

pytestmark = pytest.mark.timeout(300)

JOBS = """
jobs:
  greet: {command: echo hello}
  fail: {command: 'echo it breaks; exit 3'}
queues: {default: {concurrency: 2}}
schedules:
  nightly: {job: fail, cron: '0 3 * * *'}
"""


@pytest.fixture(scope="module")
def demo(headway):
    """An environment with something of everything, and what its pages are called by."""
    shop = headway.app("shelf", manifest=good_manifest(extra=JOBS))
    front = headway.app("counter", manifest=good_manifest(extra="dependencies: [shelf]\n"))
    headway.ok("apps", "add", str(shop))
    headway.ok("start", "-e", "bazaar", cwd=front)
    headway.ok("config", "set", "-e", "bazaar", "-a", "shelf", "COLOUR=blue")
    (shop / "text").write_text("two")
    headway.ok("deploy", "-e", "bazaar", cwd=shop)
    headway.ok("start", "-e", "closed", cwd=shop)
    headway.ok("envs", "destroy", "closed", "--yes", "--reason", "the season is over")
    headway.run("jobs", "invoke", "greet", "-e", "bazaar", "--wait")
    headway.run("jobs", "invoke", "fail", "-e", "bazaar", "--wait")
    runs = headway.json("runs", "ls", "-e", "bazaar")
    claimed = headway.json("leases", "acquire", "migration", "--for", "1h")
    (node,) = headway.json("nodes", "ls")
    deployment = headway.json("history", "-e", "bazaar", "-a", "shelf")[0]
    pool = headway.folder / "pool.yaml"
    pool.write_text("{name: trial, types: [{name: m, cpu: 4, memory: 8GiB}]}\n")
    headway.ok("pools", "apply", str(pool))
    yield {
        "environment": "bazaar",
        "app": "shelf",
        "name": "closed",
        "life": headway.json("envs", "past", "closed")["life"]["id"].partition("~")[2],
        "number": "1",
        "deployment": deployment["id"],
        "run": runs[0]["id"] if isinstance(runs, list) else runs["rows"][0]["id"],
        "job": "greet",
        "node": node["node"]["id"],
        "lease": claimed["lease"]["id"],
        "container": headway.json("ps", "-e", "bazaar")[0]["containers"][0]["id"],
        "queue": "default",
        "pool": "trial",
        "schedule": "nightly",
    }
    headway.ok("pools", "rm", "trial")
    headway.ok("leases", "release", claimed["lease"]["id"])
    headway.ok("envs", "destroy", "bazaar", "--yes")


@pytest.fixture
def visitor(chromium, headway):
    with visiting(chromium, headway) as opened:
        yield opened


def test_a_link_signs_in_once_and_a_button_signs_out(chromium, headway):
    with visiting(chromium, headway, signed_in=False) as opened:
        opened.page.goto(f"{opened.root}/envs")
        assert opened.path() == "/sign-in"
        assert not opened.accessible()
        link = headway.ok("dashboard").strip()
        opened.page.goto(link)
        assert not opened.accessible()
        opened.press("Sign in")
        opened.page.wait_for_url(f"{opened.root}/")
        (cookie,) = opened.page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["domain"]) == (
            True,
            "Lax",
            "headway.localhost",
        )
        assert opened.page.evaluate("document.cookie") == ""
        opened.press("Sign out")
        opened.page.wait_for_url(f"{opened.root}/sign-in")
        opened.page.goto(link)
        assert "has been used" in opened.page.inner_text("main")
        opened.page.get_by_label("Token").fill((headway.data / "token").read_text().strip())
        opened.press("Sign in")
        opened.page.wait_for_url(f"{opened.root}/")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_page_is_there_for_everybody(chromium, headway, demo, size):
    """On a screen and on a phone, light and dark, also for who does not see it."""
    found: list[str] = []
    with visiting(chromium, headway, viewport=size) as opened:
        for page in [*PAGES, *ACTS]:
            path = address(page.path, demo)
            opened.go(path, refused=page in ACTS)
            expect(opened.page.locator("h1").first).to_be_visible()
            found += [f"{path}: too small: {what}" for what in opened.small_words()]
            if opened.page.locator(".head .primary").count() > 1:
                found.append(f"{path}: more than one act is the one to choose")
            for scheme in ("light", "dark"):
                opened.page.emulate_media(color_scheme=scheme)
                found += [f"{path}, {scheme}: {what}" for what in opened.accessible()]
                if opened.overflow() > 0:
                    found.append(f"{path}: is {opened.overflow()} px wider than the window")
        found += opened.wrong
        opened.wrong.clear()
    assert not found, "\n".join(found)


def test_on_a_phone_it_is_in_sight_which_page_this_is(chromium, headway):
    with visiting(chromium, headway, viewport=PHONE) as opened:
        for path in ("/", "/events"):
            opened.go(path)
            expect(opened.page.locator(".side a[aria-current]")).to_be_in_viewport(ratio=1)


_LEFTS = "cells => cells.map(cell => Math.round(cell.getBoundingClientRect().left))"


def test_what_needs_a_look_stands_in_line_from_card_to_card(headway, visitor):
    headway.ok("start", "-e", "brief", "--lease", "40m", cwd=headway.app("liner"))
    (node,) = [row["node"]["id"] for row in headway.json("nodes", "ls")]
    try:
        headway.ok("nodes", "cordon", node, "--reason", "a new disk")
        visitor.go("/")
        cards = visitor.page.locator(".concerns")
        disk = cards.filter(has_text="a new disk")
        expect(disk.get_by_role("link", name="Take it")).to_be_visible()
        expect(cards.filter(has_text="brief").get_by_role("link", name="Extend")).to_be_visible()
        assert len(set(cards.locator("td.wide").evaluate_all(_LEFTS))) == 1
    finally:
        headway.ok("nodes", "uncordon", node)
        headway.ok("envs", "destroy", "brief", "--yes")


def test_an_id_is_not_broken_at_its_hyphen_beside_a_long_reason(headway, visitor):
    visitor.go("/nodes")
    lines = visitor.page.evaluate(
        """() => {
          const row = document.querySelector("#live_rows tbody tr");
          const cell = row.querySelector("td.id"), reason = "why ".repeat(99);
          cell.textContent = "vm-2";
          row.querySelectorAll("td.wide").forEach((wide) => { wide.textContent = reason; });
          const range = document.createRange();
          range.selectNodeContents(cell);
          return range.getClientRects().length;
        }"""
    )
    assert lines == 1


def test_an_environment_comes_up_before_ones_eyes(headway, visitor):
    app = headway.app("riser")
    visitor.go("/envs")
    expect(visitor.page.get_by_role("link", name="risen")).to_have_count(0)
    headway.ok("start", "-e", "risen", "--no-wait", cwd=app)
    row = visitor.page.get_by_role("link", name="risen", exact=True)
    expect(row).to_be_visible()  # no page was loaded again
    row.click()
    expect(visitor.page.locator("#live_members")).to_contain_text("healthy")
    visitor.press("Extend")
    visitor.page.get_by_label("How long").select_option("2d")
    visitor.press("Renew it")
    expect(visitor.page.locator("#live_head")).to_contain_text("lease ends in 1 d")
    visitor.choose("Destroy")
    expect(visitor.page.get_by_role("button", name="Destroy risen")).to_be_visible()
    visitor.press("Destroy risen")  # the name was not typed: the browser holds it back
    assert visitor.path().endswith("/destroy")
    visitor.page.get_by_label("Type").fill("risen")
    visitor.press("Destroy risen")
    visitor.page.wait_for_url(f"{visitor.root}/envs")
    expect(visitor.page.get_by_role("link", name="risen", exact=True)).to_have_count(0)
    wait_for(lambda: not headway.has("risen"))


def test_a_deployment_moves_the_traffic_and_a_rollback_moves_it_back(headway, visitor):
    app = headway.app("mover", "one")
    headway.ok("start", "-e", "moving", cwd=app)
    (app / "text").write_text("two")
    headway.ok("apps", "add", str(app))
    watching = visitor.page.context.new_page()
    watching.goto(f"{visitor.root}/envs/moving/apps/mover")
    traffic = watching.locator("#live_traffic")
    expect(traffic).to_contain_text("v1 100 %")
    visitor.go("/envs/moving/apps/mover")
    visitor.press("Deploy")
    expect(visitor.page.locator("main")).to_contain_text("What it would do")
    visitor.press("Deploy")
    visitor.page.wait_for_url(f"{visitor.root}/deployments/*")
    expect(visitor.page.locator("#live_head")).to_contain_text("succeeded")
    expect(traffic).to_contain_text("v2 100 %")  # no page was loaded again
    assert headway.get("mover", "moving")[1].startswith("v2 two")
    visitor.go("/envs/moving/apps/mover")
    visitor.press("Roll back")
    visitor.press("Roll back")
    visitor.page.wait_for_url(f"{visitor.root}/deployments/*")
    expect(traffic).to_contain_text("v1 100 %")
    assert headway.get("mover", "moving")[1].startswith("v1 one")
    headway.ok("envs", "destroy", "moving", "--yes")
