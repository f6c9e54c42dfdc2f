"""What `headway schedules` asks for, and what it says."""

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


def run_of(name: str) -> dict[str, object]:
    return {
        "id": "k1", "environment": "dev~1", "app": "shop", "job": "report", "queue": "default",
        "state": "queued", "created_at": AT, "created_by": "ana", "schedule": name,
        "scheduled_by": "hand",
    }  # fmt: skip


@pytest.fixture
def server(monkeypatch):
    with small_server() as found:
        monkeypatch.setattr(Client, "local", classmethod(lambda cls: cls(found.url, "x")))
        found.answer = lambda asked: asked.json(
            run_of("nightly")
            if asked.command == "POST"
            else [schedule("nightly"), schedule("weekly", live=False)]
        )
        yield found


@pytest.mark.parametrize("name", ["nightly", "shop/nightly"])
def test_a_schedule_is_run_now_by_one_request_and_its_run_alone_is_on_the_output(server, name):
    done = CliRunner().invoke(cli, ["schedules", "run", name, "-e", "dev", "--no-wait"])
    assert (done.stdout, done.stderr) == ("k1\n", "next: headway runs show k1\n")
    ((method, path, _, _),) = server.asked
    assert (method, path) == ("POST", f"/v1/environments/dev/schedules/{name}/run")


def test_of_one_that_no_release_declares_the_list_says_so(server):
    done = CliRunner().invoke(cli, ["schedules", "ls", "-e", "dev"])
    (line,) = [line for line in done.output.splitlines() if "weekly" in line]
    assert "never" in line
    assert "no release that serves declares it" in line
