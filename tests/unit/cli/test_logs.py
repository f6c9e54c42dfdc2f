"""What `headway logs` takes a word for."""

import msgspec
import pytest
from click.testing import CliRunner

from headway.cli.logs import logs
from headway.sdk import Client
from tests.unit.cli.test_options import environments
from tests.unit.cli.test_run import container
from tests.unit.sdk.small_server import small_server


def test_the_id_of_a_container_that_is_no_more_is_not_taken_for_an_app(monkeypatch):
    with small_server() as server:
        monkeypatch.setattr(Client, "local", classmethod(lambda cls: cls(server.url, "x")))
        server.answer = lambda asked: asked.json(environments("dev")[0])
        CliRunner().invoke(logs, ["-e", "dev", "hello-web-1-0bb33da3f3"])
    (asked,) = [path for _, path, _, _ in server.asked if "/logs" in path]
    assert "container=hello-web-1-0bb33da3f3" in asked


@pytest.mark.parametrize(
    ("thing", "asked_for"),
    [
        ("worker", "container=hello-worker-1-a"),
        ("hello/worker", "container=hello-worker-1-a"),
        ("hello/worker.1", "container=hello-worker-1-a"),
        ("dev/hello/worker", "container=hello-worker-1-a"),
        ("dev/hello", "app=hello"),
        ("hello", "app=hello"),
    ],
)
def test_lines_are_asked_for_by_the_names_that_ps_shows(monkeypatch, thing, asked_for):
    row = msgspec.structs.replace(container("hello-worker-1-a"), process="worker")
    member = {"environment": "dev", "app": "hello", "state": "healthy", "containers": [row]}
    view = {**environments("dev")[0], "members": [member]}

    def answer(asked):
        if asked.path.startswith("/v1/environments?"):
            asked.json({"items": [view]})
        elif "/logs" in asked.path:
            asked.begin_stream()
        else:
            asked.json(view)

    with small_server() as server:
        monkeypatch.setattr(Client, "local", classmethod(lambda cls: cls(server.url, "x")))
        server.answer = answer
        CliRunner().invoke(logs, [thing])
    (asked,) = [path for _, path, _, _ in server.asked if "/logs" in path]
    assert asked_for in asked
