"""Finds a world in which a planted bug shows."""

from collections.abc import Iterator
from functools import cache

from tests.simulation.planted.bug import Bug, World

_SEEDS_MOST = 60
"""The kept world finds its bug until the code changes; the number only bounds what comes then."""


class NotFound(Exception):
    """No world shows the bug."""


@cache
def broken(world: World) -> str | None:
    """Say what does not hold in a world in which nothing is planted."""
    return world.broken()


def search(bug: Bug) -> World:
    """Give the first world in which a bug breaks what it is to break, and nothing is without it.

    Raises:
        NotFound: None of those that were tried.
    """
    tried = []
    for world in _worlds(bug.world):
        if bug.is_found(world) and broken(world) is None:
            return world
        tried.append(str(world))
    raise NotFound(f"in none of {len(tried)} worlds: {'; '.join(tried)}")


def _worlds(kept: World) -> Iterator[World]:
    """Give the world that found a bug last, then others."""
    yield kept
    for seed in range(1, _SEEDS_MOST):
        if seed != kept.seed:
            yield kept._replace(seed=seed)
