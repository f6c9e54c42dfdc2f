"""One machine as three nodes: a drain under load, an agent that is killed, a node that goes."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.e2e.installation import Installation, alive, wait_for
from tests.e2e.works import made, shown, state

MANIFEST = """\
processes:
  web:
    command: python3 server.py
    scale: 3
    expose: [{name: http, health_check: {type: http, path: /, grace: 60s}}]
  watcher: {command: exec sleep infinity, daemon: true}
placement: {spread: node}
jobs:
  nap: {command: sleep 2, delivery: at_most_once, resources: {cpu: 0.1, max_mem: 64MiB}}
  long:
    command: "[ $HEADWAY_ATTEMPT -gt 1 ] || exec sleep 600"
    delivery: at_least_once
    retries: 0
    grace: 1s
    resources: {cpu: 0.1, max_mem: 64MiB}
"""


class Load(threading.Thread):
    """Asks an app without a pause, and keeps what did not go well."""

    def __init__(self, own: Installation) -> None:
        super().__init__()
        self.own = own
        self.asked = 0
        self.failed: list[str] = []
        self.stopping = threading.Event()

    def run(self) -> None:
        while not self.stopping.is_set():
            path = "/slow?0.3" if self.asked % 10 == 0 else "/"
            try:
                status, text = self.own.get("shop", "demo", path, timeout=60)
            except OSError as error:
                status, text = 0, str(error)
            if status != 200:
                self.failed.append(f"{status} {text[:200]}")
            self.asked += 1
            self.stopping.wait(0.05)


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("three")
    folder.chmod(0o755)
    own = Installation(folder)
    own.data.mkdir()
    own.data.chmod(0o711)
    (own.data / "settings.yaml").write_text("node_lost_after_s: 4s\n")
    ports = ("--port", str(own.port), "--http-port", str(own.http_port))
    own.ok("up", "-d", "--nodes", "3", *ports)
    wait_for(lambda: len(nodes(own)) == 3, within_s=60)
    own.ok("apps", "add", str(own.app("shop", manifest=MANIFEST)))
    own.ok("start", "-e", "demo", "shop")
    yield own
    pids = [pid for number in (1, 2, 3) if (pid := agent(own, number))]
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    own.down()
    wait_for(lambda: not any(map(alive, pids)))


@pytest.fixture
def load(three: Installation) -> Iterator[Load]:
    asking = [Load(three) for _ in range(2)]
    for one in asking:
        one.start()
    yield asking[0]
    for one in asking:
        one.stopping.set()
    for one in asking:
        one.join()
        assert one.asked
        assert one.failed == []


def agent(own: Installation, number: int) -> int:
    folder = own.data / "agent" if number == 1 else own.data / "agents" / str(number)
    return int((folder / "agent.lock").read_text() or 0)


def nodes(own: Installation) -> list[str]:
    return [row["node"]["id"] for row in own.asked("nodes")["items"]]


def there(own: Installation, node: str, process: str = "") -> list[dict]:
    return [
        row
        for member in own.asked("environments/demo")["members"]
        for row in member["containers"]
        if row["node"] == node
        and row["state"] not in ("exited", "lost")
        and (not process or row["process"] == process)
    ]


def serving(own: Installation, node: str) -> list[dict]:
    return [row for row in there(own, node, "web") if row["state"] == "healthy"]


@pytest.mark.timeout(180)
def test_a_drain_under_load_fails_no_request_and_loses_no_run(three, load):
    names = nodes(three)
    assert len(names) == 3
    assert all(len(serving(three, name)) == 1 for name in names)
    assert all(len(there(three, name, "watcher")) == 1 for name in names)
    (app,) = three.asked("environments/demo")["members"]
    assert (app["healthy"], app["wanted"]) == (6, 6)
    naps = [made(three, "demo", "nap") for _ in range(6)]
    long = made(three, "demo", "long")
    wait_for(lambda: state(three, long) == "running", within_s=60)
    node = shown(three, long)["run"]["attempts"][-1]["node"]
    wait_for(lambda: all(state(three, run) != "queued" for run in naps), within_s=60)
    foreseen = three.ok("nodes", "drain", node, "--plan", "--within", "8s")
    assert "demo: start web." in foreseen
    assert f"{node} is drained" in foreseen
    assert "demo: stop runner" in foreseen
    assert "queued again, and uses up no retry" in foreseen
    assert "watcher" in foreseen.splitlines()[-2]
    said = three.ok("nodes", "drain", node, "--within", "8s", "--reason", "new disk")
    assert f"{node} is empty" in said
    assert there(three, node) == []
    wait_for(lambda: all(state(three, run) == "succeeded" for run in (*naps, long)), within_s=60)
    tries = shown(three, long)["run"]["attempts"]
    assert [row.get("is_handed_back") for row in tries] == [True, False]
    assert tries[1]["node"] != node
    assert "new disk" in three.ok("why", node)
    three.ok("nodes", "uncordon", node)
    wait_for(lambda: len(there(three, node, "watcher")) == 1, within_s=60)
    wait_for(lambda: load.asked > 5)


@pytest.mark.timeout(120)
def test_an_agent_that_is_killed_stops_no_container(three, load):
    before = {row["id"] for name in nodes(three) for row in there(three, name)}
    killed = [agent(three, number) for number in (1, 2, 3)]
    for pid in killed:
        three.kill(pid)
    wait_for(lambda: not {agent(three, one) for one in (1, 2, 3)} & {0, *killed}, within_s=60)
    wait_for(lambda: all(row["node"]["state"] == "ready" for row in three.asked("nodes")["items"]))
    after = {row["id"] for name in nodes(three) for row in there(three, name)}
    assert before <= after
    wait_for(lambda: load.asked > 5)


@pytest.mark.timeout(180)
def test_a_node_that_does_not_come_back_is_replaced_and_is_fenced_when_it_does(three, load):
    name = next(name for name in nodes(three)[1:] if serving(three, name))
    number = nodes(three).index(name) + 1
    here = there(three, name)
    os.kill(agent(three, number), signal.SIGSTOP)
    wait_for(lambda: there(three, name) == [], within_s=90)
    others = [other for other in nodes(three) if other != name]
    wait_for(lambda: sum(len(serving(three, other)) for other in others) == 3, within_s=60)
    assert three.json("nodes", "show", name)["node"]["state"] == "lost"
    doctor = three.run("doctor").all
    assert f"✗ node {name}: its agent does not answer" in doctor
    os.kill(agent(three, number), signal.SIGCONT)
    containers = three.data / "agents" / str(number) / "containers"
    wait_for(
        lambda: all((containers / row["id"] / "exit.json").exists() for row in here), within_s=60
    )
    wait_for(lambda: len(there(three, name, "watcher")) == 1, within_s=60)
    assert sum(len(serving(three, other)) for other in nodes(three)) == 3
    wait_for(lambda: load.asked > 5)


def test_draining_every_node_says_at_once_what_has_nowhere_to_go(three):
    *first, last = nodes(three)
    for name in first:
        assert "takes anything" not in three.ok("nodes", "drain", name)
    assert len(serving(three, last)) == 3
    assert "NODE" in three.ok("ps", "-e", "demo").splitlines()[0].split()
    said = three.ok("nodes", "drain", last, "--no-wait")
    assert f"· no node but {last} takes anything: what is asked for waits" in said
    assert "shop: demo: what has no room stays, and the drain waits" in said
    for name in (*first, last):
        three.ok("nodes", "uncordon", name)
    assert len(serving(three, last)) == 3
    wait_for(lambda: all(there(three, name, "watcher") for name in first), within_s=60)


@pytest.mark.timeout(120)
def test_fewer_nodes_are_refused_while_something_runs_there(three):
    node = next(name for name in nodes(three)[1:] if there(three, name))
    three.ok("down", "--keep")
    said = three.run("up", "-d", "--nodes", "1")
    assert said.status == 1
    assert "still run there" in said.err
    assert "headway nodes drain" in said.err
    three.ok("down")
    three.ok("up", "-d", "--nodes", "1")
    wait_for(lambda: len(nodes(three)) == 1, within_s=60)
    (left,) = nodes(three)
    assert left != node
    wait_for(lambda: len(serving(three, left)) == 3, within_s=60)
    wait_for(lambda: three.get("shop", "demo")[0] == 200)
