"""The command as a whole: what it offers, how fast it is there, what its exit status says."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from headway.cli import errors
from headway.cli.main import _COMMANDS, cli
from headway.model.view.refusal import Refusal
from headway.sdk import RefusedError, UnreachableError


@pytest.mark.parametrize("name", _COMMANDS)
def test_every_command_is_there_and_explains_itself(name):
    done = CliRunner().invoke(cli, [name, "--help"])
    assert done.exit_code == 0, done.output
    assert name in done.output.splitlines()[0]


def test_the_help_names_every_command():
    said = CliRunner().invoke(cli, ["--help"]).output
    for name in _COMMANDS:
        assert f"  {name} " in said


GROUPS = [
    name
    for name in _COMMANDS
    if isinstance(row := cli.get_command(click.Context(cli), name), click.Group)
    and not row.invoke_without_command
]


@pytest.mark.parametrize("words", [[], *([name] for name in GROUPS)], ids=" ".join)
def test_a_noun_alone_is_answered_by_its_help_and_is_no_mistake(words, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["headway", *words])
    assert errors.handled(cli) == errors.DONE
    said = capsys.readouterr()
    assert said.out == f"{CliRunner().invoke(cli, [*words, '--help'], prog_name='headway').output}"
    assert said.err == ""


@pytest.mark.parametrize(("typed", "meant"), [("deplyo", "deploy"), ("lgos", "logs")])
def test_a_typo_is_answered_with_what_was_probably_meant(typed, meant):
    done = CliRunner().invoke(cli, [typed])
    assert done.exit_code == 2
    assert f"Did you mean {meant!r}" in done.output


def modules_after(*words: str) -> set[str]:
    """Run a command in an interpreter of its own and list what it imported."""
    code = (
        "import sys; from headway.cli import errors, main; "
        f"sys.argv = ['headway', *{list(words)!r}]\n"
        "errors.handled(main.cli); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_a_command_loads_only_what_it_needs():
    loaded = modules_after("version")
    for heavy in ("fastapi", "pydantic", "rich", "asyncio", "cryptography", "httpx2"):
        assert heavy not in loaded, heavy
    assert "headway.cli.deploy" not in loaded


def test_a_command_that_reads_no_manifest_loads_no_yaml():
    loaded = modules_after("ps", "--help")
    assert "ruamel.yaml" not in loaded
    assert "webbrowser" not in loaded


def refusal(status: int) -> RefusedError:
    return RefusedError(
        Refusal(
            type="urn:x",
            title="x",
            status=status,
            detail="web runs and needs api",
            code="x",
            hint="stop both",
            next=("headway stop web api",),
        )
    )


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (errors.Failed(7), 7),
        (errors.Failed(), 1),
        (click.UsageError("no"), 2),
        (refusal(404), 3),
        (refusal(409), 3),
        (refusal(422), 3),
        (refusal(401), 4),
        (refusal(403), 4),
        (refusal(500), 1),
        (refusal(503), 1),
        (UnreachableError("nobody answers"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_the_exit_status_says_what_kind_of_end_it_was(raised, status):
    @click.command()
    def command() -> None:
        raise raised

    assert invoked(command) == status


def invoked(command: click.Command, monkeypatch=None) -> int:
    before, sys.argv = sys.argv, ["headway"]
    try:
        return errors.handled(command)
    finally:
        sys.argv = before


def test_a_refusal_says_why_what_helps_and_what_to_run(capsys):
    assert errors.show_refusal(refusal(409)) == 3
    said = click.unstyle(capsys.readouterr().err)
    assert said.splitlines() == [
        "✗ web runs and needs api",
        "  hint: stop both",
        "next: headway stop web api",
    ]


def test_too_large_a_request_is_refused_by_a_rule():
    assert errors.show_refusal(refusal(413)) == 3


def test_where_nothing_runs_it_is_said_what_to_do(tmp_path):
    import os

    headway = Path(sys.executable).with_name("headway")
    done = subprocess.run(
        [headway, "ps"],
        env={**os.environ, "HEADWAY_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "does not run here" in done.stderr
    assert "headway up" in done.stderr


def test_output_that_cannot_be_written_is_told_of_in_a_line():
    headway = Path(sys.executable).with_name("headway")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [headway, "docs"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr == "✗ the output could not be written: No space left on device\n"


def _commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from _commands(command, *path, name)


@pytest.mark.parametrize("path", list(_commands(cli)), ids=" ".join)
def test_no_help_shows_how_its_lines_are_kept(path):
    assert r"\b" not in CliRunner().invoke(cli, [*path, "--help"]).output


def _groups(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            yield from _groups(command, *path, name)


@pytest.mark.parametrize("path", list(_groups(cli)), ids=" ".join)
def test_no_list_of_commands_cuts_what_they_do(path):
    """In a terminal of 80 columns, of which click uses 78; there each command has one line."""
    said = CliRunner().invoke(cli, [*path, "--help"], terminal_width=78).output
    cut = [
        line for line in said.splitlines() if line.endswith("...") and not line.startswith("Usage:")
    ]
    assert cut == []
    if not path:
        _, _, commands = said.partition("Every day:")
        wrapped = [line for line in commands.splitlines() if line.startswith("     ")]
        assert wrapped == []
