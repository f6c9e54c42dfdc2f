"""The examples in the docstrings of what every room says and counts alike are true."""

import doctest

import pytest

from headway.model import instant, preempting, run, words


@pytest.mark.parametrize("module", [instant, preempting, run, words], ids=lambda one: one.__name__)
def test_the_examples_are_true(module):
    found = doctest.testmod(module, raise_on_error=True)
    assert found.attempted
    assert not found.failed
