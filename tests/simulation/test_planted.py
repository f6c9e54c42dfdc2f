"""Bugs that are planted are found: the worlds would show them if a person made them."""

import pytest

from tests.simulation.planted import BUGS
from tests.simulation.planted.search import broken, search


@pytest.mark.parametrize("world", sorted({bug.world for bug in BUGS.values()}), ids=str)
def test_nothing_is_found_where_nothing_is_planted(world):
    assert broken(world) is None


@pytest.mark.slow
@pytest.mark.parametrize("name", BUGS)
@pytest.mark.timeout(600)
def test_a_planted_bug_is_found(name):
    """Where it was found last, or elsewhere: `python -m tests.simulation.planted` says where."""
    assert search(BUGS[name])
