"""Kills control plane, agent and HAProxy at seeded random moments: nothing may show.

`CRASH_KILLS` says how many kills (200 for a full run: `make crash`), `CRASH_SEED` which ones.
"""

import json
import os
import subprocess
import threading
from collections.abc import Iterator

import pytest

from headway.sdk.errors import SdkError
from tests.e2e.installation import Installation, good_manifest, wait_for
from tests.e2e.killer import Killer, agent, control_plane, pids

KILLS = int(os.environ.get("CRASH_KILLS", "12"))

COUNT = (
    "(n=0; while :; do echo line $n; n=$((n+1)); sleep 0.02; done) & "
    "exec python3 server.py >/dev/null 2>&1"  # half a line of its own would spoil a counted one
)


def haproxy(own: Installation) -> list[int]:
    return pids("pgrep", "-f", f"haproxy.*{own.data}/router")


KILLED = {"control plane": control_plane, "agent": agent, "haproxy": haproxy}


@pytest.fixture
def killed(own: Installation) -> Iterator[Killer]:
    own.up()
    killer = Killer(own, KILLS, KILLED, tuple(KILLED))
    yield killer
    killer.end()


@pytest.mark.slow
@pytest.mark.timeout(max(300, KILLS * 10))
def test_nothing_that_was_accepted_is_lost_doubled_or_orphaned(own, killed):
    app = own.app("counter", "0", manifest=good_manifest(COUNT, grace="30s"))
    own.ok("apps", "add", str(app))
    killed.start()
    number = 0
    while killed.is_alive():
        number += 1
        environment = f"crash-{number}"
        accepted(own, "start", "-e", environment, "counter")
        expect(own, environment, "v1")
        (app / "text").write_text(str(number))
        accepted(own, "deploy", str(app), "-e", environment, "--strategy", "blue-green")
        expect(own, environment, "v2")
        accepted(own, "rollback", "v1", "-e", environment, "-a", "counter")  # again: the same
        expect(own, environment, "v1")
        check_logs(own, environment)
        if number % 2:
            accepted(own, "envs", "destroy", environment, "--yes")
    killed.join()
    assert killed.killed.total() == KILLS
    wait_for(lambda: settled(own), within_s=60)
    check_nothing_doubled(own)


def accepted(own: Installation, *words: str) -> None:
    """Run a command until it was accepted and has ended well; kills may cut it off."""

    def done() -> bool:
        said = own.run(*words, timeout=120)
        if said.status == 0:
            return True
        already = "live already" in said.err or "no environment" in said.err
        reachable = "nobody answers" in said.err or "does not run here" in said.err
        assert already or reachable or "unavailable" in said.err.lower() or said.status == 1, (
            said.all
        )
        assert "✗ counter" not in said.err, said.all
        return already

    wait_for(done, within_s=120)


def expect(own: Installation, environment: str, release: str) -> None:
    wait_for(lambda: answers(own, environment).startswith(release), within_s=30)


def answers(own: Installation, environment: str) -> str:
    try:
        return own.get("counter", environment)[1]
    except OSError:
        return ""


def check_logs(own: Installation, environment: str) -> None:
    """Every container wrote its lines, each once and in order."""
    said = own.run("logs", "-e", environment, "-n", "100000", "--json")
    if said.status:
        return
    lines: dict[str, list[int]] = {}
    for text in said.out.splitlines():
        entry = json.loads(text)
        word = entry["line"]["text"].split()
        if word[0] == "line":
            lines.setdefault(entry["container"], []).append(int(word[1]))
    for container, numbers in lines.items():
        first = numbers[0]
        assert numbers == list(range(first, first + len(numbers))), container


def settled(own: Installation) -> bool:
    try:
        views = own.asked("environments")["items"]
    except SdkError:
        return False
    return all(
        member["state"] == "healthy" and (member["deployment"]["ended_at"] is not None)
        for view in views
        for member in view["members"]
    ) and all(view["state"] == "active" for view in views)


def check_nothing_doubled(own: Installation) -> None:
    """As many containers run as rows say: none is orphaned, none doubled."""
    wanted = {
        container["id"]
        for member in own.json("ps", "--all")
        for container in member["containers"]
        if container["state"] not in ("exited", "lost")
    }

    def shims() -> set[str]:
        said = subprocess.run(
            ["pgrep", "-af", f"shim.py {own.data}"], capture_output=True, text=True, check=False
        )
        return {line.rsplit("/", 1)[1] for line in said.stdout.splitlines()}

    wait_for(lambda: shims() == wanted, within_s=30)


def test_a_control_plane_that_comes_back_drops_no_route(own: Installation) -> None:
    own.up()
    apps = [f"app{number}" for number in range(12)]
    folders = [str(own.app(app)) for app in apps]
    own.ok("apps", "add", *folders)
    own.ok("start", "-e", "many", *apps)
    answers: list[int] = []
    enough = threading.Event()

    def ask() -> None:
        while not enough.is_set():
            answers.extend(own.get(app, "many")[0] for app in apps)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(3):
            own.kill(own.pid())
            own.up()
            asked = len(answers)
            wait_for(lambda asked=asked: len(answers) > asked + 5 * len(apps))
    finally:
        enough.set()
        asking.join()
    assert set(answers) == {200}
