"""The examples in docstrings are true, in every room."""

import doctest
import importlib
from pathlib import Path

import pytest

import headway

_ROOT = Path(headway.__file__).parent
MODULES = sorted(
    ".".join(("headway", *file.relative_to(_ROOT).with_suffix("").parts)).removesuffix(".__init__")
    for file in _ROOT.rglob("*.py")
    if ">>> " in file.read_text()
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_are_true(name):
    module = importlib.import_module(name)
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS, raise_on_error=True).attempted
