"""Layers of a graph: what needs what, from left to right, with few lines that cross.

After Sugiyama: each node in a layer behind all that need it, long lines through places of their own
in the layers between, layers put in order by the median of their neighbours.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import median_low

from headway.model.value import Value

_SWEEPS = 8
"""There and back; more change little."""


class Place(Value, kw_only=True):
    """A place in a layer: a node's, or one that a line passes through."""

    layer: int
    rank: int
    """From the top of its layer."""
    node: str = ""
    """Empty: a line passes through."""


class Line(Value, kw_only=True):
    """A line from a node to one that it leads to, by the places that it touches."""

    begin: str
    end: str
    places: tuple[Place, ...]
    """From left to right, the two nodes' own included."""


class Layers(Value, kw_only=True):
    """A graph in layers."""

    places: tuple[Place, ...] = ()
    """Of nodes, from left to right and top to bottom."""
    lines: tuple[Line, ...] = ()
    heights: tuple[int, ...] = ()
    """How many places each layer has."""


def layered(nodes: Iterable[str], edges: Iterable[tuple[str, str]]) -> Layers:
    """Put a graph in layers. Equal graphs give equal layers, in whatever order they are told.

    Edges of nodes that are not there, from a node to itself, and doubles are left out. In a circle
    one line leads back.

    >>> found = layered(["web", "db", "api"], [("web", "api"), ("api", "db"), ("web", "db")])
    >>> [(place.node, place.layer, place.rank) for place in found.places]
    [('web', 0, 0), ('api', 1, 0), ('db', 2, 0)]
    >>> [len(line.places) for line in found.lines]
    [2, 2, 3]
    """
    names = sorted(set(nodes))
    known = set(names)
    wanted = sorted({edge for edge in edges if known.issuperset(edge) and edge[0] != edge[1]})
    forward = _without_circles(names, wanted)
    depth = _depths(names, forward)
    chains = _chains(wanted, depth)
    order = _ordered(names, depth, chains)
    rank = {key: place for layer in order for place, key in enumerate(layer)}
    return Layers(
        places=tuple(
            Place(layer=number, rank=rank[key], node=key)
            for number, layer in enumerate(order)
            for key in layer
            if key in known
        ),
        lines=tuple(_line(edge, chains[edge], rank, depth, known) for edge in wanted),
        heights=tuple(len(layer) for layer in order),
    )


def _line(
    edge: tuple[str, str],
    chain: Sequence[str],
    rank: Mapping[str, int],
    depth: Mapping[str, int],
    known: set[str],
) -> Line:
    first = depth[chain[0]]
    places = tuple(
        Place(layer=first + step, rank=rank[key], node=key if key in known else "")
        for step, key in enumerate(chain)
    )
    return Line(begin=edge[0], end=edge[1], places=places)


def _without_circles(
    names: Sequence[str], edges: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Turn round each edge that closes a circle, as a search in depth meets it."""
    after: dict[str, list[str]] = defaultdict(list)
    for begin, end in edges:
        after[begin].append(end)
    entered = {end for _, end in edges}
    found: list[tuple[str, str]] = []
    seen: set[str] = set()
    for root in sorted(names, key=lambda name: (name in entered, name)):
        if root in seen:
            continue
        seen.add(root)
        path, way = {root}, [(root, iter(after[root]))]
        while way:
            node, rest = way[-1]
            following = next(rest, None)
            if following is None:
                path.discard(node)
                way.pop()
            elif following in path:
                found.append((following, node))
            else:
                found.append((node, following))
                if following not in seen:
                    seen.add(following)
                    path.add(following)
                    way.append((following, iter(after[following])))
    return found


def _depths(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Give each node's layer: behind all that lead to it."""
    after: dict[str, set[str]] = defaultdict(set)
    for begin, end in edges:
        after[begin].add(end)
    open_edges = dict.fromkeys(names, 0)
    for ends in after.values():
        for end in ends:
            open_edges[end] += 1
    depth = dict.fromkeys(names, 0)
    ready = [name for name in names if not open_edges[name]]
    while ready:
        node = ready.pop()
        for end in after[node]:
            depth[end] = max(depth[end], depth[node] + 1)
            open_edges[end] -= 1
            if not open_edges[end]:
                ready.append(end)
    return depth


def _chains(
    edges: Sequence[tuple[str, str]], depth: Mapping[str, int]
) -> dict[tuple[str, str], list[str]]:
    """Give each edge the places that it touches, from left to right.

    Lines that lead to the same node share their ways there: they are easier to follow, and there
    are never more places than nodes times layers.
    """
    chains = {}
    for begin, end in edges:
        left, right = sorted((begin, end), key=lambda name: depth[name])
        between = range(depth[left] + 1, depth[right])
        chains[begin, end] = [left, *(f"\0{right}\0{layer}" for layer in between), right]
    return chains


def _ordered(
    names: Sequence[str],
    depth: Mapping[str, int],
    chains: Mapping[tuple[str, str], Sequence[str]],
) -> list[list[str]]:
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in names:
        layers[depth[name]].append(name)
    before: dict[str, list[str]] = defaultdict(list)
    behind: dict[str, list[str]] = defaultdict(list)
    passed: dict[str, int] = {}
    joined: dict[tuple[str, str], None] = {}
    for chain in chains.values():
        joined.update(dict.fromkeys(pairwise(chain)))
        passed.update((key, depth[chain[0]] + step) for step, key in enumerate(chain[1:-1], 1))
    for key, layer in passed.items():
        layers[layer].append(key)
    for left, right in joined:
        behind[left].append(right)
        before[right].append(left)
    best, fewest = [list(layer) for layer in layers], _crossings(layers, behind)
    for sweep in range(_SWEEPS):
        rightwards = sweep % 2 == 0
        steps = range(1, len(layers)) if rightwards else range(len(layers) - 2, -1, -1)
        for step in steps:
            beside = layers[step - 1 if rightwards else step + 1]
            _sort(layers[step], beside, before if rightwards else behind)
        crossings = _crossings(layers, behind)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    return best


def _sort(layer: list[str], beside: Sequence[str], neighbours: Mapping[str, list[str]]) -> None:
    rank = {key: place for place, key in enumerate(beside)}
    own = {key: place for place, key in enumerate(layer)}

    def middle(key: str) -> tuple[float, int]:
        ranks = [rank[one] for one in neighbours.get(key, ()) if one in rank]
        return (median_low(ranks) if ranks else own[key], own[key])

    layer.sort(key=middle)


def _crossings(layers: Sequence[Sequence[str]], behind: Mapping[str, list[str]]) -> int:
    """Count pairs of lines between neighbouring layers that cross, by a tree of counts."""
    total = 0
    for left, right in pairwise(layers):
        rank = {key: place for place, key in enumerate(right)}
        ends = [place for key in left for place in sorted(rank[one] for one in behind.get(key, ()))]
        counts = [0] * (len(right) + 1)
        for seen, end in enumerate(ends):
            not_above, place = 0, end + 1
            while place:
                not_above += counts[place]
                place -= place & -place
            total += seen - not_above
            place = end + 1
            while place <= len(right):
                counts[place] += 1
                place += place & -place
    return total
