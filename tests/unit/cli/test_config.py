"""What `headway config` reads."""

import io
import sys

import click
import pytest

from headway.cli.config import _asked


def test_a_value_is_read_without_the_end_of_its_line(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("crimson\n"))
    assert _asked("COLOUR") == "crimson"


def test_no_value_is_not_taken_for_an_empty_one(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    with pytest.raises(click.UsageError, match="no value for API_KEY"):
        _asked("API_KEY")
