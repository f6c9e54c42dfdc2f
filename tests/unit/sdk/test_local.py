"""Finding the headway of this machine."""

import json
import os
from pathlib import Path

import pytest

from headway.machine.processes import birth
from headway.sdk import SdkError, local


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for name in ("HEADWAY_URL", "HEADWAY_TOKEN", "HEADWAY_DATA", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)


def write_server(data: Path, pid: int) -> None:
    data.mkdir(exist_ok=True)
    running = {"url": "http://127.0.0.1:7070", "pid": pid, "birth": birth(pid)}
    (data / "server.json").write_text(json.dumps(running))
    (data / "token").write_text("hw_local\n")


def test_the_address_and_the_token_of_this_machine_are_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADWAY_DATA", str(tmp_path))
    write_server(tmp_path, os.getpid())
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


def test_a_process_that_only_has_the_number_of_a_dead_control_plane_is_none(tmp_path):
    write_server(tmp_path, os.getpid())
    assert local.running(tmp_path) is not None
    stranger = json.loads((tmp_path / "server.json").read_text()) | {"birth": 1}
    (tmp_path / "server.json").write_text(json.dumps(stranger))
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
