"""Pages that are open while thousands of things happen: right at the end, and still small."""

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import visiting
from tests.e2e.installation import Installation, wait_for

pytestmark = pytest.mark.timeout(400)

_LINES, _LEAD = 16_000, 4000
"""Lines that are written while the page of a log is open, and how many before it is weighed."""
_EVENTS, _BEGUN = 3000, 600
_SHOWN = 200
_GROWTH_MIB = 4
_GO_ON = "/tmp/go-on"
_MANIFEST = f"""\
run:
  type: process
  command: >-
    while [ ! -e {_GO_ON}-1 ]; do sleep 0.1; done;
    seq -f "line %g of {_LEAD}" {_LEAD};
    while [ ! -e {_GO_ON}-2 ]; do sleep 0.1; done;
    seq -f "line %g of {_LINES}" {_LEAD + 1} {_LINES};
    exec sleep 600
"""


def weighed(page: Page) -> tuple[int, float]:
    """Nodes of the page, those that it has let go of included, and MiB of its script's memory."""
    client = page.context.new_cdp_session(page)
    client.send("HeapProfiler.collectGarbage")
    client.send("Performance.enable")
    rows = {row["name"]: row["value"] for row in client.send("Performance.getMetrics")["metrics"]}
    client.detach()
    return int(rows["Nodes"]), rows["JSHeapUsedSize"] / 2**20


def assert_as_small(page: Page, before: tuple[int, float], most_nodes: float) -> None:
    nodes, mib = weighed(page)
    assert nodes <= most_nodes, f"{nodes} nodes, {before[0]} before"
    assert mib <= before[1] + _GROWTH_MIB, (
        f"{mib:.1f} MiB of script's memory, {before[1]:.1f} before"
    )


def last_lines(page: Page) -> list[str]:
    return page.locator("#lines .text").all_text_contents()[-_SHOWN:]


def test_a_log_that_is_open_for_long_keeps_its_last_lines_and_stays_small(chromium, headway):
    headway.ok("start", "-e", "long", cwd=headway.app("writer", manifest=_MANIFEST))
    with visiting(chromium, headway) as visitor:
        page = visitor.page
        visitor.go("/envs/long/logs")
        expect(page.locator("#link")).to_have_text("live")
        headway.ok("exec", "writer", "-e", "long", "--", "touch", f"{_GO_ON}-1")
        expect(page.locator("#lines > li").last).to_contain_text(f"line {_LEAD} of", timeout=60_000)
        kept, before = page.locator("#lines > li").count(), weighed(page)
        headway.ok("exec", "writer", "-e", "long", "--", "touch", f"{_GO_ON}-2")
        expect(page.locator("#lines > li").last).to_contain_text(
            f"line {_LINES} of", timeout=120_000
        )
        assert page.locator("#lines > li").count() <= kept <= 3000
        assert_as_small(page, before, before[0] * 1.2)
        shown = last_lines(page)
        visitor.go("/envs/long/logs")
        assert shown == last_lines(page)
        assert shown[-1] == f"line {_LINES} of {_LINES}"
    headway.ok("envs", "destroy", "long", "--yes")


def happen(headway: Installation, events: int) -> str:
    """Claim locks and give them back, two events each; gives the last lease."""
    url, token = f"http://127.0.0.1:{headway.port}", (headway.data / "token").read_text().strip()
    headers = {"authorization": f"Bearer {token}"}
    with httpx2.Client(
        base_url=url, headers=headers, trust_env=False, timeout=30, verify=False
    ) as client:
        for number in range(events // 2):
            asked = {"kind": "lock", "name": f"day-{number}", "length_s": 600}
            made = client.post("/v1/leases", json=asked)
            assert made.status_code == 200, made.text
            lease = made.json()["lease"]["id"]
            gone = client.post(f"/v1/leases/{lease}/release", json={})
            assert gone.status_code == 200, gone.text
    return str(lease)


def test_a_page_on_which_thousands_of_things_happened_is_as_a_new_one_and_as_small(
    chromium, headway
):
    with visiting(chromium, headway) as visitor:
        page = visitor.page
        visitor.go("/events")
        expect(page.locator("#link")).to_have_text("live")
        expect(page.locator("main")).to_contain_text(happen(headway, _BEGUN))
        before = weighed(page)
        expect(page.locator("main")).to_contain_text(happen(headway, _EVENTS))
        assert_as_small(page, before, before[0] * 1.5)
        with visiting(chromium, headway) as another:
            another.go("/events")
            assert rows(page) == rows(another.page)


def rows(page: Page) -> list[str]:
    """What stands on a page, but for how long ago it was."""
    wait_for(lambda: page.locator("#link").inner_text() == "live")
    return page.evaluate(
        """[...document.querySelectorAll("main li, main tr")].map((row) => {
          const copy = row.cloneNode(true);
          copy.querySelectorAll("time").forEach((time) => time.remove());
          return copy.textContent.replace(/\\s+/g, " ").trim();
        })"""
    )
