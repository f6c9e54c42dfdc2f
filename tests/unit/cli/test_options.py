"""What options mean, and what they default to."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from headway.cli import options
from headway.sdk import Client
from tests.unit.sdk.small_server import small_server


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90.0), ("10m", 600.0), ("8h", 28800.0), ("1h30m", 5400.0)]
)
def test_lengths_of_time_are_read(text, seconds):
    assert options.Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["soon", "-5s", "1x", "", "8h junk", "3651d", "9" * 40])
def test_what_is_no_length_of_time_is_refused_with_an_example(text):
    with pytest.raises(click.BadParameter, match="up to 3650d, such as 90s, 10m or 8h"):
        options.Duration().convert(text, None, None)


def test_the_app_of_a_directory_is_named_by_its_manifest_else_by_the_directory(tmp_path):
    folder = tmp_path / "Web_Shop"
    folder.mkdir()
    assert options.app_of(folder) is None
    (folder / "headway.yaml").write_text("run: {type: process, command: ./serve}\n")
    assert options.app_of(folder) == "web-shop"
    (folder / "headway.yaml").write_text("name: till\nrun: {type: process, command: ./serve}\n")
    assert options.app_of(folder) == "till"


def test_a_manifest_with_a_mistake_still_names_its_app(tmp_path):
    (tmp_path / "headway.yaml").write_text("name: till\nrun: {type: proces}\n")
    assert options.app_of(tmp_path) == "till"


def test_without_an_app_and_without_a_manifest_it_is_said_what_to_do(tmp_path):
    with pytest.raises(click.UsageError, match=r"by -a, or go to its directory"):
        options.chosen_app(None, tmp_path)
    assert options.chosen_app("web", tmp_path) == "web"


def environments(*names: str) -> list[dict[str, object]]:
    lease = {"holder": "ana", "until": None}
    at = "2026-11-21T12:00:00Z"
    return [
        {
            "name": name,
            "id": f"{name}~1",
            "state": "active",
            "lease": lease,
            "created_at": at,
            "created_by": "ana",
        }
        for name in names
    ]


def test_the_environment_is_what_was_given_else_the_variable_else_the_only_one(monkeypatch):
    monkeypatch.delenv("HEADWAY_ENV", raising=False)
    with small_server() as server, Client(server.url, "x") as client:
        server.answer = lambda asked: asked.json({"items": environments("demo")})
        assert options.chosen_environment(client, "given") == "given"
        assert server.asked == []
        assert options.chosen_environment(client, None) == "demo"
        monkeypatch.setenv("HEADWAY_ENV", "staging")
        assert options.chosen_environment(client, None) == "staging"


@pytest.mark.parametrize(
    ("names", "said"),
    [((), "there is no environment yet"), (("b", "a"), "by -e or HEADWAY_ENV: a, b")],
)
def test_an_environment_that_is_not_clear_is_asked_for(monkeypatch, names, said):
    monkeypatch.delenv("HEADWAY_ENV", raising=False)
    with small_server() as server, Client(server.url, "x") as client:
        server.answer = lambda asked: asked.json({"items": environments(*names)})
        with pytest.raises(click.UsageError, match=said):
            options.chosen_environment(client, None)


def test_without_a_manifest_a_deployment_begins_with_one_and_not_with_an_environment(
    monkeypatch, tmp_path
):
    from headway.cli.deploy import deploy

    monkeypatch.delenv("HEADWAY_ENV", raising=False)
    with small_server() as server:
        monkeypatch.setattr(Client, "local", classmethod(lambda cls: cls(server.url, "x")))
        server.answer = lambda asked: asked.json({"items": []})
        done = CliRunner().invoke(deploy, [str(tmp_path)])
    assert done.exit_code == 2
    assert done.output.endswith("is no headway.yaml here\nnext: headway init · headway apps ls\n")
    assert "Usage" not in done.output


def test_init_writes_a_manifest_that_headway_reads(tmp_path):
    from headway.cli.init import init
    from headway.formats.headway_yaml import parse_manifest

    (tmp_path / "Procfile").write_text("web: gunicorn app:app --bind 127.0.0.1:$PORT\nworker: w\n")
    done = CliRunner().invoke(init, [str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "Procfile (web, worker)" in done.output
    assert "next: headway start" in done.output
    parsed = parse_manifest(
        (tmp_path / "headway.yaml").read_text(),
        default_name="shop",
        procfile=(tmp_path / "Procfile").read_text(),
    )
    assert parsed.problems == ()
    assert parsed.value is not None
    assert [process.name for process in parsed.value.processes] == ["web", "worker"]


def test_init_leaves_a_manifest_that_is_there_alone(tmp_path: Path):
    from headway.cli.init import init

    (tmp_path / "headway.yaml").write_text("name: mine\n")
    done = CliRunner().invoke(init, [str(tmp_path)])
    assert done.exit_code != 0
    assert (tmp_path / "headway.yaml").read_text() == "name: mine\n"
