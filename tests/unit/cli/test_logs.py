"""What `headway logs` takes a word for."""

from click.testing import CliRunner

from headway.cli.logs import logs
from headway.sdk import Client
from tests.unit.cli.test_options import environments
from tests.unit.sdk.small_server import small_server


def test_the_id_of_a_container_that_is_no_more_is_not_taken_for_an_app(monkeypatch):
    with small_server() as server:
        monkeypatch.setattr(Client, "local", classmethod(lambda cls: cls(server.url, "x")))
        server.answer = lambda asked: asked.json(environments("dev")[0])
        CliRunner().invoke(logs, ["-e", "dev", "hello-web-1-0bb33da3f3"])
    (asked,) = [path for _, path, _, _ in server.asked if "/logs" in path]
    assert "container=hello-web-1-0bb33da3f3" in asked
