"""Leases with the real command: holders that are killed, and what ends with a lease."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.e2e.installation import HEADWAY, Installation, alive, good_manifest, wait_for

DAEMONS = """
sleep 601 & one=$!
two=$(setsid sh -c 'sleep 602 > /dev/null & echo $!')
echo "$one $two" > daemons
"""
"""A command starts a process of its own group, and one that has left it and its parent."""


class Holder:
    """A command that runs while it holds a lock."""

    def __init__(
        self,
        own: Installation,
        name: str,
        length: str,
        lock: str = "migration",
        before: str = "",
    ) -> None:
        self.said = own.folder / name
        told = f'echo "$HEADWAY_FENCE $$" > {self.said}.new; mv {self.said}.new {self.said}'
        script = f"{before}{told}; exec sleep 600"
        words = ["leases", "with", "--for", length, lock, "--", "sh", "-c", script]
        self.process = subprocess.Popen(
            [HEADWAY, *words], env=own.env, stdin=subprocess.DEVNULL, cwd=own.folder
        )

    def runs(self) -> bool:
        return self.said.exists()

    @property
    def fence(self) -> int:
        return int(self.said.read_text().split()[0])

    @property
    def command(self) -> int:
        return int(self.said.read_text().split()[1])

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@pytest.fixture
def holders() -> Iterator[list[Holder]]:
    made: list[Holder] = []
    yield made
    for holder in made:
        holder.end()


def test_a_killed_holder_is_followed_by_the_next_in_line_whatever_else_is_killed(own, holders):
    own.up()
    first = Holder(own, "first", "8s")
    holders.append(first)
    wait_for(first.runs)
    second = Holder(own, "second", "60s")
    holders.append(second)
    wait_for(lambda: len(own.json("leases", "ls", "migration")) == 2)
    first.process.send_signal(signal.SIGKILL)
    wait_for(lambda: not alive(first.command))
    own.kill(own.pid())
    assert not second.runs()
    own.up()
    wait_for(second.runs, within_s=40)
    assert second.fence > first.fence
    over = own.json("leases", "ls", "migration", "--all")[0]["lease"]
    assert over["because"].split(" ran out")[0] == f"the lease of {over['holder']}"


def test_a_killed_holder_leaves_nothing_of_what_its_command_started(headway, holders):
    holder = Holder(headway, "forking", "60s", lock="forked", before=DAEMONS)
    holders.append(holder)
    wait_for(holder.runs)
    started = [int(word) for word in (headway.folder / "daemons").read_text().split()]
    assert [alive(pid) for pid in started] == [True, True]
    holder.process.kill()
    wait_for(lambda: not any(alive(pid) for pid in (holder.command, *started)))


def test_a_command_is_stopped_when_its_lock_is_lost(headway, holders):
    holder = Holder(headway, "third", "3s", lock="taken")
    holders.append(holder)
    wait_for(holder.runs)
    for held in headway.json("leases", "ls", "taken"):
        headway.ok("leases", "release", held["lease"]["id"])
    assert holder.process.wait(60) == 1
    assert not alive(holder.command)


def test_a_command_runs_with_the_lock_and_its_status_is_kept(headway):
    done = headway.run(
        "leases", "with", "quick", "--", "sh", "-c", "echo fence $HEADWAY_FENCE; exit 7"
    )
    assert done.status == 7, done.all
    assert int(done.out.split()[1]) > 0
    held = headway.ok("leases", "acquire", "sandbox", "--for", "10m", "--reason", "by hand")
    lease = held.split()[0]
    assert f"next: headway leases renew {lease}" in held
    busy = headway.run("leases", "with", "sandbox", "--wait", "0s", "--", "true")
    assert busy.status == 3
    assert "held by" in busy.err
    late = headway.run("leases", "with", "sandbox", "--wait", "1s", "--", "true")
    assert (late.status, "waiting: the lock sandbox is held by" in late.err) == (3, True)
    refused = headway.run("leases", "acquire", "sandbox")
    assert refused.status == 3
    assert "next: headway leases acquire sandbox --wait 10m" in refused.err
    assert "by hand" in headway.ok("leases", "ls", "sandbox")
    assert "is held" in headway.ok("leases", "renew", lease, "--for", "20m")
    assert f"{lease} is held" in headway.ok("why", lease)
    headway.ok("leases", "release", lease)
    assert "none" in headway.ok("leases", "ls", "sandbox")


def test_an_environments_lease_that_ends_takes_down_exactly_what_it_holds(headway):
    app = headway.app(
        "lent", manifest=good_manifest(extra="volumes: [{name: data, path: /data}]\n")
    )
    for name in ("lent-out", "lent-on"):
        headway.ok("start", "-e", name, cwd=app)
    rows = {name: containers(headway, name) for name in ("lent-out", "lent-on")}
    pids = {name: [processes(headway, row) for row in rows[name]] for name in rows}
    assert all(all(found) for found in pids.values())
    assert "environment lent-out" in headway.ok("leases", "ls", "lent-out")
    headway.ok("extend", "1s", "-e", "lent-out", "--shorten")
    wait_for(lambda: not headway.has("lent-out"), within_s=60)
    wait_for(lambda: not any(processes(headway, row) for row in rows["lent-out"]))
    assert headway.get("lent", "lent-out")[0] in (404, 503)
    assert [processes(headway, row) for row in rows["lent-on"]] == pids["lent-on"]
    assert containers(headway, "lent-on") == rows["lent-on"]
    assert headway.get("lent", "lent-on")[0] == 200
    said = headway.ok("events", "-e", "lent-out", "--json").splitlines()
    ended = [json.loads(line)["kind"] for line in said]
    assert "environment.ending" in ended
    headway.ok("envs", "destroy", "lent-on", "--yes", "--no-wait")


def test_a_leased_node_runs_what_was_started_under_the_lease_and_it_ends_with_it(own):
    ports = ["--port", str(own.port), "--http-port", str(own.http_port)]
    own.ok("up", "-d", "--nodes", "2", *ports)
    app = own.app("lent")
    own.ok("start", "-e", "others", cwd=app)
    (before,) = rows(own, "others")
    lease = own.ok("leases", "acquire", "--node", before["node"], "--for", "1h").split()[0]
    refused = own.run("leases", "acquire", "--node", before["node"])
    assert refused.status == 3
    assert f"--node {before['node']} --wait 10m" in refused.err
    wait_for(lambda: own.asked(f"leases/{lease}")["lease"]["is_clear"], within_s=60)
    assert f"{before['node']}: kept under {lease}" in own.ok("nodes", "ls")
    assert f"kept under {lease}" in own.ok("why", before["node"])
    (moved,) = rows(own, "others")
    assert moved["node"] != before["node"]
    own.ok("start", "-e", "mine", "--lease", lease, cwd=app)
    (mine,) = rows(own, "mine")
    assert mine["node"] == before["node"]
    assert own.json("leases", "show", lease)["holds"] == ["mine"]
    refused = own.run("extend", "2h", "-e", "mine")
    assert f"next: headway leases renew {lease}" in refused.err
    assert "ending mine" in own.ok("leases", "release", lease)
    wait_for(lambda: not own.has("mine"), within_s=60)
    wait_for(lambda: not processes(own, mine["id"]))
    assert rows(own, "others") == [moved]
    assert own.get("lent", "others")[0] == 200


JOBS = """\
from headway.sdk import LockError, job, lock


