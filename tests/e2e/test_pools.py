"""A pool on one machine: nodes come for a burst of runs, survive a crash, and go."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.installation import Installation, alive, wait_for
from tests.e2e.works import made, shown, state

POOL = """\
name: ci
dedicated: true
tags: {disk: fast}
types:
- {name: slot, cpu: 1, memory: 1GiB, price_hour: 0.2, start: 2s}
scaling: {nodes_max: 3, late: 1s, idle: 10s, drain: 10s}
"""
MANIFEST = """\
processes: {}
placement: {pool: ci, tags: {disk: fast}}
jobs:
  test:
    command: sleep 6
    delivery: at_most_once
    resources: {cpu: 0.9, max_mem: 64MiB}
    expected: 6s
"""


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Installation]:
    own = Installation(tmp_path)
    up(own, "--lend", "60")
    yield own
    own.down()


def up(own: Installation, *words: str) -> None:
    own.ok("up", "-d", "--port", str(own.port), "--http-port", str(own.http_port), *words)


def lent(own: Installation) -> list[dict]:
    try:
        return json.loads((own.data / "lent.json").read_text())["machines"]
    except FileNotFoundError:
        return []


def agents(own: Installation) -> list[int]:
    pids = [int(path.read_text() or 0) for path in own.data.glob("agents/*/agent.lock")]
    return [pid for pid in pids if alive(pid)]


@pytest.mark.timeout(240)
def test_nodes_come_for_a_burst_and_go_when_they_are_idle(laptop):
    own = laptop
    own.ok("apps", "add", str(own.app("works", manifest=MANIFEST)))
    own.ok("start", "-e", "demo", "works")
    (own.folder / "ci.yaml").write_text(POOL)
    own.ok("pools", "apply", "ci.yaml")
    assert lent(own) == []
    runs = [made(own, "demo", "test") for _ in range(9)]
    wait_for(lambda: lent(own), within_s=60)
    own.kill(own.pid())  # nodes are being started
    asked = {row["id"] for row in lent(own)}
    up(own)
    wait_for(lambda: "running" in [state(own, run) for run in runs], within_s=90)
    own.kill(own.pid())  # runs are under way there
    up(own)
    wait_for(lambda: all(state(own, run) == "succeeded" for run in runs), within_s=120)
    attempts = [shown(own, run)["run"]["attempts"] for run in runs]
    assert all(len(tries) == 1 for tries in attempts)
    nodes = {tries[0]["node"] for tries in attempts}
    assert nodes <= {row["id"] for row in lent(own)} | asked
    assert 2 <= len(nodes) <= 3
    (pool,) = [row for row in own.json("pools", "ls") if row["pool"]["name"] == "ci"]
    assert {row["id"] for row in pool["nodes"]} >= {row["id"] for row in lent(own)}
    wait_for(lambda: any(row.get("is_ending") for row in lent(own)) or not lent(own), within_s=90)
    own.kill(own.pid())  # nodes are being given back
    up(own)
    wait_for(lambda: lent(own) == [] and agents(own) == [], within_s=90)
    wait_for(lambda: not own.asked("pools/ci")["nodes"], within_s=60)
    assert [row["node"]["type"] for row in own.json("nodes", "ls")] == [""]
    for node in nodes:  # each came once, for what waited, and is gone
        said = own.ok("why", node)
        assert "it is there no more since" in said
        assert said.count("otherwise start too late") >= 1


@pytest.mark.timeout(120)
def test_a_machine_that_lends_nothing_says_so_and_what_to_do(own):
    own.up()
    own.ok("apps", "add", str(own.app("works", manifest=MANIFEST)))
    own.ok("start", "-e", "demo", "works")
    (own.folder / "ci.yaml").write_text(POOL)
    own.ok("pools", "apply", "ci.yaml")
    run = made(own, "demo", "test")
    wait_for(lambda: "headway up -d --lend 50" in own.ok("pools", "show", "ci"), within_s=60)
    assert state(own, run) == "queued"
