"""What `headway schedules` asks for, and what it says."""

import msgspec
import pytest
from click.testing import CliRunner

from headway.cli.main import cli
from headway.sdk import Client
from tests.unit.sdk.small_server import small_server

AT = "2026-11-21T12:00:00Z"


def schedule(name: str, app: str = "shop", *, live: bool = True) -> dict[str, object]:
    declared = {"name": name, "job": "report", "cron": "0 2 * * *", "parameters": {"shop": "north"}}
    state = {"environment": "dev~1", "app": app, "name": name, "schedule": declared}
    return {"environment": "dev", "state": {**state, "seen_until": AT, "live": live}, "next": []}


@pytest.fixture
def server(monkeypatch):
    with small_server() as found:
        monkeypatch.setattr(Client, "local", classmethod(lambda cls: cls(found.url, "x")))
        found.answer = lambda asked: asked.json(
            {"ids": ["k1"], "states": ["queued"]}
            if asked.command == "POST"
            else [schedule("nightly"), schedule("weekly", live=False)]
        )
        yield found


@pytest.mark.parametrize("name", ["nightly", "shop/nightly"])
def test_a_schedule_is_run_now_with_its_parameters_and_under_its_name(server, name):
    done = CliRunner().invoke(cli, ["schedules", "run", name, "-e", "dev", "--no-wait"])
    assert done.output == "k1\nnext: headway runs show k1\n"
    method, path, _, body = server.asked[-1]
    assert (method, path) == ("POST", "/v1/jobs/shop/report/runs")
    (asked,) = msgspec.json.decode(body)["runs"]
    assert (asked["parameters"], asked["schedule"]) == ({"shop": "north"}, "nightly")
    assert asked["tags"] == {"schedule": "nightly"}


def test_a_schedule_that_is_not_there_is_answered_with_those_that_are(server):
    done = CliRunner().invoke(cli, ["schedules", "run", "nihgtly", "-e", "dev"])
    assert "there is no schedule nihgtly: dev has shop/nightly, shop/weekly" in done.output
    assert [method for method, *_ in server.asked] == ["GET"]


def test_of_two_apps_with_a_schedule_of_one_name_none_is_run_until_one_is_named(server):
    run = server.answer
    server.answer = lambda asked: (
        run(asked)
        if asked.command == "POST"
        else asked.json([schedule("nightly"), schedule("nightly", "mail")])
    )
    words = ["schedules", "run", "-e", "dev", "--no-wait"]
    done = CliRunner().invoke(cli, [*words, "nightly"])
    assert "have a schedule nightly in dev: say mail/nightly, shop/nightly" in done.output
    assert [method for method, *_ in server.asked] == ["GET"]
    CliRunner().invoke(cli, [*words, "mail/nightly"])
    assert server.asked[-1][:2] == ("POST", "/v1/jobs/mail/report/runs")


def test_of_one_that_no_release_declares_the_list_says_so(server):
    done = CliRunner().invoke(cli, ["schedules", "ls", "-e", "dev"])
    (line,) = [line for line in done.output.splitlines() if "weekly" in line]
    assert "never" in line
    assert "no release that serves declares it" in line
