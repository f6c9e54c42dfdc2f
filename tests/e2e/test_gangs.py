"""Real runs start together, know their places, and end together while headway is killed."""

import json

import pytest

from tests.e2e.installation import Installation, wait_for
from tests.e2e.works import made, shown, state

JOBS = """\
processes: {}
jobs:
  load:
    command: |
      echo "\\"$HEADWAY_GANG_NUMBER of $HEADWAY_GANG_SIZE\\"" > $HEADWAY_RESULT
      exec sleep SECONDS
    gang: {load-worker: 2}
    grace: 1s
    resources: {cpu: 0.1, max_mem: 32MiB}
  load-worker:
    command: 'echo "$HEADWAY_GANG_NUMBER with $HEADWAY_GANG on $HEADWAY_GANG_NODES"; exec sleep 600'
    grace: 1s
    resources: {cpu: 0.1, max_mem: 32MiB}
  large:
    command: echo never
    gang: {huge: 2}
  huge: {command: echo never, resources: {cpu: 900}}
"""


@pytest.fixture
def place(headway: Installation, request: pytest.FixtureRequest):
    environment = f"g{len(request.node.name)}"
    seconds = "3" if "succeeds" in request.node.name else "600"
    source = headway.app(f"load-{environment}", manifest=JOBS.replace("SECONDS", seconds))
    headway.ok("start", "-e", environment, cwd=source)
    yield environment
    headway.run("envs", "destroy", environment, "--yes")


def gang_of(headway: Installation, leader: str) -> list[str]:
    """Give the ids of those that have started together with a run."""
    wait_for(lambda: state(headway, leader) != "queued")
    return shown(headway, leader)["run"]["gang"]["members"]


def test_workers_end_as_their_master_succeeds(headway, place):
    leader = made(headway, place, "load")
    _, *others = gang_of(headway, leader)
    wait_for(lambda: "with" in headway.ok("runs", "logs", others[1]))
    said = headway.ok("runs", "logs", others[1])
    assert f"2 with {leader} on " in said
    assert f"2 of 2 that started together with {leader}" in headway.ok("runs", "show", others[1])
    wait_for(lambda: state(headway, leader) == "succeeded", within_s=60)
    assert shown(headway, leader)["run"]["result"] == "0 of 3"
    for one in others:
        wait_for(lambda one=one: state(headway, one) == "cancelled", within_s=60)
    assert f"its gang ended: load {leader}, its leader, succeeded" in headway.ok("why", others[0])


def test_all_end_with_one_of_them_though_headway_is_killed(headway, place):
    leader = made(headway, place, "load")
    _, *others = gang_of(headway, leader)
    for one in (leader, *others):
        wait_for(lambda one=one: state(headway, one) == "running")
    headway.kill(headway.pid())
    headway.up()
    headway.ok("runs", "cancel", others[0])
    wait_for(lambda: state(headway, leader) == "failed", within_s=60)
    wait_for(lambda: state(headway, others[1]) == "cancelled", within_s=60)
    why = shown(headway, leader)["run"]["because"]
    assert why.startswith(f"load-worker {others[0]} of its gang is cancelled")


def test_a_gang_of_which_one_fits_nowhere_says_which_and_starts_none(headway, place):
    leader = made(headway, place, "large")
    said = "no room for huge 1 of 2 of its gang of 3"
    wait_for(lambda: said in headway.ok("why", leader))
    rows = json.loads(headway.ok("runs", "ls", "-e", place, "-j", "huge", "--json"))
    assert rows["rows"] == []
    headway.ok("runs", "cancel", leader)
