"""The examples in the docstrings of this room are true."""

import doctest
import importlib
import pkgutil

import pytest

import headway.formats

MODULES = [row.name for row in pkgutil.iter_modules(headway.formats.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name):
    module = importlib.import_module(f"headway.formats.{name}")
    assert doctest.testmod(module, raise_on_error=True).failed == 0


def test_there_are_examples():
    finder = doctest.DocTestFinder()
    modules = [importlib.import_module(f"headway.formats.{name}") for name in MODULES]
    assert sum(bool(test.examples) for row in modules for test in finder.find(row)) >= 8
