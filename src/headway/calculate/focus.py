"""What to show of a graph that is too large to be looked at."""

from collections import defaultdict
from collections.abc import Iterable, Sequence


def in_focus(
    nodes: Sequence[str], edges: Iterable[tuple[str, str]], wrong: Sequence[str], most: int
) -> frozenset[str]:
    """Choose at most so many nodes: all, else what is wrong and what is next to it.

    Where nothing is wrong, those that most others are joined to.

    Args:
        nodes: All of them.
        edges: Which are joined.
        wrong: The worst first.
        most: How many may be shown.

    >>> line = [("a", "b"), ("b", "c"), ("c", "d")]
    >>> sorted(in_focus("abcd", line, ["d"], 3))
    ['c', 'd']
    >>> sorted(in_focus("abcd", line, [], 2))
    ['b', 'c']
    """
    if len(nodes) <= most:
        return frozenset(nodes)
    beside: dict[str, set[str]] = defaultdict(set)
    for begin, end in edges:
        beside[begin].add(end)
        beside[end].add(begin)
    if not wrong:
        joined = sorted(nodes, key=lambda node: (-len(beside[node]), node))
        return frozenset(joined[:most])
    chosen = dict.fromkeys(wrong[:most])
    for node in tuple(chosen):
        for neighbour in sorted(beside[node]):
            if len(chosen) >= most:
                break
            chosen.setdefault(neighbour)
    return frozenset(chosen)
