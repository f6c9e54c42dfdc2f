"""What `headway logs` takes a word for."""

import msgspec
import pytest
from click.testing import CliRunner

from headway.cli.logs import logs
from headway.model.container import Container
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
    assert asked_for in asked_of("dev", [row], monkeypatch, thing)


@pytest.mark.parametrize(
    "words", [("-e", "shop", "shop/web"), ("shop/web",), ("-e", "shop", "shop/web.1")]
)
def test_of_an_app_that_is_called_as_its_environment_no_other_is_shown(monkeypatch, words):
    own = msgspec.structs.replace(container("shop-web-1-a"), app="shop")
    rows = [own, container("hello-web-1-a")]
    asked = asked_of("shop", rows, monkeypatch, *words)
    assert "container=shop-web-1-a" in asked
    assert "hello-web-1-a" not in asked
    assert "container=hello-web-1-a" in asked_of("shop", rows, monkeypatch, "shop/hello/web")
    assert "app=hello" in asked_of("shop", rows, monkeypatch, "shop/hello")


def asked_of(environment: str, rows: list[Container], monkeypatch, *words: str) -> str:
    """Ask for logs of an environment with these containers; gives what headway was asked."""
    members = [
        {"environment": environment, "app": row.app, "state": "healthy", "containers": [row]}
        for row in rows
    ]
    view = {**environments(environment)[0], "members": members}

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
        CliRunner().invoke(logs, words)
    (asked,) = [path for _, path, _, _ in server.asked if "/logs" in path]
    return asked
