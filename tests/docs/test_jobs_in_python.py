"""The examples of docs/jobs-in-python.md do what the page says."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from headway.model.job import Job
from headway.sdk.options import Options

PAGE = Path(__file__).resolve().parents[2] / "docs" / "jobs-in-python.md"
HEADWAY = str(Path(sys.executable).with_name("headway"))


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    for text in blocks("python"):
        first, _, _ = text.partition("\n")
        (folder / first.removeprefix("# ")).write_text(text)
    return folder


def test_the_tests_of_the_page_pass(app):
    words = [sys.executable, "-m", "pytest", "-q", "--rootdir", ".", "-p", "no:cacheprovider", "."]
    done = subprocess.run(words, cwd=app, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_the_commands_of_the_page_say_what_it_says(app):
    (session,) = blocks("console")
    for step in session.removeprefix("$ ").split("\n$ "):
        command, _, said = step.partition("\n")
        words = [HEADWAY, *shlex.split(command)[1:]]
        done = subprocess.run(words, cwd=app, capture_output=True, text=True, check=False)
        assert done.stderr + done.stdout == said.rstrip("\n") + "\n"


def test_every_option_is_explained():
    table = PAGE.read_text().partition("## Options")[2].partition("##")[0]
    named = set(re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE))))
    assert named == set(Options.__annotations__)
    assert "1 core, 1 GiB, 512 MiB" in table
    row = Job(name="x").resources
    assert (row.cpu, row.memory_mib, row.disk_mib) == (1, 1024, 512)
