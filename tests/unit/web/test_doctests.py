"""The examples in the docstrings of the room."""

import doctest
import importlib
import pkgutil

import pytest

from headway import web

_MODULES = sorted(
    found.name for found in pkgutil.walk_packages(web.__path__, prefix="headway.web.")
)


@pytest.mark.parametrize("name", _MODULES)
def test_examples_hold(name):
    doctest.testmod(importlib.import_module(name), raise_on_error=True)
