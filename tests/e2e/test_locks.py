"""Real runs hold locks: in one line with people, while headway and what runs are killed."""

import json

import pytest

from tests.e2e.installation import Installation, wait_for
from tests.e2e.works import made, shown, state

JOBS = """\
processes: {}
jobs:
  migrate:
    command: 'echo "\\"$HEADWAY_LOCKS $HEADWAY_FENCE\\"" > $HEADWAY_RESULT; sleep 1'
    lock: migration-{environment}
    grace: 1s
  long: {command: sleep 600, lock: "migration-{environment}", grace: 1s}
"""


@pytest.fixture
def place(headway: Installation):
    headway.ok("start", "-e", "locked", cwd=headway.app("ledger", manifest=JOBS))
    yield "locked"
    headway.run("envs", "destroy", "locked", "--yes")


def held(headway: Installation) -> list[tuple[str, str]]:
    views = json.loads(headway.ok("leases", "ls", "migration-locked", "--json"))
    return [(view["lease"]["holder"], view["lease"]["state"]) for view in views]


def test_a_run_waits_for_a_person_and_goes_on_when_headway_is_killed(headway, place):
    lock = "migration-locked"
    lease = json.loads(headway.ok("leases", "acquire", lock, "--for", "10m", "--json"))
    mine = lease["lease"]["id"]
    run = made(headway, place, "migrate")
    wait_for(lambda: (f"run {run}", "waiting") in held(headway))
    assert f"lock {lock}: held by {lease['lease']['holder']} since" in headway.ok("why", run)
    headway.kill(headway.pid())
    headway.up()
    headway.ok("leases", "release", mine)
    wait_for(lambda: state(headway, run) == "succeeded", within_s=60)
    row = shown(headway, run)["run"]
    fence = row["attempts"][0]["fence"]
    assert row["result"] == f"{lock} {fence}"
    assert fence > lease["lease"]["fence"]
    assert held(headway) == []


def test_who_holds_a_lock_as_it_runs_keeps_it_until_it_ends_however_it_ends(headway, place):
    long = made(headway, place, "long")
    wait_for(lambda: state(headway, long) == "running")
    run = made(headway, place, "migrate")
    wait_for(lambda: held(headway) == [(f"run {long}", "held"), (f"run {run}", "waiting")])
    (view, _) = json.loads(headway.ok("leases", "ls", "migration-locked", "--json"))
    refused = headway.run("leases", "release", view["lease"]["id"])
    assert (refused.status, f"headway runs cancel {long}" in refused.err) == (3, True)
    assert f"held by run {long} since" in headway.ok("why", run)
    assert "until the run ends" in headway.ok("leases", "show", view["lease"]["id"])
    headway.kill(headway.pid())
    headway.up()
    assert held(headway)[0] == (f"run {long}", "held")
    headway.ok("runs", "cancel", long)
    wait_for(lambda: state(headway, run) == "succeeded", within_s=60)
    first, second = (shown(headway, one)["run"]["attempts"][0] for one in (long, run))
    assert first["fence"] < second["fence"]
