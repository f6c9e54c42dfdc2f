"""What the command does with environments, done from the pages: plans first, refusals in place."""

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import visiting
from tests.e2e.installation import good_manifest, wait_for
from tests.e2e.test_access import as_

pytestmark = pytest.mark.timeout(300)
PICKY = good_manifest(grace="30s", extra="env: [COLOUR]\ndependencies: [tray]\nteam: bar\n")
_PLAN = "What it would do"


@pytest.fixture(scope="module")
def known(headway):
    """Two apps that headway knows, of which one needs the other and a key of config."""
    headway.ok("apps", "add", str(headway.app("tray")), str(headway.app("glass", manifest=PICKY)))


@pytest.fixture
def visitor(chromium, headway):
    with visiting(chromium, headway) as opened:
        yield opened
        opened.forgive()


def test_an_environment_is_started_after_what_it_needs_was_set_and_copied_and_destroyed(
    headway, visitor, known
):
    page = visitor.page
    visitor.go("/envs")
    visitor.press("Start one")
    assert not visitor.accessible()
    page.get_by_label("Apps").fill("glass")
    page.get_by_label("Environment, new").fill("taproom")
    visitor.press("Start")
    refusal = page.get_by_role("alert")
    expect(refusal).to_contain_text("required config is not set in taproom: glass needs COLOUR")
    assert not visitor.accessible()
    expect(page.get_by_label("Apps")).to_have_value("glass")
    refusal.get_by_role("link").first.click()
    assert visitor.path() == "/envs/taproom/apps/glass/config/set"
    expect(page.get_by_label("Key")).to_have_value("COLOUR")
    page.get_by_label("Value", exact=True).fill("green")
    visitor.press("Set it")
    page.wait_for_url("**/envs/taproom/apps/glass/config")
    expect(page.locator("#live_values")).to_contain_text("green")
    visitor.go("/start?environment=taproom&apps=glass")
    plan = page.get_by_role("table")
    expect(plan).to_contain_text("tray")
    expect(plan).to_contain_text("glass")
    visitor.press("Start")
    page.wait_for_url("**/envs/taproom")
    members = page.locator("#live_members")
    expect(members.get_by_text("1 of 1 healthy")).to_have_count(2)
    visitor.choose("Copy")
    page.get_by_label("The copy is called").fill("taproom")
    visitor.press("Copy it")  # what is planned is shown first, and it is refused
    expect(refusal).to_contain_text("there is an environment taproom already")
    page.get_by_label("The copy is called").fill("cellar")
    visitor.press("Copy it")
    expect(page.locator("main")).to_contain_text(_PLAN)
    visitor.press("Copy it")
    page.wait_for_url("**/envs/cellar")
    expect(members.get_by_text("1 of 1 healthy")).to_have_count(2)
    assert headway.get("glass", "cellar")[1] == "v1 one green"
    for name in ("cellar", "taproom"):
        visitor.go(f"/envs/{name}/destroy")
        page.get_by_label("Type").fill(name)
        visitor.press(f"Destroy {name}")
        page.wait_for_url("**/envs")


def test_config_is_set_rolls_out_and_each_version_of_it_has_a_page(headway, visitor):
    app = headway.app("keg")
    headway.ok("start", "-e", "config-ui", cwd=app)
    page = visitor.page
    visitor.go("/envs/config-ui/apps/keg")
    page.locator("#live_config").get_by_role("link", name="Set").click()
    expect(page.locator("main")).to_contain_text(_PLAN)
    assert not visitor.accessible()
    page.get_by_label("Key").fill("COLOUR")
    page.get_by_label("Value", exact=True).fill("red\nand blue")
    visitor.press("Set it")  # the plan of that key first
    visitor.press("Set it")
    page.wait_for_url("**/deployments/*")
    expect(page.locator("#live_head")).to_contain_text("succeeded")
    assert headway.get("keg", "config-ui")[1] == "v2 one red\nand blue"
    visitor.go("/envs/config-ui/apps/keg/config/set?secret=yes")
    page.get_by_label("Key").fill("PASSWORD")
    page.get_by_label("Value", exact=True).fill("nobody-knows")
    visitor.press("Set it")
    assert "nobody-knows" not in page.content()
    page.get_by_label("Value", exact=True).fill("nobody-knows")
    visitor.press("Set it")
    page.wait_for_url("**/deployments/*")
    expect(page.locator("#live_head")).to_contain_text("succeeded")
    visitor.go("/envs/config-ui/apps/keg")
    releases = page.locator("#live_releases")
    releases.get_by_role("row").filter(has_text="v3").get_by_role("link", name="2").click()
    assert visitor.path() == "/envs/config-ui/apps/keg/config/2"
    expect(page.locator("main")).to_contain_text("secret, never shown")
    assert "nobody-knows" not in page.content()
    assert not visitor.accessible()
    visitor.go("/envs/config-ui/apps/keg/config?from=1&to=2")
    expect(page.locator("#live_diff")).to_contain_text("and blue")
    page.get_by_role("row").filter(has_text="COLOUR").get_by_role("link", name="Unset").click()
    page.get_by_label("Type").fill("COLOUR")
    visitor.press("Unset COLOUR")
    page.wait_for_url("**/deployments/*")
    wait_for(lambda: headway.get("keg", "config-ui")[1] == "v4 one ")
    visitor.go("/envs/config-ui/apps/keg/config/3")
    expect(page.locator("main")).to_contain_text("unset COLOUR")
    headway.ok("envs", "destroy", "config-ui", "--yes")


