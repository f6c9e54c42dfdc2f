import re
from pathlib import Path

import pytest

from headway.cli.main import cli
from headway.formats.reference import describe, page, paths, settings_page
from headway.formats.units import render_size
from headway.model.job import Job
from headway.model.resources import MIB

ROOT = Path(__file__).resolve().parents[2]


def test_the_reference_page_is_what_the_schema_says():
    reference = ROOT / "docs" / "reference"
    for name, text in (("manifest.md", page()), ("settings.md", settings_page())):
        assert (reference / name).read_text() == text, "run: python -m docs"


@pytest.mark.parametrize("path", paths())
def test_every_key_is_explained(path):
    text = describe(path)
    assert text is not None
    assert len(text.splitlines()) >= 5


def test_every_command_that_the_documents_name_is_there():
    names = set(cli.list_commands(None))
    for document in [
        ROOT / "README.md",
        *ROOT.glob("docs/**/*.md"),
        ROOT / "examples/shop/README.md",
    ]:
        for command in re.findall(r"^\$? ?headway ([a-z]+)", document.read_text(), re.MULTILINE):
            assert command in names, f"{document}: headway {command}"


def test_every_command_has_help_that_fits():
    for name in cli.list_commands(None):
        command = cli.get_command(None, name)
        assert command.help, name
        assert len(command.get_short_help_str(100)) > 10, name


def test_what_a_run_may_use_where_its_job_does_not_say_is_what_the_reference_says():
    jobs = page().partition("\n## jobs\n")[2].partition("\n## ")[0]
    shown = dict(
        re.findall(r"^\| `NAME\.resources\.(\w+)` \| [^|]* \| ([^|]*) \|", jobs, re.MULTILINE)
    )
    own = Job(name="x").resources
    assert shown["cpu"] == f"{own.cpu:g}"
    assert shown["max_mem"] == render_size(own.memory_mib * MIB)
