"""Whole numbers on the command line: what is none is a mistake of who wrote it."""

import pytest
from click.testing import CliRunner

from headway.cli.config import config
from headway.cli.deploy import rollback, scale


@pytest.mark.parametrize("text", ["²", "9" * 5000, "-1", "1.5", ""])
@pytest.mark.parametrize(
    ("command", "words"),
    [(scale, "web={}"), (rollback, "v{}"), (config, "diff v1 v{}")],
)
def test_what_is_no_whole_number_is_a_mistake_of_usage(command, words, text):
    result = CliRunner().invoke(command, words.format(text).split())
    assert result.exit_code == 2, result.output
    assert "such as" in result.output
