"""`headway run --local`: a job of a directory, without a server."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from headway.engines.process import host
from headway.ports.engine import EngineError
from tests import plain_user
from tests.e2e.installation import HEADWAY

JOBS = """\
import os, sys, time, socket
from headway.sdk import Cancelled, attempt, job, run_id
from numbers_of_mine import TWO

@job(memory="64MiB")
def add(left: int, right: int = TWO) -> dict:
    print("adding", file=sys.stderr)
    return {"sum": left + right, "key": os.environ.get("KEY"), "other": os.environ.get("OTHER"),
            "run": [run_id(), attempt()], "python": sys.prefix, "files": sorted(os.listdir("/"))}

@job
def fails() -> None:
    raise ValueError("it is broken")

@job(timeout="1s")
def late() -> None:
    time.sleep(60)

@job(memory="32MiB")
def large() -> int:
    return len(bytearray(1 << 30))

def answer() -> str:
    try:
        with socket.create_connection(("127.0.0.1", int(os.environ["KEY"])), 1):
            return "somebody"
    except OSError:
        return "nobody"

@job
def alone() -> str:
    return answer()

@job(network="internet")
def connected() -> str:
    return answer()

@job
def waits() -> None:
    print("waiting")
    try:
        time.sleep(60)
    finally:
        print("tidied up")
"""

MANIFEST = """\
name: shop
env: [KEY]
jobs:
  echo:
    command: "cat > $HEADWAY_RESULT; echo said"
    parameters: {required: [word]}
  breaks: exit 3
  quiet: "true"
"""


@pytest.fixture(scope="module", autouse=True)
def sandboxes():
    try:
        host.bubblewrap(None)
    except EngineError as error:
        pytest.skip(str(error))


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "jobs.py").write_text(JOBS)
    (folder / "numbers_of_mine.py").write_text("TWO = 2\n")
    (folder / "click.py").write_text("raise RuntimeError('not yours')\n")
    (folder / "headway.yaml").write_text(MANIFEST)
    return folder


def run(folder: Path, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [HEADWAY, "run", "--local", *words],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_result_and_a_log(app):
    done = run(app, "add", '{"left": 1}', KEY="42", OTHER="no")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["sum"], found["key"], found["other"]) == (3, "42", None)
    assert found["run"] == ["local", 1]
    assert not {"boot", "var", "srv"} & set(found["files"])
    assert done.stderr == "adding\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", '{"left": "1"}'), 'left must be a whole number, not "1"'),
        (("add",), "left is missing"),
        (("add", "{"), "the parameters are not JSON"),
        (("ad", "{}"), "there is no job 'ad'; there are: add, alone"),
    ],
)
def test_parameters_are_checked_before_it_starts(app, words, said):
    done = run(app, *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert "adding" not in done.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fails", "ValueError: it is broken"),
        ("late", "✗ time limit 1 s reached"),
        ("large", "memory limit 32 MiB reached"),
    ],
)
def test_failures_are_told(app, name, said):
    done = run(app, name)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr


@pytest.mark.parametrize(("name", "answer"), [("alone", "nobody"), ("connected", "somebody")])
def test_a_job_has_no_network_unless_it_says_so(app, name, answer):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        done = run(app, name, KEY=str(listener.getsockname()[1]))
    assert done.stdout == f'"{answer}"\n', done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests are of a plain user then")
@plain_user.possible
def test_a_plain_user_may_do_it(app):
    with tempfile.TemporaryDirectory(prefix="hw-plain-") as home:
        shutil.copytree(app, f"{home}/app", symlinks=True)
        subprocess.run(["chown", "-R", str(plain_user.UID), home], check=True)
        words = [*plain_user.prefix(), HEADWAY, "run", "--local", "add", '{"left": 1}']
        env = {**os.environ, "HOME": home}
        done = subprocess.run(
            words, cwd=f"{home}/app", env=env, capture_output=True, text=True, check=False
        )
    assert json.loads(done.stdout or "{}").get("sum") == 3, done.stderr


def test_the_environment_of_the_directory_is_used(app):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", app / ".venv"], check=True)
    done = run(app, "add", '{"left": 1}')
    assert json.loads(done.stdout)["python"] == "/app/.venv", done.stderr


@pytest.mark.parametrize(
    ("words", "status", "out", "said"),
    [
        (("echo", '{"word": 1}'), 0, '{\n  "word": 1\n}\n', "said\n"),
        (("echo", "{}"), 1, "", "word is missing"),
        (("echo", "{"), 1, "", "the parameters are not JSON"),
        (("breaks",), 1, "", "✗ exit status 3"),
        (("quiet",), 0, "", ""),
    ],
)
def test_commands_are_jobs_too(app, words, status, out, said):
    done = run(app, *words)
    assert (done.returncode, done.stdout) == (status, out), done.stderr
    assert said in done.stderr


def test_problems_elsewhere_are_told_and_do_not_hinder(app):
    (app / "other.py").write_text("from headway.sdk import job\n@job(cpus=1)\ndef x(): ...\n")
    done = run(app, "add", '{"left": 1}')
    assert done.returncode == 0
    assert "other.py:2" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_can_be_interrupted_and_leaves_nothing(app, number):
    with (
        tempfile.TemporaryDirectory(prefix="t-") as place,  # short, for the engine's socket
        subprocess.Popen(
            [HEADWAY, "run", "--local", "waits"],
            cwd=app,
            env={**os.environ, "TMPDIR": place},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stderr is not None
        assert process.stderr.readline() == "waiting\n"
        begun = time.monotonic()
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
        assert process.returncode == 130
        assert time.monotonic() - begun < 5
        assert "tidied up" in said
        assert os.listdir(place) == []
