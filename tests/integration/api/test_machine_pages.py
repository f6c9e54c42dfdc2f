"""Pages of nodes, pools and leases of a control plane that runs."""

import pytest

from tests.integration.api.control_plane import bring_up_chat, wait_for
from tests.integration.api.forms import pressed

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def browser(own):
    with own.client() as client:
        client.headers.update({"accept": "text/html"})
        yield client


def test_a_node_is_drained_after_its_plan_and_its_name_and_taken_back(own, browser):
    bring_up_chat(own)
    listed = browser.get("/nodes.json").json()
    (row,), full = listed["rows"], listed["full"]
    node = row["node"]["id"]
    sums = {one["name"]: one for one in full["sums"]}
    assert (full["states"], listed["more"]) == ({"ready": 1}, 0)
    assert sums["cpu"]["reserved"] == pytest.approx(row["reserved"]["cpu"], abs=0.01)
    assert sums["cpu"]["there"] == row["node"]["cpu"]
    assert sum(full["reserved"]) == 1
    at = f"/nodes/{node}"
    page = browser.get("/nodes").text
    assert f'href="{at}"' in page
    assert "cores" in page
    shown = browser.get(at).text
    assert "demo/chat/" in shown
    assert "8 times the cores and 1.5 times the memory of its machine" in shown
    plan = browser.get(f"{at}/drain").text
    assert "What it would do" in plan
    assert "chat" in plan
    assert pressed(browser, f"{at}/drain").status_code == 422
    assert browser.get(f"{at}.json").json()["view"]["node"]["state"] == "ready"
    odd = browser.post(f"{at}/drain", headers=FORM, data={"confirm": node, "within": "soon"})
    assert odd.status_code == 422
    done = pressed(browser, f"{at}/drain", confirm=node, within="10m", reason="new disk")
    assert (done.status_code, done.headers["location"]) == (303, at)
    shown = browser.get(at).text
    assert "draining" in shown
    assert "by operator: new disk" in shown
    back = browser.post(f"{at}/uncordon", headers=FORM)
    assert back.status_code == 303
    assert browser.get(f"{at}.json").json()["view"]["hold"] is None
    browser.post(f"{at}/cordon", headers=FORM, data={"reason": "looking"})
    assert "cordoned" in browser.get("/nodes").text
    assert browser.get("/nodes/none").status_code == 404
    pools = browser.get("/pools").text
    assert 'href="/pools/default"' in pools
    assert "never scales" in browser.get("/pools/default").text


def test_a_lease_is_extended_and_released_after_its_name_was_typed(own, browser):
    assert "Nothing is held" in browser.get("/leases").text
    wish = {"kind": "lock", "name": "migration", "length_s": 600, "reason": "<b>schema</b>"}
    held = browser.post("/v1/leases", json=wish).json()["lease"]
    second = browser.post("/v1/leases", json={**wish, "wait": True}).json()["lease"]
    at = f"/leases/{held['id']}"
    page = browser.get("/leases").text
    assert "&lt;b&gt;schema" in page
    assert "next in line" in page
    line = browser.get(f"{at}.json").json()["line"]
    assert [one["lease"]["id"] for one in line] == [held["id"], second["id"]]
    longer = browser.post(f"{at}/extend", headers=FORM, data={"length": "2h"})
    assert (longer.status_code, longer.headers["location"]) == (303, at)
    assert browser.get(f"{at}.json").json()["view"]["lease"]["until"] > held["until"]
    assert browser.post(f"{at}/release", headers=FORM).status_code == 422
    done = browser.post(f"{at}/release", headers=FORM, data={"confirm": "migration"})
    assert done.status_code == 303
    wait_for(
        lambda: (
            browser.get(f"/leases/{second['id']}.json").json()["view"]["lease"]["state"] == "held"
        )
    )
    assert "released by operator" in browser.get(at).text


def test_a_pool_that_was_declared_is_scaled(own, browser):
    document = """\
name: batch
types: [{name: small, cpu: 1, memory: 512MiB}]
scaling:
  windows: [{cron: "0 19 * * *", length: 12h, timezone: Europe/Berlin, nodes_max: 3}]
"""
    declared = browser.post("/v1/pools", json={"document": document})
    assert declared.status_code == 200, declared.text
    shown = browser.get("/pools/batch").text
    assert "at most 3 nodes for 12 h from <code>0 19 * * *</code> (Europe/Berlin)" in shown
    form = browser.get("/pools/batch/scale").text
    assert 'name="most" value="10"' in form
    done = browser.post("/pools/batch/scale", headers=FORM, data={"least": "0", "most": "3"})
    assert (done.status_code, done.headers["location"]) == (303, "/pools/batch")
    view = browser.get("/pools/batch.json").json()["view"]
    assert view["pool"]["scaling"]["nodes_max"] == 3
    odd = browser.post("/pools/batch/scale", headers=FORM, data={"least": "5", "most": "3"})
    assert odd.status_code == 422