def test_a_canary_is_promoted_from_the_first_page_and_another_is_aborted(headway, visitor):
    app = headway.app("barrel", manifest=good_manifest(grace="30s", extra="scale: {web: 2}\n"))
    headway.ok("start", "-e", "canary-ui", cwd=app)
    page, head = visitor.page, visitor.page.locator("#live_head")

    def canary(text: str) -> None:
        (app / "text").write_text(text)
        headway.ok("apps", "add", str(app))
        visitor.go("/envs/canary-ui/apps/barrel/deploy")
        page.get_by_label("Canary: percent").select_option("10")
        visitor.press("Deploy")  # another plan than that which was shown
        expect(page.get_by_label("Canary: percent")).to_have_value("10")
        visitor.press("Deploy")
        page.wait_for_url("**/deployments/*")
        expect(head).to_contain_text("paused")

    canary("two")
    expect(page.locator("#live_traffic")).to_contain_text("v2 10 %")
    assert "`" not in page.inner_text("main")
    visitor.go("/")
    row = page.locator("#live_now").get_by_role("row").filter(has_text="barrel")
    expect(row.locator("code")).to_contain_text("headway promote")
    row.get_by_role("link", name="Promote").click()
    expect(page.locator("main")).to_contain_text(_PLAN)
    assert not visitor.accessible()
    visitor.press("Promote")
    expect(head).to_contain_text("succeeded")
    assert headway.get("barrel", "canary-ui")[1].startswith("v2 two")
    canary("three")
    visitor.press("Abort")
    visitor.press("Abort")
    expect(head).to_contain_text("aborted")
    assert headway.get("barrel", "canary-ui")[1].startswith("v2 two")
    visitor.go("/envs/canary-ui/apps/barrel/scale")
    page.get_by_label("web").fill("many")
    visitor.press("Scale")
    expect(page.get_by_role("alert")).to_contain_text("'many' is no number of copies of web")
    expect(page.get_by_label("web")).to_have_value("many")
    page.get_by_label("web").fill("1")
    visitor.press("Scale")
    expect(page.locator("main")).to_contain_text(_PLAN)
    visitor.press("Scale")
    page.wait_for_url("**/deployments/*")
    expect(head).to_contain_text("succeeded")
    visitor.go("/envs/canary-ui/apps/barrel")
    expect(page.locator("#live_containers h2")).to_contain_text("1 of 1 healthy")
    page.get_by_role("link", name="Deploy", exact=True).click()
    what = page.locator("select[name=what]")
    older = what.locator("option").filter(has_text="older source")
    what.select_option(older.last.get_attribute("value"))
    visitor.press("Deploy")
    visitor.press("Deploy")
    page.wait_for_url("**/deployments/*")
    expect(head).to_contain_text("succeeded")
    assert headway.get("barrel", "canary-ui")[1].startswith("v4 one")
    visitor.go("/envs/canary-ui/apps/barrel")
    visitor.choose("Stop")
    visitor.press("Stop")
    page.wait_for_url("**/envs/canary-ui")
    visitor.go("/envs/canary-ui/apps/barrel")
    visitor.press("Start")
    visitor.press("Start")
    expect(page.locator("#live_members")).to_contain_text("1 of 1 healthy")
    headway.ok("envs", "destroy", "canary-ui", "--yes")


def test_a_lease_is_taken_refused_to_another_and_released(headway, visitor):
    page = visitor.page
    visitor.go("/leases")
    visitor.press("Take one")
    assert not visitor.accessible()
    page.get_by_label("Its name").fill("cellar-door")
    page.get_by_label("Why").fill("to carry barrels")
    visitor.press("Take it")
    page.wait_for_url("**/leases/lse-*")
    expect(page.locator("#live_head")).to_contain_text("held")
    visitor.go("/leases/acquire")
    page.get_by_label("Its name").fill("cellar-door")
    visitor.press("Take it")
    expect(page.get_by_role("alert")).to_contain_text("lease-taken")
    expect(page.get_by_label("Its name")).to_have_value("cellar-door")
    (row,) = headway.json("leases", "ls", "cellar-door")
    visitor.go(f"/leases/{row['lease']['id']}/release")
    page.get_by_label("Type").fill("cellar-door")
    visitor.press("Release it")
    page.wait_for_url("**/leases")
    assert headway.json("leases", "ls", "cellar-door") == []


def test_a_developer_of_another_team_sees_the_plan_and_may_not_carry_it_out(
    chromium, headway, known
):
    stranger = as_(headway, "developer", "--team", "kitchen")
    headway.ok("config", "set", "-e", "production", "-a", "glass", "COLOUR=white")
    with visiting(chromium, stranger) as visitor:
        page = visitor.page
        visitor.go("/start?environment=production&apps=glass")
        expect(page.locator("main")).to_contain_text(_PLAN)
        expect(page.locator("main")).to_contain_text("needs a developer of bar")
        expect(page.get_by_role("button", name="Start", exact=True)).to_be_disabled()
        visitor.go("/envs/production/apps/glass/config/set")
        expect(page.get_by_role("button", name="Set it")).to_be_disabled()
        visitor.go("/leases/acquire?kind=node")
        expect(page.get_by_role("button", name="Take it")).to_be_disabled()
        visitor.go("/start?environment=mine&apps=tray")
        expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled()
    headway.ok("tokens", "revoke", "e2e-developer")
    headway.ok("envs", "destroy", "production", "--yes")
