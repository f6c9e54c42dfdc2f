"""What `headway config` reads."""

import io
import sys

import click
import pytest
from click.testing import CliRunner

from headway.cli.config import _asked
from headway.cli.main import cli
from headway.sdk import Client
from tests.unit.sdk.small_server import small_server


def test_a_value_is_read_without_the_end_of_its_line(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("crimson\n"))
    assert _asked("COLOUR") == "crimson"


def test_no_value_is_not_taken_for_an_empty_one(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    with pytest.raises(click.UsageError, match="no value for API_KEY"):
        _asked("API_KEY")


NOTHING = "nothing changed: it is so already for shop in demo\n"
SET = "set COLOUR for shop in demo\n"
START = "next: headway start -e demo shop\n"


@pytest.mark.parametrize(
    ("answered", "said"),
    [
        ({"unchanged": True, "serves": True}, NOTHING),
        ({"unchanged": True}, NOTHING + START),
        ({}, SET + START),
        ({"serves": True}, SET),
    ],
)
def test_what_was_set_already_is_said_and_a_start_is_proposed_only_of_what_does_not_serve(
    monkeypatch, answered, said
):
    view = {"environment": "demo", "app": "shop", "number": 1, **answered}
    with small_server() as server:
        monkeypatch.setattr(Client, "local", classmethod(lambda cls: cls(server.url, "x")))
        server.answer = lambda asked: asked.json(view)
        done = CliRunner().invoke(cli, ["config", "set", "COLOUR=red", "-e", "demo", "-a", "shop"])
    assert (done.exit_code, done.output) == (0, said)
