"""What holds for all tests."""

from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes says more of what else the machine does than of what is tested.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

_SHORT = ("contract", "property", "docs", "unit")
"""Folders whose files are short, from the longest to the shortest."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have files begin first whose tests may take longest, by what they are allowed.

    What is left for the end is short, so that of several workers none waits long for another.
    Between them what computes and what waits for its processes come in turns, by their names.
    """
    usual_s = float(config.getini("timeout"))
    allowed_s: dict[Path, float] = defaultdict(lambda: usual_s)
    for item in items:
        mark = item.get_closest_marker("timeout")
        if mark is not None:
            allowed_s[item.path] = max(allowed_s[item.path], mark.args[0])
    items.sort(key=lambda item: (-allowed_s[item.path], _rank(item.path), item.path.name))


def _rank(path: Path) -> int:
    folder = path.relative_to(Path(__file__).parent).parts[0]
    return _SHORT.index(folder) + 1 if folder in _SHORT else 0
