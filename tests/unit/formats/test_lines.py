"""Formats of one thing a line: Procfiles and `.env` files."""

import pytest

from headway.formats.config_key import key_problem
from headway.formats.dotenv import parse_dotenv
from headway.formats.procfile import parse_procfile
from headway.model.problem import render_problem


def test_a_procfile_keeps_the_order_and_the_whole_command():
    text = "# apps\n\nweb: serve --port $PORT: yes\r\nworker:   work  \n"
    parsed = parse_procfile(text)
    assert parsed.problems == ()
    assert list(parsed.value.items()) == [("web", "serve --port $PORT: yes"), ("worker", "work")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("web serve", "1:1: 'web serve' is no process type (write `web: python app.py`)"),
        ("\nWeb: serve", "2:1: 'Web' cannot be a name"),
        ("web: a\nweb: b", "2:1: web is here twice"),
        ("web:", "1:1: web has no command"),
    ],
)
def test_a_wrong_line_of_a_procfile_is_told(text, words):
    (problem,) = parse_procfile(text).problems
    assert render_problem(problem).startswith(words)


def test_env_files_are_read_as_shells_write_them():
    text = "# note\nA=1\nexport B='two words'\n\nC=\"x=y\"\nD=\r\n  E = spaced \n"
    parsed = parse_dotenv(text)
    assert parsed.problems == ()
    assert parsed.value == {"A": "1", "B": "two words", "C": "x=y", "D": "", "E": "spaced"}


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [("A=1\nnonsense", 2, "KEY=VALUE"), ("1A=2", 1, "1A"), ("PORT=80", 1, "always given")],
)
def test_a_wrong_line_of_an_env_file_is_told_and_its_value_is_not(text, line, word):
    (problem,) = parse_dotenv(text, file="prod.env").problems
    assert (problem.file, problem.line) == ("prod.env", line)
    assert word in problem.message
    assert "80" not in problem.message


@pytest.mark.parametrize("key", ["A", "_", "session_secret", "A" * 128])
def test_config_keys_that_can_be(key):
    assert key_problem(key) is None


@pytest.mark.parametrize(
    "key", ["", "1A", "A-B", "A B", "Ä", "A\n", "PORT", "SERVICE_X", "HEADWAY_APP", "A" * 129]
)
def test_config_keys_that_cannot_be(key):
    assert key_problem(key) is not None
