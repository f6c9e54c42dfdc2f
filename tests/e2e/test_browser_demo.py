"""The demo as `make demo` leaves it, and all that people do with it, in a browser, as one story."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import visiting
from tests.e2e.installation import Installation, wait_for

pytestmark = pytest.mark.timeout(1800)
DEMO = Path(__file__).parents[2] / "examples" / "shop" / "demo.py"
_MINUTES = 120_000
"""Milliseconds that seven apps may take to come up on a machine that does much else."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Iterator[Installation]:
    """The shop, left running by the demo."""
    folder = tmp_path_factory.mktemp("demo")
    folder.chmod(0o755)
    place = Installation(folder / "place")
    env = {**os.environ, "HEADWAY_DEMO": str(place.folder), "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, str(DEMO)],
        env=env,
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )
    try:
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        running = json.loads((place.data / "server.json").read_text())
        place.port = urlsplit(running["url"]).port
        place.http_port = running["http_port"]
        yield place
    finally:
        subprocess.run([sys.executable, str(DEMO), "stop"], env=env, check=False)


@pytest.fixture(scope="module")
def visitor(chromium, shop):
    with visiting(chromium, shop) as opened:
        yield opened
        assert not opened.wrong


def test_a_second_shop_comes_up_before_ones_eyes(shop, visitor):
    page = visitor.page
    visitor.go("/envs")
    page.get_by_role("link", name="shop", exact=True).click()
    expect(page.locator("#live_graph svg").first).to_be_visible()
    visitor.choose("Copy")
    page.get_by_label("The copy is called").fill("festival")
    visitor.press("Copy it")  # under that name, what is planned is seen first
    expect(page.get_by_role("table")).to_contain_text("postgres")
    visitor.press("Copy it")
    page.wait_for_url("**/envs/festival")
    members = page.locator("#live_members")
    expect(members.get_by_role("row").filter(has_text="healthy")).to_have_count(7, timeout=_MINUTES)
    assert "Order now" in shop.get("web", "festival", timeout=30)[1]
    assert not visitor.accessible()


def test_a_deployment_moves_the_traffic_bit_by_bit_and_is_rolled_back(shop, visitor):
    page, traffic = visitor.page, visitor.page.locator("#live_traffic")
    visitor.go("/envs/festival/apps/web/deploy")
    page.get_by_label("Canary: percent").select_option("50")
    visitor.press("Deploy")
    visitor.press("Deploy")
    page.wait_for_url("**/deployments/*")
    expect(page.locator("#live_head")).to_contain_text("paused", timeout=_MINUTES)
    expect(traffic).to_contain_text("v2 50 %")
    answers = {"Buy now" in shop.get("web", "festival", timeout=30)[1] for _ in range(20)}
    assert answers == {True, False}
    expect(traffic).to_contain_text("requests")
    visitor.press("Promote")
    visitor.press("Promote")
    expect(page.locator("#live_head")).to_contain_text("succeeded", timeout=_MINUTES)
    visitor.go("/envs/festival/apps/web")
    expect(traffic).to_contain_text("v2 100 %")
    visitor.press("Roll back")
    visitor.press("Roll back")
    page.wait_for_url("**/deployments/*")
    expect(page.locator("#live_head")).to_contain_text("succeeded", timeout=_MINUTES)
    visitor.go("/envs/festival/apps/web")
    expect(traffic).to_contain_text("v1 100 %")
    assert "Order now" in shop.get("web", "festival", timeout=30)[1]


def test_the_app_is_scaled_and_its_config_rolls_out(shop, visitor):
    page = visitor.page
    visitor.go("/envs/festival/apps/web/scale")
    page.get_by_label("web").fill("3")
    visitor.press("Scale")
    visitor.press("Scale")
    page.wait_for_url("**/deployments/*")
    expect(page.locator("#live_head")).to_contain_text("succeeded", timeout=_MINUTES)
    visitor.go("/envs/festival/apps/web")
    expect(page.locator("#live_containers h2")).to_contain_text("3 of 3 healthy")
    page.locator("#live_config").get_by_role("link", name="Set").click()
    page.get_by_label("Key").fill("SESSION_SECRET")
    visitor.press("Set it")  # it is a secret: nobody sees what is typed
    value = page.get_by_label("Value", exact=True)
    expect(value).to_have_class("veiled")
    value.fill("another-thirty-two-letters-secret")
    visitor.press("Set it")
    page.wait_for_url("**/deployments/*")
    expect(page.locator("#live_head")).to_contain_text("succeeded", timeout=_MINUTES)
    visitor.go("/envs/festival/apps/web/config/2")
    expect(page.locator("main")).to_contain_text("another secret")
    assert "another-thirty-two" not in page.content()


