"""Finding the headway of this machine."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headway.sdk import SdkError, local


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for name in ("HEADWAY_URL", "HEADWAY_TOKEN", "HEADWAY_DATA", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)


def write_server(data: Path, pid: int) -> None:
    data.mkdir(exist_ok=True)
    (data / "server.json").write_text(json.dumps({"url": "http://127.0.0.1:7070", "pid": pid}))
    (data / "token").write_text("hw_local\n")


@pytest.fixture
def looks_alive(tmp_path) -> Iterator[int]:
    """A process that is called as a control plane on this directory is."""
    words = ["-m", "headway.serve", "up", "--data", str(tmp_path)]
    code = "import sys; sys.stdin.read()"
    process = subprocess.Popen([sys.executable, "-c", code, *words], stdin=subprocess.PIPE)
    yield process.pid
    process.communicate()


def test_the_address_and_the_token_of_this_machine_are_found(tmp_path, monkeypatch, looks_alive):
    monkeypatch.setenv("HEADWAY_DATA", str(tmp_path))
    write_server(tmp_path, looks_alive)
    found = local.find()
    assert (found.url, found.token) == ("http://127.0.0.1:7070", "hw_local")


def test_what_the_environment_says_wins(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADWAY_DATA", str(tmp_path))
    monkeypatch.setenv("HEADWAY_URL", "https://headway.example.org/")
    monkeypatch.setenv("HEADWAY_TOKEN", "hw_other")
    found = local.find()
    assert (found.url, found.token) == ("https://headway.example.org", "hw_other")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"url": 1}'])
def test_a_torn_server_file_means_that_nothing_runs(tmp_path, monkeypatch, content):
    monkeypatch.setenv("HEADWAY_DATA", str(tmp_path))
    (tmp_path / "server.json").write_text(content)
    with pytest.raises(SdkError, match="does not run here"):
        local.find()


def test_a_control_plane_whose_process_is_gone_does_not_run(tmp_path):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    write_server(tmp_path, pid)
    assert local.running(tmp_path) is None


def test_each_user_has_a_data_directory(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert local.data_directory() == Path("/var/lib/headway")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere")
    assert local.data_directory() == Path("/somewhere/headway")


def test_the_token_of_this_machine_is_not_sent_to_another(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADWAY_DATA", str(tmp_path))
    monkeypatch.setenv("HEADWAY_URL", "https://elsewhere.example.org")
    write_server(tmp_path, os.getpid())
    with pytest.raises(SdkError, match="HEADWAY_TOKEN"):
        local.find()
