"""Real runs give way to what has a higher priority, across a crash, and begin again."""

import json
import re

import pytest

from tests.e2e.installation import Installation, good_manifest, wait_for
from tests.e2e.works import made, shown, state

JOBS = """\
processes: {}
jobs:
  batch:
    command: "echo attempt $HEADWAY_ATTEMPT; [ $HEADWAY_ATTEMPT -gt 1 ] || exec sleep 600"
    delivery: at_least_once
    retries: 0
    grace: 1s
    resources: {cpu: CPU, max_mem: 64MiB}
    placement: {preemptible: true}
  stays: {command: sleep 600, grace: 1s, resources: {cpu: CPU, max_mem: 64MiB}}
  urgent: {command: echo done, resources: {cpu: CPU, max_mem: 64MiB}, placement: {priority: 10}}
"""

YIELDING = """\
processes:
  worker:
    command: exec sleep 100000
    floor: 0
    stop_grace: 1s
    resources: {cpu: CPU, max_mem: 64MiB}
    placement: {preemptible: true}
"""


@pytest.fixture
def most(headway: Installation) -> str:
    """More than half of the cores, so that two do not fit beside each other."""
    (row,) = json.loads(headway.ok("nodes", "ls", "--json"))
    return f"{0.6 * row['node']['cpu']:.2f}"


@pytest.fixture
def place(headway: Installation, most: str, request: pytest.FixtureRequest):
    environment = f"p{len(request.node.name)}"
    source = headway.app(f"batches-{environment}", manifest=JOBS.replace("CPU", most))
    headway.ok("start", "-e", environment, cwd=source)
    yield environment
    headway.run("envs", "destroy", environment, "--yes")


def test_a_run_gives_way_to_an_urgent_one_while_headway_is_killed(headway, place):
    batch = made(headway, place, "batch")
    wait_for(lambda: state(headway, batch) == "running")
    urgent = made(headway, place, "urgent")
    headway.kill(headway.pid())
    headway.up()
    wait_for(lambda: state(headway, urgent) == "succeeded", within_s=60)
    wait_for(lambda: state(headway, batch) == "succeeded", within_s=60)
    first, second = shown(headway, batch)["run"]["attempts"]
    assert first["is_handed_back"]
    assert second["outcome"] == "succeeded"
    said = headway.ok("runs", "show", batch)
    assert f"{urgent} of priority 10 takes the place of {batch} of priority 0" in said
    assert "run.preempted" in headway.ok("why", batch)
    assert batch in headway.ok("why", urgent)


def test_a_service_takes_the_place_of_a_run_and_the_plan_says_so(headway, place, most):
    batch = made(headway, place, "batch")
    wait_for(lambda: state(headway, batch) == "running")
    extra = f"resources: {{cpu: {most}}}\nplacement: {{priority: 5}}\n"
    service = headway.app("front", manifest=good_manifest(grace="60s", extra=extra))
    planned = headway.ok("start", "-e", place, "--plan", cwd=service)
    assert re.search(rf"end {batch}, which start\S* again later", planned), planned
    assert state(headway, batch) == "running"
    headway.ok("start", "-e", place, cwd=service)
    row = shown(headway, batch)["run"]
    assert row["attempts"][0]["is_handed_back"]
    assert batch in headway.ok("why", "front", "-e", place)
    assert "cores needed" in headway.ok("why", batch)
    headway.ok("stop", "-e", place, "front")
    wait_for(lambda: state(headway, batch) == "succeeded", within_s=60)


def test_a_service_gives_way_to_an_urgent_run_and_is_back_behind_it(headway, place, most):
    manifest = YIELDING.replace("CPU", most)
    source = headway.app("thumbs", manifest=manifest)
    headway.ok("start", "-e", place, cwd=source)
    urgent = made(headway, place, "urgent")
    wait_for(lambda: state(headway, urgent) == "succeeded", within_s=60)
    said = headway.ok("why", urgent)
    assert "run.preempting" in said
    assert "takes the place of thumbs-worker-1" in said
    wait_for(lambda: "1 of 1 healthy" in headway.ok("why", "thumbs", "-e", place), within_s=60)
    told = headway.ok("why", "thumbs", "-e", place)
    assert f"{urgent} of priority 10 takes the place of thumbs-worker-1" in told
    assert "there is room again: worker.1 gave way" in told


def test_one_that_is_not_preemptible_stays(headway, place):
    stays = made(headway, place, "stays")
    wait_for(lambda: state(headway, stays) == "running")
    urgent = made(headway, place, "urgent")
    assert "cores needed" in headway.ok("why", urgent)
    assert state(headway, stays) == "running"
    headway.ok("runs", "cancel", stays)
    wait_for(lambda: state(headway, urgent) == "succeeded", within_s=60)


def test_at_most_once_and_preemptible_are_refused_together(headway):
    source = headway.app("wrong", manifest=JOBS.replace("    delivery: at_least_once\n", ""))
    done = headway.run("start", "-e", "nowhere", cwd=source)
    assert done.status == 3
    assert "jobs.batch.placement.preemptible: an at_most_once run is never ended" in done.err