def test_a_job_is_followed_live_cancelled_and_run_again_with_other_parameters(visitor):
    page, head, log = visitor.page, visitor.page.locator("#live_head"), visitor.page.locator("main")
    visitor.go("/jobs?environment=festival")
    page.get_by_role("link", name="nightly-export", exact=True).click()
    visitor.press("Run it")
    page.get_by_label("shop (needed)").fill("north")
    page.get_by_label("steps").fill("500")
    page.get_by_label("pause_s").fill("1")
    visitor.press("Run it")
    page.wait_for_url("**/runs/*")
    first = visitor.path()
    expect(log).to_contain_text("part 1 of 500 of north is exported", timeout=_MINUTES)
    expect(log).to_contain_text("part 3 of 500 of north is exported", timeout=_MINUTES)
    assert visitor.path() == first  # no page was loaded again
    visitor.press("Cancel")
    visitor.press("Cancel it")
    page.wait_for_url(f"**{first}")
    expect(head).to_contain_text("cancelled", timeout=_MINUTES)
    visitor.press("Run again")
    expect(page.get_by_label("shop (needed)")).to_have_value("north")
    page.get_by_label("steps").fill("2")
    page.get_by_label("pause_s").fill("none")
    visitor.press("Run it again")
    expect(page.get_by_role("alert")).to_contain_text('pause_s must be a number, not "none"')
    page.get_by_label("pause_s").fill("0")
    visitor.press("Run it again")
    page.wait_for_url(lambda url: "/again" not in url and first not in url)
    expect(head).to_contain_text("succeeded", timeout=_MINUTES)
    expect(log).to_contain_text("part 2 of 2 of north is exported")
    visitor.forgive()


def test_a_node_is_drained_and_taken_back(shop, visitor):
    (node,) = (row["node"]["id"] for row in shop.json("nodes", "ls"))
    page, head = visitor.page, visitor.page.locator("#live_head")
    visitor.go(f"/nodes/{node}/drain")
    expect(page.get_by_role("table")).to_contain_text("web")
    page.get_by_label("Type").fill(node)
    visitor.press("Drain")
    try:
        expect(head).to_contain_text("draining")
        visitor.press("Take it back into use")
        visitor.press("Uncordon")
        expect(head).to_contain_text("ready")
    finally:
        shop.ok("nodes", "uncordon", node)


def test_the_second_shop_is_extended_and_destroyed_and_still_has_a_page(shop, visitor):
    page = visitor.page
    visitor.go("/envs/festival")
    visitor.press("Extend")
    page.get_by_label("How long").select_option("2d")
    visitor.press("Renew it")
    page.wait_for_url("**/envs/festival")
    expect(page.locator("#live_head")).to_contain_text("lease ends in 1 d")
    visitor.choose("Destroy")
    expect(page.get_by_role("table")).to_contain_text("delete volume data")
    page.get_by_label("Why").fill("the festival is over")
    page.get_by_label("Type").fill("festival")
    visitor.press("Destroy festival")
    page.wait_for_url("**/envs")
    gone = page.get_by_role("link", name="festival", exact=True)
    expect(gone).to_have_count(0, timeout=_MINUTES)
    wait_for(lambda: not shop.has("festival"), within_s=120)
    visitor.go("/envs/festival/apps/web")
    assert visitor.path().startswith("/envs/festival~")
    expect(page.locator("#live_head")).to_contain_text("the festival is over")
    expect(page.locator("#live_runs")).to_contain_text("nightly-export")
    assert not visitor.accessible()
    page.locator("#live_logs").get_by_role("link", name="web/web.1").first.click()
    expect(page.locator("#lines li").first).to_be_visible()
    visitor.go("/envs?show=ended")
    page.get_by_role("link", name="festival~").first.click()
    page.locator("#live_deployments").get_by_role("link", name="web #1").click()
    expect(page.locator("#live_head")).to_contain_text("succeeded")
    assert "Order now" in shop.get("web", "shop", timeout=30)[1]  # the first is as it was
