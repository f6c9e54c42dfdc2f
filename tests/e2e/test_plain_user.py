"""Headway run by somebody who is not root, as on most machines."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import plain_user
from tests.e2e.installation import HEADWAY, Installation, wait_for
from tests.e2e.works import invoked, works

pytestmark = plain_user.possible
PREFIX = plain_user.prefix()
UID = plain_user.UID if PREFIX else os.getuid()


@pytest.fixture
def theirs() -> Iterator[Installation]:
    """An installation whose server is a plain user's, where every user may pass."""
    folder = Path(tempfile.mkdtemp(prefix="hw-plain-"))
    folder.chmod(0o755)
    if PREFIX:
        os.chown(folder, UID, UID)
    own = Installation(folder)
    own.env["HOME"] = str(folder)
    ports = ("--port", str(own.port), "--http-port", str(own.http_port))
    words = [*PREFIX, HEADWAY, "up", "-d", *ports]
    done = subprocess.run(words, env=own.env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    yield own
    subprocess.run([*PREFIX, HEADWAY, "down"], env=own.env, capture_output=True, check=True)
    left = subprocess.run(["pgrep", "-af", str(own.data)], capture_output=True, check=False)
    assert left.stdout == b""
    shutil.rmtree(folder)


def test_an_app_is_served_entered_changed_rolled_back_and_ended(theirs):
    app = theirs.app("mine", "one")
    theirs.ok("start", "-e", "home", cwd=app)
    assert theirs.get("mine", "home")[1] == "v1 one "
    assert f"uid={UID}" in theirs.ok("exec", "-e", "home", "mine", "id")
    done = theirs.run("run", "-e", "home", "-a", "mine", "--", "sh", "-c", "echo hi; exit 3")
    assert (done.status, done.out) == (3, "hi\n")
    (app / "text").write_text("two")
    theirs.ok("deploy", "-e", "home", cwd=app)
    assert theirs.get("mine", "home")[1] == "v2 two "
    theirs.ok("rollback", "-e", "home", cwd=app)
    wait_for(lambda: theirs.get("mine", "home")[1] == "v1 one ")
    theirs.ok("envs", "destroy", "home", "--yes")


def test_containers_outlive_the_control_plane_and_the_agent(theirs):
    app = theirs.app("mine")
    theirs.ok("start", "-e", "home", cwd=app)
    os.kill(int((theirs.data / "agent" / "agent.lock").read_text()), 9)
    theirs.kill(theirs.pid())
    assert theirs.get("mine", "home")[0] == 200
    subprocess.run([*PREFIX, HEADWAY, "up", "-d"], env=theirs.env, capture_output=True, check=True)
    wait_for(lambda: theirs.json("status")["environments"][0]["members"][0]["state"] == "healthy")
    assert len(theirs.json("status")["environments"][0]["members"][0]["containers"]) == 1


def test_runs_are_done_warm_and_cold_and_near_their_dependencies(theirs):
    theirs.ok("start", "-e", "home", cwd=works(theirs, "works"))
    for job, parameters, result in (
        ("works/add", '{"a": 2}', 3),
        ("greet", '{"name": "ana"}', {"said": "hello ana"}),
        ("near", "{}", ["200", "ConnectionRefusedError", "OSError"]),
    ):
        done = invoked(theirs, "home", job, parameters)
        assert done.status == 0, done.all
        assert json.loads(done.out.splitlines()[-1]) == result


def test_doctor_proves_what_a_plain_user_gets_and_says_what_root_would_add(theirs):
    checks = {row["name"]: row for row in json.loads(theirs.run("doctor", "--json").out)}
    assert "containers run as this user" in checks["users"]["detail"]
    assert checks["isolation"]["ok"], checks["isolation"]
    assert checks["isolation"]["detail"].startswith("standard: ")
