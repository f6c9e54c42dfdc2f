"""Jobs and nodes in a real browser: run, watched, cancelled, run again; drained and taken back."""

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import PHONE, visiting
from tests.e2e.installation import good_manifest

pytestmark = pytest.mark.timeout(300)

JOBS = """
jobs:
  count:
    command: >-
      read given; echo "given $given";
      for n in $(seq 3000); do echo "line $n"; sleep 0.2; done
    parameters:
      type: object
      properties: {who: {type: string}, times: {type: integer, default: 1}}
      required: [who]
"""


@pytest.fixture(scope="module")
def place(headway):
    headway.ok(
        "start",
        "-e",
        "fair",
        cwd=headway.app("stall", manifest=good_manifest(grace="60s", extra=JOBS)),
    )
    yield "fair"
    headway.ok("envs", "destroy", "fair", "--yes")


def test_a_job_is_run_watched_cancelled_and_run_again_with_other_parameters(
    chromium, headway, place
):
    with visiting(chromium, headway) as visitor:
        page = visitor.page
        visitor.go(f"/jobs?environment={place}")
        page.get_by_role("link", name="count", exact=True).click()
        visitor.press("Run it")
        page.get_by_label("who (needed)").fill("<b>ana</b>")
        visitor.press("Run it")
        page.wait_for_url("**/runs/*")
        first = visitor.path()
        log, head = page.locator("#log"), page.locator("#live_head")
        expect(log).to_contain_text('given {"who": "<b>ana</b>", "times": 1}')
        expect(log).to_contain_text("line 1")
        expect(log).to_contain_text("line 5")  # no page was loaded again
        expect(page.locator("#live_picture .desk svg")).to_be_visible()
        visitor.press("Cancel")
        visitor.press("Cancel it")
        page.wait_for_url(f"**{first}")
        expect(head).to_contain_text("cancelled")
        visitor.press("Run again")
        field = page.get_by_label("who (needed)")
        expect(field).to_have_value("<b>ana</b>")
        field.fill("bo")
        visitor.press("Run it again")
        page.wait_for_url(lambda url: "/again" not in url and first not in url)
        expect(log).to_contain_text('given {"who": "bo", "times": 1}')
        expect(head.get_by_role("link", name=first.removeprefix("/runs/"))).to_be_visible()
        visitor.press("Cancel")
        visitor.press("Cancel it")
        expect(head).to_contain_text("cancelled")


def test_the_page_of_a_run_that_waits_is_live_when_it_begins(chromium, headway, place):
    """No event tells that a run begins, and nothing else happens here."""
    headway.ok("queues", "pause", "stall/default", "-e", place)
    asked = ("count", '{"who": "di"}', "-e", place, "--no-wait")
    run = headway.json("jobs", "invoke", *asked)["run"]["id"]
    with visiting(chromium, headway) as visitor:
        page = visitor.page
        visitor.go(f"/runs/{run}")
        expect(page.locator("#live_head")).to_contain_text("queued")
        expect(page.locator("#log")).to_contain_text("Nothing yet.")
        headway.ok("queues", "resume", "stall/default", "-e", place)
        expect(page.locator("#live_head")).to_contain_text("running")
        expect(page.locator("#lines")).to_contain_text("line 5")
        expect(page.locator("#log")).not_to_contain_text("Nothing yet.")
    headway.ok("runs", "cancel", run)


def test_pictures_and_forms_are_there_without_any_script_and_on_a_phone(chromium, headway, place):
    with visiting(
        chromium, headway, signed_in=True, viewport=PHONE, java_script_enabled=False
    ) as visitor:
        visitor.go(f"/jobs/{place}/stall/count")
        page = visitor.page
        expect(page.locator("#live_runs .phone svg")).to_be_visible()
        expect(page.locator("#live_runs .desk svg")).to_be_hidden()
        visitor.press("Run it")
        page.get_by_label("who (needed)").fill("cy")
        visitor.press("Run it")
        page.wait_for_url("**/runs/*")
        visitor.press("Cancel")
        visitor.press("Cancel it")
        page.wait_for_url("**/runs/*")


def test_a_node_is_drained_after_its_plan_and_taken_back(chromium, headway, place):
    (node,) = (row["node"]["id"] for row in headway.json("nodes", "ls"))
    with visiting(chromium, headway) as visitor:
        page, head = visitor.page, visitor.page.locator("#live_head")
        visitor.go("/nodes")
        page.get_by_role("link", name=node, exact=True).click()
        visitor.press("Drain")
        expect(page.get_by_role("table")).to_contain_text("stall")
        page.get_by_label("Runs may go on for").fill("1h")
        page.get_by_label("Why").fill("a new disk")
        visitor.press("Show the plan")  # with what was filled in
        page.get_by_label("Type").fill(node)
        try:
            visitor.press("Drain")
            expect(head).to_contain_text("draining")
            expect(head).to_contain_text("a new disk")
            visitor.press("Take it back into use")
            visitor.press("Uncordon")
            expect(head).to_contain_text("ready")
        finally:
            headway.ok("nodes", "uncordon", node)
