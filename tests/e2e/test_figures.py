"""What is used and answered, as people see it: in the terminal, over the API, on the pages."""

import json
import re
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import DESKTOP, PHONE, visiting
from tests.e2e.installation import Installation, good_manifest, wait_for

pytestmark = pytest.mark.timeout(300)

BURNING = """
import threading, time
held = bytearray(64 * 2**20)
held[::4096] = b"x" * len(held[::4096])
def burn():
    while True:
        sum(range(20_000))
        time.sleep(0.005)
threading.Thread(target=burn, daemon=True).start()
exec(open("server.py").read())
"""
JOBS = """
resources: {cpu: 0.5, max_mem: 0.25}
jobs:
  stay: {command: exec sleep 600, grace: 1s}
queues: {default: {concurrency: 1}}
"""


@pytest.fixture(scope="module")
def busy(tmp_path_factory) -> Iterator[Installation]:
    """A headway that measures each second, and an app that uses what can be seen."""
    folder = tmp_path_factory.mktemp("busy")
    folder.chmod(0o755)
    installation = Installation(folder)
    installation.data.mkdir(mode=0o711)
    (installation.data / "settings.yaml").write_text("figures_step_s: 1s\n")
    try:
        installation.up()
        filled(installation)
        yield installation
    finally:
        installation.down()


def filled(installation: Installation) -> None:
    manifest = good_manifest("python3 burning.py", "60s", JOBS)
    app = installation.app("oven", manifest=manifest, **{"burning.py": BURNING})
    idle = installation.app("stone", manifest=good_manifest(grace="60s"))
    installation.ok("apps", "add", str(idle))
    installation.ok("start", "-e", "hot", cwd=app)
    installation.ok("start", "-e", "hot", cwd=idle)


def member(busy: Installation, app: str) -> dict:
    return next(row for row in busy.json("ps", "-e", "hot") if row["app"] == app)


def used(busy: Installation, app: str) -> dict:
    row = member(busy, app)
    (container,) = [one["id"] for one in row["containers"] if one["state"] == "healthy"]
    return row["used"].get(container) or {"cpu": None}


