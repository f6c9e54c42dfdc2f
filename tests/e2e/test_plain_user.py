"""Headway run by somebody who is not root, as on most machines.

A user namespace makes this process user 1000, who may read what the tests' own user may and do
nothing else that root may: headway behaves as it does for anybody.
"""

import os
import shutil
import subprocess

import pytest

from tests.e2e.installation import HEADWAY, wait_for

AS_SOMEBODY = ("unshare", "--user", "--map-user=1000", "--map-group=1000")


@pytest.fixture
def theirs(own):
    if os.geteuid() != 0:
        prefix: tuple[str, ...] = ()
    else:
        assert shutil.which("unshare"), "util-linux is on every machine"
        prefix = AS_SOMEBODY
    ports = ("--port", str(own.port), "--http-port", str(own.http_port))
    words = [*prefix, HEADWAY, "up", "-d", *ports]
    done = subprocess.run(words, env=own.env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    yield own
    subprocess.run([*prefix, HEADWAY, "down"], env=own.env, capture_output=True, check=True)
    left = subprocess.run(["pgrep", "-af", str(own.data)], capture_output=True, check=False)
    assert left.stdout == b""


def test_an_app_is_served_entered_changed_rolled_back_and_ended(theirs):
    app = theirs.app("mine", "one")
    theirs.ok("start", "-e", "home", cwd=app)
    assert theirs.get("mine", "home")[1] == "v1 one "
    assert "uid=1000" in theirs.ok("exec", "-e", "home", "mine", "id")
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
    words = [*(AS_SOMEBODY if os.geteuid() == 0 else ()), HEADWAY, "up", "-d"]
    subprocess.run(words, env=theirs.env, capture_output=True, check=True)
    wait_for(lambda: theirs.json("status")[0]["members"][0]["state"] == "healthy")
    assert len(theirs.json("status")[0]["members"][0]["containers"]) == 1


def test_doctor_says_what_root_would_add(theirs):
    said = theirs.run("doctor").out
    assert "containers run as this user" in said
