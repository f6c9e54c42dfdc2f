"""Of which environments lists are: of all, of the one that is named, or of HEADWAY_ENV."""

import json

import pytest
from click.testing import CliRunner

from headway.cli.main import cli
from headway.sdk import Client
from tests.unit.cli.test_options import environments
from tests.unit.sdk.small_server import small_server

AT = "2026-11-21T12:00:00Z"
RUN = {
    "id": "k1",
    "environment": "dev~1",
    "app": "shop",
    "job": "export",
    "queue": "default",
    "release": 2,
    "state": "succeeded",
    "created_at": AT,
    "created_by": "ana",
    "attempts": [
        {"number": number, "release": 2, "runner": "r", "node": "here", "ordered_at": AT}
        for number in (1, 2)
    ],
}


def answer(asked):
    if asked.path.startswith("/v1/environments?"):
        asked.json({"items": environments("dev", "live")})
    elif asked.path.startswith("/v1/environments/"):
        asked.json(environments("dev")[0])
    elif asked.path.startswith("/v1/runs/dead"):
        asked.json({"runs": [], "left": []})
    elif asked.path.startswith("/v1/nodes"):
        asked.json({"items": []})
    elif asked.path.startswith("/v1/runs"):
        asked.json({"rows": [RUN]})
    else:
        asked.json([])


@pytest.fixture
def server(monkeypatch):
    monkeypatch.delenv("HEADWAY_ENV", raising=False)
    with small_server() as found:
        monkeypatch.setattr(Client, "local", classmethod(lambda cls: cls(found.url, "x")))
        found.answer = answer
        yield found


LISTS = [("runs", "ls"), ("jobs", "ls"), ("schedules", "ls"), ("queues", "ls"), ("runs", "dead")]


@pytest.mark.parametrize("words", LISTS)
def test_a_list_is_of_all_environments_and_of_one_where_the_variable_says_so(
    server, monkeypatch, words
):
    assert CliRunner().invoke(cli, words).exit_code == 0
    assert "environment=" not in server.asked[-1][1]
    monkeypatch.setenv("HEADWAY_ENV", "dev")
    assert CliRunner().invoke(cli, words).exit_code == 0
    assert "environment=dev" in server.asked[-1][1]


def test_containers_are_shown_of_all_environments_where_none_is_named(server, monkeypatch):
    done = CliRunner().invoke(cli, ["ps"])
    assert done.exit_code == 0, done.output
    assert server.asked[0][1].startswith("/v1/environments?")
    monkeypatch.setenv("HEADWAY_ENV", "dev")
    server.asked.clear()
    CliRunner().invoke(cli, ["ps"])
    assert server.asked[0][1] == "/v1/environments/dev"


@pytest.mark.parametrize("what", ["--replay", "--empty"])
def test_a_dead_letter_list_is_not_replayed_or_emptied_of_all_environments(
    server, monkeypatch, what
):
    done = CliRunner().invoke(cli, ["runs", "dead", what])
    assert done.exit_code == 2
    assert "say which environment, by -e or HEADWAY_ENV: dev, live" in done.output
    assert [method for method, *_ in server.asked] == ["GET"]
    monkeypatch.setenv("HEADWAY_ENV", "dev")
    assert CliRunner().invoke(cli, ["runs", "dead", what]).exit_code == 0
    assert b'"environment":"dev"' in server.asked[-1][3]


def test_a_run_that_is_named_is_replayed_wherever_it_is(server, monkeypatch):
    monkeypatch.setenv("HEADWAY_ENV", "dev")
    CliRunner().invoke(cli, ["runs", "dead", "k1", "--replay"])
    assert b'"environment":null' in server.asked[-1][3]


def test_a_list_of_runs_names_their_environment_and_what_did_not_succeed_at_once(server):
    done = CliRunner().invoke(cli, ["runs", "ls"])
    assert "dev/shop/export" in done.output
    assert "attempt 2; 1 before it did not succeed" in done.output


def test_a_run_that_is_to_come_later_says_what_it_waits_for(server):
    view = {"run": {**RUN, "state": "waiting"}, "environment": "dev", "waits": "for k0, until 7:00"}
    server.answer = lambda asked: asked.json(
        {"ids": ["k1"], "states": ["waiting"]} if asked.command == "POST" else view
    )
    done = CliRunner().invoke(cli, ["jobs", "invoke", "-e", "dev", "export", "--after", "k0"])
    assert done.stdout == "k1\n"
    assert done.stderr == "· waiting: for k0, until 7:00\nnext: headway runs show k1\n"


def failing(count: int):
    rows = [
        {
            "environment": "dev",
            "app": "shop",
            "job": f"job-{number}",
            "run": f"k{number}",
            "state": "failed",
            "because": "exit status 3",
            "at": AT,
            "count": 1,
        }
        for number in range(count)
    ]
    return lambda asked: (
        asked.json(rows) if asked.path.startswith("/v1/runs/failed") else answer(asked)
    )


@pytest.mark.parametrize(("count", "shown", "more"), [(2, 2, ""), (10, 10, ""), (12, 10, "2")])
def test_of_jobs_whose_runs_failed_the_first_are_shown_and_all_are_in_the_json(
    server, count, shown, more
):
    server.answer = failing(count)
    said = CliRunner().invoke(cli, ["status", "-e", "dev"]).output
    assert said.count("exit status 3") == shown
    assert ("and " in said) == bool(more)
    if more:
        assert "\n and 2 more\n    next: headway runs ls --state failed\n" in said
    found = json.loads(CliRunner().invoke(cli, ["status", "-e", "dev", "--json"]).output)
    assert [view["name"] for view in found["environments"]] == ["dev"]
    assert [row["run"] for row in found["failed_runs"]] == [f"k{one}" for one in range(count)]