def figures(busy: Installation, query: str) -> dict[str, list[float | None]]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{busy.port}/v1/figures?{query}&over_s=120",
        headers={"authorization": f"Bearer {(busy.data / 'token').read_text().strip()}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        found = json.loads(answer.read())
    return {line["measure"]: line["values"] for line in found["lines"]}


def last(busy: Installation, query: str, measure: str) -> float:
    """The last figure that was measured."""
    return next((v for v in reversed(figures(busy, query)[measure]) if v is not None), 0.0)


def test_who_burns_and_who_does_not_is_seen(busy):
    wait_for(lambda: used(busy, "oven")["cpu"] is not None, 30)
    wait_for(lambda: used(busy, "stone")["cpu"] is not None, 30)
    wait_for(lambda: used(busy, "oven")["cpu"] > 10 * used(busy, "stone")["cpu"] + 0.02, 60)
    assert used(busy, "oven")["memory_bytes"] > 64 * 2**20
    (row,) = [line for line in busy.ok("ps", "-e", "hot").splitlines() if "oven/web.1" in line]
    head = busy.ok("ps", "-e", "hot").splitlines()[0]
    assert float(row[head.index("CORES") :].split()[0]) > 0
    assert float(row[head.index("MIB") :].split()[0]) > 64


def test_a_node_shows_what_is_used_of_what_is_reserved(busy):
    (node,) = busy.json("nodes", "ls")
    name = node["node"]["id"]
    assert node["used"]["memory_bytes"] > 64 * 2**20
    said = busy.ok("nodes", "show", name)
    assert "  offers  8 times the cores" in said
    (line,) = [line for line in said.splitlines() if line.startswith("  memory")]
    assert float(line.partition("reserved, ")[2].split()[0]) > 64
    assert last(busy, f"node={name}", "cpu") > 0.02


def test_requests_and_errors_are_counted_each_second(busy):
    of = "environment=hot&app=stone"
    for _ in range(20):
        assert busy.get("stone", "hot")[0] == 200
    # No look takes exactly a second, so what the seconds add up to is about as many.
    wait_for(lambda: sum(v or 0 for v in figures(busy, of)["requests"]) >= 10)
    assert any(figures(busy, of)["response"])
    assert not any(figures(busy, of)["errors"])
    assert set(figures(busy, f"{of}&release=1&measure=requests")) == {"requests"}


def test_what_waits_in_a_queue_is_kept_of_it_and_its_jobs(busy):
    words = ("jobs", "invoke", "oven/stay", "-e", "hot", "--no-wait")
    made, more = busy.json(*words), busy.json(*words)
    queue = "environment=hot&app=oven&queue=default"
    wait_for(lambda: last(busy, queue, "running") == 1)
    wait_for(lambda: last(busy, queue, "waiting") == 1)
    wait_for(lambda: last(busy, queue, "oldest") > 1)
    assert last(busy, "environment=hot&app=oven&job=stay", "waiting") == 1
    for said in (more, made):
        busy.ok("runs", "cancel", said["run"]["id"])
    wait_for(lambda: last(busy, queue, "waiting") == last(busy, queue, "running") == 0)


MEMBER = "/envs/hot/apps/stone"
PIXELS = """figure => {
  const canvas = figure.querySelector("canvas");
  return canvas ? canvas.toDataURL() : "";
}"""


def requests(page) -> str:
    """The figure as it is drawn now."""
    return page.locator("figure[data-measure=requests]").evaluate(PIXELS)


def test_a_figure_moves_before_ones_eyes(busy, chromium):
    with visiting(chromium, busy) as opened:
        opened.go(MEMBER)
        figure = opened.page.locator("figure[data-measure=requests]")
        expect(figure.locator("canvas")).to_be_visible()
        expect(figure.locator("figcaption")).to_contain_text("requests 0 a second")
        before = requests(opened.page)
        for _ in range(50):
            busy.get("stone", "hot")
        expect(figure.get_by_role("img")).to_have_attribute(
            "aria-label", re.compile(r"between 0 and [1-9]")
        )
        wait_for(lambda: requests(opened.page) != before)  # no page was loaded again


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_figures_are_there_for_everybody(busy, chromium, scheme, size):
    (node,) = busy.json("nodes", "ls")
    pages = (MEMBER, f"/nodes/{node['node']['id']}", "/queues/hot/oven/default")
    with visiting(chromium, busy, viewport=size, color_scheme=scheme) as opened:
        for path in pages:
            opened.go(path)
            expect(opened.page.locator("figure canvas").first).to_be_visible()
            assert not opened.accessible()
            assert opened.overflow() <= 0
        for path in ("/", "/jobs/hot/oven/stay", "/nodes"):
            opened.go(path)
            expect(opened.page.locator("svg.picture:visible").first).to_be_visible()
            assert not opened.accessible()
            assert opened.overflow() <= 0


def test_a_day_is_a_click_away_and_asks_for_means(busy, chromium):
    with visiting(chromium, busy) as opened:
        opened.go(MEMBER)
        opened.press("2 h 24 min")  # of a headway that measures ten times as often as others
        opened.page.wait_for_url(f"{opened.root}{MEMBER}?over=day")
        expect(opened.page.locator("figure canvas").first).to_be_visible()
        expect(opened.page.locator(".series [aria-current]")).to_have_text("2 h 24 min")


def test_a_page_that_nobody_looks_at_asks_for_nothing(busy, chromium):
    with visiting(chromium, busy) as opened:
        opened.go(MEMBER)
        expect(opened.page.locator("figure canvas").first).to_be_visible()
        asked: list[str] = []
        opened.page.on("request", lambda request: asked.append(request.url))
        opened.page.evaluate(HIDE, True)
        opened.page.wait_for_timeout(3_000)  # three times as long as it rests between two questions
        assert not [url for url in asked if "/v1/figures" in url]
        with opened.page.expect_request("**/v1/figures*"):
            opened.page.evaluate(HIDE, False)


HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_without_scripts_what_the_server_drew_stays(busy, chromium):
    with visiting(chromium, busy, java_script_enabled=False) as opened:
        opened.go(MEMBER)
        expect(opened.page.locator("figure svg.picture").first).to_be_visible()
        expect(opened.page.locator("figure").first).to_contain_text("cores")