@job(cpu=0.1, memory="64MiB", network="dependencies")
def take() -> list[int]:
    fences = []
    for _ in range(2):
        with lock("of-jobs", wait_s=30) as held:
            held.check()
            fences.append(held.fence)
    try:
        with lock("by-hand", wait_s=0):
            return []
    except LockError as error:
        assert "held by" in str(error), error
    return fences
"""


def test_a_job_holds_locks_with_the_standard_library_only(headway):
    app = headway.app("locker", manifest="processes: {}\n", **{"tasks.py": JOBS})
    headway.ok("start", "-e", "locks", cwd=app)
    lease = headway.ok("leases", "acquire", "by-hand").split()[0]
    first, second = json.loads(headway.ok("jobs", "invoke", "-e", "locks", "take"))
    assert first < second
    headway.ok("leases", "release", lease)
    assert headway.json("leases", "ls", "of-jobs") == []


def rows(own: Installation, environment: str) -> list[dict]:
    """Give what runs in an environment."""
    return [
        {key: row[key] for key in ("id", "node")}
        for member in own.json("ps", "-e", environment)
        for row in member["containers"]
        if row["state"] not in ("exited", "lost", "stopping")
    ]


def containers(own: Installation, environment: str) -> list[str]:
    return [
        row["id"]
        for member in own.json("ps", "-e", environment)
        for row in member["containers"]
        if row["state"] not in ("exited", "lost")
    ]


def processes(own: Installation, container: str) -> list[int]:
    """Give the shims of a container."""
    said = subprocess.run(
        ["pgrep", "-f", f"shim.py {own.data}.*/{container}"],
        capture_output=True,
        text=True,
        check=False,
    )
    return [int(word) for word in said.stdout.split() if int(word) != os.getpid()]
