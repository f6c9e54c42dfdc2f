"""What `headway jobs invoke` says of a run that was there already."""

import pytest
from click.testing import CliRunner

from headway.cli.main import cli
from headway.sdk import Client
from tests.unit.cli.test_schedules import run_of
from tests.unit.sdk.small_server import small_server

MADE = {"ids": ["k1"], "states": ["queued"], "made": [True]}
ROW = {**run_of("nightly"), "parameters": {"shop": "north"}}


@pytest.fixture
def server(monkeypatch):
    with small_server() as found:
        monkeypatch.setattr(Client, "local", classmethod(lambda cls: cls(found.url, "x")))
        yield found


def said(server, parameters: str, *, made: bool) -> list[str]:
    answer = {**MADE, "made": [made]}
    view = {"run": ROW, "environment": "dev", "waits": ""}
    server.answer = lambda asked: asked.json(answer if asked.command == "POST" else view)
    words = ["jobs", "invoke", "report", parameters, "-e", "dev", "--key", "once", "--no-wait"]
    done = CliRunner().invoke(cli, words)
    assert done.stdout == "k1\n", done.output
    return done.stderr.splitlines()[:-1]


def test_a_run_that_was_made_is_all_that_is_told(server):
    assert said(server, '{"shop": "north"}', made=True) == []


def test_of_one_that_was_there_it_is_said_that_none_was_made(server):
    (line,) = said(server, '{"shop": "north"}', made=False)
    assert line.startswith("· no run was made: k1 has this key, from ")
    assert line.endswith(" ago")


def test_and_with_which_other_parameters_it_was_asked_for(server):
    (line,) = said(server, '{"shop": "south"}', made=False)
    assert line.endswith(', with other parameters: {"shop":"north"}')
