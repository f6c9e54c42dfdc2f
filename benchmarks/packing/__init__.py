"""Nodes used, and node-hours where containers leave, beside how others choose in the same harness."""

from functools import partial
from itertools import chain

from benchmarks.figure import Figure
from benchmarks.packing.departures import node_hours
from benchmarks.packing.packers import ByHeadway, ByRule, Made, nodes_used
from benchmarks.packing.rules import RULES, first_fit
from benchmarks.packing.traces import Load, denser, dlrm, missing, mixes, openb


def run() -> list[Figure]:
    """Pack every load by every rule."""
    loads, moving = mixes(), mixes()
    if absent := missing():
        print(f"left out, as there is no {' nor '.join(absent)}: set HEADWAY_TRACES")
    else:
        loads = [openb(), dlrm(), *loads]
        moving = [openb(), denser(openb(), 25), dlrm(), *moving]
    used = chain.from_iterable(map(_used, loads))
    return [*used, *map(_hours, moving)]


def bound(load: Load) -> float:
    """No fewer nodes than the sum of each resource takes."""
    sums = [sum(item.needs[at] for item in load.items) for at in range(len(load.node))]
    return max(total / size for total, size in zip(sums, load.node, strict=True))


def fluid_bound(load: Load) -> float:
    """No fewer node-hours than each resource takes over time."""
    sums = [
        sum(item.needs[at] * (item.end - item.begin) for item in load.items)
        for at in range(len(load.node))
    ]
    return max(total / size for total, size in zip(sums, load.node, strict=True)) / 3600


def _used(load: Load) -> list[Figure]:
    """Pack in order of arrival, and, as if all were known before, largest first."""
    decreasing = sorted(
        load.items,
        key=lambda item: -sum(n / s for n, s in zip(item.needs, load.node, strict=True)),
    )
    others = {name: nodes_used(load.items, ByRule(load, rule)) for name, rule in RULES.items()}
    sorted_first_fit = nodes_used(decreasing, ByRule(load, first_fit))
    mine = nodes_used(load.items, ByHeadway(load))
    print(f"  {load.name}: bound {bound(load):.0f}, headway {mine}, {others}")
    best = min(others, key=lambda name: others[name])
    return [
        _beside(f"{load.name}: nodes used", mine, best, others[best], load),
        _beside(
            f"{load.name}: nodes used, largest first",
            nodes_used(decreasing, ByHeadway(load)),
            "first-fit decreasing",
            sorted_first_fit,
            load,
        ),
    ]


def _beside(what: str, mine: int, best: str, theirs: int, load: Load) -> Figure:
    return Figure(
        what=what,
        value=mine,
        unit="nodes",
        against=f"{theirs} by {best}, bound {bound(load):.0f}",
        ratio=mine / theirs,
        goal="at most 0.5 % over the best",
        holds=mine <= theirs * 1.005 + 0.5,
    )


def _hours(load: Load) -> Figure:
    made: dict[str, Made] = {name: partial(ByRule, load, rule) for name, rule in RULES.items()}
    others = {name: node_hours(load, make()) for name, make in made.items()}
    mine = node_hours(load, ByHeadway(load))
    best = min(others, key=lambda name: others[name])
    shown = {name: round(hours) for name, hours in others.items()}
    print(f"  {load.name}: bound {fluid_bound(load):.0f}, headway {mine:.0f}, {shown}")
    return Figure(
        what=f"{load.name}: node-hours with departures",
        value=round(mine, 1),
        unit="h",
        against=f"{others[best]:,.0f} by {best}, bound {fluid_bound(load):,.0f}",
        ratio=mine / others[best],
        goal="fewer than all others",
        holds=mine < others[best],
    )
