"""A recording of the shop is the same installation in the wind tunnel, and runs to its end."""

import json
from pathlib import Path

import pytest

from headway.sim.trace import read_scenario
from tests.e2e.installation import wait_for
from tests.e2e.works import made, state

SHOP = Path(__file__).parents[2] / "examples" / "shop"
POOL = """\
name: ci
dedicated: true
types: [{name: slot, cpu: 1, memory: 1GiB, price_hour: 0.2, start: 2s}]
scaling: {nodes_min: 1, nodes_max: 2, late: 5s}
"""


@pytest.mark.timeout(300)
def test_a_recording_of_the_shop_runs_in_the_wind_tunnel(own):
    own.ok(
        "up", "-d", "--port", str(own.port), "--http-port", str(own.http_port), "--lend", "40"
    )  # fmt: skip
    own.ok("apps", "add", *(str(SHOP / app) for app in ("ids", "catalogue", "post")))
    own.ok("start", "-e", "shop", "ids", "catalogue", "post")
    (own.folder / "ci.yaml").write_text(POOL)
    own.ok("pools", "apply", "ci.yaml")
    letters = [made(own, "shop", "stamp", f'{{"letter": {number}}}') for number in range(5)]
    export = made(own, "shop", "nightly-export", '{"shop": "main"}')
    wait_for(lambda: {state(own, run) for run in (*letters, export)} == {"succeeded"}, within_s=90)
    wait_for(lambda: len(own.asked("nodes")["items"]) == 2, within_s=60)
    said = own.ok("sim", "record", "--last", "1h", "-o", "shop-today")
    assert "recorded 6 runs" in said

    scenario, trace = read_scenario(own.folder / "shop-today" / "scenario.yaml")
    assert [pool.name for pool in scenario.pools] == ["ci"]
    assert [row.count for row in scenario.machines] == [1]
    copies = {row.name: row.scale for row in scenario.services}
    assert copies == {"catalogue-web-shop": 1, "ids-web-shop": 1}
    assert len(trace) == 6

    report = json.loads(own.ok("sim", "run", "shop-today/scenario.yaml", "--json"))
    assert report["broken"] is None
    assert report["runs"] == {"succeeded": 6}
    assert report["launches"] == 1
