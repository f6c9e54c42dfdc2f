"""How full nodes are: what they have together, and each by what it has least of."""

from typing import NamedTuple

from headway.calculate.placement.table import Table
from headway.calculate.placement.wanted import CORES, SHARED, UNCOUNTED, in_units
from headway.model.ids import NodeId
from headway.model.node import NodeState


class Filled(NamedTuple):
    """What all nodes together that take something have of one thing: cores, MiB, or pieces."""

    name: str
    there: float
    reserved: float


class Fullness(NamedTuple):
    """All nodes at a glance."""

    sums: tuple[Filled, ...]
    shares: dict[NodeId, float]
    """From 0 to 1: how much is reserved of what a node has least of."""


def fullness(table: Table) -> Fullness:
    """Sum up what is held of nodes."""
    is_ready = NodeState.READY
    nodes = [(row, node) for row, node in enumerate(table.nodes) if node is not None]
    there = [row for row, _ in nodes]
    ready = [row for row, node in nodes if node.state is is_ready]
    firsts = [row for row in ready if row == _first_ready(table, row)]
    shares = [0.0] * table.rows
    sums = []
    for name, size, free in zip(table.names, table.sizes, table.free, strict=True):
        sizes, lefts = size.cells, free.cells
        for row in there:
            has = sizes[row]
            if 0 < has < UNCOUNTED and (share := (has - lefts[row]) / has) > shares[row]:
                shares[row] = share
        counted = [
            row for row in (firsts if name in SHARED else ready) if 0 < sizes[row] < UNCOUNTED
        ]
        if counted:
            whole = sum(sizes[row] for row in counted)
            held = whole - sum(lefts[row] for row in counted)
            sums.append(Filled(name, in_units(name, whole), in_units(name, held)))
    return Fullness(tuple(sums), {table.ids[row]: min(1.0, shares[row]) for row in there})


def reserved_cores(table: Table) -> dict[NodeId, float]:
    """Give how many cores are held of each node."""
    if CORES not in table.names:
        return {}
    number = table.names.index(CORES)
    sizes, lefts = table.sizes[number].cells, table.free[number].cells
    return {
        node.id: float(in_units(CORES, sizes[row] - lefts[row]))
        for row, node in enumerate(table.nodes)
        if node is not None
    }


def _state(table: Table, row: int) -> NodeState | None:
    node = table.nodes[row]
    return None if node is None else node.state


def _first_ready(table: Table, row: int) -> int:
    """Give the node by which what belongs to a machine is counted."""
    mates = table.machines.rows(row)
    if len(mates) == 1:
        return row
    return next(mate for mate in mates if _state(table, mate) is NodeState.READY)
